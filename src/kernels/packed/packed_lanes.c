/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Functions of their own, so that the loops have the registers for themselves. */
#include "lanes.h"

#include <stddef.h>

/* Sums of one word. */
typedef struct nnom_lane {
    uint32_t total;
    uint32_t high;
} nnom_lane_t;

static inline nnom_lane_t nnom_lane_split(nnom_lane_t sum, uint32_t segment)
{
    sum.total += segment;
    sum.high += segment >> 16;
    return sum;
}

static inline uint32_t nnom_lane_times(uint32_t x, int32_t w)
{
    return x * (uint32_t)w;
}

/* A segment of one weight; two; four. x: the words of its taps, `step` apart. */
static inline nnom_lane_t nnom_lane_one(nnom_lane_t sum, const uint32_t *x, const int8_t *w)
{
    return nnom_lane_split(sum, NNOM_LANES_BOTH + nnom_lane_times(x[0], w[0]));
}

static inline nnom_lane_t nnom_lane_pair(nnom_lane_t sum, const uint32_t *x, int32_t step, const int8_t *w)
{
    return nnom_lane_split(sum, NNOM_LANES_BOTH + nnom_lane_times(x[0], w[0]) + nnom_lane_times(x[step], w[1]));
}

static inline nnom_lane_t nnom_lane_four(nnom_lane_t sum, const uint32_t *x, int32_t step, const int8_t *w)
{
    return nnom_lane_split(sum, NNOM_LANES_BOTH + nnom_lane_times(x[0], w[0]) + nnom_lane_times(x[step], w[1]) +
                                    nnom_lane_times(x[2 * step], w[2]) + nnom_lane_times(x[3 * step], w[3]));
}

/* Adds the sums of both pixels. */
static inline void nnom_lane_add(nnom_lane_t sum, uint32_t *acc)
{
    acc[0] += sum.total - (sum.high << 16);
    acc[1] += sum.high;
}

/* The end of a channel's fours, all of them in runs; its begin if there are no runs. */
static const int8_t *fours_end(const nnom_stream_t *s, int32_t taps)
{
    return s->runs != NULL ? s->w + (taps & ~3) : s->w;
}

void nnom_lanes_dot2(nnom_stream_t *s, const uint32_t *x, int32_t taps, uint32_t *acc)
{
    const int8_t *w = s->w, *last = fours_end(s, taps), *end = w + taps;
    const uint8_t *runs = s->runs;
    nnom_lane_t sum = {0, 0};
    while (w != last) {
        for (const int8_t *stop = w + 4 * *runs++; w != stop; w += 4, x += 4) {
            sum = nnom_lane_four(sum, x, 1, w);
        }
        if (w != last) {
            sum = nnom_lane_pair(sum, x, 1, w);
            sum = nnom_lane_pair(sum, x + 2, 1, w + 2);
            w += 4;
            x += 4;
        }
    }
    for (; end - w >= 2; w += 2, x += 2) {
        sum = nnom_lane_pair(sum, x, 1, w);
    }
    if (w != end) {
        sum = nnom_lane_one(sum, x, w);
    }
    s->w = end;
    s->runs = runs;
    nnom_lane_add(sum, acc);
}

void nnom_lanes_dot4(nnom_stream_t *s, const uint32_t *x, int32_t taps, uint32_t *acc)
{
    const int8_t *w = s->w, *last = fours_end(s, taps), *end = w + taps;
    const uint8_t *runs = s->runs;
    nnom_lane_t low = {0, 0}, high = {0, 0};
    while (w != last) {
        for (const int8_t *stop = w + 4 * *runs++; w != stop; w += 4, x += 8) {
            low = nnom_lane_four(low, x, 2, w);
            high = nnom_lane_four(high, x + 1, 2, w);
        }
        if (w != last) {
            low = nnom_lane_pair(low, x, 2, w);
            high = nnom_lane_pair(high, x + 1, 2, w);
            low = nnom_lane_pair(low, x + 4, 2, w + 2);
            high = nnom_lane_pair(high, x + 5, 2, w + 2);
            w += 4;
            x += 8;
        }
    }
    for (; end - w >= 2; w += 2, x += 4) {
        low = nnom_lane_pair(low, x, 2, w);
        high = nnom_lane_pair(high, x + 1, 2, w);
    }
    if (w != end) {
        low = nnom_lane_one(low, x, w);
        high = nnom_lane_one(high, x + 1, w);
    }
    s->w = end;
    s->runs = runs;
    nnom_lane_add(low, acc);
    nnom_lane_add(high, acc + 2);
}
