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

/* Two taps: the products of words `first` and `second` with x0 and x1. */
#define PAIRS_TWO(i, first, second) PAIRS_SPLIT(i, (first)*x0 + (second)*x1)

void nnom_pairs_bytes(const uint32_t *stream, const int8_t *x, int32_t taps, int8_t *out, const int8_t *end)
{
    for (const int8_t *last = x + taps, *at = x; out != end; out += NNOM_PAIRS_WIDTH, at = x) {
        uint32_t total0 = stream[0], high0 = stream[1], total1 = stream[2], high1 = stream[3];
        stream += NNOM_PAIRS_WIDTH;
        if (taps % 2 != 0) {
            const uint32_t x0 = (uint32_t)*at++;
            PAIRS_SPLIT(0, stream[0] * x0);
            PAIRS_SPLIT(1, stream[1] * x0);
            stream += 2;
        }
        for (; last - at >= 4; at += 4, stream += 8) {
            uint32_t x0 = (uint32_t)at[0], x1 = (uint32_t)at[1];
            PAIRS_TWO(0, stream[0], stream[2]);
            PAIRS_TWO(1, stream[1], stream[3]);
            x0 = (uint32_t)at[2];
            x1 = (uint32_t)at[3];
            PAIRS_TWO(0, stream[4], stream[6]);
            PAIRS_TWO(1, stream[5], stream[7]);
        }
        if (at != last) {
            const uint32_t x0 = (uint32_t)at[0], x1 = (uint32_t)at[1];
            PAIRS_TWO(0, stream[0], stream[2]);
            PAIRS_TWO(1, stream[1], stream[3]);
            stream += 4;
        }
        pairs_finish(total0, high0, stream, out);
        pairs_finish(total1, high1, stream + 2 * NNOM_PAIRS_FINISH, out + 2);
        stream += NNOM_PAIRS_WIDTH * NNOM_PAIRS_FINISH;
    }
}

void nnom_pairs_bytes_2(const uint32_t *stream, const int8_t *x, int32_t step, int32_t taps, int8_t *out,
                        const int8_t *end, int32_t distance)
{
    for (const int8_t *last = x + taps, *at = x, *next = x + step; out != end; at = x, next = x + step) {
        uint32_t total0 = stream[0], high0 = stream[1], total1 = stream[2], high1 = stream[3];
        uint32_t total2 = total0, high2 = high0, total3 = total1, high3 = high1;
        stream += NNOM_PAIRS_WIDTH;
        if (taps % 2 != 0) {
            const uint32_t x0 = (uint32_t)*at++, y0 = (uint32_t)*next++, a = stream[0], b = stream[1];
            PAIRS_SPLIT(0, a * x0);
            PAIRS_SPLIT(1, b * x0);
            PAIRS_SPLIT(2, a * y0);
            PAIRS_SPLIT(3, b * y0);
            stream += 2;
        }
        for (; at != last; at += 2, next += 2, stream += 4) {
            const uint32_t a = stream[0], b = stream[1], c = stream[2], d = stream[3];
            uint32_t x0 = (uint32_t)at[0], x1 = (uint32_t)at[1];
            PAIRS_TWO(0, a, c);
            PAIRS_TWO(1, b, d);
            x0 = (uint32_t)next[0];
            x1 = (uint32_t)next[1];
            PAIRS_TWO(2, a, c);
            PAIRS_TWO(3, b, d);
        }
        pairs_finish(total0, high0, stream, out);
        pairs_finish(total1, high1, stream + 2 * NNOM_PAIRS_FINISH, out + 2);
        pairs_finish(total2, high2, stream, out + distance);
        pairs_finish(total3, high3, stream + 2 * NNOM_PAIRS_FINISH, out + distance + 2);
        stream += NNOM_PAIRS_WIDTH * NNOM_PAIRS_FINISH;
        out += NNOM_PAIRS_WIDTH;
    }
}

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
