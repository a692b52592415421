/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "builder.h"

enum { NNOM_WINDOW_MAX = 32768 };

nnom_shape_t nnom_make_shape(int32_t h, int32_t w, int32_t c)
{
    const nnom_shape_t s = {h, w, c};
    return s;
}

nnom_size_t nnom_make_size(int32_t h, int32_t w)
{
    const nnom_size_t s = {h, w};
    return s;
}

nnom_border_t nnom_make_border(int32_t top, int32_t bottom, int32_t left, int32_t right)
{
    const nnom_border_t b = {top, bottom, left, right};
    return b;
}

nnom_qformat_t nnom_make_qformat(int32_t m, int32_t n)
{
    const nnom_qformat_t q = {m, n};
    return q;
}

int32_t nnom_shape_elements(nnom_shape_t s)
{
    if (s.h < 1 || s.w < 1 || s.c < 1) {
        return -1;
    }
    const int64_t plane = (int64_t)s.h * s.w; /* < 2^62 */
    if (plane > INT32_MAX || plane * s.c > INT32_MAX) {
        return -1;
    }
    return (int32_t)(plane * s.c);
}

uint32_t nnom_type_bytes(nnom_type_t type)
{
    return nnom_type_facts(type)->bytes;
}

static bool shape_in_range(int32_t x)
{
    return x >= 1 && x <= NNOM_WINDOW_MAX;
}

nnom_status_t nnom_layer_axis(const nnom_layer_t *layer, int32_t *axis)
{
    *axis = layer->given->axis < 0 ? layer->given->axis + 3 : layer->given->axis;
    if (*axis < 0 || *axis > 2) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "axis %d, expected -3 to 2", (int)layer->given->axis);
    }
    return NNOM_OK;
}

/* Keras: ceil(in / stride) outputs; what is missing is padded, the odd cell after the end. */
static void same_padding(int32_t in, int32_t kernel_size, int32_t step, int32_t dilate, int32_t *before, int32_t *after)
{
    const int32_t out = (in - 1) / step + 1;
    const int64_t reach = (int64_t)(out - 1) * step + (int64_t)(kernel_size - 1) * dilate + 1; /* < 2^32 */
    const int64_t missing = reach > in ? reach - in : 0;
    *before = (int32_t)(missing / 2);
    *after = (int32_t)(missing - missing / 2);
}

/* Number of positions of the window, 0 if it does not fit. */
static int64_t positions(int32_t in, int32_t kernel_size, int32_t step, int32_t dilate, int32_t before, int32_t after)
{
    const int64_t room = (int64_t)in + before + after - ((int64_t)(kernel_size - 1) * dilate + 1);
    return room < 0 ? 0 : room / step + 1;
}

static nnom_status_t shape_check_geometry(const nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    if (!shape_in_range(g->kernel_h) || !shape_in_range(g->kernel_w)) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "kernel (%d, %d), expected 1 to %d", (int)g->kernel_h,
                               (int)g->kernel_w, NNOM_WINDOW_MAX);
    }
    if (!shape_in_range(g->stride_h) || !shape_in_range(g->stride_w) || !shape_in_range(g->dilation_h) ||
        !shape_in_range(g->dilation_w)) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "stride (%d, %d), dilation (%d, %d), expected 1 to %d",
                               (int)g->stride_h, (int)g->stride_w, (int)g->dilation_h, (int)g->dilation_w,
                               NNOM_WINDOW_MAX);
    }
    if (layer->padding != NNOM_PADDING_VALID && layer->padding != NNOM_PADDING_SAME &&
        layer->padding != NNOM_PADDING_EXPLICIT) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "padding %d, expected PADDING_VALID or PADDING_SAME",
                               (int)layer->padding);
    }
    const bool explicit_in_range = g->pad_top >= 0 && g->pad_bottom >= 0 && g->pad_left >= 0 && g->pad_right >= 0 &&
                                   g->pad_top <= NNOM_WINDOW_MAX && g->pad_bottom <= NNOM_WINDOW_MAX &&
                                   g->pad_left <= NNOM_WINDOW_MAX && g->pad_right <= NNOM_WINDOW_MAX;
    if (layer->padding == NNOM_PADDING_EXPLICIT && !explicit_in_range) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "padding (%d, %d, %d, %d), expected 0 to %d", (int)g->pad_top,
                               (int)g->pad_bottom, (int)g->pad_left, (int)g->pad_right, NNOM_WINDOW_MAX);
    }
    return NNOM_OK;
}

nnom_status_t nnom_geometry_resolve(nnom_layer_t *layer, nnom_shape_t in, nnom_size_t *out)
{
    nnom_geometry_t *g = layer->geometry;
    const nnom_status_t status = shape_check_geometry(layer);
    if (status != NNOM_OK) {
        return status;
    }
    if (layer->padding == NNOM_PADDING_SAME) {
        same_padding(in.h, g->kernel_h, g->stride_h, g->dilation_h, &g->pad_top, &g->pad_bottom);
        same_padding(in.w, g->kernel_w, g->stride_w, g->dilation_w, &g->pad_left, &g->pad_right);
    } else if (layer->padding == NNOM_PADDING_VALID) {
        g->pad_top = g->pad_bottom = g->pad_left = g->pad_right = 0;
    }
    const int64_t h = positions(in.h, g->kernel_h, g->stride_h, g->dilation_h, g->pad_top, g->pad_bottom);
    const int64_t w = positions(in.w, g->kernel_w, g->stride_w, g->dilation_w, g->pad_left, g->pad_right);
    const int64_t height = (int64_t)in.h + g->pad_top + g->pad_bottom + g->stride_h; /* rows are counted up to here */
    const int64_t width = (int64_t)in.w + g->pad_left + g->pad_right + g->stride_w;
    if (height > INT32_MAX || width > INT32_MAX) {
        return nnom_layer_fail(layer, NNOM_OVERFLOW, "an input of (%d, %d) with its padding, expected less than 2^31",
                               (int)in.h, (int)in.w);
    }
    if (h < 1 || w < 1) {
        return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "kernel (%d, %d) does not fit into the input (%d, %d)",
                               (int)g->kernel_h, (int)g->kernel_w, (int)in.h, (int)in.w);
    }
    *out = nnom_make_size((int32_t)h, (int32_t)w);
    return NNOM_OK;
}

nnom_geometry_t nnom_geometry_one(void)
{
    const nnom_geometry_t one = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0};
    return one;
}

void nnom_geometry_set_pads(nnom_geometry_t *g, nnom_border_t border)
{
    g->pad_top = border.top;
    g->pad_bottom = border.bottom;
    g->pad_left = border.left;
    g->pad_right = border.right;
}
