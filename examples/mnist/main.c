/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Handwritten digits of 28 x 28 pixels, frozen network.
 * The same program runs on a computer and on a board: make examples.
 */
#include <stdio.h>

#include "model.h"

static const char *const classes[MNIST_OUTPUT_COUNT] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

static void print_class(const char *what)
{
    const int8_t *output = mnist_output();
    int best = 0;
    for (int i = 1; i < MNIST_OUTPUT_COUNT; i++) {
        best = output[i] > output[best] ? i : best;
    }
    printf("%s: %s, %d %%\n", what, classes[best], (int)(100.0f * mnist_dequantize_output(output[best])));
}

/* A 7 drawn with a ruler: ink is 1, paper 0. */
static float pixel(int y, int x)
{
    const int in_bar = y >= 6 && y < 9 && x >= 7 && x < 21;
    const int on_slope = y >= 9 && y < 23 && x >= 20 - (y - 9) * 9 / 14 - 2 && x < 21 - (y - 9) * 9 / 14;
    return in_bar || on_slope ? 1.0f : 0.0f;
}

static void fill_input(void)
{
    int8_t *input = mnist_input();
    for (int y = 0; y < MNIST_INPUT_H; y++) {
        for (int x = 0; x < MNIST_INPUT_W; x++) {
            *input++ = mnist_quantize_input(pixel(y, x));
        }
    }
}

int main(void)
{
    if (mnist_selftest() != NNOM_OK) {
        printf("self test failed: this build does not compute what the converter computed\n");
        return 1;
    }
    print_class("stored digit");
    fill_input();
    mnist_run();
    print_class("a drawn 7");
    return 0;
}
