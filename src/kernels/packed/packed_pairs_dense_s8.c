/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Dense, two outputs with one multiplication (pairs.h). Rows of the input that come one by one are added tap by tap. */
#include "../fixed.h"
#include "../ref/window.h"
#include "pairs_pack.h"

/* Rows of the input, as many as lie in memory at once. */
typedef struct pairs_rows {
    nnom_walk_t walk;
    int32_t runs, length, first; /* first: tap of the first run */
} pairs_rows_t;

static pairs_rows_t pairs_rows(const nnom_call_t *call)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const int32_t row = in->shape.w * in->shape.c, rows = call->y.hi - call->y.lo;
    const bool whole = from.rows >= in->shape.h;
    const pairs_rows_t result = {nnom_walk(&from, call->y.lo, 1), whole ? 1 : rows, whole ? rows * row : row,
                                 call->y.lo * row};
    return result;
}

/* The biases of a block: what its sums start with, without START for its segments. */
static void pairs_biases(const uint32_t *stream, int32_t taps, int32_t *sums)
{
    const uint32_t segments = (uint32_t)(taps + 1) / 2u;
    for (int32_t i = 0; i < 2; i++) {
        const uint32_t high = stream[2 * i + 1] + segments * NNOM_PAIRS_START;
        sums[2 * i] = (int32_t)(stream[2 * i] + segments * NNOM_PAIRS_BOTH - (high << 16));
        sums[2 * i + 1] = (int32_t)high;
    }
}

/* Adds the rows to a block's sums; w: of its first tap. */
static void pairs_add_rows(const pairs_rows_t *rows, const uint32_t *w, int32_t *sums)
{
    nnom_walk_t walk = rows->walk;
    w += 2 * rows->first;
    for (int32_t i = 0; i < rows->runs; i++, nnom_walk_down(&walk)) {
        const int8_t *x = (const int8_t *)nnom_walk_row(&walk);
        for (int32_t t = 0; t < rows->length; t++, w += 2) {
            for (int32_t k = 0; k < 2; k++) {
                const int32_t a = (int16_t)(uint16_t)w[k], b = (int32_t)(w[k] - (uint32_t)a) >> 16;
                sums[2 * k] += x[t] * a;
                sums[2 * k + 1] += x[t] * b;
            }
        }
    }
}

static void pairs_block_rows(const nnom_call_t *call, const nnom_pairs_param_t *p, int32_t o, const uint32_t *stream)
{
    const pairs_rows_t rows = pairs_rows(call);
    const int32_t units = nnom_call_output(call)->shape.c;
    int32_t *kept = (int32_t *)nnom_call_scratch(call) + o, sums[NNOM_PAIRS_WIDTH];
    const int32_t n = nnom_min_i32(NNOM_PAIRS_WIDTH, units - o);
    const int32_t skipped = units < NNOM_PAIRS_WIDTH ? 0 : NNOM_PAIRS_WIDTH - n; /* outputs that the block before has */
    pairs_biases(stream, p->taps, sums);
    for (int32_t i = 0; rows.first > 0 && i < n; i++) {
        sums[skipped + i] = kept[i];
    }
    pairs_add_rows(&rows, stream + NNOM_PAIRS_WIDTH, sums);
    const uint32_t *finish = stream + NNOM_PAIRS_WIDTH + 2 * p->taps + skipped * NNOM_PAIRS_FINISH;
    int8_t *out = (int8_t *)nnom_call_output_rows(call).data + o;
    for (int32_t i = 0; i < n; i++, finish += NNOM_PAIRS_FINISH) {
        if (call->y.hi == nnom_call_input(call, 0)->shape.h) {
            out[i] = (int8_t)nnom_clamp_i32(nnom_pairs_output(sums[skipped + i], finish), p->act_min, p->act_max);
        } else {
            kept[i] = sums[skipped + i];
        }
    }
}

void nnom_dense_s8_packed_pairs(const nnom_call_t *call)
{
    const nnom_pairs_param_t *p = call->node->param;
    const int32_t units = nnom_call_output(call)->shape.c;
    const pairs_rows_t rows = pairs_rows(call);
    if (rows.runs == 1 && rows.length == p->taps) {
        int8_t *out = (int8_t *)nnom_call_output_rows(call).data;
        nnom_pairs_pixels(p, (const int8_t *)nnom_walk_row(&rows.walk), 0, NULL, out, units, 1);
        nnom_pairs_limits(p, out, units);
        return;
    }
    const uint32_t *stream = p->stream;
    for (int32_t o = 0; o < units; o += NNOM_PAIRS_WIDTH, stream += nnom_pairs_block_words(p->taps)) {
        pairs_block_rows(call, p, o, stream);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_pairs_param, NNOM_PAIRS_PARAM)

static nnom_status_t packed_pairs_dense_pack_s8(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_status_t status = nnom_pairs_pack(conv, false);
    return status != NNOM_OK ? status : nnom_dense_scratch(conv);
}

NNOM_FORM(dense_s8_packed_pairs, nnom_window_all, NNOM_OP_REDUCES, nnom_pairs_param, packed_pairs_dense_pack_s8)
