/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "pack.h"

#include "../fixed.h"

static int64_t magnitude(const nnom_conv_layer_t *conv, int32_t channel)
{
    const int8_t *w = (const int8_t *)conv->param.weights + (int64_t)channel * conv->channel_stride;
    int64_t sum = 0;
    for (int32_t t = 0; t < conv->taps; t++, w += conv->tap_stride) {
        sum += *w < 0 ? -*w : *w;
    }
    return sum;
}

bool nnom_packed_fits(const nnom_conv_layer_t *conv)
{
    bool fits = true;
    for (int32_t o = 0; o < conv->channels && fits; o++) {
        const int64_t bias = ((const int32_t *)conv->param.bias)[o];
        fits = (bias < 0 ? -bias : bias) + 128 * magnitude(conv, o) < (int64_t)1 << 30;
    }
    return fits;
}

nnom_packed_param_t *nnom_packed_param(nnom_conv_layer_t *conv)
{
    nnom_packed_param_t *p = nnom_layer_alloc(&conv->super, 1, sizeof *p);
    if (p != NULL) {
        const nnom_conv_param_t *plain = &conv->param;
        const nnom_packed_param_t param = {.geometry = plain->geometry,
                                           .act_min = plain->act_min,
                                           .act_max = plain->act_max,
                                           .lanes = 1,
                                           .parts = 1,
                                           .weights = plain->weights,
                                           .bias = plain->bias,
                                           .multiplier = plain->multiplier,
                                           .shift = plain->shift};
        *p = param;
    }
    return p;
}

/* Channels [first, first + width), tap by tap. */
static uint8_t *write_block(uint8_t *to, const nnom_conv_layer_t *conv, int32_t offset, int32_t first, int32_t width)
{
    const int8_t *weights = conv->param.weights;
    for (int32_t t = 0; t < conv->taps; t++) {
        for (int32_t o = first; o < first + width; o++) {
            *to++ = (uint8_t)(weights[(int64_t)o * conv->channel_stride + (int64_t)t * conv->tap_stride] + offset);
        }
    }
    return to;
}

const void *nnom_packed_blocks(nnom_conv_layer_t *conv, int32_t offset)
{
    uint8_t *packed = nnom_layer_alloc(&conv->super, (size_t)conv->channels * (size_t)conv->taps, 1);
    uint8_t *to = packed;
    for (int32_t o = 0; to != NULL && o < conv->channels; o += NNOM_PACKED_BLOCK) {
        to = write_block(to, conv, offset, o, nnom_min_i32(NNOM_PACKED_BLOCK, conv->channels - o));
    }
    return packed;
}

void nnom_packed_register(nnom_conv_layer_t *conv, const nnom_packed_param_t *p, nnom_type_t weights, uint32_t runs)
{
    nnom_layer_t *layer = &conv->super;
    const uint32_t n = (uint32_t)conv->channels;
    layer->param = p;
    nnom_layer_array(layer, p->weights, n * (uint32_t)conv->taps, weights);
    nnom_layer_array(layer, p->bias, n, NNOM_TYPE_S32);
    nnom_layer_array(layer, p->multiplier, n, NNOM_TYPE_S32);
    nnom_layer_array(layer, p->shift, n, NNOM_TYPE_S8);
    nnom_layer_array(layer, p->runs, runs, NNOM_TYPE_U8);
}

nnom_status_t nnom_packed_no_memory(const nnom_layer_t *layer)
{
    return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for packed weights");
}
