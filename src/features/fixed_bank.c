/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The bank of triangles: energies of bins, weighted, added up, and their root. */
#include "bits.h"
#include "fixed.h"

/* Root and what is left of the number so far. */
typedef struct bank_digits {
    uint32_t root;
    uint32_t rest;
} bank_digits_t;

/* A binary digit of the root for each two bits of x from its highest: `digits` of them. rest <= 2 root < 2^29, times 4 < 2^31. */
static bank_digits_t bank_more(bank_digits_t d, uint32_t x, uint32_t digits)
{
    x <<= 32u - 2u * digits;
    for (; digits > 0; digits--) {
        const uint32_t trial = d.root << 2 | 1u;
        d.rest = d.rest << 2 | x >> 30;
        x <<= 2;
        d.root <<= 1;
        if (d.rest >= trial) {
            d.rest -= trial;
            d.root |= 1u;
        }
    }
    return d;
}

/* The root of x < 2^56 to nearest, but never 2^16 for an x below 2^32. */
static uint32_t bank_root(uint64_t x)
{
    const uint32_t high = (uint32_t)(x >> 32), low = (uint32_t)x;
    bank_digits_t d = {0, 0};
    if (high > 0) {
        d = bank_more(d, high, (nnom_bit_length(high) + 1) / 2);
        d = bank_more(d, low, 16);
    } else if (low > 0) {
        d = bank_more(d, low, (nnom_bit_length(low) + 1) / 2);
    }
    return d.root + (d.rest > d.root && (high > 0 || d.root != 0xffffu) ? 1u : 0u);
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
            const uint32_t energy = nnom_c16_energy(*x);
            const nnom_complex16_t both = nnom_c16_load(weights);
            falls += (uint64_t)energy * (uint16_t)nnom_c16_re(both);
            rises += (uint64_t)energy * (uint16_t)nnom_c16_im(both);
        }
        if (i > 0) {
            signal[i - 1] = bank_root(falls) >> shift;
        }
        falls = rises;
        rises = 0;
    }
}
