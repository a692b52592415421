/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Two pixels with one multiplication. A word holds x of one pixel and 2^16 times x of another; times a weight it is both products,
 * and sums of words are both sums as long as each fits 16 bits. Such a segment starts with START in each half, so that both halves
 * are unsigned and never borrow from each other; then it is split: `total` takes the word, `high` its high half. In the end
 * `high` is the second pixel's sum, and total - 2^16 high, modulo 2^32, the first one's, both plus START for each segment: the
 * packer takes that off the bias.
 *
 * A half fits if the sum lies within -32767 .. 32768. Two weights always do: -128 * -128 * 2 = 32768. Four do if 128 * n + 127 * p
 * <= 32768 and 127 * n + 128 * p <= 32767 with n, p the sums of the negative and the positive weights' magnitudes.
 *
 * The order of a channel's weights is the plain one. They are taken in fours. `runs` says which are split in two pairs: so many
 * fours as one segment, then one that is split, and so on until the fours are used up. What is left is a pair and a single one.
 * Without runs all are pairs.
 */
#ifndef NNOM_PACKED_LANES_H
#define NNOM_PACKED_LANES_H

#include <stdint.h>

#define NNOM_LANES_START 0x7fffu
#define NNOM_LANES_BOTH (NNOM_LANES_START * 0x10001u)

/* Weights of a channel and its runs; both are left behind what was read, at the next channel's. */
typedef struct nnom_stream {
    const int8_t *w;
    const uint8_t *runs; /* NULL: all segments are pairs */
} nnom_stream_t;

/*
 * Adds a channel's products over `taps` >= 1 taps to acc, modulo 2^32: of two pixels, x: [taps] words, acc: [2]; of four, x:
 * [taps][2], acc: [4].
 */
void nnom_lanes_dot2(nnom_stream_t *s, const uint32_t *x, int32_t taps, uint32_t *acc);
void nnom_lanes_dot4(nnom_stream_t *s, const uint32_t *x, int32_t taps, uint32_t *acc);

#endif
