/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * BatchMatmul: input 0 (h, m, k) times input 1 (h, k, n) gives (h, m, n); h of one of them may be 1. With transpose_a
 * input 0 is (h, k, m), with transpose_b input 1 is (h, n, k). DenseByRows: the rows of both are multiplied, a bias added.
 */
#include <math.h>

#include "../kernels/fixed.h"
#include "elementwise.h"

/* bias: int32 or float [n], or NULL. */
#define NNOM_MATMUL_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                   \
    I32(transpose_a) I32(transpose_b) I32(depth) I32(multiplier) I32(shift) ARRAY(bias)
NNOM_PARAM_STRUCT(nnom_matmul_param, NNOM_MATMUL_PARAM)
NNOM_PARAM_FIELDS(nnom_matmul_param, NNOM_MATMUL_PARAM)

/* |sum| <= 255^2 * depth < 2^31; of int16 2^30 * depth < 2^47 */
enum { MAX_DEPTH = 33025, MAX_DEPTH_S16 = 131071 };

/* A matrix's row or column: element k is data[k * step]. */
typedef struct line {
    const void *data;
    int32_t step;
    int32_t zero_point;
} line_t;

/* Line i of input `input` for output row y. */
static line_t line_of(const nnom_call_t *call, uint32_t input, int32_t y, int32_t i, bool along)
{
    const nnom_tensor_t *in = nnom_call_input(call, input);
    const nnom_rows_t rows = nnom_call_input_rows(call, input);
    const int32_t bytes = (int32_t)(in->row_bytes / in->shape.w / in->shape.c);
    const uint8_t *row = nnom_row(&rows, in->shape.h == 1 ? 0 : y);
    const line_t line = {row + (along ? i * in->shape.c : i) * bytes, along ? 1 : in->shape.c, in->zero_point};
    return line;
}

static int8_t product_s8(const nnom_matmul_param_t *p, line_t a, line_t b, int32_t bias, int32_t zero_point)
{
    const int8_t *x = a.data;
    const int8_t *y = b.data;
    int32_t sum = bias;
    for (int32_t k = 0; k < p->depth; k++, x += a.step, y += b.step) {
        sum += (*x - a.zero_point) * (*y - b.zero_point);
    }
    return (int8_t)nnom_clamp_i32(nnom_requantize(sum, p->multiplier, p->shift) + zero_point, -128, 127);
}

/* Without zero points; |sum| <= 2^30 * depth < 2^47 */
static int16_t product_s16(const nnom_matmul_param_t *p, line_t a, line_t b)
{
    const int16_t *x = a.data;
    const int16_t *y = b.data;
    int64_t sum = 0;
    for (int32_t k = 0; k < p->depth; k++, x += a.step, y += b.step) {
        sum += *x * *y;
    }
    return nnom_clamp_s16(nnom_requantize_wide(sum, p->multiplier, p->shift));
}

static float product_f32(const nnom_matmul_param_t *p, line_t a, line_t b)
{
    const float *x = a.data;
    const float *y = b.data;
    float sum = 0.0f;
    for (int32_t k = 0; k < p->depth; k++, x += a.step, y += b.step) {
        sum += *x * *y;
    }
    return sum;
}

/* Element (i, j) of output row y. */
static void batch_matmul_run_s8(const nnom_call_t *call)
{
    const nnom_matmul_param_t *p = call->node->param;
    const int32_t *bias = p->bias;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        for (int32_t i = 0; i < out->shape.w; i++) {
            for (int32_t j = 0; j < out->shape.c; j++) {
                *row++ = product_s8(p, line_of(call, 0, y, i, p->transpose_a == 0),
                                    line_of(call, 1, y, j, p->transpose_b != 0), bias != NULL ? bias[j] : 0,
                                    out->zero_point);
            }
        }
    }
}

static void batch_matmul_run_s16(const nnom_call_t *call)
{
    const nnom_matmul_param_t *p = call->node->param;
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int16_t *row = (int16_t *)(void *)nnom_row(&to, y);
        for (int32_t i = 0; i < out.w; i++) {
            for (int32_t j = 0; j < out.c; j++) {
                *row++ = product_s16(p, line_of(call, 0, y, i, p->transpose_a == 0),
                                     line_of(call, 1, y, j, p->transpose_b != 0));
            }
        }
    }
}

