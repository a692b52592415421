/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The bank of triangles: energies of bins, weighted, added up, and their root. */
#include "bits.h"
#include "fixed.h"

/* |re|, |im| <= 2^15, so <= 2^31 */
static uint32_t bank_energy(nnom_complex16_t x)
{
    return (uint32_t)(x.re * x.re) + (uint32_t)(x.im * x.im);
}

/* The root of x to nearest, but never 2^32, nor 2^16 for an x below 2^32; two bits of x a step. */
static uint32_t bank_root(uint64_t x)
{
    const uint32_t high = (uint32_t)(x >> 32);
    uint32_t steps = (high > 0 ? 32 + nnom_bit_length(high) : nnom_bit_length((uint32_t)x)) + 1;
    const uint32_t most = high > 0 ? 0xffffffffu : 0xffffu;
    uint64_t bit = (uint64_t)1 << ((steps >> 1) * 2 > 62 ? 62 : (steps >> 1) * 2), root = 0;
    for (; bit > 0; bit >>= 2) {
        const uint64_t trial = root + bit;
        root >>= 1;
        if (x >= trial) {
            x -= trial;
            root += bit;
        }
    }
    return (uint32_t)root + (x > root && root != most ? 1u : 0u);
}

/*
 * Bins between the centres of two triangles belong to the one that falls there and, with what is left of 1, to the one that rises.
 * Sums <= 2^31 * 2^12 * 2049 bins < 2^55.
 */
void nnom_fixed_bank(const nnom_audio_fixed_t *f, const nnom_complex16_t *x, int32_t shift, uint32_t *signal)
{
    const int16_t *weights = f->weights;
    uint64_t falls = 0, rises = 0;
    x += f->first_bin;
    for (uint32_t i = 0; i <= f->channels; i++) {
        for (const nnom_complex16_t *end = x + f->widths[i]; x < end; x++, weights += 2) {
            const uint32_t energy = bank_energy(*x);
            falls += (uint64_t)energy * (uint16_t)weights[0];
            rises += (uint64_t)energy * (uint16_t)weights[1];
        }
        if (i > 0) {
            signal[i - 1] = bank_root(falls) >> shift;
        }
        falls = rises;
        rises = 0;
    }
}
