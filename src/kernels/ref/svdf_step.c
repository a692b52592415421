/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* SVDF in integers, with an int16 state, and in float. */
#include "../svdf.h"

#include <string.h>

#include "../gate.h"

/* The rows of a filter's state: what is read and, where someone reads it, what is left. */
typedef struct svdf {
    const nnom_svdf_param_t *p;
    const void *x;
    int32_t inputs;
    int32_t zero_point; /* of x */
    const void *state;
    void *left; /* NULL: no one reads it */
} svdf_t;

static svdf_t svdf_of(const nnom_call_t *call)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const uint16_t part = call->node->output_count > 1 ? nnom_node_output_index(call->node, 1) : NNOM_NO_TENSOR;
    const svdf_t svdf = {
        .p = call->node->param,
        .x = nnom_call_input_rows(call, 0).data,
        .inputs = in->shape.w * in->shape.c,
        .zero_point = in->zero_point,
        .state = nnom_call_input_rows(call, 1).data,
        .left = part != NNOM_NO_TENSOR ? nnom_tensor_rows(&call->program->tensors[part], call->arena).data : NULL};
    return svdf;
}

static int32_t svdf_saturated(int64_t x)
{
    return x > INT32_MAX ? INT32_MAX : (x < INT32_MIN ? INT32_MIN : (int32_t)x);
}

/* The layer has checked that inputs * 128 * 255 < 2^31. */
static int16_t svdf_feature(const svdf_t *svdf, int32_t filter)
{
    const int8_t *w = (const int8_t *)svdf->p->features + (size_t)filter * (size_t)svdf->inputs, *x = svdf->x;
    int32_t sum = 0;
    for (int32_t i = 0; i < svdf->inputs; i++) {
        sum += w[i] * (x[i] - svdf->zero_point);
    }
    return nnom_clamp_s16(nnom_requantize(sum, svdf->p->feature_multiplier, svdf->p->feature_shift));
}

/* |product| <= 2^30, and memory < 2^31: no sum leaves 62 bits. */
static int64_t svdf_filter(const svdf_t *svdf, int32_t filter)
{
    const int32_t memory = svdf->p->memory;
    const size_t at = (size_t)filter * (size_t)memory;
    const int16_t *w = (const int16_t *)svdf->p->time + at, *state = (const int16_t *)svdf->state + at;
    const int16_t newest = svdf_feature(svdf, filter);
    int64_t sum = newest * w[memory - 1];
    for (int32_t j = 1; j < memory; j++) {
        sum += w[j - 1] * state[j];
    }
    if (svdf->left != NULL) {
        int16_t *left = (int16_t *)svdf->left + at;
        memcpy(left, state + 1, (size_t)(memory - 1) * sizeof *left);
        left[memory - 1] = newest;
    }
    return sum;
}

static void svdf_s8_run(const nnom_call_t *call)
{
    const svdf_t svdf = svdf_of(call);
    const nnom_svdf_param_t *p = svdf.p;
    const int32_t *bias = p->bias, zero_point = nnom_call_output(call)->zero_point;
    int8_t *out = (int8_t *)nnom_call_output_rows(call).data;
    for (int32_t i = 0; i < p->units; i++) {
        int64_t sum = bias != NULL ? bias[i] : 0;
        for (int32_t j = 0; j < p->rank; j++) {
            sum += svdf_filter(&svdf, i * p->rank + j);
        }
        const int32_t y = nnom_requantize(svdf_saturated(sum), p->out_multiplier, p->out_shift);
        out[i] = (int8_t)nnom_clamp_i32(svdf_saturated((int64_t)y + zero_point), INT8_MIN, INT8_MAX);
    }
}

static float svdf_filter_f32(const svdf_t *svdf, int32_t filter)
{
    const int32_t memory = svdf->p->memory;
    const size_t at = (size_t)filter * (size_t)memory;
    const float *w = (const float *)svdf->p->time + at, *state = (const float *)svdf->state + at, *x = svdf->x;
    const float *features = (const float *)svdf->p->features + (size_t)filter * (size_t)svdf->inputs;
    float newest = 0.0f, sum = 0.0f;
    for (int32_t i = 0; i < svdf->inputs; i++) {
        newest += features[i] * x[i];
    }
    for (int32_t j = 1; j < memory; j++) {
        sum += w[j - 1] * state[j];
    }
    if (svdf->left != NULL) {
        float *left = (float *)svdf->left + at;
        memcpy(left, state + 1, (size_t)(memory - 1) * sizeof *left);
        left[memory - 1] = newest;
    }
    return sum + newest * w[memory - 1];
}

static void svdf_f32_run(const nnom_call_t *call)
{
    const svdf_t svdf = svdf_of(call);
    const float *bias = svdf.p->bias;
    float *out = (float *)(void *)nnom_call_output_rows(call).data;
    for (int32_t i = 0; i < svdf.p->units; i++) {
        float sum = bias != NULL ? bias[i] : 0.0f;
        for (int32_t j = 0; j < svdf.p->rank; j++) {
            sum += svdf_filter_f32(&svdf, i * svdf.p->rank + j);
        }
        out[i] = sum;
    }
}

static nnom_range_t svdf_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y)
{
    (void)y;
    const nnom_range_t all = {0, nnom_node_input(program, node, input)->shape.h};
    return all;
}

const nnom_op_t nnom_svdf_s8_op = {svdf_s8_run, svdf_window, NNOM_OP_WHOLE, sizeof(nnom_svdf_param_t)};
const nnom_op_t nnom_svdf_f32_op = {svdf_f32_run, svdf_window, NNOM_OP_WHOLE, sizeof(nnom_svdf_param_t)};
