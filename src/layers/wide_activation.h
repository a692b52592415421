/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Functions of one int16 element. */
#ifndef NNOM_WIDE_ACTIVATION_H
#define NNOM_WIDE_ACTIVATION_H

#include "../build/builder.h"
#include "../kernels/interpolate.h"

/*
 * Chooses the operation of an activation whose input is int16 and makes its numbers; shape and quantisation of the output are
 * known. tanh, sigmoid: of the integer arithmetic of these; leaky: of x and alpha * x; abs, neg, rsqrt: of |x|, -x and
 * 1 / the root of x; else the clamp, or a table of the function.
 */
typedef enum nnom_wide_kind {
    NNOM_WIDE_OTHER,
    NNOM_WIDE_TANH,
    NNOM_WIDE_SIGMOID,
    NNOM_WIDE_LEAKY,
    NNOM_WIDE_ABS,
    NNOM_WIDE_NEG,
    NNOM_WIDE_RSQRT
} nnom_wide_kind_t;
nnom_status_t nnom_wide_activation(nnom_layer_t *layer, const nnom_activation_t *act);

/*
 * Fills int16 [NNOM_TABLE_S16] with f for inputs of scale `in` around zero point `zero`, outputs of scale `out`: each value is moved
 * by half of what the line to the next one is off in the middle. Infinity becomes an end of the output's range, NaN the lower one.
 */
void nnom_table_s16(float in, int32_t zero, float out, float (*f)(float x, float alpha), float alpha, int16_t *table);

#endif
