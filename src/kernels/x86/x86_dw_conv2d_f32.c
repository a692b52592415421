/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* DW_Conv2D in float with as many outputs as inputs: lanes are channels. Weights as plain; taps of the padding are left out. */
#include <float.h>

#include "../fixed.h"
#include "../float_ops.h"
#include "../ref/window.h"
#include "x86_avx2.h"
#include "x86_pack.h"

enum { AT_A_TIME = 4 * NNOM_X86_LANES };

/* ---- C ---- */

static void x86_dw_tap_f32(const float *x, const float *w, int32_t n, float *acc)
{
    for (int32_t i = 0; i < n; i++) {
        acc[i] += x[i] * w[i];
    }
}

/* ---- AVX2 ---- */

#if NNOM_X86
/* n <= 32; beyond n nothing is read. */
NNOM_AVX2 static void x86_dw_tap_avx2_f32(const float *x, const float *w, int32_t n, float *acc)
{
    for (; n >= NNOM_X86_LANES; n -= NNOM_X86_LANES, x += NNOM_X86_LANES, w += NNOM_X86_LANES, acc += NNOM_X86_LANES) {
        const __m256 product = _mm256_mul_ps(_mm256_loadu_ps(x), _mm256_loadu_ps(w));
        _mm256_storeu_ps(acc, _mm256_add_ps(_mm256_loadu_ps(acc), product));
    }
    for (int32_t i = 0; i < n; i++) {
        acc[i] += x[i] * w[i];
    }
}
#endif

/* ---- Both ---- */

static void x86_dw_tap(const float *x, const float *w, int32_t n, float *acc)
{
#if NNOM_X86
    if (nnom_has_avx2()) {
        x86_dw_tap_avx2_f32(x, w, n, acc);
        return;
    }
#endif
    x86_dw_tap_f32(x, w, n, acc);
}

/* The taps of channels [o, o + n) that are inside the input. */
static void x86_dw_sums_f32(const nnom_conv_param_t *p, const nnom_window_t *window, int32_t o, int32_t n, float *acc)
{
    const nnom_geometry_t *g = window->g;
    const int32_t channels = window->in.c;
    nnom_walk_t walk = window->walk;
    for (int32_t ky = window->rows.lo; ky < window->rows.hi; ky++, nnom_walk_down(&walk)) {
        const float *row = (const float *)(const void *)nnom_walk_row(&walk) + o;
        const float *w = (const float *)p->weights + (ky * g->kernel_w + window->columns.lo) * channels + o;
        for (int32_t kx = window->columns.lo; kx < window->columns.hi; kx++, w += channels) {
            x86_dw_tap(row + (window->left + kx * g->dilation_w) * channels, w, n, acc);
        }
    }
}

static void x86_dw_pixel_f32(const nnom_conv_param_t *p, const nnom_window_t *window, float *to)
{
    const float *bias = p->bias;
    for (int32_t o = 0; o < window->in.c; o += AT_A_TIME) {
        const int32_t n = nnom_min_i32(AT_A_TIME, window->in.c - o);
        float acc[AT_A_TIME] = {0.0f};
        x86_dw_sums_f32(p, window, o, n, acc);
        for (int32_t i = 0; i < n; i++) {
            const float y = bias != NULL ? acc[i] + bias[o + i] : acc[i];
            to[o + i] = nnom_clamp_f32(y, p->act_min_f, p->act_max_f);
        }
    }
}

void nnom_dw_conv2d_f32_x86(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    nnom_window_t window = nnom_window(call, &p->geometry);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        float *row = (float *)(void *)nnom_row(&to, y);
        nnom_window_row(&window, &from, y);
        for (int32_t x = 0; x < out->shape.w; x++, row += out->shape.c) {
            nnom_window_column(&window, x);
            x86_dw_pixel_f32(p, &window, row);
        }
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

static nnom_status_t x86_dw_pack_f32(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    if (conv->filters != 1 || FLT_EVAL_METHOD != 0) { /* floats of the plain kernels wider than these: other bits */
        return NNOM_UNSUPPORTED;
    }
    nnom_conv_register(conv);
    return NNOM_OK;
}

NNOM_FORM(dw_conv2d_f32_x86, nnom_conv_window, 0, nnom_conv_param, x86_dw_pack_f32)
