/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The core compiled with -DNNOM_SHIFTS_2020: `shift` of weights is the output's right shift, of biases their left
 * shift. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "nnom.h"

enum { INPUTS = 12, UNITS = 7 };

static int32_t half_away(int32_t x, int32_t bits)
{
    const int32_t half = bits > 0 ? 1 << (bits - 1) : 0;
    return x >= 0 ? (x + half) >> bits : -((-x + half) >> bits);
}

/* By 2^-shift in two steps, as SPEC.md has it: first half, to the next above, then the rest. */
static int32_t expected(int32_t acc, int32_t shift)
{
    const int32_t y = shift == 0 ? acc : half_away((acc + 1) >> 1, shift - 1);
    return y < -128 ? -128 : (y > 127 ? 127 : y);
}

/* Number of wrong outputs of Dense, or of a 1x1 convolution. */
static int wrong(uint32_t out_shift, uint32_t bias_shift, int32_t frac, bool dense)
{
    int8_t weights[UNITS * INPUTS], bias[UNITS], in[INPUTS], out[UNITS];
    for (int32_t i = 0; i < UNITS * INPUTS; i++) {
        weights[i] = (int8_t)(rand() % 256 - 128);
    }
    for (int32_t i = 0; i < INPUTS; i++) {
        in[i] = (int8_t)(rand() % 256 - 128);
    }
    for (int32_t i = 0; i < UNITS; i++) {
        bias[i] = (int8_t)(rand() % 256 - 128);
    }
    const nnom_weight_t w = {weights, out_shift};
    const nnom_bias_t b = {bias, bias_shift};
    nnom_model_t m;
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    (void)m.add(&m, Input(shape(1, 1, INPUTS), qformat(7 - frac, frac), in));
    (void)m.add(&m, dense ? Dense(UNITS, &w, &b) : Conv2D(UNITS, kernel(1, 1), stride(1, 1), PADDING_VALID, &w, &b));
    (void)m.add(&m, Output(shape(1, 1, UNITS), out));
    int count = sequential_compile(&m) != NNOM_OK || model_run(&m) != NNOM_OK;
    for (int32_t u = 0; u < UNITS; u++) {
        int32_t acc = bias[u] * (1 << bias_shift);
        for (int32_t i = 0; i < INPUTS; i++) {
            acc += in[i] * weights[u * INPUTS + i];
        }
        count += out[u] != expected(acc, (int32_t)out_shift);
    }
    model_delete(&m);
    return count;
}

int main(void)
{
    int count = 0;
    for (uint32_t out_shift = 0; out_shift < 14; out_shift++) {
        for (uint32_t bias_shift = 0; bias_shift < 12; bias_shift++) {
            count += wrong(out_shift, bias_shift, (int32_t)(bias_shift % 8), true);
            count += wrong(out_shift, bias_shift, (int32_t)(bias_shift % 8), false);
        }
    }
    (void)printf(count == 0 ? "ok shifts2020.values\n" : "FAIL shifts2020.values: %d outputs are wrong\n", count);
    (void)printf("%d passed, %d failed\n", count == 0, count != 0);
    return count != 0;
}
