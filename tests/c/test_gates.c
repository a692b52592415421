/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Sigmoid and tanh of recurrent layers over all that a gate can hold, against the C library. */
#include "harness.h"

#include <math.h>

#include "../../src/kernels/gate.h"

/* The largest error in units of Q15, and whether the curve rises. */
static double worst(int16_t (*curve)(int32_t x), double (*exact)(double x))
{
    double error = 0.0;
    int16_t before = INT16_MIN;
    for (int32_t x = 3 * INT16_MIN; x <= 3 * INT16_MAX && !test_failed(); x += 3) {
        const int16_t y = curve(x);
        error = fmax(error, fabs(y - 32768.0 * exact(x / 12288.0)));
        CHECK(y >= before, "falls at %d: %d after %d", (int)x, (int)y, (int)before);
        before = y;
    }
    return error;
}

static double exact_sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static void check_curves(const nnom_gates_t *gates, double sigmoid, double hyperbolic)
{
    static const int32_t ends[] = {INT32_MIN, -(3 << 28), 3 << 28, INT32_MAX};
    const double error[2] = {worst(gates->sigmoid, exact_sigmoid), worst(gates->tanh, tanh)};
    CHECK(error[0] <= sigmoid, "sigmoid: %.3f units, expected at most %.3f", error[0], sigmoid);
    CHECK(error[1] <= hyperbolic, "tanh: %.3f units, expected at most %.3f", error[1], hyperbolic);
    for (int32_t i = 0; i < 4; i++) {
        const int32_t side = ends[i] > 0 ? 1 : -1;
        CHECK(gates->tanh(ends[i]) * side >= 32766, "tanh of %d: %d", (int)ends[i], (int)gates->tanh(ends[i]));
    }
}

/* Within one unit in the last place. */
static void fine(void)
{
    check_curves(&nnom_gates_fine, 1.0, 1.0);
}

/* As the reference has them: its table's error, not more. */
static void tflite(void)
{
    check_curves(&nnom_gates_tflite, 1.03, 1.49);
}

const test_t gates_tests[] = {TEST(fine), TEST(tflite), {NULL, NULL}};
