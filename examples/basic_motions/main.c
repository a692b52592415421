/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * What the wearer of a smart watch is doing: 100 samples of 6 channels, frozen network.
 * The same program runs on a computer and on a board: make examples.
 */
#include <stdio.h>

#include "model.h"

static const char *const classes[BASIC_MOTIONS_OUTPUT_COUNT] = {"standing", "running", "walking", "badminton"};

/* Real to stored: rounded to nearest, saturated. */
static int8_t quantised(float x)
{
    const float q = x / BASIC_MOTIONS_INPUT_SCALE + (float)BASIC_MOTIONS_INPUT_ZERO_POINT;
    return (int8_t)(q < -128.0f ? -128.0f : (q > 127.0f ? 127.0f : (q < 0.0f ? q - 0.5f : q + 0.5f)));
}

static void print_class(const char *what)
{
    const int8_t *output = basic_motions_output();
    int best = 0;
    for (int i = 1; i < BASIC_MOTIONS_OUTPUT_COUNT; i++) {
        best = output[i] > output[best] ? i : best;
    }
    /* The output's scale is 1/256, its zero point -128. */
    printf("%s: %s, %d %%\n", what, classes[best], (output[best] + 128) * 100 / 256);
}

/* A watch that does not move; the values of the data set are those of its sensors. */
static void fill_input(void)
{
    int8_t *input = basic_motions_input();
    for (int i = 0; i < BASIC_MOTIONS_INPUT_COUNT; i++) {
        input[i] = quantised(0.0f);
    }
}

int main(void)
{
    if (basic_motions_selftest() != NNOM_OK) {
        printf("self test failed: this build does not compute what the converter computed\n");
        return 1;
    }
    print_class("stored window");
    fill_input();
    basic_motions_run();
    print_class("watch at rest");
    return 0;
}
