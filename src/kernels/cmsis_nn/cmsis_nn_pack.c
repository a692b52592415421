/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "cmsis_nn_pack.h"

#ifdef NNOM_CMSIS_NN

static bool cmsis_accepts(const nnom_conv_layer_t *conv)
{
    const int8_t *shift = conv->param.shift;
    for (int32_t o = 0; !conv->is_one && o < conv->channels; o++) {
        if (shift[o] > 0) {
            return false;
        }
    }
    return !conv->is_one;
}

/* The bias as it was given: a sum of int32 that build proved to fit. */
static int32_t cmsis_bias(const nnom_conv_layer_t *conv, int32_t o)
{
    const int32_t zero_point = nnom_layer_in(&conv->super, 0)->zero_point;
    int64_t bias = ((const int32_t *)conv->param.bias)[o];
    for (int32_t t = 0; t < conv->taps; t++) {
        bias += (int64_t)zero_point * nnom_conv_weight(conv, o, t);
    }
    return (int32_t)bias;
}

/* bias, multiplier and shift by channel; each its own memory. */
static void cmsis_fill(const nnom_conv_layer_t *conv, bool folded, int32_t *bias, int32_t *multiplier, int32_t *shift)
{
    for (int32_t o = 0; o < conv->channels; o++) {
        bias[o] = folded ? ((const int32_t *)conv->param.bias)[o] : cmsis_bias(conv, o);
        multiplier[o] = ((const int32_t *)conv->param.multiplier)[o];
        shift[o] = ((const int8_t *)conv->param.shift)[o];
    }
}

nnom_status_t nnom_cmsis_pack(nnom_conv_layer_t *conv, bool folded, int64_t buffer, int64_t gathered)
{
    nnom_layer_t *layer = &conv->super;
    const uint32_t n = (uint32_t)conv->channels;
    if (!cmsis_accepts(conv) || buffer < 0 || buffer > INT32_MAX - 3) {
        return NNOM_UNSUPPORTED;
    }
    nnom_cmsis_param_t *p = nnom_layer_alloc(layer, 1, sizeof *p);
    int32_t *bias = nnom_layer_alloc(layer, n, sizeof *bias), *multiplier = nnom_layer_alloc(layer, n, sizeof *bias);
    int32_t *shift = nnom_layer_alloc(layer, n, sizeof *shift);
    if (p == NULL || bias == NULL || multiplier == NULL || shift == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for the numbers of %ld channels", (long)n);
    }
    cmsis_fill(conv, folded, bias, multiplier, shift);
    const int32_t rounded = ((int32_t)buffer + 3) & ~3;
    const nnom_cmsis_param_t param = {*layer->geometry,
                                      conv->param.act_min,
                                      conv->param.act_max,
                                      rounded,
                                      conv->param.weights,
                                      nnom_layer_array(layer, bias, n, NNOM_TYPE_S32),
                                      nnom_layer_array(layer, multiplier, n, NNOM_TYPE_S32),
                                      nnom_layer_array(layer, shift, n, NNOM_TYPE_S32)};
    *p = param;
    layer->param = p;
    layer->scratch_in_pieces = false;
    return nnom_window_scratch(layer, rounded + gathered);
}

#endif
