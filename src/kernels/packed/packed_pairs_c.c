/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The loops of pairs.h in C: for RISC-V, and for a computer, which so runs the program of the boards. */
#include "pairs.h"
#include "pairs_text.h"

#ifdef NNOM_PAIRS_C

/* `add` to total and high. */
#define PAIRS_SPLIT(i, add)                                                                                            \
    do {                                                                                                               \
        const uint32_t segment = NNOM_PAIRS_BOTH + (add);                                                              \
        total##i += segment;                                                                                           \
        high##i += segment >> 16;                                                                                      \
    } while (0)

static void pairs_finish(uint32_t total, uint32_t high, const uint32_t *finish, int8_t *out)
{
    out[0] = nnom_pairs_output((int32_t)(total - (high << 16)), finish);
    out[1] = nnom_pairs_output((int32_t)high, finish + NNOM_PAIRS_FINISH);
}

#define PAIRS_LOOP(name, type)                                                                                         \
    void name(const uint32_t *stream, const type *x, int32_t taps, int8_t *out, const int8_t *end)                     \
    {                                                                                                                  \
        const type *last = x + taps;                                                                                   \
        for (; out != end; out += NNOM_PAIRS_WIDTH) {                                                                  \
            uint32_t total0 = stream[0], high0 = stream[1], total1 = stream[2], high1 = stream[3];                     \
            const uint32_t *w = stream + NNOM_PAIRS_WIDTH;                                                             \
            const type *at = x;                                                                                        \
            if (taps % 2 != 0) {                                                                                       \
                const uint32_t x0 = (uint32_t)*at++;                                                                   \
                PAIRS_SPLIT(0, w[0] * x0);                                                                             \
                PAIRS_SPLIT(1, w[1] * x0);                                                                             \
                w += 2;                                                                                                \
            }                                                                                                          \
            for (; at != last; at += 2, w += 4) {                                                                      \
                const uint32_t x0 = (uint32_t)at[0], x1 = (uint32_t)at[1];                                             \
                PAIRS_SPLIT(0, w[0] * x0 + w[2] * x1);                                                                 \
                PAIRS_SPLIT(1, w[1] * x0 + w[3] * x1);                                                                 \
            }                                                                                                          \
            pairs_finish(total0, high0, w, out);                                                                       \
            pairs_finish(total1, high1, w + 2 * NNOM_PAIRS_FINISH, out + 2);                                           \
            stream = w + NNOM_PAIRS_WIDTH * NNOM_PAIRS_FINISH;                                                         \
        }                                                                                                              \
    }

PAIRS_LOOP(nnom_pairs_bytes, int8_t)
PAIRS_LOOP(nnom_pairs_words, int32_t)

#else
typedef int nnom_pairs_c_is_empty;
#endif
