/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "phases.h"

bool nnom_phase_room(nnom_conv_layer_t *conv, nnom_phase_t *phase)
{
    const size_t channels = (size_t)conv->channels;
    phase->weights = nnom_layer_alloc(&conv->super, channels * (size_t)conv->taps, 1);
    phase->bias = nnom_layer_alloc(&conv->super, channels, sizeof *phase->bias);
    return phase->weights != NULL && phase->bias != NULL;
}

/* The weights of one output [h][w][in c] of phase (y, x); returns their sum. */
static int32_t phase_output(const nnom_conv_layer_t *conv, const nnom_geometry_t *phase, int32_t first, int32_t o,
                            int8_t *to)
{
    const nnom_geometry_t *g = conv->super.geometry;
    const int32_t c = nnom_layer_in(&conv->super, 0)->shape.c;
    int32_t sum = 0;
    for (int32_t ky = phase->kernel_h - 1; ky >= 0; ky--) {
        for (int32_t kx = phase->kernel_w - 1; kx >= 0; kx--) {
            const int32_t tap = (first + ky * g->stride_h * g->kernel_w + kx * g->stride_w) * c;
            for (int32_t i = 0; i < c; i++) {
                const int32_t w = nnom_conv_weight(conv, o, tap + i);
                *to++ = (int8_t)w;
                sum += w;
            }
        }
    }
    return sum;
}

void nnom_phase_of(const nnom_conv_layer_t *conv, int32_t y, int32_t x, nnom_phase_t *phase)
{
    const nnom_tensor_t *in = nnom_layer_in(&conv->super, 0);
    const nnom_geometry_t *g = conv->super.geometry;
    phase->geometry = nnom_phase_geometry(g, y, x);
    phase->conv = *conv;
    const int32_t taps = phase->geometry.kernel_h * phase->geometry.kernel_w * in->shape.c;
    for (int32_t o = 0; o < conv->channels; o++) {
        const int32_t sum =
            phase_output(conv, &phase->geometry, y * g->kernel_w + x, o, phase->weights + (size_t)o * (size_t)taps);
        /* What is folded of a part of the taps lies between nothing and all of it, and build checked all with every input. */
        phase->bias[o] = (int32_t)(((const int32_t *)conv->param.bias)[o] - (int64_t)in->zero_point * sum);
    }
    phase->conv.super.geometry = &phase->geometry;
    phase->conv.param.geometry = phase->geometry;
    phase->conv.param.weights = phase->weights;
    phase->conv.param.bias = phase->bias;
    phase->conv.taps = taps;
    phase->conv.channel_stride = taps;
    phase->conv.tap_stride = 1;
}
