/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "binary.h"

#include <math.h>

/* The larger side, or -1 if they differ and neither is 1. */
static int32_t binary_joint(int32_t a, int32_t b)
{
    if (a == b || b == 1) {
        return a;
    }
    return a == 1 ? b : -1;
}

static nnom_status_t binary_join_shapes(nnom_layer_t *layer)
{
    const nnom_shape_t a = nnom_layer_in(layer, 0)->shape;
    const nnom_shape_t b = nnom_layer_in(layer, 1)->shape;
    layer->out->shape = nnom_make_shape(binary_joint(a.h, b.h), binary_joint(a.w, b.w), binary_joint(a.c, b.c));
    const nnom_shape_t out = layer->out->shape;
    if (out.h < 1 || out.w < 1 || out.c < 1) {
        return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "inputs (%d, %d, %d) and (%d, %d, %d): sides must be equal or 1",
                               (int)a.h, (int)a.w, (int)a.c, (int)b.h, (int)b.w, (int)b.c);
    }
    return NNOM_OK;
}

nnom_status_t nnom_binary_build(nnom_binary_layer_t *binary)
{
    nnom_layer_t *layer = &binary->super;
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    nnom_binary_param_t *p = &binary->param;
    const bool integers =
        binary->integers && in->type == NNOM_TYPE_S32 && nnom_layer_in(layer, 1)->type == NNOM_TYPE_S32;
    nnom_status_t status = integers ? NNOM_OK : nnom_layer_check_types(layer);
    if (status == NNOM_OK) {
        status = binary_join_shapes(layer);
    }
    if (status != NNOM_OK) {
        return status;
    }
    if (binary->oshift < -31 || binary->oshift > 31) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "oshift %d, expected -31 to 31", (int)binary->oshift);
    }
    nnom_layer_follow_quant(layer, ldexpf(in->scale, (int)binary->oshift), in->zero_point);
    nnom_clamp_limits_f32(layer->fused, &p->act_min_f, &p->act_max_f);
    if (nnom_type_facts(layer->out->type)->quantised) {
        nnom_clamp_limits(layer->fused, layer->out, &p->act_min, &p->act_max);
    }
    layer->overlap = nnom_shape_equal(in->shape, layer->out->shape) ? 0 : NNOM_NO_OVERLAP;
    layer->param = p;
    return nnom_layer_symmetric(layer);
}

nnom_layer_t *nnom_binary_new(const nnom_class_t *cls, int32_t oshift)
{
    nnom_binary_layer_t *layer = nnom_layer_new(cls, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->oshift = oshift;
    return &layer->super;
}

nnom_status_t nnom_binary_plain(nnom_layer_t *layer)
{
    (void)layer;
    return NNOM_OK;
}
