/* Made by NNoM 1.0.0 from a trained model: see slope.h. This file is yours. */
#include "slope.h"

#include <math.h>
#include <string.h>

#if NNOM_PROGRAM_ABI != 3
#error "this file was made for another version of NNoM: convert the model again"
#endif

/* slopes: Conv2D */
extern const nnom_op_t nnom_conv2d_s8_ref_op;
struct nnom_conv_param { nnom_geometry_t geometry; int32_t act_min; int32_t act_max; float act_min_f; float act_max_f; const void *weights; const void *bias; const void *multiplier; const void *shift; };
static const int8_t slope_n0_a0[6] = {
    -127, 0, 127, 127, 0, -127,};
static const int32_t slope_n0_a1[2] = {
    0, 0,};
static const int32_t slope_n0_a2[2] = {
    1578195520, 1578195520,};
static const int8_t slope_n0_a3[2] = {
    -4, -4,};
static const struct nnom_conv_param slope_n0 = {
    .geometry = {3, 1, 1, 1, 1, 1, 0, 0, 0, 0},
    .act_min = 
    -128,
    .act_max = 
    127,
    .act_min_f = 0x0p+0f,
    .act_max_f = 0x0p+0f,
    .weights = slope_n0_a0,
    .bias = slope_n0_a1,
    .multiplier = slope_n0_a2,
    .shift = slope_n0_a3,
};

/* mean: GlobalAvgPool */
extern const nnom_op_t nnom_global_avg_pool_s8_ref_op;
struct nnom_pool_param { nnom_geometry_t geometry; int32_t act_min; int32_t act_max; float act_min_f; float act_max_f; int32_t multiplier; int32_t shift; };
static const struct nnom_pool_param slope_n1 = {
    .geometry = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
    .act_min = 
    -128,
    .act_max = 
    127,
    .act_min_f = 0x0p+0f,
    .act_max_f = 0x0p+0f,
    .multiplier = 
    1380954799,
    .shift = 
    1,
};

/* weigh: Dense */
extern const nnom_op_t nnom_dense_s8_ref_op;
static const int8_t slope_n2_a0[6] = {
    127, -127, -127, 127, 0, 0,};
static const int32_t slope_n2_a1[3] = {
    0, 0, 96,};
static const int32_t slope_n2_a2[3] = {
    1081886202, 1081886202, 2147483598,};
static const int8_t slope_n2_a3[3] = {
    -7, -7, -2,};
static const struct nnom_conv_param slope_n2 = {
    .geometry = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
    .act_min = 
    -128,
    .act_max = 
    127,
    .act_min_f = 0x0p+0f,
    .act_max_f = 0x0p+0f,
    .weights = slope_n2_a0,
    .bias = slope_n2_a1,
    .multiplier = slope_n2_a2,
    .shift = slope_n2_a3,
};

/* which: Softmax */
extern const nnom_op_t nnom_softmax_s8_op;
struct nnom_softmax_param { int32_t multiplier; int32_t shift; int32_t diff_min; int32_t out_multiplier; int32_t out_shift; float beta; };
static const struct nnom_softmax_param slope_n3 = {
    .multiplier = 
    1403503360,
    .shift = 
    22,
    .diff_min = 
    -496,
    .out_multiplier = 
    1073741824,
    .out_shift = 
    1,
    .beta = 0x1p+0f,
};

