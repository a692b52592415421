/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../kernels.h"
#include "../table.h"

void nnom_lut_s8_ref(const nnom_call_t *call)
{
    const int8_t *middle = (const int8_t *)((const nnom_map_param_t *)call->node->param)->table + 128;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        const int8_t *x = (const int8_t *)nnom_row(&from, y);
        int8_t *row = (int8_t *)nnom_row(&to, y);
        for (const int8_t *end = row + to.row_bytes; row != end;) {
            *row++ = middle[*x++];
        }
    }
}
