/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * What a phone's wearer is doing, by a GRU that takes in each sample when it comes: no window is kept, 128 samples give an answer.
 * The same program runs on a computer and on a board: make examples.
 */
#include <stdio.h>

#include "model.h"

static const char *const classes[UCI_HAR_GRU_OUTPUT_COUNT] = {"walking", "upstairs", "downstairs",
                                                              "sitting", "standing", "laying"};

static void print_class(const char *what)
{
    const int8_t *output = uci_har_gru_output();
    int best = 0;
    for (int i = 1; i < UCI_HAR_GRU_OUTPUT_COUNT; i++) {
        best = output[i] > output[best] ? i : best;
    }
    printf("%s: %s, %d %%\n", what, classes[best], (int)(100.0f * uci_har_gru_dequantize_output(output[best])));
}

/* What a sensor's interrupt would hand over: body acceleration, rotation, and total acceleration, 1 g along the third axis. */
static nnom_status_t take_sample(void)
{
    static const float sample[UCI_HAR_GRU_INPUT_C] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 1.0f};
    int8_t row[UCI_HAR_GRU_INPUT_C];
    for (int i = 0; i < UCI_HAR_GRU_INPUT_C; i++) {
        row[i] = uci_har_gru_quantize_input(sample[i]);
    }
    return uci_har_gru_feed(row, 1);
}

int main(void)
{
    if (uci_har_gru_selftest() != NNOM_OK) {
        printf("self test failed: this build does not compute what the converter computed\n");
        return 1;
    }
    print_class("stored window");
    uci_har_gru_reset();
    while (take_sample() == NNOM_MORE) {
    }
    print_class("phone on a table");
    return 0;
}
