/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Recurrent layers on cores with the DSP extension: sums of eight or four units at a time, and their packing. */
#include <string.h>

#include "../../build/kernel.h"
#include "../../layers/rnn_layer.h"
#include "dsp_loops.h"
#include "dsp_rnn.h"

/* ---- Sums to gates ---- */

/* nnom_requantize() of half of `twice`: dsp_loops.h, where the shift is one of those. */
static inline int32_t dsp_rnn_requantize(int32_t twice, int32_t multiplier, int32_t shift)
{
    if (shift > -1 || shift < -22) {
        return nnom_requantize(twice / 2, multiplier, shift);
    }
    return (nnom_smmlar(twice, multiplier, 1 << (-shift - 1)) + (twice >> 31)) >> -shift;
}

/* nnom_requantize_wide() of 32 bits: fixed.h. */
static inline int32_t dsp_rnn_requantize_wide(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift > -2) {
        return nnom_requantize_wide(x, multiplier, shift);
    }
    return nnom_smmla(x, nnom_narrow_multiplier(multiplier), 1 << (-shift - 2)) >> (-shift - 1);
}

/* Where the numbers of some units are: to[i] is added to `to[i] & mask`. */
typedef struct dsp_rnn_units {
    const int32_t *multiplier;
    const int8_t *shift;
    int32_t step; /* 0: all have the first one's */
    int32_t mask; /* 0 or -1 */
} dsp_rnn_units_t;

static void dsp_rnn_finish_s8(dsp_rnn_units_t u, const uint32_t *sums, int16_t *to, int32_t n)
{
    for (int32_t i = 0; i < n; i++, u.multiplier += u.step, u.shift += u.step) {
        const uint32_t b = (uint32_t)((int32_t)(sums[i & ~1] - sums[i | 1]) >> 7);
        const int32_t twice = (int32_t)(i % 2 == 0 ? sums[i + 1] * 2u : b);
        to[i] = nnom_rnn_added(to[i] & u.mask, dsp_rnn_requantize(twice, *u.multiplier, *u.shift));
    }
}

static void dsp_rnn_finish_s16(dsp_rnn_units_t u, const int32_t *sums, int16_t *to, int32_t n)
{
    for (const int16_t *end = to + n; to != end; to++, sums++, u.multiplier += u.step, u.shift += u.step) {
        *to = nnom_rnn_added(*to & u.mask, dsp_rnn_requantize_wide(*sums, *u.multiplier, *u.shift));
    }
}

static void dsp_rnn_gate_s8(const nnom_rnn_t *rnn, const uint32_t *block, uint32_t columns, const void *v,
                            dsp_rnn_units_t u, int16_t *to)
{
    enum { WIDTH = NNOM_DSP_RNN_EIGHT };
    for (int32_t i = 0; i < rnn->units; i += WIDTH, block += nnom_dsp_rnn_words(WIDTH, (int32_t)columns)) {
        uint32_t sums[WIDTH];
        memcpy(sums, block, sizeof sums);
        nnom_dsp_eight(block + WIDTH, v, columns, sums);
        dsp_rnn_finish_s8(u, sums, to + i, nnom_min_i32(rnn->units - i, WIDTH));
        u.multiplier += WIDTH * u.step;
        u.shift += WIDTH * u.step;
    }
}

static void dsp_rnn_gate_s16(const nnom_rnn_t *rnn, const uint32_t *block, uint32_t columns, const void *v,
                             dsp_rnn_units_t u, int16_t *to)
{
    enum { WIDTH = NNOM_DSP_RNN_FOUR };
    for (int32_t i = 0; i < rnn->units; i += WIDTH, block += nnom_dsp_rnn_words(WIDTH, (int32_t)columns)) {
        int32_t sums[WIDTH];
        nnom_dsp_rnn_four(block, v, columns, sums);
        dsp_rnn_finish_s16(u, sums, to + i, nnom_min_i32(rnn->units - i, WIDTH));
        u.multiplier += WIDTH * u.step;
        u.shift += WIDTH * u.step;
    }
}

