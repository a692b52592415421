/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * What a phone's wearer is doing, sample by sample: the model keeps the rows that it needs, and computes what is new.
 * The same program runs on a computer and on a board: make examples.
 */
#include <stdio.h>

#include "model.h"

static const char *const classes[UCI_HAR_STREAM_OUTPUT_COUNT] = {"walking", "upstairs", "downstairs",
                                                                 "sitting", "standing", "laying"};

static void print_class(int samples)
{
    const int8_t *output = uci_har_stream_output();
    int best = 0;
    for (int i = 1; i < UCI_HAR_STREAM_OUTPUT_COUNT; i++) {
        best = output[i] > output[best] ? i : best;
    }
    printf("after %d samples: %s, %d %%\n", samples, classes[best],
           (int)(100.0f * uci_har_stream_dequantize_output(output[best])));
}

/* A phone that lies still: no body acceleration, no rotation, 1 g of total acceleration along its third axis. */
static nnom_status_t take_sample(void)
{
    static const float real[UCI_HAR_STREAM_INPUT_C] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 1.0f};
    int8_t row[UCI_HAR_STREAM_INPUT_C];
    for (int i = 0; i < UCI_HAR_STREAM_INPUT_C; i++) {
        row[i] = uci_har_stream_quantize_input(real[i]);
    }
    return uci_har_stream_feed(row, 1);
}

int main(void)
{
    if (uci_har_stream_selftest() != NNOM_OK) {
        printf("self test failed: this build does not compute what the converter computed\n");
        return 1;
    }
    int samples = 1;
    while (take_sample() == NNOM_MORE) { /* the first window is not complete */
        samples++;
    }
    print_class(samples);
    for (; samples < 500; samples++) {
        (void)take_sample(); /* NNOM_OK: a class for the newest 128 samples */
    }
    print_class(samples);
    return 0;
}
