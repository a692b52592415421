/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Tables of bytes on cores with Helium: sixteen at a time, by their offsets. */
#include "helium.h"

#include "../../layers/lut.h"

void nnom_lut_s8_mve(const nnom_call_t *call)
{
    const int8_t *table = ((const nnom_map_param_t *)call->node->param)->table;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        nnom_mve_look_up((int8_t *)nnom_row(&to, y), (const int8_t *)nnom_row(&from, y), to.row_bytes, table);
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_map_param, NNOM_MAP_PARAM)

static nnom_status_t mve_lut_pack(nnom_layer_t *layer)
{
    (void)layer; /* the table is as it is */
    return NNOM_OK;
}

NNOM_FORM(lut_s8_mve, NULL, 0, nnom_map_param, mve_lut_pack)
