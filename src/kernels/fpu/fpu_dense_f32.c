/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Dense in float on cores with an FPU: one pixel whose window is the input, as it lies in memory. */
#include <string.h>

#include "../fixed.h"
#include "../ref/window.h"
#include "fpu.h"
#include "fpu_pack.h"

/* The rows of the input that a call brings. */
typedef struct fpu_dense {
    const nnom_fpu_param_t *p;
    nnom_walk_t walk;
    int32_t runs, length; /* runs of rows that lie side by side, and elements of each */
    int32_t first;        /* tap of the first one */
    int32_t taps;
    bool ends; /* after these rows the outputs are complete */
} fpu_dense_t;

static fpu_dense_t fpu_dense(const nnom_call_t *call)
{
    const nnom_shape_t in = nnom_call_input(call, 0)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const int32_t row = in.w * in.c, rows = call->y.hi - call->y.lo;
    const bool whole = from.rows >= in.h;
    const fpu_dense_t d = {call->node->param, nnom_walk(&from, call->y.lo, 1),
                           whole ? 1 : rows,  whole ? rows * row : row,
                           call->y.lo * row,  in.h * row,
                           call->y.hi == in.h};
    return d;
}

/* `blocks` blocks of `width` outputs over a run of the input at tap `first`, added to what `task` starts with. */
static void fpu_dense_run(const fpu_dense_t *d, nnom_fpu_task_t *t, int32_t blocks, int32_t width, int32_t first,
                          const uint8_t *x, float *out)
{
    const nnom_fpu_run_t run = {0, 1u + (uint32_t)first};
    const int32_t floats = width * (1 + d->taps);
    t->runs = &run;
    t->runs_end = &run + 1;
    t->n = (uint32_t)d->length;
    t->block = (uint32_t)floats * (uint32_t)sizeof(float);
    t->stream_end = t->stream + blocks * floats;
    (width == 8 ? nnom_fpu_one_8 : nnom_fpu_one_4)(t, (const float *)(const void *)x, out, 1);
}

/* A block whose n outputs go through acc, which holds what came before. */
static void fpu_dense_block(const fpu_dense_t *d, const float *stream, int32_t width, float *acc)
{
    nnom_fpu_task_t t = {.stream = stream, .start = acc};
    nnom_walk_t walk = d->walk;
    for (int32_t i = 0; i < d->runs; i++, nnom_walk_down(&walk)) {
        t.finish = d->ends && i == d->runs - 1 ? nnom_fpu_finish(d->p) : NNOM_FPU_KEEP;
        fpu_dense_run(d, &t, 1, width, d->first + i * d->length, nnom_walk_row(&walk), acc);
    }
}

/* Outputs from o on, block by block; kept: sums between calls. */
static void fpu_dense_blocks(const fpu_dense_t *d, int32_t o, int32_t channels, float *kept, float *out)
{
    float *to = d->ends ? out : kept;
    for (int32_t n = 0; o < channels; o += n) {
        const int32_t width = channels - o > 4 ? 8 : 4;
        float acc[8] = {0.0f};
        n = nnom_min_i32(width, channels - o);
        if (d->first > 0) {
            memcpy(acc, kept + o, (size_t)n * sizeof *acc);
        }
        fpu_dense_block(d, (const float *)d->p->stream + o * (1 + d->taps), width, acc);
        memcpy(to + o, acc, (size_t)n * sizeof *acc);
    }
}

void nnom_dense_f32_fpu(const nnom_call_t *call)
{
    const nnom_fpu_param_t *p = call->node->param;
    const int32_t channels = nnom_call_output(call)->shape.c;
    float *out = (float *)(void *)nnom_call_output_rows(call).data;
    const fpu_dense_t d = fpu_dense(call);
    int32_t o = 0;
    if (d.runs == 1 && d.length == d.taps && channels >= 8) {
        nnom_fpu_task_t t = {.stream = p->stream, .start = nnom_fpu_zeros, .finish = nnom_fpu_finish(p)};
        fpu_dense_run(&d, &t, channels / 8, 8, 0, nnom_walk_row(&d.walk), out);
        o = channels / 8 * 8;
        if (channels % 8 == 4) {
            t.stream = t.stream_end;
            fpu_dense_run(&d, &t, 1, 4, 0, nnom_walk_row(&d.walk), out + o);
            o = channels;
        }
    }
    fpu_dense_blocks(&d, o, channels, nnom_call_scratch(call), out);
    if (d.ends) {
        nnom_fpu_limits(p, out, channels);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_fpu_param, NNOM_FPU_PARAM)

static nnom_status_t fpu_dense_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_status_t status = nnom_fpu_pack(conv);
    return status == NNOM_OK ? nnom_dense_scratch(conv) : status;
}

NNOM_FORM(dense_f32_fpu, nnom_window_all, NNOM_OP_REDUCES, nnom_fpu_param, fpu_dense_pack)
