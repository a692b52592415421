/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The logarithm: of base 2 by the highest bit and a table, then natural. */
#include "bits.h"
#include "fixed.h"

enum { LOG_BITS = 16, LOG_SEGMENT_BITS = 7, LOG_LN2 = 45426 /* ln(2) in Q16 */ };

/* (log2(1 + i / 128) - i / 128) in Q16, to nearest */
static const uint16_t log_table[129] = {
    0,    224,  442,  654,  861,  1063, 1259, 1450, 1636, 1817, 1992, 2163, 2329, 2490, 2646, 2797, 2944, 3087, 3224,
    3358, 3487, 3611, 3732, 3848, 3960, 4068, 4172, 4272, 4368, 4460, 4549, 4633, 4714, 4791, 4864, 4934, 5001, 5063,
    5123, 5178, 5231, 5280, 5326, 5368, 5408, 5444, 5477, 5507, 5533, 5557, 5578, 5595, 5610, 5622, 5631, 5637, 5640,
    5641, 5638, 5633, 5626, 5615, 5602, 5586, 5568, 5547, 5524, 5498, 5470, 5439, 5406, 5370, 5332, 5291, 5249, 5203,
    5156, 5106, 5054, 5000, 4944, 4885, 4825, 4762, 4697, 4630, 4561, 4490, 4416, 4341, 4264, 4184, 4103, 4020, 3935,
    3848, 3759, 3668, 3575, 3481, 3384, 3286, 3186, 3084, 2981, 2875, 2768, 2659, 2549, 2437, 2323, 2207, 2090, 1971,
    1851, 1729, 1605, 1480, 1353, 1224, 1094, 963,  830,  695,  559,  421,  282,  142,  0,
};

/* log2(x) in Q16, x > 0: < 2^21 */
static uint32_t log_base2(uint32_t x)
{
    const uint32_t whole = nnom_bit_length(x) - 1;
    const uint32_t below = x - ((uint32_t)1 << whole);
    const uint32_t fraction = whole < LOG_BITS ? below << (LOG_BITS - whole) : below >> (whole - LOG_BITS);
    const uint32_t segment = fraction >> (LOG_BITS - LOG_SEGMENT_BITS);
    const int32_t low = log_table[segment], step = log_table[segment + 1] - low;
    /* |step| <= 224, the rest < 512. The reference divides by 2^16, where a segment is 2^9 long: the step hardly counts. */
    const int32_t rest = (int32_t)(fraction - (segment << (LOG_BITS - LOG_SEGMENT_BITS)));
    return (whole << LOG_BITS) + fraction + (uint32_t)(low + ((step * rest) >> LOG_BITS));
}

void nnom_fixed_log(const nnom_audio_fixed_t *f, uint32_t *signal)
{
    const uint32_t half = 1u << (LOG_BITS - 1);
    for (uint32_t i = 0; i < f->channels; i++) {
        const uint32_t x = f->correction_bits < 0 ? signal[i] >> -f->correction_bits : signal[i] << f->correction_bits;
        /* log2 < 2^21, times ln 2 < 2^20.5, times 2^10 < 2^31 */
        const uint32_t natural = x > 1 ? (uint32_t)(((uint64_t)log_base2(x) * LOG_LN2 + half) >> LOG_BITS) : 0;
        signal[i] = ((natural << f->log_shift) + half) >> LOG_BITS;
    }
}
