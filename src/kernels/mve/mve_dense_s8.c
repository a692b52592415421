/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Dense layers on cores with Helium: blocks of four outputs. Rows of the input may come one by one: each is a run of taps, and the sums
 * are kept.
 */
#include "blocks.h"
#include "mve_stream.h"

#include "../ref/dense_rows.h"

/* The rows of a call. */
typedef struct mve_dense {
    const nnom_mve_param_t *p;
    nnom_walk_t walk;
    int32_t rows;
    int32_t before; /* rows of the calls before */
    int32_t words;  /* of a row in a block */
} mve_dense_t;

/* The sums of a block over the call's rows. */
static nnom_s32x4_t mve_dense_sums(const mve_dense_t *d, const uint32_t *weights, nnom_s32x4_t sums)
{
    nnom_walk_t walk = d->walk;
    weights += d->before * d->words;
    for (int32_t i = 0; i < d->rows; i++, weights += d->words, nnom_walk_down(&walk)) {
        sums =
            nnom_mve_sums(weights, (const int8_t *)nnom_walk_row(&walk), d->p->first, d->p->first, d->p->chunks, sums);
    }
    return sums;
}

/* Outputs whose rows come in more than one call, or whose rows do not lie in memory as one run of chunks. */
static void mve_dense_by_rows(const nnom_call_t *call)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0), *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_mve_param_t *p = call->node->param;
    const int32_t row = in->shape.w * in->shape.c, words = in->shape.h * row + NNOM_MVE_FINISH;
    const mve_dense_t d = {p, nnom_walk(&from, call->y.lo, 1), call->y.hi - call->y.lo, call->y.lo, row};
    const bool ends = call->y.hi == in->shape.h;
    const bool keeps = !ends || call->y.lo > 0;
    int32_t *kept = keeps ? nnom_call_scratch(call) : NULL;
    int8_t *to = (int8_t *)nnom_call_output_rows(call).data;
    const uint32_t *stream = p->stream;
    for (int32_t o = 0; o < out->shape.c; o += 4, stream += words) {
        const uint32_t *finish = stream + words - NNOM_MVE_FINISH;
        const nnom_s32x4_t sums =
            mve_dense_sums(&d, stream, nnom_vldrw(call->y.lo == 0 ? (const void *)finish : kept + o));
        if (ends) {
            const int32_t left = out->shape.c - o;
            nnom_mve_store(to + o, nnom_mve_requantize(sums, finish + 4, true), out->zero_point, left < 4 ? left : 4);
        } else {
            nnom_vstrw(kept + o, sums);
        }
    }
}

static void mve_dense_at_once(const nnom_call_t *call)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0), *out = nnom_call_output(call);
    const nnom_mve_param_t *p = call->node->param;
    const int32_t taps = in->shape.h * in->shape.w * in->shape.c, whole = out->shape.c / 4, left = out->shape.c % 4;
    nnom_mve_run_t run = {.stream = p->stream,
                          .x0 = (const int8_t *)nnom_call_input_rows(call, 0).data,
                          .out = (int8_t *)nnom_call_output_rows(call).data,
                          .first = p->first,
                          .pitch = p->first,
                          .chunks = in->shape.h * p->chunks,
                          .zero_point = out->zero_point};
    run.end = run.stream + whole * (taps + NNOM_MVE_FINISH);
    if (whole > 0) {
        nnom_mve_single(&run);
    }
    if (left > 0) {
        int8_t last[4], *to = run.out + whole * 4;
        run.stream = run.end;
        run.end += taps + NNOM_MVE_FINISH;
        run.out = last;
        nnom_mve_single(&run);
        nnom_mve_copy(to, last, left);
    }
}

void nnom_dense_s8_mve(const nnom_call_t *call)
{
    const nnom_mve_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0), *out = nnom_call_output(call);
    const bool all = call->y.hi - call->y.lo == in->shape.h && nnom_call_input_rows(call, 0).rows >= in->shape.h;
    if (all && (in->shape.h == 1 || p->first == NNOM_MVE_CHUNK)) {
        mve_dense_at_once(call);
    } else {
        mve_dense_by_rows(call);
    }
    if (call->y.hi == in->shape.h) {
        nnom_mve_limits((int8_t *)nnom_call_output_rows(call).data, out->shape.c, p->act_min, p->act_max);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_mve_param, NNOM_MVE_PARAM)

static nnom_status_t mve_dense_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const int32_t rows = nnom_layer_in(layer, 0)->shape.h;
    const nnom_status_t status = nnom_mve_pack(conv, rows, 0, false);
    if (status != NNOM_OK) {
        return status;
    }
    return nnom_window_scratch(layer, rows > 1 ? ((int64_t)conv->channels + 3) / 4 * 16 : 0);
}

NNOM_FORM(dense_s8_mve, nnom_window_all, NNOM_OP_REDUCES, nnom_mve_param, mve_dense_pack)
