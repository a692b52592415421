/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../kernels.h"
#include "../sum.h"

NNOM_BINARY_ELEMENTS(add_elements_s8, nnom_binary_param, int8_t, nnom_add_element)
NNOM_BINARY_ELEMENTS(sub_elements_s8, nnom_binary_param, int8_t, nnom_sub_element)

void nnom_add_s8_ref(const nnom_call_t *call)
{
    nnom_binary_runs(call, add_elements_s8);
}

void nnom_sub_s8_ref(const nnom_call_t *call)
{
    nnom_binary_runs(call, sub_elements_s8);
}
