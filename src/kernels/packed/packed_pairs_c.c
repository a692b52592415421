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

/* ---- Depthwise ---- */

static inline uint32_t pairs_cell(const int8_t *const *cells, int32_t c)
{
    return (uint32_t)cells[0][c];
}

/* Two pixels of a tap, as in a word. */
static inline uint32_t pairs_cells(const int8_t *const *cells, int32_t c)
{
    return pairs_cell(cells, c) + (pairs_cell(cells + 1, c) << 16);
}

static void pairs_dw_finish(uint32_t total, uint32_t high, const uint32_t *finish, int8_t *out, int32_t distance)
{
    out[0] = nnom_pairs_output((int32_t)(total - (high << 16)), finish);
    out[distance] = nnom_pairs_output((int32_t)high, finish);
}

void nnom_pairs_dw_two(const uint32_t *stream, const int8_t *const *cells, int32_t taps, int8_t *out, int32_t channels,
                       int32_t distance)
{
    for (int32_t c = 0; c < channels; c++, stream += NNOM_PAIRS_FINISH) {
        const int8_t *const *at = cells;
        uint32_t total0 = stream[0], high0 = stream[1];
        stream += 3;
        if (taps % 2 != 0) {
            PAIRS_SPLIT(0, pairs_cells(at, c) * *stream++);
            at += 2;
        }
        for (const int8_t *const *end = cells + 2 * taps; at != end; at += 4, stream += 2) {
            PAIRS_SPLIT(0, pairs_cells(at, c) * stream[0] + pairs_cells(at + 2, c) * stream[1]);
        }
        pairs_dw_finish(total0, high0, stream, out + c, distance);
    }
}

void nnom_pairs_dw_one(const uint32_t *stream, const int8_t *const *cells, int32_t taps, int8_t *out, int32_t channels)
{
    for (int32_t c = 0; c < channels; c++, stream += NNOM_PAIRS_FINISH) {
        uint32_t acc = stream[2];
        stream += 3;
        for (int32_t t = 0; t < taps; t++) {
            acc += pairs_cell(cells + t, c) * *stream++;
        }
        out[c] = nnom_pairs_output((int32_t)acc, stream);
    }
}

/* The words of the three taps of a row. */
#define PAIRS_ROW(cells)                                                                                               \
    do {                                                                                                               \
        const uint32_t a = pairs_cell(cells, c), b = pairs_cell((cells) + 1, c), d = pairs_cell((cells) + 2, c);       \
        x0 = a + (b << 16);                                                                                            \
        x1 = b + (d << 16);                                                                                            \
        x2 = d + (pairs_cell((cells) + 3, c) << 16);                                                                   \
    } while (0)

void nnom_pairs_dw_3x3(const uint32_t *stream, const int8_t *const *cells, int8_t *out, int32_t channels,
                       int32_t distance)
{
    for (int32_t c = 0; c < channels; c++, stream += nnom_pairs_dw_words(9)) {
        const uint32_t *w = stream + 3;
        uint32_t total0 = stream[0], high0 = stream[1], x0, x1, x2;
        PAIRS_ROW(cells);
        PAIRS_SPLIT(0, x0 * w[0] + x1 * w[1]);
        const uint32_t open = x2 * w[2];
        PAIRS_ROW(cells + 4);
        PAIRS_SPLIT(0, open + x0 * w[3]);
        PAIRS_SPLIT(0, x1 * w[4] + x2 * w[5]);
        PAIRS_ROW(cells + 8);
        PAIRS_SPLIT(0, x0 * w[6] + x1 * w[7]);
        PAIRS_SPLIT(0, x2 * w[8]);
        pairs_dw_finish(total0, high0, w + 9, out + c, distance);
    }
}

#else
typedef int nnom_pairs_c_is_empty;
#endif
