/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../kernels/fixed.h"
#include "resize.h"

/* Steps of the input per step of the output, times 1024 and in float; half: pixels are taken at their centres. */
#define NNOM_BILINEAR_PARAM(I32, F32, GEOMETRY, ARRAY) I32(step_h) I32(step_w) F32(step_h_f) F32(step_w_f) I32(half)
NNOM_PARAM_STRUCT(nnom_bilinear_param, NNOM_BILINEAR_PARAM)
NNOM_PARAM_FIELDS(nnom_bilinear_param, NNOM_BILINEAR_PARAM)

/* The two input indices around output index i; the second one's weight is part / 1024 or part_f. */
typedef struct between {
    int32_t first, second;
    int32_t part;
    float part_f;
} between_t;

static between_t between_fixed(int32_t i, int32_t step, bool half, int32_t length)
{
    const int64_t at = (int64_t)i * step + (half ? step / 2 - 512 : 0);
    const int64_t first = at < 0 ? 0 : at / 1024;
    const int64_t second = (at + 1023) / 1024;
    between_t b = {(int32_t)(first < length ? first : length - 1), (int32_t)(second < length ? second : length - 1), 0,
                   0.0f};
    if (b.first != b.second) { /* else the weights do not matter */
        b.part = (int32_t)(at - first * 1024);
    }
    return b;
}

static between_t between_f32(int32_t i, float step, bool half, int32_t length)
{
    const float at = half ? ((float)i + 0.5f) * step - 0.5f : (float)i * step;
    const int32_t first = at > 0.0f ? (int32_t)at : 0;
    const int32_t second = at > (float)first ? first + 1 : first;
    between_t b = {nnom_min_i32(first, length - 1), nnom_min_i32(second, length - 1), 0, 0.0f};
    if (b.first != b.second) {
        b.part_f = at - (float)first;
    }
    return b;
}

static nnom_range_t resize_bilinear_span(between_t lo, between_t hi)
{
    const nnom_range_t rows = {lo.first, hi.second + 1};
    return rows;
}

static nnom_range_t resize_bilinear_window_fixed(const nnom_program_t *program, const nnom_node_t *node, uint32_t input,
                                                 nnom_range_t y)
{
    const nnom_bilinear_param_t *p = node->param;
    const int32_t length = nnom_node_input(program, node, input)->shape.h;
    return resize_bilinear_span(between_fixed(y.lo, p->step_h, p->half != 0, length),
                                between_fixed(y.hi - 1, p->step_h, p->half != 0, length));
}

static nnom_range_t resize_bilinear_window_f32(const nnom_program_t *program, const nnom_node_t *node, uint32_t input,
                                               nnom_range_t y)
{
    const nnom_bilinear_param_t *p = node->param;
    const int32_t length = nnom_node_input(program, node, input)->shape.h;
    return resize_bilinear_span(between_f32(y.lo, p->step_h_f, p->half != 0, length),
                                between_f32(y.hi - 1, p->step_h_f, p->half != 0, length));
}

/* |sum| <= 128 * 2^20 = 2^27: the weights sum to 2^20. */
static int8_t mix_s8(const int8_t *top, const int8_t *bottom, int32_t left, int32_t right, int32_t v, int32_t u)
{
    const int32_t above = top[left] * (1024 - u) + top[right] * u;
    const int32_t below = bottom[left] * (1024 - u) + bottom[right] * u;
    const int32_t sum = above * (1024 - v) + below * v;
    return (int8_t)((sum + (sum > 0 ? INT32_C(1) << 19 : -(INT32_C(1) << 19))) / (INT32_C(1) << 20));
}

/* |sum| <= 2^15 * 2^20 = 2^35 */
static int16_t mix_s16(const int16_t *top, const int16_t *bottom, int32_t left, int32_t right, int32_t v, int32_t u)
{
    const int64_t above = top[left] * (1024 - u) + top[right] * u; /* |above| <= 2^25 */
    const int64_t below = bottom[left] * (1024 - u) + bottom[right] * u;
    const int64_t sum = above * (1024 - v) + below * v;
    return (int16_t)((sum + (sum > 0 ? INT32_C(1) << 19 : -(INT32_C(1) << 19))) / (INT32_C(1) << 20));
}

static float mix_f32(const float *top, const float *bottom, int32_t left, int32_t right, float v, float u)
{
    return top[left] * (1.0f - v) * (1.0f - u) + bottom[left] * v * (1.0f - u) + top[right] * (1.0f - v) * u +
           bottom[right] * v * u;
}

/*
 * An operation nnom_resize_bilinear_<suffix>_op over elements of a type. kind: fixed or f32, of the positions; tail: what the
 * members of that kind end in.
 */
