/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Mean, sum, largest or smallest along any axes; those keep length 1. */
#include "../kernels/fixed.h"
#include "elementwise.h"

/* multiplier, shift: from the sum (the largest, the smallest) to the output. count: elements taken together. */
#define NNOM_REDUCE_PARAM(I32, F32, GEOMETRY, ARRAY) I32(kind) I32(count) I32(multiplier) I32(shift)
NNOM_PARAM_STRUCT(nnom_reduce_param, NNOM_REDUCE_PARAM)
NNOM_PARAM_FIELDS(nnom_reduce_param, NNOM_REDUCE_PARAM)

/* The input elements of this call that one output element takes together. */
typedef struct box {
    nnom_range_t y, x, c;
} box_t;

static nnom_range_t reduce_side(int32_t at, int32_t in, int32_t out)
{
    const nnom_range_t all = {0, in};
    const nnom_range_t one = {at, at + 1};
    return out == 1 ? all : one;
}

static int32_t reduce_combine(int32_t kind, int32_t acc, int32_t x)
{
    if (kind == NNOM_REDUCE_MAX) {
        return nnom_max_i32(acc, x);
    }
    return kind == NNOM_REDUCE_MIN ? nnom_min_i32(acc, x)
                                   : acc + x; /* |sum| <= 255 * count (of int16: 32768) < 2^31: see build */
}

static float combine_f32(int32_t kind, float acc, float x)
{
    if (kind == NNOM_REDUCE_MAX) {
        return x > acc ? x : acc;
    }
    return kind == NNOM_REDUCE_MIN ? (x < acc ? x : acc) : acc + x;
}

