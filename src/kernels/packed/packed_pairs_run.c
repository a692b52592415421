/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <string.h>

#include "../fixed.h"
#include "pairs.h"
#include "pairs_text.h"

static void pairs_blocks(const nnom_pairs_param_t *p, const uint32_t *stream, const void *x, int8_t *out, int32_t n)
{
    if (p->in_words != 0) {
        nnom_pairs_words(stream, x, p->taps, out, out + n);
    } else {
        nnom_pairs_bytes(stream, x, p->taps, out, out + n);
    }
}

void nnom_pairs_pixel(const nnom_pairs_param_t *p, const void *x, int8_t *out, int32_t n)
{
    const uint32_t *stream = p->stream;
    const int32_t whole = n & ~(NNOM_PAIRS_WIDTH - 1);
    if (whole == 0) {
        int8_t block[NNOM_PAIRS_WIDTH];
        pairs_blocks(p, stream, x, block, NNOM_PAIRS_WIDTH);
        memcpy(out, block, (size_t)n);
        return;
    }
    pairs_blocks(p, stream, x, out, whole);
    if (whole != n) {
        stream += whole / NNOM_PAIRS_WIDTH * nnom_pairs_block_words(p->taps);
        pairs_blocks(p, stream, x, out + n - NNOM_PAIRS_WIDTH, NNOM_PAIRS_WIDTH);
    }
}

void nnom_pairs_limits(const nnom_pairs_param_t *p, int8_t *out, int32_t n)
{
#ifdef NNOM_PAIRS_V7M
    const int32_t least = p->act_min, most = p->act_max;
    for (const int8_t *end = out + n; (least > -128 || most < 127) && out != end; out++) {
        *out = (int8_t)nnom_clamp_i32(*out, least, most);
    }
#else
    (void)p;
    (void)out;
    (void)n;
#endif
}