static void batch_matmul_run_f32(const nnom_call_t *call)
{
    const nnom_matmul_param_t *p = call->node->param;
    const float *bias = p->bias;
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        float *row = (float *)(void *)nnom_row(&to, y);
        for (int32_t i = 0; i < out.w; i++) {
            for (int32_t j = 0; j < out.c; j++) {
                *row++ = product_f32(p, line_of(call, 0, y, i, p->transpose_a == 0),
                                     line_of(call, 1, y, j, p->transpose_b != 0)) +
                         (bias != NULL ? bias[j] : 0.0f);
            }
        }
    }
}

static nnom_range_t batch_matmul_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input,
                                        nnom_range_t y)
{
    const nnom_range_t first = {0, 1};
    return nnom_node_input(program, node, input)->shape.h == 1 ? first : y;
}

extern const nnom_op_t nnom_batch_matmul_s8_op;
extern const nnom_op_t nnom_batch_matmul_s16_op;
extern const nnom_op_t nnom_batch_matmul_f32_op;
const nnom_op_t nnom_batch_matmul_s8_op = {batch_matmul_run_s8, batch_matmul_window, 0, sizeof(nnom_matmul_param_t)};
const nnom_op_t nnom_batch_matmul_s16_op = {batch_matmul_run_s16, batch_matmul_window, 0, sizeof(nnom_matmul_param_t)};
const nnom_op_t nnom_batch_matmul_f32_op = {batch_matmul_run_f32, batch_matmul_window, 0, sizeof(nnom_matmul_param_t)};

/* ---- Build ---- */

typedef struct matmul_layer {
    nnom_layer_t super;
    const nnom_bias_t *bias; /* the caller's, or NULL */
    bool dense;              /* DenseByRows: the product of scales in double, as Dense has it */
    nnom_matmul_param_t param;
} matmul_layer_t;

static nnom_status_t batch_matmul_join_shapes(nnom_layer_t *layer, nnom_matmul_param_t *p)
{
    const nnom_shape_t a = nnom_layer_in(layer, 0)->shape;
    const nnom_shape_t b = nnom_layer_in(layer, 1)->shape;
    const int32_t depth_b = p->transpose_b ? b.c : b.w;
    p->depth = p->transpose_a ? a.w : a.c;
    if (p->depth != depth_b || (a.h != b.h && a.h != 1 && b.h != 1)) {
        return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "matrices (%d, %d, %d) and (%d, %d, %d) do not fit", (int)a.h,
                               (int)a.w, (int)a.c, (int)b.h, (int)b.w, (int)b.c);
    }
    layer->out->shape = nnom_make_shape(a.h > b.h ? a.h : b.h, p->transpose_a ? a.c : a.w, p->transpose_b ? b.w : b.c);
    layer->macs = (uint64_t)layer->out->shape.h * (uint64_t)layer->out->shape.w * (uint64_t)layer->out->shape.c *
                  (uint64_t)p->depth;
    return NNOM_OK;
}

/* *most: the largest magnitude of the bias in int8. */
static nnom_status_t take_bias(nnom_layer_t *layer, double *most)
{
    matmul_layer_t *matmul = (matmul_layer_t *)layer;
    const int32_t n = layer->out->shape.c;
    *most = 0.0;
    if (matmul->bias == NULL) {
        matmul->param.bias = NULL;
        return NNOM_OK;
    }
    if (matmul->bias->p_value == NULL) {
        return nnom_layer_fail(layer, NNOM_NULL, "its bias is NULL");
    }
    const bool real = layer->out->type == NNOM_TYPE_F32;
    matmul->param.bias = matmul->bias->p_value;
    for (int32_t i = 0; !real && i < n; i++) {
        const double size = fabs((double)((const int32_t *)matmul->bias->p_value)[i]);
        *most = size > *most ? size : *most;
    }
    return NNOM_OK;
}

/* The caller's bias, the only array. */
static void batch_matmul_array(const nnom_layer_t *layer, uint32_t i, nnom_array_t *array)
{
    (void)i;
    array->count = (uint32_t)layer->out->shape.c;
    array->type = layer->out->type == NNOM_TYPE_F32 ? NNOM_TYPE_F32 : NNOM_TYPE_S32;
}

