/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The table of operations in the README of 2019, row by row: each built by the call that stands there, compiled, run and compared
 * with the same in double. Input: (1, 4, 2) in Q0.7, for the cells a sequence of four steps of two numbers.
 */
#include "harness.h"

#include <math.h>
#include <string.h>

enum { STEPS = 4, FEATURES = 2, NUMBERS = STEPS * FEATURES, UNITS = 3, MOST_OUTPUTS = 16, TRIES = 50 };

/* Values of Q0.7 numbers. */
typedef double numbers_t[NUMBERS];

typedef struct row {
    const char *name;
    nnom_layer_t *(*make)(void);
    void (*expect)(const double *a, const double *b, double *y);
    double (*each)(double a, double b); /* in place of expect */
    int32_t outputs;
    int32_t inputs;
    double allowed; /* in units of the output */
} row_t;

/* ---- Weights: Q0.7, of any layer the first ones ---- */

static int8_t weight_bytes[128], bias_bytes[16];
static const nnom_weight_t weights = {weight_bytes, 7};
static const nnom_bias_t biases = {bias_bytes, 7};

static double weight(int32_t i)
{
    return weight_bytes[i] / 128.0;
}

static double bias(int32_t i)
{
    return bias_bytes[i] / 128.0;
}

static double at(const double *x, int32_t step, int32_t c)
{
    return step >= 0 && step < STEPS ? x[step * FEATURES + c] : 0.0;
}

/* ---- What happens to each number, or to a pair of them ---- */

static double half_of(double a, double b)
{
    (void)b;
    return a / 2.0;
}

static double same(double a, double b)
{
    (void)b;
    return a;
}

static double relu(double a, double b)
{
    (void)b;
    return a > 0.0 ? a : 0.0;
}

static double tanh_of(double a, double b)
{
    (void)b;
    return tanh(a);
}

static double sigmoid_of(double a, double b)
{
    (void)b;
    return 1.0 / (1.0 + exp(-a));
}

static double sum_of(double a, double b)
{
    return a + b;
}

static double difference_of(double a, double b)
{
    return a - b;
}

static double product_of(double a, double b)
{
    return a * b;
}

/* ---- Layers ---- */

static nnom_layer_t *make_conv(void)
{
    return Conv2D(UNITS, kernel(1, 3), stride(1, 1), PADDING_SAME, &weights, &biases);
}

static void expect_conv(const double *a, const double *b, double *y)
{
    (void)b;
    for (int32_t o = 0; o < STEPS * UNITS; o++) {
        y[o] = bias(o % UNITS);
        for (int32_t k = 0; k < 3 * FEATURES; k++) {
            y[o] += weight(o % UNITS * 3 * FEATURES + k) * at(a, o / UNITS - 1 + k / FEATURES, k % FEATURES);
        }
    }
}

static nnom_layer_t *make_dw_conv(void)
{
    return DW_Conv2D(1, kernel(1, 3), stride(1, 1), PADDING_SAME, &weights, &biases);
}

static void expect_dw_conv(const double *a, const double *b, double *y)
{
    (void)b;
    for (int32_t o = 0; o < NUMBERS; o++) {
        const int32_t c = o % FEATURES;
        y[o] = bias(c);
        for (int32_t k = 0; k < 3; k++) {
            y[o] += weight(k * FEATURES + c) * at(a, o / FEATURES - 1 + k, c);
        }
    }
}

static nnom_layer_t *make_dense(void)
{
    return Dense(UNITS, &weights, &biases);
}

static void expect_dense(const double *a, const double *b, double *y)
{
    (void)b;
    for (int32_t o = 0; o < UNITS; o++) {
        y[o] = bias(o);
        for (int32_t k = 0; k < NUMBERS; k++) {
            y[o] += weight(o * NUMBERS + k) * a[k];
        }
    }
}

static nnom_status_t halve(nnom_layer_t *layer)
{
    const int8_t *x = nnom_layer_input(layer);
    int8_t *y = nnom_layer_output(layer);
    for (int32_t i = 0; i < NUMBERS; i++) {
        y[i] = (int8_t)(x[i] / 2);
    }
    return NNOM_OK;
}

static nnom_layer_t *make_lambda(void)
{
    return Lambda(halve, NULL, NULL, NULL);
}

