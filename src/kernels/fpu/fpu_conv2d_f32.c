/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Convolution in float on cores with an FPU: windows are read where they lie; taps of the padding are left out. Pixels whose windows
 * reach beyond the columns of the input come one by one.
 */
#include <string.h>

#include "../fixed.h"
#include "fpu.h"
#include "fpu_pack.h"

typedef struct fpu_conv {
    const nnom_fpu_param_t *p;
    nnom_fpu_runs_t runs;
    nnom_range_t inner;
    nnom_fpu_layout_t layout;
    int32_t outputs;
    uint32_t tap_floats; /* of a block, for each of its outputs: 1 + taps */
    nnom_fpu_task_t task;
} fpu_conv_t;

static bool fpu_conv_split(const nnom_geometry_t *g)
{
    return g->dilation_w > 1 && g->kernel_w > 1;
}

/* Blocks of `width` outputs of `pixels` pixels, these `distance` floats apart in `out`. */
static void fpu_conv_blocks(fpu_conv_t *c, const float *x, float *out, int32_t pixels, int32_t distance)
{
    nnom_fpu_task_t *t = &c->task;
    const bool wide = t->block == 8 * c->tap_floats * sizeof(float);
    const uint32_t written =
        (uint32_t)(t->stream_end - t->stream) / c->tap_floats * (uint32_t)sizeof *out; /* bytes of a pixel */
    t->out_distance = (uint32_t)distance * (uint32_t)sizeof *out;
    t->out_step = 2 * t->out_distance - written;
    if (pixels > 1) {
        (wide ? nnom_fpu_two_8 : nnom_fpu_two_4)(t, x, out, (uint32_t)pixels / 2);
    }
    if (pixels % 2 == 1) {
        const int32_t before = pixels - 1, columns = (int32_t)(t->distance / sizeof *x);
        (wide ? nnom_fpu_one_8 : nnom_fpu_one_4)(t, x + before * columns, out + before * distance, 1);
    }
}

/* The last block, two pixels at a time through a buffer where it is wider than what is left. */
static void fpu_conv_rest(fpu_conv_t *c, const float *x, float *out, int32_t pixels)
{
    const nnom_fpu_layout_t layout = c->layout;
    const int32_t columns = (int32_t)(c->task.distance / sizeof *x);
    float both[16];
    if (layout.rest == layout.width) {
        fpu_conv_blocks(c, x, out, pixels, c->outputs);
        return;
    }
    for (int32_t i = 0; i < pixels; i += 2) {
        const int32_t n = nnom_min_i32(2, pixels - i);
        fpu_conv_blocks(c, x + i * columns, both, n, layout.width);
        for (int32_t k = 0; k < n; k++) {
            memcpy(out + (i + k) * c->outputs, both + k * layout.width, (size_t)layout.rest * sizeof *out);
        }
    }
}

/* Pixels that have the same runs: x is the base of the first one's window. */
static void fpu_conv_pixels(fpu_conv_t *c, const float *x, float *out, int32_t pixels)
{
    nnom_fpu_task_t *t = &c->task;
    const nnom_fpu_layout_t layout = c->layout;
    t->stream = c->p->stream;
    if (layout.eights > 0) {
        t->block = 8 * c->tap_floats * (uint32_t)sizeof(float);
        t->stream_end = t->stream + 8 * (uint32_t)layout.eights * c->tap_floats;
        fpu_conv_blocks(c, x, out, pixels, c->outputs);
        t->stream = t->stream_end;
    }
    if (layout.rest > 0) {
        t->block = (uint32_t)layout.width * c->tap_floats * (uint32_t)sizeof(float);
        t->stream_end = t->stream + (uint32_t)layout.width * c->tap_floats;
        fpu_conv_rest(c, x, out + 8 * layout.eights, pixels);
    }
}

/* Output columns [x, x + n) whose windows have the same columns. */
static void fpu_conv_columns(fpu_conv_t *c, int32_t x, int32_t n, float *row)
{
    nnom_fpu_runs_column(&c->runs, x, &c->task);
    fpu_conv_pixels(c, nnom_fpu_base(&c->runs.window), row + x * c->outputs, n);
}

static void fpu_conv_row(fpu_conv_t *c, float *row, int32_t width)
{
    const nnom_range_t inner = c->inner;
    for (int32_t x = 0; x < inner.lo; x++) {
        fpu_conv_columns(c, x, 1, row);
    }
    if (inner.lo < inner.hi) {
        fpu_conv_columns(c, inner.lo, inner.hi - inner.lo, row);
    }
    for (int32_t x = inner.hi; x < width; x++) {
        fpu_conv_columns(c, x, 1, row);
    }
}

void nnom_conv2d_f32_fpu(const nnom_call_t *call)
{
    const nnom_fpu_param_t *p = call->node->param;
    const nnom_geometry_t *g = &p->geometry;
    const nnom_shape_t in = nnom_call_input(call, 0)->shape, out = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    fpu_conv_t c = {.p = p,
                    .runs = {.window = nnom_window(call, g),
                             .first = nnom_call_scratch(call),
                             .length = in.c,
                             .split = fpu_conv_split(g)},
                    .inner = nnom_fpu_inner(g, in.w, out.w),
                    .layout = nnom_fpu_layout(out.c),
                    .outputs = out.c,
                    .tap_floats = 1u + (uint32_t)(g->kernel_h * g->kernel_w * in.c),
                    .task = {.start = nnom_fpu_zeros,
                             .distance = (uint32_t)(g->stride_w * in.c) * (uint32_t)sizeof(float),
                             .finish = nnom_fpu_finish(p)}};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        float *row = (float *)(void *)nnom_row(&to, y);
        nnom_fpu_runs_row(&c.runs, &from, y);
        fpu_conv_row(&c, row, out.w);
        nnom_fpu_limits(p, row, out.w * out.c);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_fpu_param, NNOM_FPU_PARAM)

static nnom_status_t fpu_conv_pack(nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    const int64_t runs = nnom_fpu_run_count(g, fpu_conv_split(g));
    const nnom_status_t status = nnom_fpu_pack((nnom_conv_layer_t *)layer);
    return status == NNOM_OK ? nnom_window_scratch(layer, runs * (int64_t)sizeof(nnom_fpu_run_t)) : status;
}

NNOM_FORM(conv2d_f32_fpu, nnom_conv_window, 0, nnom_fpu_param, fpu_conv_pack)
