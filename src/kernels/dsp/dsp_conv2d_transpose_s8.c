/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Transposed convolution on cores with the DSP extension: each phase (phases.h) is a convolution, of whose windows up to three pixels are expanded at
 * once; its outputs lie a stride apart.
 */
#include "dsp_conv.h"
#include "dsp_loops.h"
#include "wide.h"

#include "../../layers/phases.h"
#include "../fixed.h"

/* stream: of all phases, row by row, each as of a convolution. */
#define NNOM_DSP_TRANSPOSE_PARAM(I32, F32, GEOMETRY, ARRAY) GEOMETRY(geometry) I32(act_min) I32(act_max) ARRAY(stream)
NNOM_PARAM_STRUCT(nnom_dsp_transpose_param, NNOM_DSP_TRANSPOSE_PARAM)

/* c: of the phase, whose geometry and parameters are here. */
typedef struct dsp_transpose {
    const nnom_dsp_transpose_param_t *p;
    nnom_dsp_conv_t c;
    nnom_geometry_t geometry;
    nnom_dsp_param_t param;
    int32_t distance; /* bytes from a pixel's outputs to those of the phase's next one */
} dsp_transpose_t;

enum { TRANSPOSE_LARGE = 512 };

/* Taps of an output in phase (y, x), filled up. */
static int32_t dsp_transpose_taps(const nnom_geometry_t *g, int32_t channels, int32_t y, int32_t x)
{
    return nnom_phase_cells(g->kernel_h, g->stride_h, y) *
           nnom_dsp_filled(nnom_phase_cells(g->kernel_w, g->stride_w, x) * channels);
}

/* Where the stream of phase (y, x) begins. */
static const uint32_t *dsp_transpose_stream(const dsp_transpose_t *t, int32_t y, int32_t x)
{
    const nnom_geometry_t *g = &t->p->geometry;
    int32_t before = 0, row = 0; /* taps of a row of the kernel: in the phases before, and in all */
    for (int32_t k = 0; k < g->stride_w; k++) {
        const int32_t run = nnom_dsp_filled(nnom_phase_cells(g->kernel_w, g->stride_w, k) * t->c.channels);
        before += k < x ? run : 0;
        row += run;
    }
    const int32_t taps =
        nnom_phase_before(g->kernel_h, g->stride_h, y) * row + nnom_phase_cells(g->kernel_h, g->stride_h, y) * before;
    const int32_t blocks = (t->c.outputs + 1) / 2, each = t->c.loops->tap_bytes;
    return (const uint32_t *)t->p->stream + blocks * ((y * g->stride_w + x) * NNOM_DSP_BLOCK_WORDS + taps * each / 4);
}

static void dsp_transpose_phase(dsp_transpose_t *t, int32_t y, int32_t x)
{
    nnom_dsp_conv_t *c = &t->c;
    t->geometry = nnom_phase_geometry(&t->p->geometry, y, x);
    t->param.taps = dsp_transpose_taps(&t->p->geometry, c->channels, y, x);
    t->param.stream = dsp_transpose_stream(t, y, x);
    c->run = t->geometry.kernel_w * c->channels;
    c->filled = nnom_dsp_filled(c->run);
    c->left = t->geometry.pad_left * c->channels;
    c->inner = (nnom_range_t){t->geometry.pad_left, c->window.in.w};
    c->patch = (int8_t *)(c->words + t->param.taps / 2 * c->most);
}

static void dsp_transpose_blocks(const dsp_transpose_t *t, const uint32_t *stream, int8_t *out, int32_t outputs,
                                 int32_t n, int32_t distance)
{
    const nnom_dsp_conv_t *c = &t->c;
    c->loops->run[n - 1](stream, c->words, (uint32_t)(t->param.taps * c->loops->tap_bytes), out, out + outputs,
                         (uint32_t)distance);
}