/* Over the channels of each step. */
static void expect_softmax(const double *a, const double *b, double *y)
{
    (void)b;
    for (int32_t i = 0; i < NUMBERS; i++) {
        y[i] = 1.0 / (1.0 + exp(a[i / 2 * 2 + 1 - i % 2] - a[i]));
    }
}

/* ---- Activations: as layers, and as arguments of Activation() ---- */

static nnom_layer_t *make_act_relu(void)
{
    return Activation(act_relu());
}

static nnom_layer_t *make_act_tanh(void)
{
    return Activation(act_tanh());
}

static nnom_layer_t *make_act_sigmoid(void)
{
    return Activation(act_sigmoid());
}

/* ---- Recurrent ---- */

static nnom_layer_t *make_simple(void)
{
    return RNN(SimpleCell(UNITS, act_tanh(), &weights, &biases), true);
}

static nnom_layer_t *make_gru(void)
{
    return RNN(GRUCell(UNITS, &weights, &biases), true);
}

static nnom_layer_t *make_lstm(void)
{
    return RNN(LSTMCell(UNITS, &weights, &biases), true);
}

/* Row `row` of W x + bias + U h. */
static double cell_sum(const double *x, const double *h, int32_t gates, int32_t row)
{
    double sum = bias(row);
    for (int32_t k = 0; k < FEATURES; k++) {
        sum += weight(row * FEATURES + k) * x[k];
    }
    for (int32_t k = 0; k < UNITS; k++) {
        sum += weight(gates * UNITS * FEATURES + row * UNITS + k) * h[k];
    }
    return sum;
}

static void expect_simple(const double *a, const double *b, double *y)
{
    double h[UNITS] = {0.0};
    (void)b;
    for (int32_t t = 0; t < STEPS; t++) {
        for (int32_t i = 0; i < UNITS; i++) {
            y[t * UNITS + i] = tanh(cell_sum(a + t * FEATURES, h, 1, i));
        }
        memcpy(h, y + t * UNITS, sizeof h);
    }
}

static void expect_gru(const double *a, const double *b, double *y)
{
    double h[UNITS] = {0.0}, reset[UNITS];
    (void)b;
    for (int32_t t = 0; t < STEPS; t++) {
        const double *x = a + t * FEATURES;
        for (int32_t i = 0; i < UNITS; i++) {
            reset[i] = sigmoid_of(cell_sum(x, h, 3, UNITS + i), 0.0) * h[i];
        }
        for (int32_t i = 0; i < UNITS; i++) {
            const double z = sigmoid_of(cell_sum(x, h, 3, i), 0.0);
            y[t * UNITS + i] = z * h[i] + (1.0 - z) * tanh(cell_sum(x, reset, 3, 2 * UNITS + i));
        }
        memcpy(h, y + t * UNITS, sizeof h);
    }
}

static void expect_lstm(const double *a, const double *b, double *y)
{
    double h[UNITS] = {0.0}, c[UNITS] = {0.0};
    (void)b;
    for (int32_t t = 0; t < STEPS; t++) {
        const double *x = a + t * FEATURES;
        for (int32_t i = 0; i < UNITS; i++) {
            const double taken = sigmoid_of(cell_sum(x, h, 4, i), 0.0) * tanh(cell_sum(x, h, 4, 2 * UNITS + i));
            c[i] = sigmoid_of(cell_sum(x, h, 4, UNITS + i), 0.0) * c[i] + taken;
            y[t * UNITS + i] = sigmoid_of(cell_sum(x, h, 4, 3 * UNITS + i), 0.0) * tanh(c[i]);
        }
        memcpy(h, y + t * UNITS, sizeof h);
    }
}

/* ---- Pools: of two columns, and of all ---- */

static nnom_layer_t *make_max_pool(void)
{
    return MaxPool(kernel(1, 2), stride(1, 2), PADDING_VALID);
}

static nnom_layer_t *make_avg_pool(void)
{
    return AvgPool(kernel(1, 2), stride(1, 2), PADDING_VALID);
}

static nnom_layer_t *make_sum_pool(void)
{
    return SumPool(kernel(1, 2), stride(1, 2), PADDING_VALID);
}

static nnom_layer_t *make_upsample(void)
{
    return UpSample(kernel(1, 2));
}