static const nnom_tensor_t slope_tensors[] = {
    {NULL, 16, {16, 1, 1}, 16, 1, 0x1.f5f114p-8f, -1, NNOM_TYPE_S8}, /* signal */
    {NULL, 0, {14, 1, 2}, 14, 2, 0x1.5830b6p-10f, -128, NNOM_TYPE_S8}, /* slopes */
    {NULL, 28, {1, 1, 2}, 1, 2, 0x1.0b9ecap-10f, -128, NNOM_TYPE_S8}, /* mean */
    {NULL, 0, {1, 1, 3}, 1, 3, 0x1.4e9f0cp-5f, -1, NNOM_TYPE_S8}, /* weigh */
    {NULL, 0, {1, 1, 3}, 1, 3, 0x1p-8f, -128, NNOM_TYPE_S8}, /* which */
    {NULL, 0, {1, 1, 3}, 1, 3, 0x1p-8f, -128, NNOM_TYPE_S8}, /* Output_7 */
};
static const uint16_t slope_n0_in[] = {0, 1, };
static const uint16_t slope_n1_in[] = {1, 2, };
static const uint16_t slope_n2_in[] = {2, 3, };
static const uint16_t slope_n3_in[] = {3, 4, };
static const nnom_node_t slope_nodes[] = {
    {&nnom_conv2d_s8_ref_op, &slope_n0, slope_n0_in, 1, 1, 0, 0, 0}, /* slopes */
    {&nnom_global_avg_pool_s8_ref_op, &slope_n1, slope_n1_in, 1, 1, 0, 0, 0}, /* mean */
    {&nnom_dense_s8_ref_op, &slope_n2, slope_n2_in, 1, 1, 0, 0, 0}, /* weigh */
    {&nnom_softmax_s8_op, &slope_n3, slope_n3_in, 1, 1, 0, 0, 0}, /* which */
};
static const uint16_t slope_param_bytes[] = {sizeof(struct nnom_conv_param), sizeof(struct nnom_pool_param), sizeof(struct nnom_conv_param), sizeof(struct nnom_softmax_param), };
const nnom_layer_row_t slope_layers[] = {
    {"slopes", "Conv2D", "ReLU", 84u},
    {"mean", "GlobalAvgPool", "", 0u},
    {"weigh", "Dense", "", 6u},
    {"which", "Softmax", "", 0u},
};
static const uint16_t slope_inputs[] = {0, };
static const uint16_t slope_outputs[] = {5, };
static const nnom_program_t slope_program = {
    .seal = &nnom_program_abi_3,
    .tensors = slope_tensors,
    .nodes = slope_nodes,
    .inputs = slope_inputs,
    .outputs = slope_outputs,
    .tensor_count = 6,
    .node_count = 4,
    .input_count = 1,
    .output_count = 1,
    .arena_bytes = 32,
    .slow_bytes = 0,
    .fed = 0,
};

#ifdef SLOPE_ARENA_MEMORY
extern uint32_t SLOPE_ARENA_MEMORY[];
#define slope_arena SLOPE_ARENA_MEMORY
#else
#ifndef SLOPE_ARENA_SECTION
#define SLOPE_ARENA_SECTION
#endif
static uint32_t slope_arena[(SLOPE_ARENA_BYTES + 3u) / 4u + (SLOPE_ARENA_BYTES == 0u)] SLOPE_ARENA_SECTION;
#endif
static nnom_instance_t slope_instance;

nnom_instance_t *slope_model(void)
{
    slope_instance.program = &slope_program;
    slope_instance.arena.base[0] = (uint8_t *)slope_arena;
    return &slope_instance;
}

nnom_status_t slope_run(void)
{
    return nnom_run(slope_model());
}

int8_t *slope_input(void)
{
    return nnom_input_buffer(slope_model(), 0);
}

const int8_t *slope_output(void)
{
    return nnom_output_buffer(slope_model(), 0);
}

static const int8_t slope_test_input0[16] = {
    -7, -3, -4, -2, 0, -6, -1, 2, -2, -2, 2, 1, 3, 0, -2, 2,};

static const int8_t slope_test_output0[3] = {
    -66, -80, 18,};

nnom_status_t slope_selftest(void)
{
    nnom_instance_t *m = slope_model();
    if (nnom_check_params(m, slope_param_bytes) != NNOM_OK) {
        return NNOM_OTHER_ABI;
    }
    memcpy(nnom_input_buffer(m, 0), slope_test_input0, sizeof slope_test_input0);
    nnom_forget(m);
    nnom_status_t status = nnom_run(m);
    nnom_forget(m);
    if (memcmp(nnom_output_buffer(m, 0), slope_test_output0, sizeof slope_test_output0) != 0) {
        status = NNOM_SELFTEST;
    }
    return status;
}
