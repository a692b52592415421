/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Mult on cores with the DSP extension: requantising is one multiplication (dsp_loops.h). */
#include "../../build/kernel.h"
#include "../../layers/binary.h"
#include "dsp_loops.h"

enum { DSP_MULT_RIGHT = 22 };

/*
 * twice_a: twice the zero point of a. constant: 2^(right - 1) + (zero point of the output << right); 1 <= right <=
 * DSP_MULT_RIGHT.
 */
#define NNOM_DSP_MULT_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                 \
    I32(twice_a) I32(zero_b) I32(multiplier) I32(constant) I32(right) I32(act_min) I32(act_max)
NNOM_PARAM_STRUCT(nnom_dsp_mult_param, NNOM_DSP_MULT_PARAM)

/* Twice the product: at most 2 * 255^2 < 2^17. */
static inline int32_t dsp_mult_value(const nnom_dsp_mult_param_t *p, int8_t a, int8_t b)
{
    const int32_t twice = (2 * a - p->twice_a) * (b - p->zero_b);
    return (nnom_smmlar(twice, p->multiplier, p->constant) + (twice >> 31)) >> p->right;
}

NNOM_BINARY_LIMITED(dsp_mult_run, nnom_dsp_mult_param, dsp_mult_value)

void nnom_mult_s8_dsp(const nnom_call_t *call)
{
    nnom_binary_runs(call, dsp_mult_run);
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_dsp_mult_param, NNOM_DSP_MULT_PARAM)

static nnom_status_t dsp_mult_pack(nnom_layer_t *layer)
{
    const nnom_binary_param_t *p = &((const nnom_binary_layer_t *)layer)->param;
    const int32_t right = -p->shift;
    if (right < 1 || right > DSP_MULT_RIGHT) {
        return NNOM_UNSUPPORTED;
    }
    nnom_dsp_mult_param_t *param = nnom_layer_alloc(layer, 1, sizeof *param);
    if (param == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for its parameters");
    }
    const int32_t one = (int32_t)1 << right;
    const nnom_dsp_mult_param_t made = {2 * nnom_layer_in(layer, 0)->zero_point,
                                        nnom_layer_in(layer, 1)->zero_point,
                                        p->multiplier,
                                        one / 2 + layer->out->zero_point * one,
                                        right,
                                        p->act_min,
                                        p->act_max};
    *param = made;
    layer->param = param;
    return NNOM_OK;
}

NNOM_FORM(mult_s8_dsp, nnom_binary_window, 0, nnom_dsp_mult_param, dsp_mult_pack)
