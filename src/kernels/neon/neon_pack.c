/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "neon_pack.h"

#ifdef NNOM_NEON

static int32_t neon_lanes(const nnom_conv_layer_t *conv)
{
    return (conv->channels + NNOM_NEON_LANES - 1) & -NNOM_NEON_LANES;
}

static bool neon_accepts(const nnom_conv_layer_t *conv)
{
    for (int32_t o = 0; !conv->is_one && o < conv->channels; o++) {
        if (((const int8_t *)conv->param.shift)[o] > 0) {
            return false;
        }
    }
    return !conv->is_one;
}

static void neon_write(int8_t *to, const nnom_conv_layer_t *conv, int32_t run)
{
    for (int32_t o = 0; o < neon_lanes(conv); o += NNOM_NEON_LANES) {
        for (int32_t first = 0; first < conv->taps; first += run) {
            for (int32_t i = 0; i < nnom_neon_filled(run) * NNOM_NEON_LANES; i++) {
                const int32_t tap = i / (4 * NNOM_NEON_LANES) * 4 + i % 4, lane = i / 4 % NNOM_NEON_LANES;
                *to++ = (int8_t)(tap < run ? nnom_conv_weight(conv, o + lane, first + tap) : 0);
            }
        }
    }
}

/* Constants by lane, each a piece of memory of its own; false: no memory. */
static bool neon_constants(nnom_conv_layer_t *conv, nnom_neon_param_t *p)
{
    nnom_layer_t *layer = &conv->super;
    const uint32_t lanes = (uint32_t)neon_lanes(conv);
    int32_t *bias = nnom_layer_alloc(layer, lanes, sizeof *bias),
            *multiplier = nnom_layer_alloc(layer, lanes, sizeof *bias);
    int32_t *shift = nnom_layer_alloc(layer, lanes, sizeof *shift);
    if (bias == NULL || multiplier == NULL || shift == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < lanes; i++) {
        const uint32_t o = i < (uint32_t)conv->channels ? i : 0;
        bias[i] = ((const int32_t *)conv->param.bias)[o];
        multiplier[i] = ((const int32_t *)conv->param.multiplier)[o];
        shift[i] = ((const int8_t *)conv->param.shift)[o];
    }
    p->bias = nnom_layer_array(layer, bias, lanes, NNOM_TYPE_S32);
    p->multiplier = nnom_layer_array(layer, multiplier, lanes, NNOM_TYPE_S32);
    p->shift = nnom_layer_array(layer, shift, lanes, NNOM_TYPE_S32);
    return true;
}

nnom_status_t nnom_neon_pack(nnom_conv_layer_t *conv, int32_t run, int64_t scratch)
{
    enum { MOST_SCRATCH = 1 << 24, MOST_WEIGHTS = 1 << 28 };
    nnom_layer_t *layer = &conv->super;
    const int64_t taps = run > 0 ? (int64_t)(conv->taps / run) * nnom_neon_filled(run) : 0;
    const int64_t bytes = taps * neon_lanes(conv);
    if (!neon_accepts(conv) || scratch > MOST_SCRATCH || bytes > MOST_WEIGHTS) {
        return NNOM_UNSUPPORTED;
    }
    nnom_neon_param_t *p = nnom_layer_alloc(layer, 1, sizeof *p);
    int8_t *weights = run > 0 ? nnom_layer_alloc(layer, (size_t)bytes, 1) : NULL;
    if (p == NULL || (run > 0 && weights == NULL) || !neon_constants(conv, p)) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for packed weights");
    }
    p->geometry = *layer->geometry;
    p->act_min = conv->param.act_min;
    p->act_max = conv->param.act_max;
    p->taps = (int32_t)taps;
    p->weights = conv->param.weights;
    if (run > 0) {
        neon_write(weights, conv, run);
        p->weights = nnom_layer_array(layer, weights, (uint32_t)bytes, NNOM_TYPE_S8);
    }
    layer->param = p;
    layer->scratch_in_pieces = false;
    return nnom_window_scratch(layer, scratch);
}

#endif
