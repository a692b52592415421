/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Recurrent layers in integers: multipliers, biases and their bounds. */
#include <math.h>

#include "rnn_layer.h"

/* Q3.12: what sigmoid and tanh read; Q15: what they give. */
static const double gate_scale = 1.0 / 4096.0;
static const double unit_scale = 1.0 / 32768.0;

/* One of the two matrices. */
typedef struct matrix {
    const int8_t *weights; /* [rows][columns] */
    int32_t columns;
    const float *scales; /* [count]; NULL: 2^-fraction_bits */
    int32_t fraction_bits;
    double in_scale;
    int32_t zero_point;
    bool wide;        /* what it multiplies is int16 */
    const void *bias; /* [rows], or NULL: int32, or where scales is NULL int8 with bias_bits fraction bits */
    int32_t bias_bits;
    const char *name;
} matrix_t;

/* Made of it; arrays of the layer. */
typedef struct matrix_numbers {
    int32_t *bias; /* NULL: zeros */
    int32_t *multiplier;
    int8_t *shift;
} matrix_numbers_t;

static bool is_relu(const nnom_rnn_layer_t *rnn)
{
    return rnn->cell->config.activation > NNOM_CELL_SIGMOID;
}

/* Of the sums of a gate. Without a bend they are already what comes out. */
static double sum_scale(const nnom_rnn_layer_t *rnn, int32_t gate)
{
    const nnom_rnn_kind_t *kind = rnn->cell->kind;
    if (gate != kind->candidate || !is_relu(rnn)) {
        return gate_scale;
    }
    return kind->has_cell ? (double)rnn->cell_scale : (double)rnn->state_scale;
}

static double matrix_scale(const matrix_t *m, int32_t at)
{
    return m->scales != NULL ? (double)m->scales[at] : ldexp(1.0, -m->fraction_bits);
}

static double matrix_bias(const matrix_t *m, int32_t row, double scale)
{
    if (m->bias == NULL) {
        return 0.0;
    }
    if (m->scales != NULL) {
        return (double)((const int32_t *)m->bias)[row];
    }
    return round(ldexp((double)((const int8_t *)m->bias)[row], -m->bias_bits) / scale);
}

/* The bias with the zero point folded in. Every partial sum over int8 lies within |bias| + 128 sum |w|. */
static nnom_status_t matrix_row(const nnom_rnn_layer_t *rnn, const matrix_t *m, int32_t row, double scale, double *bias)
{
    const int8_t *w = m->weights + (size_t)row * (size_t)m->columns;
    int64_t sum = 0, absolute = 0;
    for (int32_t i = 0; i < m->columns; i++) {
        sum += w[i];
        absolute += w[i] < 0 ? -w[i] : w[i];
    }
    *bias = matrix_bias(m, row, scale) - (double)m->zero_point * (double)sum;
    const double most = fabs(*bias) + (m->wide ? 0.0 : 128.0 * (double)absolute);
    if (!(most <= (double)NNOM_ACCUMULATOR_MAX)) {
        return nnom_layer_fail(&rnn->super, NNOM_OVERFLOW,
                               "row %d of its %s can overflow its 32-bit accumulator: weights or bias too large",
                               (int)row, m->name);
    }
    return NNOM_OK;
}

/* nnom_requantize_wide() takes shifts up to 7. */
static nnom_status_t matrix_multiplier(const nnom_rnn_layer_t *rnn, const matrix_t *m, double real, int32_t at,
                                       const matrix_numbers_t *to)
{
    int32_t shift = 0;
    const bool fits = real >= 0.0 && real < (m->wide ? 128.0 : 1073741824.0);
    if (!fits) {
        return nnom_layer_fail(&rnn->super, NNOM_BAD_QUANT, "the scale of its %s is out of range", m->name);
    }
    nnom_quantize_multiplier(real, &to->multiplier[at], &shift);
    to->shift[at] = (int8_t)shift;
    return NNOM_OK;
}

static nnom_status_t matrix_numbers(const nnom_rnn_layer_t *rnn, const matrix_t *m, const matrix_numbers_t *to)
{
    const int32_t units = rnn->param.units;
    nnom_status_t status = NNOM_OK;
    for (int32_t row = 0; row < rnn->cell->kind->gates * units && status == NNOM_OK; row++) {
        const int32_t gate = row / units, at = rnn->param.per_unit ? row : gate;
        const double scale = m->in_scale * matrix_scale(m, at);
        double bias;
        status = matrix_row(rnn, m, row, scale, &bias);
        if (status == NNOM_OK && to->bias != NULL) {
            to->bias[row] = (int32_t)bias;
        }
        if (status == NNOM_OK) {
            status = matrix_multiplier(rnn, m, scale / sum_scale(rnn, gate), at, to);
        }
    }
    return status;
}

