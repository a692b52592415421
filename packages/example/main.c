/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What the packages run to show that they work: the self test of a converted model, then a rising signal. */
#include <stdio.h>

#include "slope.h"

static const char *const names[SLOPE_OUTPUT_COUNT] = {"rises", "falls", "stays"};

int main(void)
{
    if (slope_selftest() != NNOM_OK) {
        printf("slope: self test FAILED\n");
        return 1;
    }
    printf("slope: self test passed\n");
    int8_t *input = slope_input();
    for (int i = 0; i < SLOPE_INPUT_COUNT; i++) {
        input[i] = slope_quantize_input(0.1f * (float)i - 0.8f);
    }
    slope_run();
    const int8_t *output = slope_output();
    int best = 0;
    for (int i = 1; i < SLOPE_OUTPUT_COUNT; i++) {
        best = output[i] > output[best] ? i : best;
    }
    printf("slope: %s\n", names[best]);
    return 0;
}
