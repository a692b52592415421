/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Functions of one element: in int8 a table of 256 values, in float one operation for each function. */
#ifndef NNOM_LUT_H
#define NNOM_LUT_H

#include "../build/builder.h"

/* table: int8 [256], indexed by the int8 input + 128; NULL in float models, where alpha is the function's parameter. */
#define NNOM_MAP_PARAM(I32, F32, GEOMETRY, ARRAY) F32(alpha) ARRAY(table)
NNOM_PARAM_STRUCT(nnom_map_param, NNOM_MAP_PARAM)

enum { NNOM_TABLE_SIZE = 256 };

extern const nnom_op_t nnom_lut_s8_op;

/* Body of an operation on bytes: table [256], indexed by the byte as int8 + 128. */
void nnom_look_up_bytes(const nnom_call_t *call, const int8_t *table);

/* Body of a float operation's `run`: f of every element. */
void nnom_map_f32(const nnom_call_t *call, float (*f)(float x, float alpha));

/*
 * Fills of tables, int8 [256]. From a float function: round(f(real) / out scale) + out zero point, saturated.
 * The others are the integer arithmetic of SPEC.md; tanh and logistic have 1/128, 0 and 1/256, -128 as output whatever
 * `out` says.
 */
void nnom_table_function(const nnom_tensor_t *in, const nnom_tensor_t *out, float (*f)(float x, float alpha),
                         float alpha, int8_t *table);
void nnom_table_clamp(const nnom_tensor_t *in, const nnom_tensor_t *out, nnom_clamp_t clamp, int8_t *table);
void nnom_table_leaky_relu(const nnom_tensor_t *in, const nnom_tensor_t *out, float alpha, int8_t *table);
void nnom_table_tanh(const nnom_tensor_t *in, const nnom_tensor_t *out, float alpha, int8_t *table);
void nnom_table_logistic(const nnom_tensor_t *in, const nnom_tensor_t *out, float alpha, int8_t *table);

/* Allocates a table, owned by the layer and registered as its array. NULL when memory is short. */
int8_t *nnom_layer_table(nnom_layer_t *layer, nnom_map_param_t *param);

#endif
