/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The Inception network of NNoM's first README, frozen.
 * The same program runs on a computer and on a board: make examples.
 */
#include <stdio.h>

#include "model.h"

static const char *const classes[UCI_HAR_INCEPTION_OUTPUT_COUNT] = {"walking", "upstairs", "downstairs",
                                                                    "sitting", "standing", "laying"};

static void print_class(const char *what)
{
    const int8_t *output = uci_har_inception_output();
    int best = 0;
    for (int i = 1; i < UCI_HAR_INCEPTION_OUTPUT_COUNT; i++) {
        best = output[i] > output[best] ? i : best;
    }
    printf("%s: %s, %d %%\n", what, classes[best], (int)(100.0f * uci_har_inception_dequantize_output(output[best])));
}

/* A phone that lies still: no body acceleration, no rotation, 1 g of total acceleration along its third axis. */
static void fill_input(void)
{
    static const float row[UCI_HAR_INCEPTION_INPUT_C] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 1.0f};
    int8_t *input = uci_har_inception_input();
    for (int i = 0; i < UCI_HAR_INCEPTION_INPUT_COUNT; i++) {
        input[i] = uci_har_inception_quantize_input(row[i % UCI_HAR_INCEPTION_INPUT_C]);
    }
}

int main(void)
{
    if (uci_har_inception_selftest() != NNOM_OK) {
        printf("self test failed: this build does not compute what the converter computed\n");
        return 1;
    }
    print_class("stored window");
    fill_input();
    uci_har_inception_run();
    print_class("phone on a table");
    return 0;
}
