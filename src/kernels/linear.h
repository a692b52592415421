/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Add and Sub as one linear form of 32 bits: y = clamp((start + a * factor_a + b * factor_b) >> NNOM_LINEAR_SHIFT). Not the
 * arithmetic of SPEC.md, but numbers that give its bytes: an output is a step function of two bytes, so start and factors need only
 * keep every one of the 65,536 pairs on the right side of its step. pack() finds them and has proved it.
 */
#ifndef NNOM_LINEAR_KERNEL_H
#define NNOM_LINEAR_KERNEL_H

#include "param.h"

enum { NNOM_LINEAR_SHIFT = 21 };

/* |start + a * factor_a + b * factor_b| < 2^31 for all a and b, as is |start + a * factor_a|. Limits: of int8. */
#define NNOM_LINEAR_PARAM(I32, F32, GEOMETRY, ARRAY) I32(start) I32(factor_a) I32(factor_b) I32(act_min) I32(act_max)
NNOM_PARAM_STRUCT(nnom_linear_param, NNOM_LINEAR_PARAM)

#endif