static void dsp_rnn_gate(const nnom_rnn_t *rnn, const nnom_rnn_matrix_t *m, const void *v, int32_t gate, int16_t *to,
                         bool adds)
{
    const int32_t columns = nnom_dsp_rnn_columns(m->columns), at = nnom_rnn_at(rnn, gate, 0);
    const int32_t width = m->type == NNOM_TYPE_S8 ? NNOM_DSP_RNN_EIGHT : NNOM_DSP_RNN_FOUR;
    const int32_t blocks = (rnn->units + width - 1) / width;
    const uint32_t *block = (const uint32_t *)m->weights + gate * blocks * nnom_dsp_rnn_words(width, columns);
    const dsp_rnn_units_t u = {m->multiplier + at, m->shift + at, rnn->p->per_unit != 0 ? 1 : 0, adds ? -1 : 0};
    if (m->type == NNOM_TYPE_S8) {
        dsp_rnn_gate_s8(rnn, block, (uint32_t)columns, v, u, to);
    } else {
        dsp_rnn_gate_s16(rnn, block, (uint32_t)columns, v, u, to);
    }
}

/* Columns that are filled up read beyond a row: it is copied. */
static const void *dsp_rnn_features(const nnom_rnn_t *rnn, const void *row)
{
    const int32_t n = rnn->input.columns;
    if (n % 4 == 0) {
        return row;
    }
    memcpy(rnn->room, row, (size_t)n * (rnn->input.type == NNOM_TYPE_S8 ? 1 : 2));
    return rnn->room;
}

static const nnom_rnn_sums_t dsp_rnn_sums = {dsp_rnn_gate, dsp_rnn_features};

NNOM_RNN_KERNELS(dsp, &dsp_rnn_sums)

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_rnn_param, NNOM_RNN_PARAM)

/* A matrix of a layer. */
typedef struct dsp_matrix {
    const nnom_rnn_layer_t *rnn;
    const int8_t *weights;
    const int32_t *bias;
    int32_t columns, gates, units;
    bool state, wide; /* it is U; what it multiplies is int16 */
} dsp_matrix_t;

static dsp_matrix_t dsp_matrix(const nnom_rnn_layer_t *rnn, bool state)
{
    const nnom_rnn_param_t *p = &rnn->param;
    const nnom_type_t type = state ? rnn->state_type : nnom_layer_in(&rnn->super, 0)->type;
    const dsp_matrix_t m = {rnn,
                            state ? p->recurrent : p->weights,
                            state ? p->recurrent_bias : p->bias,
                            state ? p->units : rnn->features,
                            rnn->cell->kind->gates,
                            p->units,
                            state,
                            type == NNOM_TYPE_S16};
    return m;
}

static int32_t dsp_matrix_width(const dsp_matrix_t *m)
{
    return m->wide ? NNOM_DSP_RNN_FOUR : NNOM_DSP_RNN_EIGHT;
}

static int64_t dsp_matrix_words(const dsp_matrix_t *m)
{
    const int32_t width = dsp_matrix_width(m), blocks = (m->units + width - 1) / width;
    const int64_t words = width + (int64_t)nnom_dsp_rnn_columns(m->columns) / 4 * width;
    return words * blocks * m->gates;
}

/* 0 beyond the last column or unit. */
static int32_t dsp_matrix_weight(const dsp_matrix_t *m, int32_t gate, int32_t unit, int32_t column)
{
    const size_t row = (size_t)(gate * m->units + unit);
    return unit < m->units && column < m->columns ? m->weights[row * (size_t)m->columns + (size_t)column] : 0;
}

static int32_t dsp_matrix_bias(const dsp_matrix_t *m, int32_t gate, int32_t unit)
{
    return unit < m->units && m->bias != NULL ? m->bias[gate * m->units + unit] : 0;
}

/* Sums fit; an odd unit's are in the upper bytes of its halfwords: dsp_loops.h. */
static bool dsp_matrix_accepts(const dsp_matrix_t *m, int32_t gate, int32_t unit)
{
    const bool odd = unit % 2 != 0 && !m->wide;
    const int64_t most = m->wide ? INT32_MAX : (odd ? (1 << 23) - 1 : (1 << 30) - 1);
    if (nnom_rnn_bound(m->rnn, m->state, gate * m->units + unit) > most) {
        return false;
    }
    bool good = true;
    for (int32_t k = 0; k < m->columns && odd && good; k++) {
        good = dsp_matrix_weight(m, gate, unit, k) != -128 || dsp_matrix_weight(m, gate, unit - 1, k) >= 0;
    }
    return good;
}

static bool dsp_matrix_accepts_all(const dsp_matrix_t *m)
{
    bool good = true;
    for (int32_t gate = 0; gate < m->gates; gate++) {
        for (int32_t unit = 0; unit < m->units && good; unit++) {
            good = dsp_matrix_accepts(m, gate, unit);
        }
    }
    return good;
}

