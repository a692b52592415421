/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <float.h>

#include "x86_pack.h"

#include <string.h>

enum { MOST_SCRATCH = 1 << 24, MOST_WEIGHTS = 1 << 28 };

static int8_t weight(const nnom_conv_layer_t *conv, int32_t channel, int32_t tap)
{
    return (
        (const int8_t *)conv->param.weights)[(int64_t)channel * conv->channel_stride + (int64_t)tap * conv->tap_stride];
}

/* bias, multiplier and shift by lane, each a piece of memory of its own; NULL: no memory. */
static nnom_conv_param_t *by_lane_s8(nnom_conv_layer_t *conv)
{
    nnom_layer_t *layer = &conv->super;
    const int32_t lanes = nnom_x86_lanes(conv->channels);
    nnom_conv_param_t *p = nnom_layer_alloc(layer, 1, sizeof *p);
    int32_t *bias = nnom_layer_alloc(layer, (size_t)lanes, sizeof *bias);
    int32_t *multiplier = nnom_layer_alloc(layer, (size_t)lanes, sizeof *multiplier);
    int32_t *shift = nnom_layer_alloc(layer, (size_t)lanes, sizeof *shift);
    if (p == NULL || bias == NULL || multiplier == NULL || shift == NULL) {
        return NULL;
    }
    *p = conv->param;
    for (int32_t i = 0; i < lanes; i++) {
        const int32_t o = i % conv->channels;
        bias[i] = ((const int32_t *)conv->param.bias)[o];
        multiplier[i] = ((const int32_t *)conv->param.multiplier)[o];
        shift[i] = ((const int8_t *)conv->param.shift)[o];
    }
    p->bias = bias;
    p->multiplier = multiplier;
    p->shift = shift;
    return p;
}

static nnom_status_t register_s8(nnom_conv_layer_t *conv, const nnom_conv_param_t *p, uint32_t weights, int64_t scratch)
{
    nnom_layer_t *layer = &conv->super;
    const uint32_t lanes = (uint32_t)nnom_x86_lanes(conv->channels);
    layer->param = p;
    layer->scratch_in_pieces = false;
    nnom_layer_array(layer, p->weights, weights, NNOM_TYPE_S8);
    nnom_layer_array(layer, p->bias, lanes, NNOM_TYPE_S32);
    nnom_layer_array(layer, p->multiplier, lanes, NNOM_TYPE_S32);
    nnom_layer_array(layer, p->shift, lanes, NNOM_TYPE_S32);
    return nnom_window_scratch(layer, scratch);
}

static nnom_status_t no_memory(const nnom_conv_layer_t *conv)
{
    return nnom_layer_fail(&conv->super, NNOM_NO_MEMORY, "no memory for packed weights");
}

/* One block: runs of pairs, by lane. */
static int8_t *write_pairs(int8_t *to, const nnom_conv_layer_t *conv, int32_t block, int32_t run)
{
    for (int32_t first = 0; first < conv->taps; first += run) {
        for (int32_t t = 0; t < run; t += 2) {
            for (int32_t lane = 0; lane < NNOM_X86_LANES; lane++) {
                const int32_t o = (block * NNOM_X86_LANES + lane) % conv->channels;
                *to++ = weight(conv, o, first + t);
                *to++ = t + 1 < run ? weight(conv, o, first + t + 1) : 0;
            }
        }
    }
    return to;
}

nnom_status_t nnom_x86_pack_s8(nnom_conv_layer_t *conv, int32_t run, int64_t scratch)
{
    const int32_t lanes = nnom_x86_lanes(conv->channels);
    const int64_t bytes = (int64_t)lanes * (conv->taps / run) * ((run + 1) / 2 * 2);
    if (scratch > MOST_SCRATCH || bytes > MOST_WEIGHTS) {
        return NNOM_UNSUPPORTED;
    }
    nnom_conv_param_t *p = by_lane_s8(conv);
    int8_t *weights = p != NULL ? nnom_layer_alloc(&conv->super, (size_t)bytes, 1) : NULL;
    if (weights == NULL) {
        return no_memory(conv);
    }
    p->weights = weights;
    for (int32_t block = 0; block < lanes / NNOM_X86_LANES; block++) {
        weights = write_pairs(weights, conv, block, run);
    }
    return register_s8(conv, p, (uint32_t)bytes, scratch);
}

/* 16 lanes: runs of quads. Takes 128 times the sum of a lane's weights from its bias, modulo 2^32. */
static int8_t *write_quads(int8_t *to, const nnom_conv_layer_t *conv, int32_t first_lane, int32_t run, int32_t *bias)
{
    for (int32_t first = 0; first < conv->taps; first += run) {
        for (int32_t t = 0; t < run; t += 4) {
            for (int32_t i = 0; i < 4 * 16; i++) {
                const int32_t lane = first_lane + i / 4, tap = t + i % 4;
                const int8_t w = tap < run ? weight(conv, lane % conv->channels, first + tap) : 0;
                bias[lane] = (int32_t)((uint32_t)bias[lane] - 128u * (uint32_t)w);
                *to++ = w;
            }
        }
    }
    return to;
}