/* acc and what a box holds of elements of a type. */
#define REDUCE_TAKE(suffix, type)                                                                                      \
    static int32_t take_##suffix(const nnom_call_t *call, const nnom_rows_t *from, const box_t *box, int32_t acc)      \
    {                                                                                                                  \
        const int32_t kind = ((const nnom_reduce_param_t *)call->node->param)->kind;                                   \
        const nnom_tensor_t *in = nnom_call_input(call, 0);                                                            \
        for (int32_t y = box->y.lo; y < box->y.hi; y++) {                                                              \
            const type *row = (const type *)(const void *)nnom_row(from, y);                                           \
            for (int32_t x = box->x.lo; x < box->x.hi; x++) {                                                          \
                for (int32_t c = box->c.lo; c < box->c.hi; c++) {                                                      \
                    acc = reduce_combine(kind, acc, row[x * in->shape.c + c] - in->zero_point);                        \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        return acc;                                                                                                    \
    }

REDUCE_TAKE(s8, int8_t)
REDUCE_TAKE(s16, int16_t)

static float take_f32(const nnom_call_t *call, const nnom_rows_t *from, const box_t *box, float acc)
{
    const int32_t kind = ((const nnom_reduce_param_t *)call->node->param)->kind;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    for (int32_t y = box->y.lo; y < box->y.hi; y++) {
        const float *row = (const float *)(const void *)nnom_row(from, y);
        for (int32_t x = box->x.lo; x < box->x.hi; x++) {
            for (int32_t c = box->c.lo; c < box->c.hi; c++) {
                acc = combine_f32(kind, acc, row[x * in->shape.c + c]);
            }
        }
    }
    return acc;
}

static int32_t reduce_start(int32_t kind)
{
    return kind == NNOM_REDUCE_MAX ? INT32_MIN : (kind == NNOM_REDUCE_MIN ? INT32_MAX : 0);
}

static float start_f32(int32_t kind)
{
    return kind == NNOM_REDUCE_MAX ? -3.402823466e+38f : (kind == NNOM_REDUCE_MIN ? 3.402823466e+38f : 0.0f);
}

static void reduce_store(const nnom_call_t *call, int32_t acc, uint8_t *to, int32_t i)
{
    const nnom_reduce_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const int32_t y = nnom_requantize(acc, p->multiplier, p->shift) + out->zero_point;
    if (out->type == NNOM_TYPE_S16) {
        ((int16_t *)(void *)to)[i] = nnom_clamp_s16(y);
    } else {
        ((int8_t *)to)[i] = nnom_saturate_s8(y);
    }
}

/* Output element i of a row; what came in earlier calls is in `part`, which is touched only when rows come in pieces. */
static void element_fixed(const nnom_call_t *call, const nnom_rows_t *from, const box_t *box, bool first, bool last,
                          int32_t *part, int32_t i, uint8_t *to)
{
    const nnom_reduce_param_t *p = call->node->param;
    const int32_t start = first ? reduce_start(p->kind) : part[i];
    const bool wide = nnom_call_input(call, 0)->type == NNOM_TYPE_S16;
    const int32_t acc = wide ? take_s16(call, from, box, start) : take_s8(call, from, box, start);
    if (last) {
        reduce_store(call, acc, to, i);
    } else {
        part[i] = acc;
    }
}

static void element_f32(const nnom_call_t *call, const nnom_rows_t *from, const box_t *box, bool first, bool last,
                        float *part, int32_t i, float *to)
{
    const nnom_reduce_param_t *p = call->node->param;
    const float acc = take_f32(call, from, box, first ? start_f32(p->kind) : part[i]);
    if (last) {
        to[i] = p->kind == NNOM_REDUCE_MEAN ? acc / (float)p->count : acc;
    } else {
        part[i] = acc;
    }
}

/* One output row from input rows y. */
static void reduce_row(const nnom_call_t *call, nnom_range_t y, bool first, bool last, uint8_t *to)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    int32_t *part = nnom_call_scratch(call);
    float *part_f = nnom_call_scratch(call);
    for (int32_t i = 0; i < out.w * out.c; i++) {
        const box_t box = {y, reduce_side(i / out.c, in->shape.w, out.w), reduce_side(i % out.c, in->shape.c, out.c)};
        if (in->type == NNOM_TYPE_F32) {
            element_f32(call, &from, &box, first, last, part_f, i, (float *)(void *)to);
        } else {
            element_fixed(call, &from, &box, first, last, part, i, to);
        }
    }
}

static void reduce_run_all(const nnom_call_t *call)
{
    const nnom_rows_t to = nnom_call_output_rows(call);
    const bool last = call->y.hi == nnom_call_input(call, 0)->shape.h;
    reduce_row(call, call->y, call->y.lo == 0, last, nnom_row(&to, 0));
}

static void reduce_run_rows(const nnom_call_t *call)
{
    const nnom_rows_t to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        const nnom_range_t one = {y, y + 1};
        reduce_row(call, one, true, true, nnom_row(&to, y));
    }
}

extern const nnom_op_t nnom_reduce_op;
extern const nnom_op_t nnom_reduce_rows_op;
const nnom_op_t nnom_reduce_op = {reduce_run_all, nnom_window_all, NNOM_OP_REDUCES, sizeof(nnom_reduce_param_t)};
/* Rows stay apart. */
const nnom_op_t nnom_reduce_rows_op = {reduce_run_rows, NULL, 0, sizeof(nnom_reduce_param_t)};

/* ---- Build ---- */

typedef struct reduce_layer {
    nnom_layer_t super;
    bool h, w, c;
    nnom_reduce_param_t param;
} reduce_layer_t;

/* The specification divides the multiplier, not the sum: (multiplier * 2^bits / count) * 2^(shift - bits). */
static void mean_multiplier(int32_t count, int32_t *multiplier, int32_t *shift)
{
    int32_t bits = 0;
    while (bits < 31 && (count >> (bits + 1)) > 0) {
        bits++;
    }
    bits = nnom_min_i32(bits, 31 + *shift);
    *multiplier = (int32_t)(((int64_t)*multiplier << bits) / count);
    *shift -= bits;
}

static nnom_status_t reduce_build_fixed(nnom_layer_t *layer, nnom_reduce_param_t *p, int64_t count)
{
    const double ratio = (double)nnom_layer_in(layer, 0)->scale / (double)layer->out->scale;
    const int64_t most = layer->out->type == NNOM_TYPE_S16 ? 32768 : 255; /* of one element */
    if (count > NNOM_ACCUMULATOR_MAX / most || !(ratio < 1048576.0)) {
        return nnom_layer_fail(layer, NNOM_OVERFLOW, "its sums can overflow 32 bits");
    }
    nnom_quantize_multiplier(ratio, &p->multiplier, &p->shift);
    if (p->kind == NNOM_REDUCE_MEAN) {
        mean_multiplier((int32_t)count, &p->multiplier, &p->shift);
    }
    return NNOM_OK;
}

static nnom_status_t reduce_build(nnom_layer_t *layer)
{
    reduce_layer_t *reduce = (reduce_layer_t *)layer;
    nnom_reduce_param_t *p = &reduce->param;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const bool h = layer->swapped ? reduce->w : reduce->h;
    const bool w = layer->swapped ? reduce->h : reduce->w;
    nnom_status_t status = nnom_layer_check_types(layer);
    if (status != NNOM_OK) {
        return status;
    }
    if (p->kind < NNOM_REDUCE_MEAN || p->kind > NNOM_REDUCE_MIN) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "kind %d, expected 0 to 3", (int)p->kind);
    }
    nnom_layer_follow(layer);
    layer->out->shape = nnom_make_shape(h ? 1 : in.h, w ? 1 : in.w, reduce->c ? 1 : in.c);
    const int64_t count = (int64_t)(h ? in.h : 1) * (w ? in.w : 1) * (reduce->c ? in.c : 1);
    p->count = (int32_t)(count < INT32_MAX ? count : INT32_MAX);
    layer->param = p;
    layer->overlap = NNOM_NO_OVERLAP;
    if (h && in.h > 1) {
        NNOM_LAYER_SET_OP(layer,
                          nnom_reduce_op, [NNOM_COST_MAC] = 660, [NNOM_COST_OUTPUT] = 1700, [NNOM_COST_CALL] = 1600);
        layer->scratch_bytes = (uint32_t)nnom_shape_elements(layer->out->shape) * (uint32_t)sizeof(int32_t);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_reduce_rows_op, [NNOM_COST_MAC] = 150, [NNOM_COST_OUTPUT] = 2270,
                          [NNOM_COST_ROW] = 1170, [NNOM_COST_CALL] = 544);
    }
    layer->macs = (uint64_t)nnom_shape_elements(in);
    if (layer->out->type == NNOM_TYPE_F32) {
        return NNOM_OK;
    }
    status = nnom_layer_symmetric(layer);
    return status == NNOM_OK ? reduce_build_fixed(layer, p, count) : status;
}

static const nnom_class_t reduce_class = {"Reduce", "nnom_reduce_param", nnom_reduce_param_fields, reduce_build, 1,
                                          1,        NNOM_CLASS_WIDE};

nnom_layer_t *nnom_reduce(nnom_reduce_t kind, bool h, bool w, bool c)
{
    reduce_layer_t *layer = nnom_layer_new(&reduce_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->param.kind = (int32_t)kind;
    layer->h = h;
    layer->w = w;
    layer->c = c;
    return &layer->super;
}
