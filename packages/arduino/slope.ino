// What a converted model needs: its two files, and its input filled. This one tells whether 16 values rise, fall or stay.
#include "slope.h"

static const char *const names[SLOPE_OUTPUT_COUNT] = {"rises", "falls", "stays"};

void setup()
{
    Serial.begin(115200);
    Serial.println(slope_selftest() == NNOM_OK ? "slope: self test passed" : "slope: self test FAILED");
}

void loop()
{
    int8_t *input = slope_input();
    for (int i = 0; i < SLOPE_INPUT_COUNT; i++) {
        input[i] = slope_quantize_input(0.1f * i - 0.8f); // your sensor: analogRead(A0) / 512.0f - 1.0f
    }
    slope_run();
    const int8_t *output = slope_output();
    int best = 0;
    for (int i = 1; i < SLOPE_OUTPUT_COUNT; i++) {
        best = output[i] > output[best] ? i : best;
    }
    Serial.print("slope: ");
    Serial.println(names[best]);
    delay(1000);
}
