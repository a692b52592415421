/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Dense of AVX-512 VNNI: 64 units at a time. Sums between rows are kept by lane. */
#include <string.h>

#include "../fixed.h"
#include "../ref/window.h"
#include "x86_pack.h"
#include "x86_vnni.h"

enum { WIDE = 4 * NNOM_VNNI_LANES };

/* The rows of the input that a call brings: each is a run. */
typedef struct vnni_dense {
    const nnom_conv_param_t *p;
    nnom_walk_t walk;
    int32_t rows, length, first; /* rows; elements of one; the first's number */
    int32_t quads, block;        /* of a row; bytes of 16 lanes' weights */
} vnni_dense_t;

/* Up to n taps of x, 128 higher; what is beyond meets weights of 0. */
static inline uint32_t vnni_dense_taps(const int8_t *x, int32_t n)
{
    uint32_t taps = 0;
    memcpy(&taps, x, n < 4 ? (size_t)n : sizeof taps);
    return taps ^ 0x80808080u;
}

static const int8_t *vnni_dense_weights(const vnni_dense_t *d, int32_t lane)
{
    return (const int8_t *)d->p->weights + lane / NNOM_VNNI_LANES * d->block + d->first * d->quads * NNOM_VNNI_QUAD;
}

/* ---- C ---- */

static void vnni_dense_sums(const vnni_dense_t *d, int32_t lane, int32_t n, int32_t *acc)
{
    for (int32_t i = lane; i < lane + n; i++) {
        const int8_t *w = vnni_dense_weights(d, i) + i % NNOM_VNNI_LANES * 4;
        uint32_t sum = (uint32_t)acc[i - lane];
        nnom_walk_t walk = d->walk;
        for (int32_t row = 0; row < d->rows; row++, nnom_walk_down(&walk)) {
            const int8_t *x = (const int8_t *)nnom_walk_row(&walk);
            for (int32_t t = 0; t < d->length; t++) {
                sum += (uint32_t)((x[t] + 128) * w[t / 4 * NNOM_VNNI_QUAD + t % 4]);
            }
            w += d->quads * NNOM_VNNI_QUAD;
        }
        acc[i - lane] = (int32_t)sum;
    }
}

/* ---- VNNI ---- */

#if NNOM_X86
/* acc [64]; blocks beyond those that are there repeat the first one and are thrown away. */
NNOM_VNNI static void vnni_dense_sums_vnni(const vnni_dense_t *d, int32_t lane, int32_t n, int32_t *acc)
{
    const int32_t b1 = n > 16 ? d->block : 0, b2 = n > 32 ? 2 * d->block : 0, b3 = n > 48 ? 3 * d->block : 0;
    const int8_t *w = vnni_dense_weights(d, lane);
    nnom_walk_t walk = d->walk;
    __m512i a0 = _mm512_loadu_si512(acc), a1 = _mm512_loadu_si512(acc + 16);
    __m512i a2 = _mm512_loadu_si512(acc + 32), a3 = _mm512_loadu_si512(acc + 48);
    for (int32_t row = 0; row < d->rows; row++, nnom_walk_down(&walk)) {
        const int8_t *x = (const int8_t *)nnom_walk_row(&walk);
        for (int32_t t = 0; t < d->length; t += 4, w += NNOM_VNNI_QUAD) {
            const __m512i taps = _mm512_set1_epi32((int32_t)vnni_dense_taps(x + t, d->length - t));
            a0 = _mm512_dpbusd_epi32(a0, taps, _mm512_loadu_si512(w));
            a1 = _mm512_dpbusd_epi32(a1, taps, _mm512_loadu_si512(w + b1));
            a2 = _mm512_dpbusd_epi32(a2, taps, _mm512_loadu_si512(w + b2));
            a3 = _mm512_dpbusd_epi32(a3, taps, _mm512_loadu_si512(w + b3));
        }
    }
    _mm512_storeu_si512(acc, a0);
    _mm512_storeu_si512(acc + 16, a1);
    _mm512_storeu_si512(acc + 32, a2);
    _mm512_storeu_si512(acc + 48, a3);
}

NNOM_VNNI static void vnni_dense_outputs(const nnom_conv_param_t *p, int32_t zero_point, int32_t lane, int32_t n,
                                         const int32_t *acc, int8_t *to)
{
    for (int32_t i = 0; i < n; i += NNOM_VNNI_LANES) {
        const nnom_vnni_scale_t s = nnom_vnni_scale(p, lane + i);
        nnom_vnni_finish(p, &s, lane + i, n - i, _mm512_loadu_si512(acc + i), zero_point, to + lane + i);
    }
}
#endif

/* ---- Both ---- */

/* Sums and outputs of lanes [lane, lane + 64), or as many as there are. */
static void vnni_dense_block(const vnni_dense_t *d, const nnom_tensor_t *out, int32_t lane, int32_t *kept, bool ends,
                             int8_t *to)
{
    int32_t acc[WIDE] = {0};
    const int32_t n = nnom_min_i32(WIDE, nnom_x86_lanes(out->shape.c) - lane);
    const int32_t outputs = nnom_min_i32(n, out->shape.c - lane);
    memcpy(acc, d->first == 0 ? (const int32_t *)d->p->bias + lane : kept + lane, (size_t)n * sizeof *acc);
#if NNOM_X86
    if (nnom_has_vnni()) {
        vnni_dense_sums_vnni(d, lane, n, acc);
        if (ends) {
            vnni_dense_outputs(d->p, out->zero_point, lane, outputs, acc, to);
        } else {
            memcpy(kept + lane, acc, (size_t)n * sizeof *acc);
        }
        return;
    }
#endif
    vnni_dense_sums(d, lane, n, acc);
    if (ends) {
        nnom_x86_finish_s8(d->p, out->zero_point, lane, outputs, acc, to + lane);
    } else {
        memcpy(kept + lane, acc, (size_t)n * sizeof *acc);
    }
}

void nnom_dense_s8_x86_vnni(const nnom_call_t *call)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0), *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const int32_t length = in->shape.w * in->shape.c, quads = (length + 3) / 4;
    const vnni_dense_t d = {call->node->param,
                            nnom_walk(&from, call->y.lo, 1),
                            call->y.hi - call->y.lo,
                            length,
                            call->y.lo,
                            quads,
                            in->shape.h * quads * NNOM_VNNI_QUAD};
    int8_t *to = (int8_t *)nnom_call_output_rows(call).data;
    for (int32_t lane = 0; lane < out->shape.c; lane += WIDE) {
        vnni_dense_block(&d, out, lane, nnom_call_scratch(call), call->y.hi == in->shape.h, to);
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

static nnom_status_t vnni_dense_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    return nnom_x86_pack_quads(conv, in.w * in.c, in.h > 1 ? 4 * (int64_t)nnom_x86_lanes(conv->channels) : 0);
}

NNOM_FORM(dense_s8_x86_vnni, nnom_window_all, NNOM_OP_REDUCES, nnom_conv_param, vnni_dense_pack)