static uint32_t *dsp_pack_four(const dsp_matrix_t *m, int32_t gate, int32_t unit, uint32_t *to)
{
    static const uint32_t place[4] = {0, 16, 8, 24};
    for (int32_t k = 0; k < NNOM_DSP_RNN_FOUR; k++) {
        *to++ = (uint32_t)dsp_matrix_bias(m, gate, unit + k);
    }
    for (int32_t column = 0; column < m->columns; column += 4) {
        for (int32_t k = 0; k < NNOM_DSP_RNN_FOUR; k++, to++) {
            *to = 0;
            for (int32_t i = 0; i < 4; i++) {
                *to |= ((uint32_t)dsp_matrix_weight(m, gate, unit + k, column + i) & 0xffu) << place[i];
            }
        }
    }
    return to;
}

static uint32_t dsp_pair(const dsp_matrix_t *m, int32_t gate, int32_t unit, int32_t column)
{
    return (uint32_t)(256 * dsp_matrix_weight(m, gate, unit + 1, column) + dsp_matrix_weight(m, gate, unit, column)) &
           0xffffu;
}

static uint32_t *dsp_pack_eight(const dsp_matrix_t *m, int32_t gate, int32_t unit, uint32_t *to)
{
    for (int32_t k = 0; k < NNOM_DSP_RNN_EIGHT; k += 2) {
        const uint32_t a = (uint32_t)dsp_matrix_bias(m, gate, unit + k);
        *to++ = (uint32_t)dsp_matrix_bias(m, gate, unit + k + 1) * 256u + a;
        *to++ = a;
    }
    for (int32_t column = 0; column < m->columns; column += 4) {
        for (int32_t i = 0; i < NNOM_DSP_RNN_EIGHT; i++) {
            const int32_t at = column + i / 4, pair = unit + i % 4 * 2;
            *to++ = dsp_pair(m, gate, pair, at) | dsp_pair(m, gate, pair, at + 2) << 16;
        }
    }
    return to;
}

static const uint32_t *dsp_pack_matrix(nnom_layer_t *layer, const dsp_matrix_t *m)
{
    const int64_t words = dsp_matrix_words(m);
    uint32_t *stream = nnom_layer_alloc(layer, (size_t)words, sizeof *stream), *to = stream;
    for (int32_t gate = 0; gate < m->gates && stream != NULL; gate++) {
        for (int32_t unit = 0; unit < m->units; unit += dsp_matrix_width(m)) {
            to = m->wide ? dsp_pack_four(m, gate, unit, to) : dsp_pack_eight(m, gate, unit, to);
        }
    }
    return nnom_layer_array(layer, stream, (uint32_t)words, NNOM_TYPE_S32);
}

/* Plain: a byte a weight and 4 of a bias; what else there is stays as it is. */
static bool dsp_rnn_fits(const nnom_layer_t *layer, const dsp_matrix_t m[2])
{
    const int64_t words = dsp_matrix_words(&m[0]) + dsp_matrix_words(&m[1]);
    const uint64_t rows = (uint64_t)m[0].gates * (uint64_t)m[0].units;
    const uint64_t plain = rows * ((uint64_t)m[0].columns + (uint64_t)m[1].columns + 8);
    return words <= INT32_MAX / 4 && nnom_may_pack(layer, plain, (uint64_t)words * 4, true) &&
           dsp_matrix_accepts_all(&m[0]) && dsp_matrix_accepts_all(&m[1]);
}

static nnom_status_t dsp_rnn_pack(nnom_layer_t *layer)
{
    nnom_rnn_layer_t *rnn = (nnom_rnn_layer_t *)layer;
    const dsp_matrix_t m[2] = {dsp_matrix(rnn, false), dsp_matrix(rnn, true)};
    if (!dsp_rnn_fits(layer, m)) {
        return NNOM_UNSUPPORTED;
    }
    const uint32_t *weights = dsp_pack_matrix(layer, &m[0]), *recurrent = dsp_pack_matrix(layer, &m[1]);
    if (weights == NULL || recurrent == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for its packed weights");
    }
    rnn->param.weights = weights;
    rnn->param.recurrent = recurrent;
    rnn->param.bias = NULL;
    rnn->param.recurrent_bias = NULL;
    const int32_t filled = rnn->features % 4 != 0 ? nnom_dsp_rnn_columns(rnn->features) : 0;
    layer->scratch_bytes = rnn->plain_scratch + (uint32_t)filled * (m[0].wide ? 2u : 1u);
    return NNOM_OK;
}

NNOM_RNN_FORMS(dsp, dsp_rnn_pack)
