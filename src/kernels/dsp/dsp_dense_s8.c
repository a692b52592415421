/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Dense layers on cores with the DSP extension: blocks of eight outputs, or of four where weights may take 16 bits; the input is expanded on the
 * way. Rows of the input may come one by one: the sums are kept as the loops have them.
 */
#include <string.h>

#include "dsp_dense.h"
#include "dsp_loops.h"
#include "wide.h"

#include "../ref/window.h"

/* Rows of the input, as many as lie in memory at once. */
typedef struct dsp_dense {
    const nnom_dsp_param_t *p;
    nnom_walk_t walk;
    uint32_t runs;
    uint32_t length; /* bytes of a run, a multiple of 4 */
    int32_t first;   /* tap of the first run */
    uint32_t *kept;  /* sums of the rows before, or NULL */
    bool ends;       /* after these rows the outputs are complete */
} dsp_dense_t;

static dsp_dense_t dsp_dense(const nnom_call_t *call)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const int32_t row = in->shape.w * in->shape.c, rows = call->y.hi - call->y.lo;
    const bool whole = from.rows >= in->shape.h, all = rows == in->shape.h;
    const dsp_dense_t d = {call->node->param,
                           nnom_walk(&from, call->y.lo, 1),
                           whole ? 1u : (uint32_t)rows,
                           (uint32_t)(whole ? rows * row : row),
                           call->y.lo * row,
                           all ? NULL : nnom_call_scratch(call),
                           call->y.hi == in->shape.h};
    return d;
}

static void dsp_dense_sums(const dsp_dense_t *d, const uint32_t *stream, uint32_t *sums)
{
    nnom_walk_t walk = d->walk;
    const uint32_t *weights = stream + 8 + 2 * d->first;
    for (uint32_t i = 0; i < d->runs; i++, weights += 2 * d->length, nnom_walk_down(&walk)) {
        nnom_dsp_eight(weights, (const int8_t *)nnom_walk_row(&walk), d->length, sums);
    }
}

static void dsp_dense_outputs(const nnom_dsp_param_t *p, const uint32_t *stream, const uint32_t *sums, int8_t *out)
{
    const uint32_t *finish = stream + 8 + 2 * p->taps;
    for (uint32_t pair = 0; pair < 4; pair++) {
        nnom_dsp_two_outputs(sums[2 * pair], sums[2 * pair + 1], finish + 5 * pair, out + 2 * pair);
    }
    nnom_dsp_limits(p->act_min, p->act_max, out, 8);
}

void nnom_dsp_dense_all(const nnom_dsp_param_t *p, const int8_t *x, int8_t *to, int32_t units)
{
    const uint32_t *stream = p->stream, blocks = (uint32_t)units / 8u, taps = (uint32_t)p->taps;
    if (blocks > 0) {
        nnom_dsp_dense(stream, x, taps, to, to + 8 * blocks);
        stream += blocks * (uint32_t)nnom_dsp_block_words(8, p->taps);
    }
    if (units % 8 != 0 && blocks > 0) {
        nnom_dsp_dense(stream, x, taps, to + units - 8, to + units);
    } else if (units % 8 != 0) {
        int8_t out[8];
        nnom_dsp_dense(stream, x, taps, out, out + 8);
        memcpy(to, out, (size_t)units);
    }
    nnom_dsp_limits(p->act_min, p->act_max, to, units);
}

/* Rows that come one by one, or do not join. */
static void dsp_dense_rows(const dsp_dense_t *d, int8_t *to, int32_t units)
{
    const uint32_t *stream = d->p->stream;
    for (int32_t o = 0; o < units; o += 8, stream += nnom_dsp_block_words(8, d->p->taps)) {
        uint32_t sums[8];
        memcpy(sums, d->first == 0 ? stream : d->kept + o, sizeof sums);
        dsp_dense_sums(d, stream, sums);
        if (!d->ends) {
            memcpy(d->kept + o, sums, sizeof sums);
            continue;
        }
        int8_t out[8];
        dsp_dense_outputs(d->p, stream, sums, out);
        const int32_t first = nnom_dsp_block_channel(o, units, 8);
        memcpy(to + first, out, (size_t)(units - first < 8 ? units - first : 8));
    }
}

/* True if all inputs lie side by side. */
static bool dsp_dense_joins(const dsp_dense_t *d)
{
    return d->kept == NULL && d->runs == 1;
}

void nnom_dense_s8_dsp(const nnom_call_t *call)
{
    const dsp_dense_t d = dsp_dense(call);
    const int32_t units = nnom_call_output(call)->shape.c;
    int8_t *to = (int8_t *)nnom_call_output_rows(call).data;
    if (dsp_dense_joins(&d)) {
        nnom_dsp_dense_all(d.p, (const int8_t *)nnom_walk_row(&d.walk), to, units);
    } else {
        dsp_dense_rows(&d, to, units);
    }
}

/* ---- Weights of 16 bits ---- */

enum { DENSE_FOUR = 4, DENSE_FINISH = 10 };

void nnom_dsp_dense_all_wide(const nnom_dsp_param_t *p, const int8_t *x, int8_t *to, int32_t units)
{
    const uint32_t *stream = p->stream;
    int8_t few[DENSE_FOUR], *out = units < DENSE_FOUR ? few : to;
    for (int32_t o = 0; o < units; o += DENSE_FOUR, stream += DENSE_FOUR + 2 * p->taps + DENSE_FINISH) {
        int8_t *block = out + nnom_dsp_block_channel(o, units, DENSE_FOUR);
        nnom_dsp_four(stream + DENSE_FOUR, x, (uint32_t)p->taps, stream, NULL, block);
    }
    if (units < DENSE_FOUR) {
        memcpy(to, few, (size_t)units);
    }
    nnom_dsp_limits(p->act_min, p->act_max, to, units);
}

