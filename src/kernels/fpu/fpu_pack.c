/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "fpu_pack.h"

#include <float.h>
#include <math.h>

#include "fpu.h"

enum { BLOCK = 8 };

static float fpu_weight(const nnom_conv_layer_t *conv, int32_t channel, int32_t tap)
{
    const float *weights = conv->param.weights;
    return channel < conv->channels
               ? weights[(size_t)channel * (size_t)conv->channel_stride + (size_t)tap * (size_t)conv->tap_stride]
               : 0.0f;
}

static bool fpu_finite(const nnom_conv_layer_t *conv)
{
    const float *weights = conv->param.weights;
    for (int64_t i = 0; i < (int64_t)conv->channels * conv->taps; i++) {
        if (!(fabsf(weights[i]) <= FLT_MAX)) {
            return false;
        }
    }
    return true;
}

/* The bias of channels [o, o + width), then their weights by tap. */
static float *fpu_block(const nnom_conv_layer_t *conv, int32_t o, int32_t width, float *to)
{
    const float *bias = conv->param.bias;
    for (int32_t i = o; i < o + width; i++) {
        *to++ =
            bias != NULL && i < conv->channels ? bias[i] : 0.0f; /* adds 0 to a sum that is never -0: it began with 0 */
    }
    for (int32_t t = 0; t < conv->taps; t++) {
        for (int32_t i = o; i < o + width; i++) {
            *to++ = fpu_weight(conv, i, t);
        }
    }
    return to;
}

/* Takes the stream of `channels` channels, filled up, as the layer's only array. *to: its memory. */
static nnom_status_t fpu_stream(nnom_conv_layer_t *conv, int64_t channels, float **to)
{
    nnom_layer_t *layer = &conv->super;
    const int64_t floats = channels * (1 + (int64_t)conv->taps);
#if FLT_EVAL_METHOD != 0
    return NNOM_UNSUPPORTED; /* floats of the plain kernels are computed wider here: other bits */
#endif
    if (floats > INT32_MAX / (int64_t)sizeof(float) || !nnom_conv_may_fill(conv, (int32_t)channels) ||
        !fpu_finite(conv)) {
        return NNOM_UNSUPPORTED;
    }
    nnom_fpu_param_t *param = nnom_layer_alloc(layer, 1, sizeof *param);
    *to = nnom_layer_alloc(layer, (size_t)floats, sizeof **to);
    if (param == NULL || *to == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %ld packed weights", (long)floats);
    }
    const nnom_fpu_param_t packed = {.geometry = *layer->geometry,
                                     .act_min_f = conv->param.act_min_f,
                                     .act_max_f = conv->param.act_max_f,
                                     .stream = nnom_layer_array(layer, *to, (uint32_t)floats, NNOM_TYPE_F32)};
    *param = packed;
    layer->param = param;
    layer->scratch_in_pieces = false;
    return NNOM_OK;
}

nnom_status_t nnom_fpu_pack(nnom_conv_layer_t *conv)
{
    const nnom_fpu_layout_t layout = nnom_fpu_layout(conv->channels);
    float *to;
    const nnom_status_t status = fpu_stream(conv, (int64_t)layout.eights * BLOCK + layout.width, &to);
    if (status != NNOM_OK) {
        return status;
    }
    for (int32_t block = 0; block < layout.eights; block++) {
        to = fpu_block(conv, block * BLOCK, BLOCK, to);
    }
    if (layout.width > 0) {
        (void)fpu_block(conv, layout.eights * BLOCK, layout.width, to);
    }
    return NNOM_OK;
}

nnom_status_t nnom_fpu_pack_taps(nnom_conv_layer_t *conv)
{
    const int32_t blocks = conv->channels / BLOCK, rest = conv->channels % BLOCK;
    float *to;
    if (conv->filters != 1 || conv->channels < BLOCK) {
        return NNOM_UNSUPPORTED;
    }
    const nnom_status_t status = fpu_stream(conv, ((int64_t)blocks + (rest > 0 ? 1 : 0)) * BLOCK, &to);
    if (status != NNOM_OK) {
        return status;
    }
    for (int32_t block = 0; block < blocks; block++) {
        to = fpu_block(conv, block * BLOCK, BLOCK, to);
    }
    if (rest > 0) {
        (void)fpu_block(conv, conv->channels - BLOCK, BLOCK, to);
    }
    return NNOM_OK;
}
