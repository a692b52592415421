/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Functions of one element: in int8 a table of 256 values, in float one operation for each function. */
#ifndef NNOM_LUT_H
#define NNOM_LUT_H

#include "../build/kernel.h"
#include "../kernels/table.h"

/* nnom_choose_kernel() of bytes by a table: layer->param is a nnom_map_param_t. */
nnom_status_t nnom_lut_kernel(nnom_layer_t *layer);

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
