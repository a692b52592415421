/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Pools. CMSIS-NN writes an output while it still reads its window: where output and input share memory, and where rows do not lie side
 * by side, the plain kernels run.
 */
#include "cmsis_nn.h"
#include "cmsis_nn_pack.h"

#ifdef NNOM_CMSIS_NN

#include "../fixed.h"
#include "../ref/window.h"

typedef arm_cmsis_nn_status cmsis_pool_t(const cmsis_nn_context *, const cmsis_nn_pool_params *, const cmsis_nn_dims *,
                                         const int8_t *, const cmsis_nn_dims *, const cmsis_nn_dims *, int8_t *);

/* False if a part's rows do not lie side by side; what was written then will be written again. */
static bool cmsis_pool(const nnom_call_t *call, cmsis_pool_t *pool)
{
    const nnom_pool_param_t *p = call->node->param;
    const nnom_geometry_t *g = &p->geometry;
    const nnom_shape_t in = nnom_call_input(call, 0)->shape, out = nnom_call_output(call)->shape;
    const cmsis_nn_context context = {nnom_call_scratch(call), out.c * (int32_t)sizeof(int32_t)};
    const cmsis_nn_dims filter = nnom_cmsis_dims(g->kernel_h, g->kernel_w, 1);
    if (nnom_cmsis_shares(call)) {
        return false;
    }
    for (int32_t y = call->y.lo; y < call->y.hi;) {
        const nnom_cmsis_part_t part = nnom_cmsis_part(call, g, y, NULL);
        const cmsis_nn_pool_params params = {
            {g->stride_w, g->stride_h}, {g->pad_left, part.pad_top}, {p->act_min, p->act_max}};
        const cmsis_nn_dims input = nnom_cmsis_dims(part.in_rows, in.w, in.c);
        const cmsis_nn_dims output = nnom_cmsis_dims(part.n, out.w, out.c);
        if (part.in == NULL ||
            pool(&context, &params, &input, part.in, &filter, &output, part.out) != ARM_CMSIS_NN_SUCCESS) {
            return false;
        }
        y += part.n;
    }
    return true;
}

void nnom_max_pool_s8_cmsis_nn(const nnom_call_t *call)
{
    if (!cmsis_pool(call, arm_max_pool_s8)) {
        nnom_max_pool_s8_ref(call);
    }
}

void nnom_avg_pool_s8_cmsis_nn(const nnom_call_t *call)
{
    if (!cmsis_pool(call, arm_avgpool_s8)) {
        nnom_avg_pool_s8_ref(call);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_pool_param, NNOM_POOL_PARAM)

static nnom_status_t cmsis_pool_pack(nnom_layer_t *layer)
{
    const nnom_pool_param_t *p = &((const nnom_pool_layer_t *)layer)->param;
    if (p->multiplier != 0 || p->geometry.dilation_h != 1 || p->geometry.dilation_w != 1) {
        return NNOM_UNSUPPORTED; /* another scale: CMSIS-NN's pools have none */
    }
    return nnom_pool_plain(layer);
}

static nnom_status_t cmsis_avg_pool_pack(nnom_layer_t *layer)
{
    const nnom_status_t status = cmsis_pool_pack(layer);
    return status == NNOM_OK ? nnom_window_scratch(layer, (int64_t)layer->out->shape.c * (int64_t)sizeof(int32_t))
                             : status;
}

NNOM_FORM(max_pool_s8_cmsis_nn, nnom_conv_window, 0, nnom_pool_param, cmsis_pool_pack)
NNOM_FORM(avg_pool_s8_cmsis_nn, nnom_conv_window, 0, nnom_pool_param, cmsis_avg_pool_pack)

#endif
