/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Arm's CMSIS-NN behind our contract, where a build has it (NNOM_CMSIS_NN; make and CMake: CMSIS_NN=path). Its functions take whole
 * pictures: a call is cut into parts whose rows lie side by side in both rings; rows that do not are gathered.
 */
#ifndef NNOM_CMSIS_NN_H
#define NNOM_CMSIS_NN_H

#include "../kernels.h"

#ifdef NNOM_CMSIS_NN
#include <arm_nnfunctions.h>

#ifdef CMSIS_NN_USE_SINGLE_ROUNDING
#error "CMSIS_NN_USE_SINGLE_ROUNDING gives other bytes than SPEC.md: build without it, or without CMSIS_NN"
#endif

/*
 * bias: int32 [out c] without the zero point of the input, of Dense with it; multiplier and shift: int32 [out c]. buffer: bytes of
 * scratch that CMSIS-NN takes; behind them, from a multiple of 4 on, are the rows that are gathered.
 */
#define NNOM_CMSIS_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                    \
    GEOMETRY(geometry) I32(act_min) I32(act_max) I32(buffer) ARRAY(weights) ARRAY(bias) ARRAY(multiplier) ARRAY(shift)
NNOM_PARAM_STRUCT(nnom_cmsis_param, NNOM_CMSIS_PARAM)

/* Output rows [y, y + n) and the picture that they are made from. */
typedef struct nnom_cmsis_part {
    const int8_t *in;
    int8_t *out;
    int32_t n;
    int32_t in_rows;
    int32_t pad_top;
} nnom_cmsis_part_t;

/*
 * The part of a call that begins at row y. gather: room for the rows of one window (nnom_cmsis_gather_bytes); NULL: part.in is NULL where
 * they do not lie side by side.
 */
nnom_cmsis_part_t nnom_cmsis_part(const nnom_call_t *call, const nnom_geometry_t *g, int32_t y, int8_t *gather);
int64_t nnom_cmsis_gather_bytes(const nnom_geometry_t *g, nnom_shape_t in);
/* True if output and input 0 have memory in common: then only one row at a time is safe. */
bool nnom_cmsis_shares(const nnom_call_t *call);
/* False if a window lies in the padding altogether: left to the other kernels. */
bool nnom_cmsis_windows(const nnom_geometry_t *g, nnom_shape_t in, nnom_shape_t out);

static inline cmsis_nn_dims nnom_cmsis_dims(int32_t h, int32_t w, int32_t c)
{
    const cmsis_nn_dims dims = {1, h, w, c};
    return dims;
}

#endif
#endif