/* y [STEPS / steps][FEATURES]: the largest or the sum of `steps` steps. */
static void pooled(const double *a, int32_t steps, bool largest, double *y)
{
    for (int32_t o = 0; o < NUMBERS / steps; o++) {
        y[o] = largest ? -2.0 : 0.0;
        for (int32_t k = 0; k < steps; k++) {
            const double x = at(a, o / FEATURES * steps + k, o % FEATURES);
            y[o] = largest ? fmax(y[o], x) : y[o] + x;
        }
    }
}

static void expect_max_pool(const double *a, const double *b, double *y)
{
    (void)b;
    pooled(a, 2, true, y);
}

static void expect_avg_pool(const double *a, const double *b, double *y)
{
    (void)b;
    pooled(a, 2, false, y);
    for (int32_t i = 0; i < NUMBERS / 2; i++) {
        y[i] /= 2.0;
    }
}

static void expect_sum_pool(const double *a, const double *b, double *y)
{
    (void)b;
    pooled(a, 2, false, y);
}

static void expect_global_max(const double *a, const double *b, double *y)
{
    (void)b;
    pooled(a, STEPS, true, y);
}

static void expect_global_avg(const double *a, const double *b, double *y)
{
    (void)b;
    pooled(a, STEPS, false, y);
    for (int32_t c = 0; c < FEATURES; c++) {
        y[c] /= STEPS;
    }
}

static void expect_global_sum(const double *a, const double *b, double *y)
{
    (void)b;
    pooled(a, STEPS, false, y);
}

static void expect_upsample(const double *a, const double *b, double *y)
{
    (void)b;
    for (int32_t o = 0; o < 2 * NUMBERS; o++) {
        y[o] = at(a, o / FEATURES / 2, o % FEATURES);
    }
}

/* ---- Of two matrices ---- */

static nnom_layer_t *make_add(void)
{
    return Add();
}

static nnom_layer_t *make_sub(void)
{
    return Sub();
}

static nnom_layer_t *make_mult(void)
{
    return Mult();
}

static nnom_layer_t *make_concat(void)
{
    return Concat(-1);
}

/* [4, 2] times the other's transpose. */
static nnom_layer_t *make_dot(void)
{
    return Dot(false, true);
}

static void expect_concat(const double *a, const double *b, double *y)
{
    for (int32_t o = 0; o < 2 * NUMBERS; o++) {
        const double *from = o % 4 < 2 ? a : b;
        y[o] = from[o / 4 * 2 + o % 2];
    }
}

static void expect_dot(const double *a, const double *b, double *y)
{
    for (int32_t o = 0; o < STEPS * STEPS; o++) {
        y[o] = a[o / STEPS * 2] * b[o % STEPS * 2] + a[o / STEPS * 2 + 1] * b[o % STEPS * 2 + 1];
    }
}

/* ---- The table ---- */

static const row_t rows_2019[] = {
    {"Convolution", make_conv, expect_conv, NULL, STEPS *UNITS, 1, 0.51},
    {"Depthwise Conv", make_dw_conv, expect_dw_conv, NULL, NUMBERS, 1, 0.51},
    {"Fully-connected", make_dense, expect_dense, NULL, UNITS, 1, 0.51},
    {"Lambda", make_lambda, NULL, half_of, NUMBERS, 1, 0.51},
    {"Flatten", Flatten, NULL, same, NUMBERS, 1, 0.0},
    {"SoftMax", Softmax, expect_softmax, NULL, NUMBERS, 1, 1.0},
    {"Recurrent NN, Simple RNN", make_simple, expect_simple, NULL, STEPS *UNITS, 1, 1.0},
    {"Recurrent NN, GRU", make_gru, expect_gru, NULL, STEPS *UNITS, 1, 1.0},
    {"Recurrent NN, LSTM", make_lstm, expect_lstm, NULL, STEPS *UNITS, 1, 1.0},
    {"Activation: ReLU", make_act_relu, NULL, relu, NUMBERS, 1, 0.0},
    {"Activation: TanH", make_act_tanh, NULL, tanh_of, NUMBERS, 1, 0.51},
    {"Activation: Sigmoid", make_act_sigmoid, NULL, sigmoid_of, NUMBERS, 1, 0.51},
    {"ReLU", ReLU, NULL, relu, NUMBERS, 1, 0.0},
    {"TanH", TanH, NULL, tanh_of, NUMBERS, 1, 0.51},
    {"Sigmoid", Sigmoid, NULL, sigmoid_of, NUMBERS, 1, 0.51},
    {"Max Pooling", make_max_pool, expect_max_pool, NULL, NUMBERS / 2, 1, 0.0},
    {"Average Pooling", make_avg_pool, expect_avg_pool, NULL, NUMBERS / 2, 1, 0.51},
    {"Sum Pooling", make_sum_pool, expect_sum_pool, NULL, NUMBERS / 2, 1, 0.51},
    {"Global Max Pooling", GlobalMaxPool, expect_global_max, NULL, FEATURES, 1, 0.0},
    {"Global Average Pooling", GlobalAvgPool, expect_global_avg, NULL, FEATURES, 1, 0.51},
    {"Global Sum Pooling", GlobalSumPool, expect_global_sum, NULL, FEATURES, 1, 0.51},
    {"Up Sampling", make_upsample, expect_upsample, NULL, 2 * NUMBERS, 1, 0.0},
    {"Addition", make_add, NULL, sum_of, NUMBERS, 2, 0.51},
    {"Subtraction", make_sub, NULL, difference_of, NUMBERS, 2, 0.51},
    {"Multiplication", make_mult, NULL, product_of, NUMBERS, 2, 0.51},
    {"Concatenation", make_concat, expect_concat, NULL, 2 * NUMBERS, 2, 0.0},
    {"Dot", make_dot, expect_dot, NULL, STEPS *STEPS, 2, 0.51},
};

