/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Recurrent layers on cores with Helium: sums of four units at a time, over 16 columns of int8 or 8 of int16. Weights and what they multiply are read
 * where they lie; the last columns are loaded under a predicate.
 */
#include "../../build/kernel.h"
#include "../../layers/rnn_layer.h"
#include "helium.h"

enum { RNN_FOUR = 4 };

/* Rows of four units; beyond the last unit its own again. */
typedef struct mve_rnn_rows {
    const int8_t *w[RNN_FOUR];
    uint32_t sum[RNN_FOUR];
} mve_rnn_rows_t;

/* Modulo 2^32, as sums that fit 32 bits may be. */
static void mve_rnn_sums_s8(mve_rnn_rows_t *r, const int8_t *x, int32_t columns)
{
    const int8_t *a = r->w[0], *b = r->w[1], *c = r->w[2], *d = r->w[3];
    uint32_t p = r->sum[0], q = r->sum[1], s = r->sum[2], t = r->sum[3];
    for (; columns >= 16; columns -= 16, x += 16, a += 16, b += 16, c += 16, d += 16) {
        const nnom_s8x16_t v = nnom_vldrb(x);
        p += (uint32_t)nnom_vmladav(v, nnom_vldrb(a));
        q += (uint32_t)nnom_vmladav(v, nnom_vldrb(b));
        s += (uint32_t)nnom_vmladav(v, nnom_vldrb(c));
        t += (uint32_t)nnom_vmladav(v, nnom_vldrb(d));
    }
    const nnom_s8x16_t v = nnom_vldrb_z(x, columns);
    r->sum[0] = p + (uint32_t)nnom_vmladav(v, nnom_vldrb_z(a, columns));
    r->sum[1] = q + (uint32_t)nnom_vmladav(v, nnom_vldrb_z(b, columns));
    r->sum[2] = s + (uint32_t)nnom_vmladav(v, nnom_vldrb_z(c, columns));
    r->sum[3] = t + (uint32_t)nnom_vmladav(v, nnom_vldrb_z(d, columns));
}

static void mve_rnn_sums_s16(mve_rnn_rows_t *r, const int16_t *x, int32_t columns)
{
    const int8_t *a = r->w[0], *b = r->w[1], *c = r->w[2], *d = r->w[3];
    uint32_t p = r->sum[0], q = r->sum[1], s = r->sum[2], t = r->sum[3];
    for (; columns >= 8; columns -= 8, x += 8, a += 8, b += 8, c += 8, d += 8) {
        const nnom_s16x8_t v = nnom_vldrh(x);
        p += (uint32_t)nnom_vmladavh(v, nnom_vldrb_h(a));
        q += (uint32_t)nnom_vmladavh(v, nnom_vldrb_h(b));
        s += (uint32_t)nnom_vmladavh(v, nnom_vldrb_h(c));
        t += (uint32_t)nnom_vmladavh(v, nnom_vldrb_h(d));
    }
    const nnom_s16x8_t v = nnom_vldrh_z(x, columns);
    r->sum[0] = p + (uint32_t)nnom_vmladavh(v, nnom_vldrb_hz(a, columns));
    r->sum[1] = q + (uint32_t)nnom_vmladavh(v, nnom_vldrb_hz(b, columns));
    r->sum[2] = s + (uint32_t)nnom_vmladavh(v, nnom_vldrb_hz(c, columns));
    r->sum[3] = t + (uint32_t)nnom_vmladavh(v, nnom_vldrb_hz(d, columns));
}

static mve_rnn_rows_t mve_rnn_rows(const nnom_rnn_t *rnn, const nnom_rnn_matrix_t *m, int32_t gate, int32_t i)
{
    mve_rnn_rows_t r;
    for (int32_t k = 0; k < RNN_FOUR; k++) {
        const int32_t row = gate * rnn->units + nnom_min_i32(i + k, rnn->units - 1);
        r.w[k] = (const int8_t *)m->weights + (size_t)row * (size_t)m->columns;
        r.sum[k] = m->bias != NULL ? (uint32_t)((const int32_t *)m->bias)[row] : 0;
    }
    return r;
}

static int32_t mve_rnn_requantize(const nnom_rnn_matrix_t *m, int32_t sum, int32_t at)
{
    const int32_t multiplier = m->multiplier[at], shift = m->shift[at];
    if (m->type == NNOM_TYPE_S8) {
        return nnom_requantize(sum, multiplier, shift);
    }
    if (shift > -2) {
        return nnom_requantize_wide(sum, multiplier, shift);
    }
    const int32_t high = (int32_t)(((int64_t)sum * nnom_narrow_multiplier(multiplier)) >> 32);
    return (high + (1 << (-shift - 2))) >> (-shift - 1);
}

static void mve_rnn_gate(const nnom_rnn_t *rnn, const nnom_rnn_matrix_t *m, const void *v, int32_t gate, int16_t *to,
                         bool adds)
{
    for (int32_t i = 0; i < rnn->units; i += RNN_FOUR) {
        mve_rnn_rows_t r = mve_rnn_rows(rnn, m, gate, i);
        if (m->type == NNOM_TYPE_S8) {
            mve_rnn_sums_s8(&r, v, m->columns);
        } else {
            mve_rnn_sums_s16(&r, v, m->columns);
        }
        for (int32_t k = 0; k < nnom_min_i32(RNN_FOUR, rnn->units - i); k++) {
            const int32_t y = mve_rnn_requantize(m, (int32_t)r.sum[k], nnom_rnn_at(rnn, gate, i + k));
            to[i + k] = nnom_rnn_added(adds ? to[i + k] : 0, y);
        }
    }
}

static const nnom_rnn_sums_t mve_rnn_sums = {mve_rnn_gate, NULL};

NNOM_RNN_KERNELS(mve, &mve_rnn_sums)

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_rnn_param, NNOM_RNN_PARAM)

/* The plain arrays. */
static nnom_status_t mve_rnn_pack(nnom_layer_t *layer)
{
    return nnom_rnn_is_narrow((const nnom_rnn_layer_t *)layer) ? NNOM_OK : NNOM_UNSUPPORTED;
}

NNOM_RNN_FORMS(mve, mve_rnn_pack)
