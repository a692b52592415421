/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../kernels.h"
#include "../../build/kernel.h"
#include "../../layers/binary.h"
#include "../linear.h"

static inline int32_t linear_value(const nnom_linear_param_t *p, int8_t a, int8_t b)
{
    return (p->start + a * p->factor_a + b * p->factor_b) >> NNOM_LINEAR_SHIFT;
}

NNOM_BINARY_LIMITED(linear_run, nnom_linear_param, linear_value)

void nnom_add_s8_linear(const nnom_call_t *call)
{
    nnom_binary_runs(call, linear_run);
}

void nnom_sub_s8_linear(const nnom_call_t *call)
{
    nnom_binary_runs(call, linear_run);
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_linear_param, NNOM_LINEAR_PARAM)

static nnom_status_t linear_pack_add(nnom_layer_t *layer)
{
    return nnom_linear_pack(layer, 1);
}

static nnom_status_t linear_pack_sub(nnom_layer_t *layer)
{
    return nnom_linear_pack(layer, -1);
}

NNOM_FORM(add_s8_linear, nnom_binary_window, 0, nnom_linear_param, linear_pack_add)
NNOM_FORM(sub_s8_linear, nnom_binary_window, 0, nnom_linear_param, linear_pack_sub)