/* What an int8 output is worth, and by how much the expectation may lie beside it once both are limited. */
static void check_outputs(const row_t *row, const nnom_tensor_t *port, const int8_t *got, const double *want)
{
    const double scale = (double)port->scale;
    for (int32_t i = 0; i < row->outputs; i++) {
        const double x = want[i] / scale + port->zero_point;
        const double limited = x < -128.0 ? -128.0 : (x > 127.0 ? 127.0 : x);
        CHECK(fabs(got[i] - limited) <= row->allowed, "%s, number %d: %d, expected %.3f", row->name, (int)i,
              (int)got[i], limited);
    }
}

static void expect_row(const row_t *row, const double *a, const double *b, double *y)
{
    for (int32_t i = 0; i < NUMBERS && row->each != NULL; i++) {
        y[i] = row->each(a[i], b[i]);
    }
    if (row->each == NULL) {
        row->expect(a, b, y);
    }
}

static void check_row(const row_t *row)
{
    int8_t in[2][NUMBERS], out[MOST_OUTPUTS];
    numbers_t x[2];
    double want[MOST_OUTPUTS] = {0.0};
    nnom_model_t m;
    random_bytes(weight_bytes, sizeof weight_bytes);
    random_bytes(bias_bytes, sizeof bias_bytes);
    new_model(&m);
    nnom_set_verbose(&m, false);
    nnom_layer_t *a = Input(shape(1, STEPS, FEATURES), qformat(0, 7), in[0]);
    nnom_layer_t *b = row->inputs > 1 ? Input(shape(1, STEPS, FEATURES), qformat(0, 7), in[1]) : NULL;
    nnom_layer_t *y = b != NULL ? m.merge(row->make(), a, b) : m.hook(row->make(), a);
    y = m.hook(Output(shape(0, 0, 0), out), y);
    if (CHECK(model_compile(&m, a, y) == NNOM_OK, "%s: %s", row->name, model_error_text(&m))) {
        for (int32_t i = 0; i < 2 * NUMBERS; i++) {
            in[i / NUMBERS][i % NUMBERS] = (int8_t)random_in(-128, 127);
            x[i / NUMBERS][i % NUMBERS] = in[i / NUMBERS][i % NUMBERS] / 128.0;
        }
        CHECK(model_run(&m) == NNOM_OK, "%s: model_run", row->name);
        expect_row(row, x[0], x[1], want);
        check_outputs(row, nnom_output_tensor(&m.instance, 0), out, want);
    }
    model_delete(&m);
}

static void every_row(void)
{
    for (size_t i = 0; i < sizeof rows_2019 / sizeof rows_2019[0]; i++) {
        for (int32_t k = 0; k < TRIES && !test_failed(); k++) {
            check_row(&rows_2019[i]);
        }
    }
}

const test_t table2019_tests[] = {TEST(every_row), {NULL, NULL}};
