/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Depthwise convolution in float on cores with an FPU, one output for each of eight input channels or more: eight channels of two pixels
 * at a time. Where a number of channels is no multiple of eight, the last block takes the last eight.
 */
#include "../fixed.h"
#include "fpu.h"
#include "fpu_pack.h"

enum { BLOCK = 8, BLOCK_BYTES = 32 };

typedef struct fpu_dw {
    const nnom_fpu_param_t *p;
    nnom_fpu_runs_t runs;
    nnom_range_t inner;
    nnom_fpu_loop_t one, two;
    nnom_fpu_task_t task;
} fpu_dw_t;

/* `blocks` blocks of channels. */
static void fpu_dw_blocks(fpu_dw_t *d, int32_t blocks, const float *x, float *out, int32_t pixels)
{
    nnom_fpu_task_t *t = &d->task;
    const uint32_t channels = (uint32_t)blocks * BLOCK_BYTES;
    t->stream_end = t->stream + (uint32_t)blocks * (t->block / sizeof *x);
    t->out_step = 2 * t->out_distance - channels;
    t->x_step = 2 * t->distance - channels;
    if (pixels > 1) {
        d->two(t, x, out, (uint32_t)pixels / 2);
    }
    if (pixels % 2 == 1) {
        const uint32_t before = (uint32_t)pixels - 1;
        d->one(t, x + before * t->distance / sizeof *x, out + before * t->out_distance / sizeof *out, 1);
    }
}

/* Runs of three taps have loops of their own. */
static void fpu_dw_loops(fpu_dw_t *d)
{
    const nnom_fpu_task_t *t = &d->task;
    d->one = t->n == 3 ? nnom_fpu_dw_one_three : nnom_fpu_dw_one_any;
    d->two = t->n == 3 ? nnom_fpu_dw_two_three : nnom_fpu_dw_two_any;
    if (t->n == 3 && t->distance == t->hop) {
        d->two = nnom_fpu_dw_two_slide;
    }
}

/* Output columns [at, at + n) whose windows have the same columns. */
static void fpu_dw_columns(fpu_dw_t *d, int32_t at, int32_t n, float *row)
{
    const int32_t channels = d->runs.window.in.c, blocks = channels / BLOCK;
    nnom_fpu_task_t *t = &d->task;
    nnom_fpu_runs_column(&d->runs, at, t);
    fpu_dw_loops(d);
    const float *x = nnom_fpu_base(&d->runs.window);
    float *out = row + at * channels;
    t->stream = d->p->stream;
    fpu_dw_blocks(d, blocks, x, out, n);
    if (channels % BLOCK != 0) {
        t->stream = t->stream_end;
        fpu_dw_blocks(d, 1, x + channels - BLOCK, out + channels - BLOCK, n);
    }
}

static void fpu_dw_row(fpu_dw_t *d, float *row, int32_t width)
{
    const nnom_range_t inner = d->inner;
    for (int32_t x = 0; x < inner.lo; x++) {
        fpu_dw_columns(d, x, 1, row);
    }
    if (inner.lo < inner.hi) {
        fpu_dw_columns(d, inner.lo, inner.hi - inner.lo, row);
    }
    for (int32_t x = inner.hi; x < width; x++) {
        fpu_dw_columns(d, x, 1, row);
    }
}

void nnom_dw_conv2d_f32_fpu(const nnom_call_t *call)
{
    const nnom_fpu_param_t *p = call->node->param;
    const nnom_geometry_t *g = &p->geometry;
    const nnom_shape_t in = nnom_call_input(call, 0)->shape, out = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    const uint32_t pixel = (uint32_t)in.c * (uint32_t)sizeof(float);
    fpu_dw_t d = {.p = p,
                  .runs = {.window = nnom_window(call, g), .first = nnom_call_scratch(call), .length = 1},
                  .inner = nnom_fpu_inner(g, in.w, out.w),
                  .task = {.start = nnom_fpu_zeros,
                           .block = (uint32_t)(1 + g->kernel_h * g->kernel_w) * BLOCK_BYTES,
                           .distance = (uint32_t)g->stride_w * pixel,
                           .hop = (uint32_t)g->dilation_w * pixel,
                           .out_distance = pixel,
                           .finish = nnom_fpu_finish(p)}};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        float *row = (float *)(void *)nnom_row(&to, y);
        nnom_fpu_runs_row(&d.runs, &from, y);
        fpu_dw_row(&d, row, out.w);
        nnom_fpu_limits(p, row, out.w * out.c);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_fpu_param, NNOM_FPU_PARAM)

static nnom_status_t fpu_dw_pack(nnom_layer_t *layer)
{
    const nnom_status_t status = nnom_fpu_pack_taps((nnom_conv_layer_t *)layer);
    const int64_t runs = nnom_fpu_run_count(layer->geometry, false);
    return status == NNOM_OK ? nnom_window_scratch(layer, runs * (int64_t)sizeof(nnom_fpu_run_t)) : status;
}

NNOM_FORM(dw_conv2d_f32_fpu, nnom_conv_window, 0, nnom_fpu_param, fpu_dw_pack)
