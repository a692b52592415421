/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Handwritten digits of 8 x 8 pixels, a network with shortcuts, frozen.
 * The same program runs on a computer and on a board: make examples.
 */
#include <stdio.h>

#include "model.h"

static const char *const classes[DIGITS_RESNET_OUTPUT_COUNT] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

static void print_class(const char *what)
{
    const int8_t *output = digits_resnet_output();
    int best = 0;
    for (int i = 1; i < DIGITS_RESNET_OUTPUT_COUNT; i++) {
        best = output[i] > output[best] ? i : best;
    }
    printf("%s: %s, %d %%\n", what, classes[best], (int)(100.0f * digits_resnet_dequantize_output(output[best])));
}

static const char *const drawing[DIGITS_RESNET_INPUT_H] = {
    "..####..", "..#..#..", ".....#..", "....##..", "...##...", "..##....", "..#.....", "..#####.",
};

/* Ink is 1, paper 0. */
static void fill_input(void)
{
    int8_t *input = digits_resnet_input();
    for (int y = 0; y < DIGITS_RESNET_INPUT_H; y++) {
        for (int x = 0; x < DIGITS_RESNET_INPUT_W; x++) {
            *input++ = digits_resnet_quantize_input(drawing[y][x] == '#' ? 1.0f : 0.0f);
        }
    }
}

int main(void)
{
    if (digits_resnet_selftest() != NNOM_OK) {
        printf("self test failed: this build does not compute what the converter computed\n");
        return 1;
    }
    print_class("stored digit");
    fill_input();
    digits_resnet_run();
    print_class("the drawing above");
    return 0;
}
