/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "window_layer.h"

NNOM_PARAM_FIELDS(nnom_pool_param, NNOM_POOL_PARAM)

NNOM_FORM(max_pool_s8_ref, nnom_conv_window, 0, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(max_pool_s16_ref, nnom_conv_window, 0, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(max_pool_f32_ref, nnom_conv_window, 0, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(avg_pool_s8_ref, nnom_conv_window, 0, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(avg_pool_s16_ref, nnom_conv_window, 0, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(avg_pool_f32_ref, nnom_conv_window, 0, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(sum_pool_s8_ref, nnom_conv_window, 0, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(sum_pool_s16_ref, nnom_conv_window, 0, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(sum_pool_f32_ref, nnom_conv_window, 0, nnom_pool_param, nnom_pool_plain)

static const nnom_kernel_t max_pool_s8[] = {NNOM_KERNELS_MAX_POOL_S8(NNOM_KERNEL_ROW)};
static const nnom_kernel_t max_pool_s16[] = {NNOM_KERNELS_MAX_POOL_S16(NNOM_KERNEL_ROW)};
static const nnom_kernel_t max_pool_f32[] = {NNOM_KERNELS_MAX_POOL_F32(NNOM_KERNEL_ROW)};
static const nnom_kernel_t avg_pool_s8[] = {NNOM_KERNELS_AVG_POOL_S8(NNOM_KERNEL_ROW)};
static const nnom_kernel_t avg_pool_s16[] = {NNOM_KERNELS_AVG_POOL_S16(NNOM_KERNEL_ROW)};
static const nnom_kernel_t avg_pool_f32[] = {NNOM_KERNELS_AVG_POOL_F32(NNOM_KERNEL_ROW)};
static const nnom_kernel_t sum_pool_s8[] = {NNOM_KERNELS_SUM_POOL_S8(NNOM_KERNEL_ROW)};
static const nnom_kernel_t sum_pool_s16[] = {NNOM_KERNELS_SUM_POOL_S16(NNOM_KERNEL_ROW)};
static const nnom_kernel_t sum_pool_f32[] = {NNOM_KERNELS_SUM_POOL_F32(NNOM_KERNEL_ROW)};

/* Padding does not count, so every window must have a cell of the input: given paddings may be too large. */
static nnom_status_t pool_check_padding(const nnom_layer_t *layer, nnom_shape_t in, nnom_size_t out)
{
    const nnom_geometry_t *g = layer->geometry;
    const bool first = g->pad_top < g->kernel_h && g->pad_left < g->kernel_w;
    const bool last = (int64_t)(out.h - 1) * g->stride_h - g->pad_top < in.h &&
                      (int64_t)(out.w - 1) * g->stride_w - g->pad_left < in.w;
    if (!first || !last) {
        return nnom_layer_fail(
            layer, NNOM_BAD_ARGUMENT,
            "padding (%d, %d, %d, %d) leaves a window of (%d, %d) without input, expected less padding",
            (int)g->pad_top, (int)g->pad_bottom, (int)g->pad_left, (int)g->pad_right, (int)g->kernel_h,
            (int)g->kernel_w);
    }
    return NNOM_OK;
}

/* How far output cell i lies above the first cell that it reads, at most, in bytes: along rows or along columns. */
static int64_t pool_ahead(int32_t count, int32_t step, int32_t pad, int64_t out_bytes, int64_t in_bytes)
{
    int64_t most = 0;
    const int32_t inside = pad / step; /* up to here first is 0, then the distance is linear in i: the ends decide */
    const int32_t ends[] = {inside < count ? inside : count - 1, inside + 1 < count ? inside + 1 : count - 1,
                            count - 1};
    for (uint32_t k = 0; k < sizeof ends / sizeof *ends; k++) {
        const int64_t first = (int64_t)ends[k] * step - pad;
        const int64_t distance = ends[k] * out_bytes - (first > 0 ? first : 0) * in_bytes;
        most = distance > most ? distance : most;
    }
    return most;
}

/*
 * Pools may write closer to what they read than row by row. Kernels take pixels in order. Let o(p) and a(p) be the
 * offsets of output pixel p and of the first cell of its window, from the first byte of output and input. When p is
 * computed, the bytes below o(p) are written; p and all later pixels q read at a(p) and a(q) or above. With a distance
 * d >= o(q) - a(q) for all q, output byte o(q) lies at or below a(q), so nothing that q reads was written before it.
 * Within p, channel i is written at o(p) + i after it was read in all cells, and channels above i lie above it: a(p) +
 * i + 1 > o(p) - d + i. Both offsets are a sum of a term of the row and one of the column, so the largest difference is
 * the sum of the two largest. Same element size on both sides.
 */
static void pool_set_overlap(nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const nnom_shape_t out = layer->out->shape;
    const int64_t pixel = (int64_t)out.c * nnom_type_bytes(layer->out->type);
    const int64_t distance = pool_ahead(out.h, g->stride_h, g->pad_top, out.w * pixel, in.w * pixel) +
                             pool_ahead(out.w, g->stride_w, g->pad_left, pixel, pixel);
    layer->overlap = distance < NNOM_NO_OVERLAP ? (int32_t)distance : NNOM_NO_OVERLAP;
}

/* One window over the whole input: a reduction, which takes rows as they come instead of waiting for all. */
static bool pool_covers(const nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    return g->kernel_h == in.h && g->kernel_w == in.w && layer->out->shape.h == 1 && layer->out->shape.w == 1 &&
           g->pad_top + g->pad_bottom + g->pad_left + g->pad_right == 0;
}

/* `sums`: the kernel adds up the window's cells. */
static nnom_status_t pool_build(nnom_layer_t *layer, bool sums, bool always)
{
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    nnom_size_t size;
    nnom_status_t status = nnom_window_type(layer);
    if (status == NNOM_OK) {
        status = nnom_geometry_resolve(layer, in, &size);
    }
    if (status == NNOM_OK) {
        status = pool_check_padding(layer, in, size);
    }
    if (status != NNOM_OK) {
        return status;
    }
    layer->out->shape = nnom_make_shape(size.h, size.w, in.c);
    const int64_t cells = (int64_t)layer->geometry->kernel_h * layer->geometry->kernel_w;
    status = nnom_pool_param((nnom_pool_layer_t *)layer, sums ? cells : 1, always);
    if (status == NNOM_OK && pool_covers(layer)) {
        nnom_global_pool_memory(layer);
    } else if (status == NNOM_OK) {
        pool_set_overlap(layer);
    }
    return status;
}

static nnom_status_t max_pool_build(nnom_layer_t *layer)
{
    const nnom_status_t status = pool_build(layer, false, false);
    if (status != NNOM_OK) {
        return status;
    }
    return pool_covers(layer) ? nnom_global_max_pool_kernel(layer) : NNOM_CONV_CHOOSE(layer, max_pool);
}

static nnom_status_t avg_pool_build(nnom_layer_t *layer)
{
    const nnom_status_t status = pool_build(layer, true, false);
    if (status != NNOM_OK) {
        return status;
    }
    return pool_covers(layer) ? nnom_global_avg_pool_kernel(layer) : NNOM_CONV_CHOOSE(layer, avg_pool);
}

static nnom_status_t sum_pool_build(nnom_layer_t *layer)
{
    const nnom_status_t status = pool_build(layer, true, true);
    if (status != NNOM_OK) {
        return status;
    }
    return pool_covers(layer) ? nnom_global_sum_pool_kernel(layer) : NNOM_CONV_CHOOSE(layer, sum_pool);
}

static const nnom_class_t max_pool_class = {
    "MaxPool", "nnom_pool_param", nnom_pool_param_fields, max_pool_build, 1, 1, NNOM_CLASS_CLAMPS | NNOM_CLASS_WINDOW};
static const nnom_class_t avg_pool_class = {
    "AvgPool", "nnom_pool_param", nnom_pool_param_fields, avg_pool_build, 1, 1, NNOM_CLASS_CLAMPS | NNOM_CLASS_WINDOW};
static const nnom_class_t sum_pool_class = {
    "SumPool", "nnom_pool_param", nnom_pool_param_fields, sum_pool_build, 1, 1, NNOM_CLASS_CLAMPS | NNOM_CLASS_WINDOW};

static nnom_layer_t *pool(const nnom_class_t *cls, nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding)
{
    const nnom_geometry_t g = {kernel.h, kernel.w, stride.h, stride.w, 1, 1, 0, 0, 0, 0};
    nnom_layer_t *layer = nnom_pool_new(cls, g);
    if (layer != NULL) {
        layer->padding = padding;
    }
    return layer;
}

nnom_layer_t *nnom_max_pool(nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding)
{
    return pool(&max_pool_class, kernel, stride, padding);
}

nnom_layer_t *nnom_avg_pool(nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding)
{
    return pool(&avg_pool_class, kernel, stride, padding);
}

nnom_layer_t *nnom_sum_pool(nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding)
{
    return pool(&sum_pool_class, kernel, stride, padding);
}
