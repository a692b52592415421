/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * What the wearer of a smart watch is doing: 100 samples of 6 channels, frozen network.
 * The same program runs on a computer and on a board: make examples.
 */
#include <stdio.h>

#include "model.h"

static const char *const classes[BASIC_MOTIONS_OUTPUT_COUNT] = {"standing", "running", "walking", "badminton"};

static void print_class(const char *what)
{
    const int8_t *output = basic_motions_output();
    int best = 0;
    for (int i = 1; i < BASIC_MOTIONS_OUTPUT_COUNT; i++) {
        best = output[i] > output[best] ? i : best;
    }
    printf("%s: %s, %d %%\n", what, classes[best], (int)(100.0f * basic_motions_dequantize_output(output[best])));
}

/* A watch that does not move; the values of the data set are those of its sensors. */
static void fill_input(void)
{
    int8_t *input = basic_motions_input();
    for (int i = 0; i < BASIC_MOTIONS_INPUT_COUNT; i++) {
        input[i] = basic_motions_quantize_input(0.0f);
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