/* A block of outputs, the first of them `o`: to out [4], or to the sums that are kept. */
static void dsp_dense_four(const dsp_dense_t *d, const uint32_t *stream, int32_t o, int8_t *out)
{
    uint32_t sums[DENSE_FOUR], *kept = d->kept != NULL ? d->kept + o : NULL;
    const uint32_t *from = d->first == 0 ? stream : kept, *weights = stream + DENSE_FOUR + 2 * d->first;
    nnom_walk_t walk = d->walk;
    for (uint32_t left = d->runs; left > 0; left--, weights += 2 * d->length, nnom_walk_down(&walk)) {
        const int8_t *x = (const int8_t *)nnom_walk_row(&walk);
        nnom_dsp_four(weights, x, d->length, from, left == 1 ? kept : sums, left == 1 ? out : NULL);
        from = sums;
    }
}

/* Rows that come one by one, or do not join. */
static NNOM_SMALL void dsp_dense_rows_wide(const dsp_dense_t *d, int8_t *to, int32_t units)
{
    const uint32_t *stream = d->p->stream;
    for (int32_t o = 0; o < units; o += DENSE_FOUR, stream += DENSE_FOUR + 2 * d->p->taps + DENSE_FINISH) {
        int8_t out[DENSE_FOUR];
        dsp_dense_four(d, stream, o, d->ends ? out : NULL);
        if (d->ends) {
            const int32_t first = nnom_dsp_block_channel(o, units, DENSE_FOUR);
            nnom_dsp_limits(d->p->act_min, d->p->act_max, out, DENSE_FOUR);
            memcpy(to + first, out, (size_t)(units - first < DENSE_FOUR ? units - first : DENSE_FOUR));
        }
    }
}

void nnom_dense_s8_dsp_wide(const nnom_call_t *call)
{
    const dsp_dense_t d = dsp_dense(call);
    const int32_t units = nnom_call_output(call)->shape.c;
    int8_t *to = (int8_t *)nnom_call_output_rows(call).data;
    if (dsp_dense_joins(&d)) {
        nnom_dsp_dense_all_wide(d.p, (const int8_t *)nnom_walk_row(&d.walk), to, units);
    } else {
        dsp_dense_rows_wide(&d, to, units);
    }
}

/* ---- An input of one row ---- */

static inline void dsp_dense_row(const nnom_call_t *call, nnom_dsp_outputs_t *outputs)
{
    outputs(call->node->param, (const int8_t *)nnom_call_input_rows(call, 0).data,
            (int8_t *)nnom_call_output_rows(call).data, nnom_call_output(call)->shape.c);
}

void nnom_dense_s8_dsp_row(const nnom_call_t *call)
{
    dsp_dense_row(call, nnom_dsp_dense_all);
}

void nnom_dense_s8_dsp_row_wide(const nnom_call_t *call)
{
    dsp_dense_row(call, nnom_dsp_dense_all_wide);
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_dsp_param, NNOM_DSP_PARAM)

static nnom_status_t dsp_dense_pack_as(nnom_layer_t *layer, int32_t width)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    if (in.w * in.c % 4 != 0) {
        return NNOM_UNSUPPORTED; /* words of the input would reach beyond a row */
    }
    const nnom_dsp_layout_t layout = {width, conv->taps, width == DENSE_FOUR};
    const nnom_status_t status = nnom_dsp_pack(conv, &layout);
    if (status != NNOM_OK) {
        return status;
    }
    return nnom_window_scratch(layer, in.h > 1 ? ((int64_t)conv->channels + width - 1) / width * width * 4 : 0);
}

static nnom_status_t dsp_dense_pack(nnom_layer_t *layer)
{
    return dsp_dense_pack_as(layer, 8);
}

static nnom_status_t dsp_dense_pack_wide(nnom_layer_t *layer)
{
    return dsp_dense_pack_as(layer, DENSE_FOUR);
}

static nnom_status_t dsp_dense_pack_row(nnom_layer_t *layer)
{
    return nnom_layer_in(layer, 0)->shape.h == 1 ? dsp_dense_pack(layer) : NNOM_UNSUPPORTED;
}

static nnom_status_t dsp_dense_pack_row_wide(nnom_layer_t *layer)
{
    return nnom_layer_in(layer, 0)->shape.h == 1 ? dsp_dense_pack_wide(layer) : NNOM_UNSUPPORTED;
}

NNOM_FORM(dense_s8_dsp, nnom_window_all, NNOM_OP_REDUCES, nnom_dsp_param, dsp_dense_pack)
NNOM_FORM(dense_s8_dsp_wide, nnom_window_all, NNOM_OP_REDUCES, nnom_dsp_param, dsp_dense_pack_wide)
NNOM_FORM(dense_s8_dsp_row, nnom_window_all, NNOM_OP_REDUCES, nnom_dsp_param, dsp_dense_pack_row)
NNOM_FORM(dense_s8_dsp_row_wide, nnom_window_all, NNOM_OP_REDUCES, nnom_dsp_param, dsp_dense_pack_row_wide)