static matrix_t input_matrix(const nnom_rnn_layer_t *rnn)
{
    const nnom_cell_t *cell = rnn->cell;
    const nnom_tensor_t *in = nnom_layer_in(&rnn->super, 0);
    const bool old = cell->w != NULL;
    const matrix_t m = {.weights = old ? cell->w->p_value : cell->config.weights,
                        .columns = rnn->features,
                        .scales = old ? NULL : cell->config.weight_scales,
                        .fraction_bits = old ? (int32_t)cell->w->shift : 0,
                        .in_scale = (double)in->scale,
                        .zero_point = in->zero_point,
                        .wide = in->type == NNOM_TYPE_S16,
                        .bias = !old ? cell->config.bias : (cell->b != NULL ? cell->b->p_value : NULL),
                        .bias_bits = old && cell->b != NULL ? (int32_t)cell->b->shift : 0,
                        .name = "weights"};
    return m;
}

static matrix_t state_matrix(const nnom_rnn_layer_t *rnn)
{
    const nnom_cell_t *cell = rnn->cell;
    const bool old = cell->w != NULL;
    const size_t inputs = (size_t)cell->kind->gates * (size_t)rnn->param.units * (size_t)rnn->features;
    const matrix_t m = {.weights = old ? (const int8_t *)cell->w->p_value + inputs : cell->config.recurrent,
                        .columns = rnn->param.units,
                        .scales = old ? NULL : cell->config.recurrent_scales,
                        .fraction_bits = old ? (int32_t)cell->w->shift : 0,
                        .in_scale = (double)rnn->state_scale,
                        .zero_point = rnn->param.hidden_zero_point,
                        .wide = rnn->state_type == NNOM_TYPE_S16,
                        .bias = cell->config.recurrent_bias,
                        .name = "recurrent weights"};
    return m;
}

static nnom_status_t check_scales(nnom_rnn_layer_t *rnn)
{
    const nnom_cell_t *cell = rnn->cell;
    const nnom_layer_t *layer = &rnn->super;
    const uint32_t gates = (uint32_t)cell->kind->gates, rows = gates * (uint32_t)rnn->param.units;
    if (cell->w != NULL) {
        const size_t shift = cell->b != NULL && cell->b->shift > cell->w->shift ? cell->b->shift : cell->w->shift;
        return shift <= 31 ? NNOM_OK
                           : nnom_layer_fail(layer, NNOM_BAD_QUANT, "shift %ld of weights or bias, expected 0 to 31",
                                             (long)shift);
    }
    if (cell->config.weight_scales == NULL || cell->config.recurrent_scales == NULL) {
        return nnom_layer_fail(layer, NNOM_NULL, "the scales of its weights are NULL");
    }
    if (cell->config.scale_count != gates && cell->config.scale_count != rows) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "%ld weight scales, expected %d or %d",
                               (long)cell->config.scale_count, (int)gates, (int)rows);
    }
    rnn->param.per_unit = cell->config.scale_count != gates;
    return NNOM_OK;
}

/* Products of LSTM; a scale that is no power of two has no shift for tanh. */
static nnom_status_t lstm_numbers(nnom_rnn_layer_t *rnn)
{
    nnom_rnn_param_t *p = &rnn->param;
    int exponent = 0;
    const double cell = (double)rnn->cell_scale;
    const double candidate = is_relu(rnn) ? cell : unit_scale;
    if (frexp(cell, &exponent) != 0.5 || exponent < -26 || exponent > 2) { /* cell = 2^(exponent - 1) */
        return nnom_layer_fail(&rnn->super, NNOM_BAD_QUANT, "the cell's scale must be a power of two from 2^-27 to 2");
    }
    p->tanh_shift = 12 + exponent - 1;
    p->clip = (int32_t)fmin((double)rnn->cell->config.cell_clip / cell, 32767.0);
    nnom_quantize_multiplier(unit_scale, &p->forget_multiplier, &p->forget_shift);
    nnom_quantize_multiplier(unit_scale * candidate / cell, &p->input_multiplier, &p->input_shift);
    nnom_quantize_multiplier(unit_scale * candidate / (double)rnn->state_scale, &p->hidden_multiplier,
                             &p->hidden_shift);
    return NNOM_OK;
}

static nnom_status_t output_numbers(nnom_rnn_layer_t *rnn)
{
    nnom_rnn_param_t *p = &rnn->param;
    const nnom_tensor_t *out = rnn->super.out;
    const bool same =
        out->type == rnn->state_type && out->scale == rnn->state_scale && out->zero_point == p->hidden_zero_point;
    const double real = (double)rnn->state_scale / (double)out->scale;
    if (same) {
        return NNOM_OK; /* multiplier 0 */
    }
    if (!(real > 0.0 && real < 256.0)) {
        return nnom_layer_fail(&rnn->super, NNOM_BAD_QUANT, "its output's scale does not fit its state's");
    }
    nnom_quantize_multiplier(real, &p->out_multiplier, &p->out_shift);
    return NNOM_OK;
}

