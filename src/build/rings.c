/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Slides whose rows stay where they are: a ring of the rows that they keep, in which each run overwrites the oldest. Rows are then
 * counted on from run to run. An operation that reads a window of rows may start at any row of a ring, so it is called for as many output
 * rows further on as it makes in a run; its output is a ring, too, of just these rows, so that it lies where it always does.
 *
 * After `period` runs every ring is where it began, and counting begins anew.
 */
#include "graph.h"
#include "kernel.h"

/* No row is counted beyond this, and windows reach no further than 2^20 more: products by strides stay below 2^31. */
enum { RINGS_MOST_ROWS = INT32_C(1) << 20 };

static uint32_t rings_gcd(uint32_t a, uint32_t b)
{
    while (b != 0) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static int32_t rings_hop(const nnom_layer_t *slide)
{
    return nnom_layer_in(slide, 0)->shape.h;
}

/* What reads a slide: windows inside of it, which make their rows anew in each run. */
static bool rings_follows(const nnom_layer_t *reader, int32_t hop)
{
    const nnom_op_t *op = nnom_layer_op(reader);
    const nnom_geometry_t *g = reader->geometry;
    return !reader->passed && op != NULL && op->window == nnom_conv_window && op->flags == 0 && g != NULL &&
           nnom_layer_input_number(reader) == 1 && g->pad_top == 0 && g->pad_bottom == 0 && hop % g->stride_h == 0 &&
           reader->out->shape.h == hop / g->stride_h;
}

static bool rings_can(const nnom_model_t *m, const nnom_layer_t *slide)
{
    bool can = (slide->cls->flags & NNOM_CLASS_KEEPS) != 0 && !slide->is_left && !nnom_is_output(m, slide) &&
               rings_hop(slide) < slide->out->shape.h;
    for (const nnom_edge_t *edge = slide->out_edges; edge != NULL && can; edge = edge->next_out) {
        can = rings_follows(edge->to, rings_hop(slide));
    }
    return can;
}

/* Runs after which this ring, and those of `period` runs, are where they began; 0: too many. */
static uint32_t rings_period(const nnom_layer_t *slide, uint32_t period)
{
    const uint32_t rows = (uint32_t)slide->out->shape.h, hop = (uint32_t)rings_hop(slide);
    const uint32_t own = rows / rings_gcd(rows, hop);
    const uint64_t both = (uint64_t)period / rings_gcd(period, own) * own;
    return rows < RINGS_MOST_ROWS && both * hop < RINGS_MOST_ROWS && both <= NNOM_PERIOD_MOST ? (uint32_t)both : 0;
}

uint32_t nnom_find_rings(nnom_model_t *m)
{
    uint32_t period = 1, most = 1; /* rows of a hop */
    for (nnom_layer_t *layer = m->builder->layers; layer != NULL && !m->builder->options->all_rows;
         layer = layer->next) {
        const uint32_t both = rings_can(m, layer) ? rings_period(layer, period) : 0;
        if (both == 0 || (uint64_t)both * most >= RINGS_MOST_ROWS) {
            continue;
        }
        period = both;
        most = (uint32_t)rings_hop(layer) > most ? (uint32_t)rings_hop(layer) : most;
        layer->advances = true;
        layer->kernel = nnom_slide_ring();
        for (const nnom_edge_t *edge = layer->out_edges; edge != NULL; edge = edge->next_out) {
            edge->to->advances = true;
        }
    }
    return period;
}

void nnom_open_rings(const nnom_model_t *m, const nnom_program_t *program)
{
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (layer->advances && (layer->cls->flags & NNOM_CLASS_KEEPS) != 0) {
            layer->out->shape.h = rings_hop(layer) * (int32_t)program->period + layer->out->rows;
        }
    }
}
