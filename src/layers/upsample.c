/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../run/move.h"
#include "elementwise.h"

/* Every row kernel_h times, every pixel kernel_w times. */
#define NNOM_UPSAMPLE_PARAM(I32, F32, GEOMETRY, ARRAY) GEOMETRY(geometry)
NNOM_PARAM_STRUCT(nnom_upsample_param, NNOM_UPSAMPLE_PARAM)
NNOM_PARAM_FIELDS(nnom_upsample_param, NNOM_UPSAMPLE_PARAM)

static nnom_range_t upsample_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input,
                                    nnom_range_t y)
{
    const nnom_upsample_param_t *p = node->param;
    const nnom_range_t rows = {y.lo / p->geometry.kernel_h, (y.hi - 1) / p->geometry.kernel_h + 1};
    (void)program;
    (void)input;
    return rows;
}

static void upsample_run(const nnom_call_t *call)
{
    const nnom_upsample_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const size_t pixel = (size_t)in->row_bytes / (size_t)in->shape.w;
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        const uint8_t *source = nnom_row(&from, y / p->geometry.kernel_h);
        uint8_t *out = nnom_row(&to, y);
        for (int32_t x = 0; x < in->shape.w; x++, source += pixel) {
            for (int32_t k = 0; k < p->geometry.kernel_w; k++, out += pixel) {
                nnom_move(out, source, pixel);
            }
        }
    }
}

extern const nnom_op_t nnom_upsample_op;
const nnom_op_t nnom_upsample_op = {upsample_run, upsample_window, 0, sizeof(nnom_upsample_param_t)};

typedef struct upsample_layer {
    nnom_layer_t super;
    nnom_upsample_param_t param;
} upsample_layer_t;

static nnom_status_t upsample_build(nnom_layer_t *layer)
{
    upsample_layer_t *upsample = (upsample_layer_t *)layer;
    const nnom_geometry_t *g = layer->geometry;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const int64_t h = (int64_t)in.h * g->kernel_h;
    const int64_t w = (int64_t)in.w * g->kernel_w;
    if (g->kernel_h < 1 || g->kernel_w < 1 || h > INT32_MAX || w > INT32_MAX) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "factors (%d, %d) of an input (%d, %d), expected 1 or more",
                               (int)g->kernel_h, (int)g->kernel_w, (int)in.h, (int)in.w);
    }
    const nnom_status_t status = nnom_layer_keep_quant(layer);
    if (status != NNOM_OK) {
        return status;
    }
    layer->out->shape = nnom_make_shape((int32_t)h, (int32_t)w, in.c);
    layer->param = &upsample->param;
    NNOM_LAYER_SET_OP(layer, nnom_upsample_op, NNOM_COSTS_PIXELS);
    nnom_layer_overlap_rows(layer);
    return NNOM_OK;
}

static const nnom_class_t upsample_class = {
    "UpSample", "nnom_upsample_param", nnom_upsample_param_fields, upsample_build, 1, 1, 0};

nnom_layer_t *nnom_upsample(nnom_size_t kernel)
{
    upsample_layer_t *layer = nnom_layer_new(&upsample_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->param.geometry = nnom_geometry_one();
    layer->super.geometry = &layer->param.geometry;
    layer->param.geometry.kernel_h = kernel.h;
    layer->param.geometry.kernel_w = kernel.w;
    return &layer->super;
}
