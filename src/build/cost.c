/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What a layer costs, as the record of its kernel tells. In double: products of five numbers of up to 31 bits. */
#include "kernel.h"

static double cost_elements(nnom_shape_t shape)
{
    return (double)shape.h * shape.w * shape.c;
}

/* MACs; of layers that have none the cells that their windows read, or the elements of input 0. */
static double cost_work(const nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    if (layer->macs > 0) {
        return (double)layer->macs;
    }
    if (g != NULL && (layer->cls->flags & NNOM_CLASS_WINDOW) != 0) {
        return cost_elements(layer->out->shape) * g->kernel_h * g->kernel_w;
    }
    return layer->in != NULL ? cost_elements(nnom_layer_in(layer, 0)->shape) : 0;
}

/* Cells of a row of a window that lie side by side: what a kernel reads at once. */
static int32_t cost_run(const nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    return (g->dilation_w == 1 ? g->kernel_w : 1) * nnom_layer_in(layer, 0)->shape.c;
}

/* Pixels of a row whose window reaches into the padding at the left or the right. */
static double cost_border(const nnom_geometry_t *g, int32_t w)
{
    const int32_t pixels =
        (g->pad_left + g->stride_w - 1) / g->stride_w + (g->pad_right + g->stride_w - 1) / g->stride_w;
    return pixels < w ? pixels : w;
}

/* How many times as much `n` is when it is filled up to whole `by`. */
static double cost_filled(int32_t n, uint16_t by)
{
    return by > 1 ? (double)((n - 1) / by + 1) * by / n : 1.0;
}

/* At most 2^44 for all rows: three of them for 65,535 nodes are less than 2^64. */
static float cost_limited(double sixteenths, int32_t rows)
{
    const double most = 17592186044416.0 / rows;
    return (float)(sixteenths < most ? sixteenths : most);
}

/* Windows of a pixel each: what a row costs beside its pixels is paid in each call, and blocks are filled from the next row. */
static bool cost_joins(const nnom_layer_t *layer, const uint16_t *costs)
{
    const nnom_geometry_t *g = layer->geometry;
    return costs[NNOM_RECORD_JOINS] != 0 && g->kernel_h * g->kernel_w == 1 && g->stride_h * g->stride_w == 1;
}

/* A row of what is multiplied. */
static double cost_row_of_work(const nnom_layer_t *layer, nnom_shape_t worked, const uint16_t *costs)
{
    const bool windows = layer->macs > 0 && layer->geometry != NULL;
    const double plain = cost_work(layer) / worked.h, window = plain / layer->out->shape.c;
    const double run = windows ? cost_filled(cost_run(layer), costs[NNOM_RECORD_RUN]) : 1.0;
    const double work = plain * run * cost_filled(layer->out->shape.c, costs[NNOM_RECORD_OUTPUTS]);
    const double filled = cost_joins(layer, costs) ? 1.0 : cost_filled(worked.w, costs[NNOM_RECORD_PIXELS]);
    const double blocks = work * filled / (costs[NNOM_RECORD_PIXELS] > 1 ? costs[NNOM_RECORD_PIXELS] : 1);
    return work * costs[NNOM_COST_MAC] + blocks * costs[NNOM_COST_BLOCK] + window * costs[NNOM_COST_WINDOW];
}

/* Numbers of a state, in the steps that a row is worked in. */
static double cost_units(const nnom_layer_t *layer, nnom_shape_t worked)
{
    return layer->in != NULL ? (double)layer->out->shape.c * nnom_layer_in(layer, 0)->shape.h / worked.h : 0.0;
}

static double cost_row(const nnom_layer_t *layer, nnom_shape_t worked, bool reduces, const uint16_t *costs)
{
    const bool windows = layer->macs > 0 && layer->geometry != NULL && !reduces;
    const double runs = windows ? (double)worked.w * layer->geometry->kernel_h : 0.0;
    const double border = windows ? cost_border(layer->geometry, worked.w) * layer->geometry->kernel_h : 0.0;
    return cost_row_of_work(layer, worked, costs) + runs * costs[NNOM_COST_RUN] + border * costs[NNOM_COST_BORDER] +
           (double)worked.w * costs[NNOM_COST_PIXEL] + (cost_joins(layer, costs) ? 0.0 : costs[NNOM_COST_ROW]) +
           cost_units(layer, worked) * costs[NNOM_COST_UNIT];
}

nnom_cost_t nnom_layer_cost(const nnom_layer_t *layer, const nnom_op_t *op, const uint16_t *costs)
{
    const bool reduces = (op->flags & NNOM_OP_REDUCES) != 0;
    const nnom_shape_t out = layer->out->shape, worked = reduces ? nnom_layer_in(layer, 0)->shape : out;
    const double bytes = costs[NNOM_RECORD_BYTES] != 0 ? (double)nnom_type_bytes(layer->out->type) : 1.0;
    const double outputs = cost_elements(out), written = outputs * bytes * costs[NNOM_COST_OUTPUT];
    const double row = cost_row(layer, worked, reduces, costs) + (reduces ? 0.0 : written / out.h);
    const double call = costs[NNOM_COST_CALL] + (cost_joins(layer, costs) ? costs[NNOM_COST_ROW] : 0.0);
    const double once = call + (reduces ? written : 0.0);
    const double more = call + (reduces ? outputs * costs[NNOM_COST_KEPT] : 0.0);
    const nnom_cost_t cost = {cost_limited(once, 1), cost_limited(row, worked.h), cost_limited(more, worked.h)};
    return cost;
}

uint8_t nnom_liked_rows(const uint16_t *costs)
{
    const uint16_t rows = costs[NNOM_RECORD_ROWS];
    return (uint8_t)(rows < 1 ? 1 : (rows < UINT8_MAX ? rows : UINT8_MAX));
}