static void take_arrays(nnom_rnn_layer_t *rnn, const matrix_t m[2], const matrix_numbers_t n[2], int32_t scales)
{
    nnom_layer_t *layer = &rnn->super;
    nnom_rnn_param_t *p = &rnn->param;
    const uint32_t rows = (uint32_t)(rnn->cell->kind->gates * p->units), count = (uint32_t)scales;
    p->weights = m[0].weights;
    p->recurrent = m[1].weights;
    p->bias = nnom_layer_array(layer, n[0].bias, rows, NNOM_TYPE_S32);
    p->recurrent_bias = nnom_layer_array(layer, n[1].bias, rows, NNOM_TYPE_S32);
    p->multiplier = nnom_layer_array(layer, n[0].multiplier, count, NNOM_TYPE_S32);
    p->shift = nnom_layer_array(layer, n[0].shift, count, NNOM_TYPE_S8);
    p->recurrent_multiplier = nnom_layer_array(layer, n[1].multiplier, count, NNOM_TYPE_S32);
    p->recurrent_shift = nnom_layer_array(layer, n[1].shift, count, NNOM_TYPE_S8);
}

static bool new_numbers(nnom_layer_t *layer, const matrix_t *m, int32_t rows, int32_t scales, matrix_numbers_t *to)
{
    const bool biased = m->bias != NULL || m->zero_point != 0;
    to->bias = biased ? nnom_layer_alloc(layer, (size_t)rows, sizeof(int32_t)) : NULL;
    to->multiplier = nnom_layer_alloc(layer, (size_t)scales, sizeof(int32_t));
    to->shift = nnom_layer_alloc(layer, (size_t)scales, sizeof(int8_t));
    return (to->bias != NULL || !biased) && to->multiplier != NULL && to->shift != NULL;
}

nnom_status_t nnom_rnn_numbers(nnom_rnn_layer_t *rnn)
{
    nnom_layer_t *layer = &rnn->super;
    nnom_status_t status = check_scales(rnn);
    if (status != NNOM_OK) {
        return status;
    }
    const matrix_t m[2] = {input_matrix(rnn), state_matrix(rnn)};
    const int32_t gates = rnn->cell->kind->gates, rows = gates * rnn->param.units;
    const int32_t scales = rnn->param.per_unit ? rows : gates;
    matrix_numbers_t n[2];
    if (!new_numbers(layer, &m[0], rows, scales, &n[0]) || !new_numbers(layer, &m[1], rows, scales, &n[1])) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %d biases and multipliers", (int)rows);
    }
    for (int32_t i = 0; i < 2 && status == NNOM_OK; i++) {
        status = matrix_numbers(rnn, &m[i], &n[i]);
    }
    if (status == NNOM_OK && rnn->cell->kind->has_cell) {
        status = lstm_numbers(rnn);
    }
    if (status == NNOM_OK) {
        status = output_numbers(rnn);
    }
    take_arrays(rnn, m, n, scales);
    return status;
}

/* ---- Bounds ---- */

int64_t nnom_rnn_bound(const nnom_rnn_layer_t *rnn, bool state, int32_t row)
{
    const nnom_rnn_param_t *p = &rnn->param;
    const int32_t columns = state ? p->units : rnn->features;
    const int8_t *w = (const int8_t *)(state ? p->recurrent : p->weights) + (size_t)row * (size_t)columns;
    const int32_t *bias = state ? p->recurrent_bias : p->bias;
    const nnom_type_t type = state ? rnn->state_type : nnom_layer_in(&rnn->super, 0)->type;
    int64_t absolute = 0;
    for (int32_t i = 0; i < columns; i++) {
        absolute += w[i] < 0 ? -w[i] : w[i];
    }
    const int64_t least = bias != NULL ? bias[row] : 0;
    return (least < 0 ? -least : least) + absolute * (type == NNOM_TYPE_S8 ? 128 : 32768);
}

bool nnom_rnn_is_narrow(const nnom_rnn_layer_t *rnn)
{
    const int32_t rows = rnn->cell->kind->gates * rnn->param.units;
    bool narrow = true;
    for (int32_t row = 0; row < rows && narrow; row++) {
        narrow = nnom_rnn_bound(rnn, false, row) <= INT32_MAX && nnom_rnn_bound(rnn, true, row) <= INT32_MAX;
    }
    return narrow;
}
