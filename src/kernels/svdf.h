/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * SVDF: a filter of rank 1 in time for each of units * rank features, whose outputs are added up by unit.
 *
 * Inputs: a row of features; the state [units * rank][memory], the oldest number first. Outputs: (1, 1, units); further one: the
 * state, each row moved on by one number, the newest W x behind it.
 *
 *   int:   newest = sat16(requantised(W (x - zero point))); sum = sat32(bias + sum over rank and memory of time * state) in 64 bits;
 *          out = sat8(requantised(sum) + zero point).
 *   float: the same sums, in the order of the filters.
 */
#ifndef NNOM_SVDF_H
#define NNOM_SVDF_H

#include "param.h"

/* features int8 or float [units * rank][inputs]; time int16 or float [units * rank][memory]; bias int32 or float [units] or NULL. */
#define NNOM_SVDF_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                     \
    I32(units)                                                                                                         \
    I32(rank)                                                                                                          \
    I32(memory)                                                                                                        \
    I32(feature_multiplier)                                                                                            \
    I32(feature_shift) I32(out_multiplier) I32(out_shift) ARRAY(features) ARRAY(time) ARRAY(bias)
NNOM_PARAM_STRUCT(nnom_svdf_param, NNOM_SVDF_PARAM)

extern const nnom_op_t nnom_svdf_s8_op;
extern const nnom_op_t nnom_svdf_f32_op;

#endif
