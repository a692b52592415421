/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../fixed.h"
#include "../kernels.h"
#include "../../build/kernel.h"
#include "../../layers/binary.h"
#include "../linear.h"

static inline int32_t linear_value(const nnom_linear_param_t *p, int8_t a, int8_t b)
{
    return (p->start + a * p->factor_a + b * p->factor_b) >> NNOM_LINEAR_SHIFT;
}

static inline int8_t linear_element(const nnom_linear_param_t *p, const nnom_binary_zeros_t *zero, int8_t a, int8_t b)
{
    (void)zero;
    return (int8_t)nnom_clamp_i32(linear_value(p, a, b), p->act_min, p->act_max);
}

NNOM_BINARY_ELEMENTS(linear_any, nnom_linear_param, int8_t, linear_element)

/* Nothing repeated, no limits but those of int8. */
static void linear_plain(const nnom_binary_run_t *run)
{
    const nnom_linear_param_t p = *(const nnom_linear_param_t *)run->param;
    const int8_t *a = run->a, *b = run->b;
    int8_t *to = run->out;
    for (int32_t i = 0, count = run->count; i < count; i++) {
        to[i] = nnom_saturate_s8(linear_value(&p, a[i], b[i]));
    }
}

static void linear_run(const nnom_binary_run_t *run)
{
    const nnom_linear_param_t *p = run->param;
    if (run->step_a == 1 && run->step_b == 1 && p->act_min == INT8_MIN && p->act_max == INT8_MAX) {
        linear_plain(run);
    } else {
        linear_any(run);
    }
}

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