#define BILINEAR_OP(suffix, type, kind, tail)                                                                          \
    static void resize_bilinear_run_##suffix(const nnom_call_t *call)                                                  \
    {                                                                                                                  \
        const nnom_bilinear_param_t *p = call->node->param;                                                            \
        const nnom_shape_t in = nnom_call_input(call, 0)->shape;                                                       \
        const nnom_shape_t out = nnom_call_output(call)->shape;                                                        \
        const nnom_rows_t from = nnom_call_input_rows(call, 0);                                                        \
        const nnom_rows_t to = nnom_call_output_rows(call);                                                            \
        for (int32_t y = call->y.lo; y < call->y.hi; y++) {                                                            \
            const between_t v = between_##kind(y, p->step_h##tail, p->half != 0, in.h);                                \
            const type *top = (const type *)(const void *)nnom_row(&from, v.first);                                    \
            const type *bottom = (const type *)(const void *)nnom_row(&from, v.second);                                \
            type *row = (type *)(void *)nnom_row(&to, y);                                                              \
            for (int32_t x = 0; x < out.w; x++) {                                                                      \
                const between_t u = between_##kind(x, p->step_w##tail, p->half != 0, in.w);                            \
                for (int32_t c = 0; c < out.c; c++) {                                                                  \
                    *row++ = mix_##suffix(top, bottom, u.first * out.c + c, u.second * out.c + c, v.part##tail,        \
                                          u.part##tail);                                                               \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    extern const nnom_op_t nnom_resize_bilinear_##suffix##_op;                                                         \
    const nnom_op_t nnom_resize_bilinear_##suffix##_op = {resize_bilinear_run_##suffix, resize_bilinear_window_##kind, \
                                                          0, sizeof(nnom_bilinear_param_t)};

BILINEAR_OP(s8, int8_t, fixed, )
BILINEAR_OP(s16, int16_t, fixed, )
BILINEAR_OP(f32, float, f32, _f)

/* ---- Build ---- */

typedef struct bilinear_layer {
    nnom_layer_t super;
    nnom_size_t size;
    nnom_resize_t mode;
    nnom_bilinear_param_t param;
} bilinear_layer_t;

static void resize_bilinear_set_step(int32_t in, int32_t out, bool corners, int32_t *step, float *step_f)
{
    const int32_t steps = corners && out > 1 ? out - 1 : out;
    const int32_t length = corners && out > 1 ? in - 1 : in;
    *step = (1024 * length + steps / 2) / steps;
    *step_f = (float)length / (float)steps;
}

static nnom_status_t resize_bilinear_build(nnom_layer_t *layer)
{
    bilinear_layer_t *resize = (bilinear_layer_t *)layer;
    nnom_bilinear_param_t *p = &resize->param;
    const bool corners = resize->mode == NNOM_RESIZE_ALIGN_CORNERS;
    nnom_status_t status = nnom_layer_check_types(layer);
    if (status == NNOM_OK) {
        status = nnom_layer_keep_quant(layer);
    }
    if (status == NNOM_OK) {
        status = nnom_resize_shape(layer, resize->size, resize->mode);
    }
    if (status != NNOM_OK) {
        return status;
    }
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    resize_bilinear_set_step(in.h, layer->out->shape.h, corners, &p->step_h, &p->step_h_f);
    resize_bilinear_set_step(in.w, layer->out->shape.w, corners, &p->step_w, &p->step_w_f);
    p->half = resize->mode == NNOM_RESIZE_HALF_PIXEL;
    layer->param = p;
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_resize_bilinear_f32_op, [NNOM_COST_OUTPUT] = 288, [NNOM_COST_PIXEL] = 736,
                          [NNOM_COST_ROW] = 904, [NNOM_COST_CALL] = 992);
    } else if (layer->out->type == NNOM_TYPE_S16) {
        NNOM_LAYER_SET_OP(layer, nnom_resize_bilinear_s16_op, [NNOM_COST_OUTPUT] = 384, [NNOM_COST_PIXEL] = 1152,
                          [NNOM_COST_ROW] = 1232, [NNOM_COST_CALL] = 1424);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_resize_bilinear_s8_op, [NNOM_COST_OUTPUT] = 384, [NNOM_COST_PIXEL] = 1152,
                          [NNOM_COST_ROW] = 1232, [NNOM_COST_CALL] = 1424);
    }
    nnom_layer_overlap_rows(layer);
    return NNOM_OK;
}

static const nnom_class_t resize_bilinear_class = {
    "ResizeBilinear", "nnom_bilinear_param", nnom_bilinear_param_fields, resize_bilinear_build, 1, 1, NNOM_CLASS_WIDE};
static const nnom_class_t resize_bilinear_rows_class = {"ResizeBilinear",
                                                        "nnom_bilinear_param",
                                                        nnom_bilinear_param_fields,
                                                        resize_bilinear_build,
                                                        1,
                                                        1,
                                                        NNOM_CLASS_NO_SWAP | NNOM_CLASS_WIDE};

nnom_layer_t *nnom_resize_bilinear(nnom_size_t size, nnom_resize_t mode)
{
    bilinear_layer_t *layer =
        nnom_layer_new(size.h == 1 ? &resize_bilinear_class : &resize_bilinear_rows_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->size = size;
    layer->mode = mode;
    return &layer->super;
}
