/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Convolution of windows as wide as the input, as in a time series, on cores with the DSP extension: the rows of a window lie one after another, so
 * an output row is a Dense layer of them. Windows that reach into the padding or over a ring's end are put together in the scratch.
 */
#include <string.h>

#include "dsp_conv.h"
#include "dsp_dense.h"

#include "../fixed.h"

/* bytes: of a row of the input. */
typedef struct dsp_column {
    const nnom_dsp_param_t *p;
    nnom_rows_t from;
    int32_t in_h, bytes, zero_point;
    int8_t *patch; /* scratch [p->taps] */
} dsp_column_t;

/* The window whose first row is `top`, piece by piece. What fills it up to p->taps is multiplied by 0. */
static const int8_t *dsp_column_gather(const dsp_column_t *c, int32_t top)
{
    const int32_t kernel_h = nnom_dsp_geometry(c->p)->kernel_h;
    const nnom_range_t k = nnom_clip(top, 1, kernel_h, c->in_h);
    int8_t *to = c->patch;
    memset(to, c->zero_point, (size_t)c->p->taps);
    to += k.lo * c->bytes;
    for (int32_t y = top + k.lo, n = 0; y < top + k.hi; y += n) {
        n = nnom_min_i32(nnom_dsp_following(&c->from, y, c->bytes), top + k.hi - y);
        memcpy(to, nnom_row(&c->from, y), (size_t)(n * c->bytes));
        to += n * c->bytes;
    }
    return c->patch;
}

/* The window's bytes, p->taps of them, all within the input's memory. */
static const int8_t *dsp_column_window(const dsp_column_t *c, int32_t y)
{
    const nnom_geometry_t *g = nnom_dsp_geometry(c->p);
    const int32_t top = y * g->stride_h - g->pad_top;
    const bool inside = top >= 0 && top + g->kernel_h <= c->in_h;
    if (!inside || (int64_t)nnom_dsp_following(&c->from, top, c->bytes) * c->bytes < c->p->taps) {
        return dsp_column_gather(c, top);
    }
    return (const int8_t *)nnom_row(&c->from, top);
}

static inline void dsp_column_run(const nnom_call_t *call, nnom_dsp_outputs_t *outputs)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t units = nnom_call_output(call)->shape.c;
    const dsp_column_t c = {call->node->param, nnom_call_input_rows(call, 0), in->shape.h, in->shape.w * in->shape.c,
                            in->zero_point,    nnom_call_scratch(call)};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        outputs(c.p, dsp_column_window(&c, y), (int8_t *)nnom_row(&to, y), units);
    }
}

void nnom_conv2d_s8_dsp_column(const nnom_call_t *call)
{
    dsp_column_run(call, nnom_dsp_dense_all);
}

void nnom_conv2d_s8_dsp_column_wide(const nnom_call_t *call)
{
    dsp_column_run(call, nnom_dsp_dense_all_wide);
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_dsp_param, NNOM_DSP_PARAM)

/* Where rows can be computed as one, three pixels at a time are cheaper. */
static bool dsp_column_fits(const nnom_geometry_t *g, int32_t in_w)
{
    return g->kernel_w == in_w && g->pad_left + g->pad_right == 0 && g->dilation_h == 1 && g->dilation_w == 1 &&
           !nnom_dsp_conv_joins(g);
}

static nnom_status_t dsp_column_pack_as(nnom_layer_t *layer, int32_t width)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_geometry_t *g = layer->geometry;
    if (!dsp_column_fits(g, nnom_layer_in(layer, 0)->shape.w)) {
        return NNOM_UNSUPPORTED;
    }
    const nnom_dsp_layout_t layout = {width, conv->taps, width == 4};
    const nnom_status_t status = nnom_dsp_pack(conv, &layout);
    if (status != NNOM_OK) {
        return status;
    }
    layer->scratch_in_pieces = g->pad_top + g->pad_bottom == 0 && nnom_dsp_taps(layer) == conv->taps;
    return nnom_window_scratch(layer, nnom_dsp_taps(layer));
}

static nnom_status_t dsp_column_pack(nnom_layer_t *layer)
{
    return dsp_column_pack_as(layer, 8);
}

static nnom_status_t dsp_column_pack_wide(nnom_layer_t *layer)
{
    return dsp_column_pack_as(layer, 4);
}

NNOM_FORM(conv2d_s8_dsp_column, nnom_dsp_window, 0, nnom_dsp_param, dsp_column_pack)
NNOM_FORM(conv2d_s8_dsp_column_wide, nnom_dsp_window, 0, nnom_dsp_param, dsp_column_pack_wide)