nnom_status_t nnom_x86_pack_quads(nnom_conv_layer_t *conv, int32_t run, int64_t scratch)
{
    const int32_t lanes = nnom_x86_lanes(conv->channels);
    const int64_t bytes = (int64_t)lanes * (conv->taps / run) * ((run + 3) / 4 * 4);
    if (scratch > MOST_SCRATCH || bytes > MOST_WEIGHTS) {
        return NNOM_UNSUPPORTED;
    }
    nnom_conv_param_t *p = by_lane_s8(conv);
    int8_t *weights = p != NULL ? nnom_layer_alloc(&conv->super, (size_t)bytes, 1) : NULL;
    if (weights == NULL) {
        return no_memory(conv);
    }
    p->weights = weights;
    for (int32_t lane = 0; lane < lanes; lane += 16) {
        weights = write_quads(weights, conv, lane, run, (int32_t *)(uintptr_t)p->bias);
    }
    return register_s8(conv, p, (uint32_t)bytes, scratch);
}

/* Two blocks of DW_Conv2D: pairs of taps, in the order of unpacking. */
static int8_t *write_unpacked(int8_t *to, const nnom_conv_layer_t *conv, int32_t first)
{
    for (int32_t t = 0; t < conv->taps; t += 2) {
        for (int32_t i = 0; i < 2 * NNOM_X86_LANES; i++) {
            const int32_t o = (first + nnom_x86_unpacked(i)) % conv->channels;
            *to++ = weight(conv, o, t);
            *to++ = t + 1 < conv->taps ? weight(conv, o, t + 1) : 0;
        }
    }
    return to;
}

nnom_status_t nnom_x86_pack_taps(nnom_conv_layer_t *conv, int64_t scratch)
{
    const int32_t lanes = nnom_x86_lanes(conv->channels);
    const int64_t bytes = (int64_t)lanes * ((conv->taps + 1) / 2 * 2);
    if (scratch > MOST_SCRATCH || bytes > MOST_WEIGHTS) {
        return NNOM_UNSUPPORTED;
    }
    nnom_conv_param_t *p = by_lane_s8(conv);
    int8_t *weights = p != NULL ? nnom_layer_alloc(&conv->super, (size_t)bytes, 1) : NULL;
    if (weights == NULL) {
        return no_memory(conv);
    }
    p->weights = weights;
    for (int32_t lane = 0; lane < lanes; lane += 2 * NNOM_X86_LANES) {
        weights = write_unpacked(weights, conv, lane);
    }
    return register_s8(conv, p, (uint32_t)bytes, scratch);
}

/* ---- Float ---- */

static void write_f32(float *to, const nnom_conv_layer_t *conv, int32_t lanes)
{
    for (int32_t block = 0; block < lanes; block += NNOM_X86_LANES) {
        for (int32_t t = 0; t < conv->taps; t++) {
            for (int32_t i = block; i < block + NNOM_X86_LANES; i++) {
                *to++ = ((const float *)conv->param.weights)[(int64_t)(i % conv->channels) * conv->taps + t];
            }
        }
    }
}

nnom_status_t nnom_x86_pack_f32(nnom_conv_layer_t *conv, int64_t scratch)
{
    nnom_layer_t *layer = &conv->super;
    const int32_t lanes = nnom_x86_lanes(conv->channels);
#if FLT_EVAL_METHOD != 0
    return NNOM_UNSUPPORTED; /* floats of the plain kernels are computed wider here: other bits */
#endif
    if (scratch > MOST_SCRATCH || (int64_t)lanes * conv->taps > MOST_WEIGHTS / 4) {
        return NNOM_UNSUPPORTED;
    }
    nnom_conv_param_t *p = nnom_layer_alloc(layer, 1, sizeof *p);
    float *weights = nnom_layer_alloc(layer, (size_t)lanes * (size_t)conv->taps, sizeof *weights);
    float *bias = nnom_layer_alloc(layer, (size_t)lanes, sizeof *bias);
    if (p == NULL || weights == NULL || bias == NULL) {
        return no_memory(conv);
    }
    *p = conv->param;
    write_f32(weights, conv, lanes);
    for (int32_t i = 0; i < lanes; i++) {
        bias[i] = conv->param.bias != NULL ? ((const float *)conv->param.bias)[i % conv->channels] : 0.0f;
    }
    p->weights = weights;
    p->bias = bias;
    layer->param = p;
    layer->scratch_in_pieces = false;
    nnom_layer_array(layer, weights, (uint32_t)lanes * (uint32_t)conv->taps, NNOM_TYPE_F32);
    nnom_layer_array(layer, bias, (uint32_t)lanes, NNOM_TYPE_F32);
    return nnom_window_scratch(layer, scratch);
}