/* real: the scales of both inputs over that of the output; most: the largest bias. */
static nnom_status_t batch_matmul_build_s8(nnom_layer_t *layer, nnom_matmul_param_t *p, double real, double most)
{
    const double largest = 65025.0 * p->depth + most; /* of a sum */
    if (p->depth > MAX_DEPTH || largest > 2147483647.0 || !(real < 1073741824.0)) {
        return nnom_layer_fail(layer, NNOM_OVERFLOW, "sums of %d products (at most %d), or their scale, overflow",
                               (int)p->depth, MAX_DEPTH);
    }
    nnom_quantize_multiplier(real, &p->multiplier, &p->shift);
    NNOM_LAYER_SET_OP(layer, nnom_batch_matmul_s8_op, [NNOM_COST_MAC] = 160, [NNOM_COST_OUTPUT] = 2352,
                      [NNOM_COST_ROW] = 400, [NNOM_COST_CALL] = 704);
    return NNOM_OK;
}

static nnom_status_t batch_matmul_build_s16(nnom_layer_t *layer, nnom_matmul_param_t *p, double real)
{
    if (p->depth > MAX_DEPTH_S16 || !(real < 128.0)) { /* 2^NNOM_WIDE_SHIFT_MAX */
        return nnom_layer_fail(layer, NNOM_OVERFLOW, "sums of %d products (at most %d), or their scale, overflow",
                               (int)p->depth, MAX_DEPTH_S16);
    }
    nnom_quantize_multiplier(real, &p->multiplier, &p->shift);
    NNOM_LAYER_SET_OP(layer, nnom_batch_matmul_s16_op, [NNOM_COST_MAC] = 160, [NNOM_COST_OUTPUT] = 2352,
                      [NNOM_COST_ROW] = 400, [NNOM_COST_CALL] = 704);
    return nnom_layer_symmetric(layer);
}

static nnom_status_t batch_matmul_build(nnom_layer_t *layer)
{
    double most;
    nnom_matmul_param_t *p = &((matmul_layer_t *)layer)->param;
    nnom_status_t status = nnom_layer_check_types(layer);
    if (status == NNOM_OK) {
        status = batch_matmul_join_shapes(layer, p);
    }
    if (status != NNOM_OK) {
        return status;
    }
    nnom_layer_follow(layer);
    layer->param = p;
    layer->overlap = NNOM_NO_OVERLAP;
    status = take_bias(layer, &most);
    if (status != NNOM_OK) {
        return status;
    }
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_batch_matmul_f32_op, [NNOM_COST_MAC] = 144, [NNOM_COST_OUTPUT] = 1824,
                          [NNOM_COST_ROW] = 464, [NNOM_COST_CALL] = 720);
        return NNOM_OK;
    }
    const float scales = nnom_layer_in(layer, 0)->scale * nnom_layer_in(layer, 1)->scale; /* in float, as specified */
    const double exact = (double)nnom_layer_in(layer, 0)->scale * (double)nnom_layer_in(layer, 1)->scale;
    const double real = (((matmul_layer_t *)layer)->dense ? exact : (double)scales) / (double)layer->out->scale;
    return layer->out->type == NNOM_TYPE_S16 ? batch_matmul_build_s16(layer, p, real)
                                             : batch_matmul_build_s8(layer, p, real, most);
}

static const nnom_rare_class_t batch_matmul_class = {.super = {"BatchMatmul", "nnom_matmul_param",
                                                               nnom_matmul_param_fields, batch_matmul_build, 2, 2,
                                                               NNOM_CLASS_NO_SWAP | NNOM_CLASS_RARE | NNOM_CLASS_WIDE},
                                                     .array = batch_matmul_array};

nnom_layer_t *nnom_batch_matmul(bool transpose_a, bool transpose_b)
{
    matmul_layer_t *layer = nnom_layer_new(&batch_matmul_class.super, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->param.transpose_a = transpose_a;
    layer->param.transpose_b = transpose_b;
    return &layer->super;
}

static const nnom_rare_class_t batch_matmul_dense_class = {.super = {"DenseByRows", "nnom_matmul_param",
                                                                     nnom_matmul_param_fields, batch_matmul_build, 2, 2,
                                                                     NNOM_CLASS_NO_SWAP | NNOM_CLASS_RARE},
                                                           .array = batch_matmul_array};

nnom_layer_t *nnom_dense_by_rows(const nnom_bias_t *b)
{
    matmul_layer_t *layer = nnom_layer_new(&batch_matmul_dense_class.super, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->param.transpose_b = true;
    layer->bias = b;
    layer->dense = true;
    return &layer->super;
}
