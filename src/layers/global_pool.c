/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "window_layer.h"

NNOM_PARAM_FIELDS(nnom_pool_param, NNOM_POOL_PARAM)

NNOM_FORM(global_max_pool_s8_ref, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(global_max_pool_s16_ref, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(global_max_pool_f32_ref, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(global_avg_pool_s8_ref, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(global_avg_pool_s16_ref, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(global_avg_pool_f32_ref, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(global_sum_pool_s8_ref, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(global_sum_pool_s16_ref, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(global_sum_pool_f32_ref, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, nnom_pool_plain)

static const nnom_kernel_t global_max_pool_s8[] = {NNOM_KERNELS_GLOBAL_MAX_POOL_S8(NNOM_KERNEL_ROW)};
static const nnom_kernel_t global_max_pool_s16[] = {NNOM_KERNELS_GLOBAL_MAX_POOL_S16(NNOM_KERNEL_ROW)};
static const nnom_kernel_t global_max_pool_f32[] = {NNOM_KERNELS_GLOBAL_MAX_POOL_F32(NNOM_KERNEL_ROW)};
static const nnom_kernel_t global_avg_pool_s8[] = {NNOM_KERNELS_GLOBAL_AVG_POOL_S8(NNOM_KERNEL_ROW)};
static const nnom_kernel_t global_avg_pool_s16[] = {NNOM_KERNELS_GLOBAL_AVG_POOL_S16(NNOM_KERNEL_ROW)};
static const nnom_kernel_t global_avg_pool_f32[] = {NNOM_KERNELS_GLOBAL_AVG_POOL_F32(NNOM_KERNEL_ROW)};
static const nnom_kernel_t global_sum_pool_s8[] = {NNOM_KERNELS_GLOBAL_SUM_POOL_S8(NNOM_KERNEL_ROW)};
static const nnom_kernel_t global_sum_pool_s16[] = {NNOM_KERNELS_GLOBAL_SUM_POOL_S16(NNOM_KERNEL_ROW)};
static const nnom_kernel_t global_sum_pool_f32[] = {NNOM_KERNELS_GLOBAL_SUM_POOL_F32(NNOM_KERNEL_ROW)};

nnom_status_t nnom_global_max_pool_kernel(nnom_layer_t *layer)
{
    return NNOM_CONV_CHOOSE(layer, global_max_pool);
}

nnom_status_t nnom_global_avg_pool_kernel(nnom_layer_t *layer)
{
    return NNOM_CONV_CHOOSE(layer, global_avg_pool);
}

nnom_status_t nnom_global_sum_pool_kernel(nnom_layer_t *layer)
{
    return NNOM_CONV_CHOOSE(layer, global_sum_pool);
}

void nnom_global_pool_memory(nnom_layer_t *layer)
{
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    /* Accumulators of the channels while rows come one by one: int32 and float have the same size. */
    layer->scratch_bytes = in.h > 1 ? (uint32_t)in.c * (uint32_t)sizeof(int32_t) : 0;
    layer->overlap = 0; /* channel i is written to byte i after it was read in every cell: see kernels.h */
}

/* `sums`: the kernel adds up the cells. */
static nnom_status_t global_pool_build(nnom_layer_t *layer, bool sums, bool always)
{
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    nnom_status_t status = nnom_window_type(layer);
    if (status != NNOM_OK) {
        return status;
    }
    layer->out->shape = nnom_make_shape(1, 1, in.c);
    status = nnom_pool_param((nnom_pool_layer_t *)layer, sums ? (int64_t)in.h * in.w : 1, always);
    layer->overlap = 0; /* channel i is written to byte i after it was read in every cell: see kernels.h */
    if (status != NNOM_OK) {
        return status;
    }
    /* Accumulators of the channels while rows come one by one: int32 and float have the same size. */
    return nnom_window_scratch(layer, in.h > 1 ? in.c * (int64_t)sizeof(int32_t) : 0);
}

static nnom_status_t global_max_pool_build(nnom_layer_t *layer)
{
    const nnom_status_t status = global_pool_build(layer, false, false);
    return status == NNOM_OK ? nnom_global_max_pool_kernel(layer) : status;
}

static nnom_status_t global_avg_pool_build(nnom_layer_t *layer)
{
    const nnom_status_t status = global_pool_build(layer, true, false);
    return status == NNOM_OK ? nnom_global_avg_pool_kernel(layer) : status;
}

static nnom_status_t global_sum_pool_build(nnom_layer_t *layer)
{
    const nnom_status_t status = global_pool_build(layer, true, true);
    return status == NNOM_OK ? nnom_global_sum_pool_kernel(layer) : status;
}

static const nnom_class_t global_max_pool_class = {
    "GlobalMaxPool", "nnom_pool_param", nnom_pool_param_fields, global_max_pool_build, 1, 1, NNOM_CLASS_CLAMPS};
static const nnom_class_t global_avg_pool_class = {
    "GlobalAvgPool", "nnom_pool_param", nnom_pool_param_fields, global_avg_pool_build, 1, 1, NNOM_CLASS_CLAMPS};
static const nnom_class_t global_sum_pool_class = {
    "GlobalSumPool", "nnom_pool_param", nnom_pool_param_fields, global_sum_pool_build, 1, 1, NNOM_CLASS_CLAMPS};

nnom_layer_t *nnom_global_max_pool(void)
{
    return nnom_pool_new(&global_max_pool_class, nnom_geometry_one());
}

nnom_layer_t *nnom_global_avg_pool(void)
{
    return nnom_pool_new(&global_avg_pool_class, nnom_geometry_one());
}

nnom_layer_t *nnom_global_sum_pool(void)
{
    return nnom_pool_new(&global_sum_pool_class, nnom_geometry_one());
}
