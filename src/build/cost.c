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

/* Of windows that must be gathered cell by cell: no whole words of channels, or apart from each other. */
static bool cost_ragged(const nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    return layer->macs > 0 && g != NULL && nnom_conv2d_gathers(g) &&
           (nnom_layer_in(layer, 0)->shape.c % 4 != 0 || g->dilation_w != 1);
}

/* At most 2^44 for all rows: three of them for 65,535 nodes are less than 2^64. */
static float cost_limited(double sixteenths, int32_t rows)
{
    const double most = 17592186044416.0 / rows;
    return (float)(sixteenths < most ? sixteenths : most);
}

static double cost_row(const nnom_layer_t *layer, nnom_shape_t worked, const uint16_t *costs)
{
    const double work = cost_work(layer) / worked.h, window = work / layer->out->shape.c;
    const double last = worked.w % 2 != 0 ? work / worked.w : 0.0;
    return work * costs[NNOM_COST_MAC] + last * costs[NNOM_COST_LAST] + window * costs[NNOM_COST_WINDOW] +
           (cost_ragged(layer) ? window * costs[NNOM_COST_RAGGED] : 0.0) + (double)worked.w * costs[NNOM_COST_PIXEL] +
           costs[NNOM_COST_ROW];
}

nnom_cost_t nnom_layer_cost(const nnom_layer_t *layer, const nnom_op_t *op, const uint16_t *costs)
{
    const bool reduces = (op->flags & NNOM_OP_REDUCES) != 0;
    const nnom_shape_t out = layer->out->shape, worked = reduces ? nnom_layer_in(layer, 0)->shape : out;
    const double outputs = cost_elements(out), written = outputs * costs[NNOM_COST_OUTPUT];
    const double row = cost_row(layer, worked, costs) + (reduces ? 0.0 : written / out.h);
    const double once = costs[NNOM_COST_CALL] + (reduces ? written : 0.0);
    const double more = costs[NNOM_COST_CALL] + (reduces ? outputs * costs[NNOM_COST_KEPT] : 0.0);
    const nnom_cost_t cost = {cost_limited(once, 1), cost_limited(row, worked.h), cost_limited(more, worked.h)};
    return cost;
}