/* n pixels whose windows are in the scratch. Of an odd number of outputs the last block takes the last two; of a single one, through a buffer. */
static NNOM_DSP_APART void dsp_transpose_pixels(const dsp_transpose_t *t, int8_t *out, int32_t n)
{
    const uint32_t *stream = t->param.stream;
    const int32_t outputs = t->c.outputs, even = outputs & ~1;
    if (even == 0) {
        int8_t both[6] = {0};
        dsp_transpose_blocks(t, stream, both, 2, n, 2);
        for (int32_t i = 0; i < n; i++) {
            out[i * t->distance] = both[2 * i];
        }
        return;
    }
    dsp_transpose_blocks(t, stream, out, even, n, t->distance);
    if (even != outputs) {
        stream += even / 2 * (t->param.taps * t->c.loops->tap_bytes / 4 + NNOM_DSP_BLOCK_WORDS);
        dsp_transpose_blocks(t, stream, out + outputs - 2, 2, n, t->distance);
    }
}

/* The pixels of a row that belong to the phase. */
static void dsp_transpose_line(dsp_transpose_t *t, const nnom_phase_row_t *pixels, int8_t *out)
{
    for (int32_t i = 0, n = 0; i < pixels->count; i += n, out += n * t->distance) {
        const int32_t left = pixels->count - i;
        n = nnom_min_i32(left, left == 4 ? nnom_min_i32(t->c.most, 2) : t->c.most);
        nnom_dsp_conv_windows(&t->c, pixels->window + i, n);
        dsp_transpose_pixels(t, out, n);
    }
}

static void dsp_transpose_row(dsp_transpose_t *t, int32_t y, int8_t *row, int32_t width)
{
    const nnom_geometry_t *g = &t->p->geometry;
    const int32_t at = y + g->pad_top;
    for (int32_t x = 0; x < g->stride_w && x < width; x++) {
        const nnom_phase_row_t pixels = nnom_phase_row(g, x, width);
        dsp_transpose_phase(t, at % g->stride_h, pixels.phase);
        nnom_window_row(&t->c.window, &t->c.from, at / g->stride_h);
        dsp_transpose_line(t, &pixels, row + x * t->c.outputs);
    }
}

/* Windows in the scratch at a time. */
static int32_t dsp_transpose_most(const nnom_geometry_t *g, int32_t channels, int32_t width)
{
    const int32_t pixels = (width + g->stride_w - 1) / g->stride_w;
    return nnom_min_i32(pixels, dsp_transpose_taps(g, channels, 0, 0) > TRANSPOSE_LARGE ? 2 : 3);
}

static void dsp_transpose_begin(dsp_transpose_t *t, const nnom_call_t *call, const nnom_dsp_conv_loops_t *loops)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_dsp_transpose_param_t *p = call->node->param;
    const nnom_dsp_conv_t c = {.p = &t->param,
                               .loops = loops,
                               .window = nnom_window(call, &t->geometry),
                               .from = nnom_call_input_rows(call, 0),
                               .words = nnom_call_scratch(call),
                               .channels = in->shape.c,
                               .bytes = in->shape.w * in->shape.c,
                               .zero_point = in->zero_point,
                               .runs = 1,
                               .distance = in->shape.c,
                               .hop = in->shape.c,
                               .outputs = out.c,
                               .most = dsp_transpose_most(&p->geometry, in->shape.c, out.w)};
    t->p = p;
    t->c = c;
    t->param.geometry = &t->geometry;
    t->distance = p->geometry.stride_w * out.c;
}

static NNOM_SMALL void dsp_transpose_run(const nnom_call_t *call, const nnom_dsp_conv_loops_t *loops)
{
    const nnom_rows_t to = nnom_call_output_rows(call);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    dsp_transpose_t t;
    dsp_transpose_begin(&t, call, loops);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        dsp_transpose_row(&t, y, row, out.w);
        nnom_dsp_limits(t.p->act_min, t.p->act_max, row, out.w * out.c);
    }
}

void nnom_conv2d_transpose_s8_dsp(const nnom_call_t *call)
{
    static const nnom_dsp_conv_loops_t loops = {{nnom_dsp_conv_1, nnom_dsp_conv_2, nnom_dsp_conv_3}, 2};
    dsp_transpose_run(call, &loops);
}

void nnom_conv2d_transpose_s8_dsp_wide(const nnom_call_t *call)
{
    static const nnom_dsp_conv_loops_t loops = {{nnom_dsp_wide_1, nnom_dsp_wide_2, nnom_dsp_wide_3}, 4};
    dsp_transpose_run(call, &loops);
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_dsp_transpose_param, NNOM_DSP_TRANSPOSE_PARAM)

static nnom_dsp_layout_t dsp_transpose_layout(const nnom_phase_t *phase, bool wide)
{
    const nnom_dsp_layout_t layout = {2, phase->geometry.kernel_w * nnom_layer_in(&phase->conv.super, 0)->shape.c,
                                      wide};
    return layout;
}

/* Words of all phases; 0: one of them is not for the loops. Writes them from `to` on, unless it is NULL. */
static uint64_t dsp_transpose_words(const nnom_conv_layer_t *conv, nnom_phase_t *phase, bool wide, uint32_t *to)
{
    const nnom_geometry_t *g = conv->super.geometry;
    uint64_t words = 0;
    for (int32_t i = 0; i < g->stride_h * g->stride_w; i++) {
        nnom_phase_of(conv, i / g->stride_w, i % g->stride_w, phase);
        const nnom_dsp_layout_t layout = dsp_transpose_layout(phase, wide);
        if (to == NULL && !nnom_dsp_fits(&phase->conv, &layout)) {
            return 0;
        }
        to = to != NULL ? nnom_dsp_write(&phase->conv, &layout, to) : NULL;
        words += nnom_dsp_words(&phase->conv, &layout);
    }
    return words;
}

static int64_t dsp_transpose_scratch(const nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    const int32_t channels = nnom_layer_in(layer, 0)->shape.c;
    const int64_t taps = dsp_transpose_taps(g, channels, 0, 0);
    return taps * 2 * dsp_transpose_most(g, channels, layer->out->shape.w) +
           nnom_dsp_filled(nnom_phase_cells(g->kernel_w, g->stride_w, 0) * channels);
}

static nnom_status_t dsp_transpose_pack_as(nnom_layer_t *layer, bool wide)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_geometry_t *g = layer->geometry;
    if (g->kernel_h < g->stride_h || g->kernel_w < g->stride_w || (wide && !nnom_conv_may_grow(conv))) {
        return NNOM_UNSUPPORTED; /* phases without a tap */
    }
    nnom_phase_t phase;
    nnom_dsp_transpose_param_t *param = nnom_layer_alloc(layer, 1, sizeof *param);
    const bool room = nnom_phase_room(conv, &phase) && param != NULL;
    const uint64_t words = room ? dsp_transpose_words(conv, &phase, wide, NULL) : 0;
    if (room && (words == 0 || !nnom_dsp_may_take(conv, wide, words))) {
        return NNOM_UNSUPPORTED;
    }
    uint32_t *stream = room ? nnom_layer_alloc(layer, (size_t)words, sizeof *stream) : NULL;
    if (stream == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for its packed weights");
    }
    (void)dsp_transpose_words(conv, &phase, wide, stream);
    const nnom_dsp_transpose_param_t packed = {.geometry = *g,
                                               .act_min = conv->param.act_min,
                                               .act_max = conv->param.act_max,
                                               .stream =
                                                   nnom_layer_array(layer, stream, (uint32_t)words, NNOM_TYPE_S32)};
    *param = packed;
    layer->param = param;
    return nnom_window_scratch(layer, dsp_transpose_scratch(layer));
}

static nnom_status_t dsp_transpose_pack(nnom_layer_t *layer)
{
    return dsp_transpose_pack_as(layer, false);
}

static nnom_status_t dsp_transpose_pack_wide(nnom_layer_t *layer)
{
    return dsp_transpose_pack_as(layer, true);
}

NNOM_FORM(conv2d_transpose_s8_dsp, nnom_conv2d_transpose_window, 0, nnom_dsp_transpose_param, dsp_transpose_pack)
NNOM_FORM(conv2d_transpose_s8_dsp_wide, nnom_conv2d_transpose_window, 0, nnom_dsp_transpose_param,
          dsp_transpose_pack_wide)
