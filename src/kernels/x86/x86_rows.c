/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Rows of the input as the kernels of this folder read them. */
#include <string.h>

#include "x86.h"

static int32_t rows_columns(const nnom_geometry_t *g, int32_t out_w)
{
    return (out_w - 1) * g->stride_w + (g->kernel_w - 1) * g->dilation_w + 1;
}

int64_t nnom_x86_row_elements(const nnom_geometry_t *g, int32_t channels, int32_t out_w)
{
    return ((int64_t)rows_columns(g, out_w) * channels + NNOM_X86_SLACK) * g->kernel_h;
}

nnom_x86_rows_t nnom_x86_rows(const nnom_call_t *call, int32_t copies)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_geometry_t *g = &p->geometry;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const int32_t c = in->shape.c * copies, columns = rows_columns(g, nnom_call_output(call)->shape.w);
    const bool joined = g->dilation_w == 1 || g->kernel_w == 1;
    const nnom_x86_rows_t rows = {.g = *g,
                                  .in = in->shape,
                                  .from = nnom_call_input_rows(call, 0),
                                  .to = nnom_call_scratch(call),
                                  .copies = copies,
                                  .columns = columns,
                                  .length = columns * c + NNOM_X86_SLACK,
                                  .step = g->stride_w * c,
                                  .run = joined ? g->kernel_w * c : c,
                                  .runs = joined ? 1 : g->kernel_w,
                                  .run_step = g->dilation_w * c,
                                  .padding = in->zero_point};
    return rows;
}

/* Columns of the padding on the left, and of the input, that the rows hold. */
static nnom_range_t rows_inside(const nnom_x86_rows_t *rows)
{
    nnom_range_t inside = {rows->g.pad_left, rows->g.pad_left + rows->in.w};
    inside.lo = inside.lo < rows->columns ? inside.lo : rows->columns;
    inside.hi = inside.hi < rows->columns ? inside.hi : rows->columns;
    return inside;
}

/* The row of the input under row ky of the kernel; NULL: it is padding. */
static const void *rows_source(const nnom_x86_rows_t *rows, int32_t y, int32_t ky)
{
    const int32_t at = y * rows->g.stride_h - rows->g.pad_top + ky * rows->g.dilation_h;
    return at < 0 || at >= rows->in.h ? NULL : nnom_row(&rows->from, at);
}

/* ---- int8 ---- */

#if NNOM_X86
/* n >= 16: the last 16 may overlap those before. */
NNOM_AVX2 static void rows_fill_avx2(int16_t *to, int32_t value, int32_t n)
{
    const __m256i cells = _mm256_set1_epi16((int16_t)value);
    for (int32_t i = 0; i < n - 16; i += 16) {
        _mm256_storeu_si256((__m256i *)(void *)(to + i), cells);
    }
    _mm256_storeu_si256((__m256i *)(void *)(to + n - 16), cells);
}
#endif

static int16_t *rows_fill(int16_t *to, int32_t value, int32_t n)
{
#if NNOM_X86
    if (n >= 16 && nnom_has_avx2()) {
        rows_fill_avx2(to, value, n);
        return to + n;
    }
#endif
    for (int16_t *end = to + n; to != end; to++) {
        *to = (int16_t)value;
    }
    return to;
}

#if NNOM_X86
/* n >= 16: the last 16 may overlap those before. */
NNOM_AVX2 static void rows_widen_avx2(int16_t *to, const int8_t *from, int32_t n)
{
    for (int32_t i = 0;; i = i + 32 <= n ? i + 16 : n - 16) {
        const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(from + i));
        _mm256_storeu_si256((__m256i *)(void *)(to + i), _mm256_cvtepi8_epi16(x));
        if (i == n - 16) {
            return;
        }
    }
}
#endif

static int16_t *rows_widen(const nnom_x86_rows_t *rows, int16_t *to, const int8_t *from, int32_t n)
{
#if NNOM_X86
    if (rows->copies == 1 && n >= 16 && nnom_has_avx2()) {
        rows_widen_avx2(to, from, n);
        return to + n;
    }
#endif
    if (rows->copies == 1) {
        for (int32_t i = 0; i < n; i++) {
            to[i] = from[i];
        }
        return to + n;
    }
    for (int32_t i = 0; i < n; i++) {
        to = rows_fill(to, from[i], rows->copies);
    }
    return to;
}

/* The row under row ky of the kernel; from NULL: it is padding. */
static void rows_make_s8(const nnom_x86_rows_t *rows, const int8_t *from, int16_t *to)
{
    const nnom_range_t inside = rows_inside(rows);
    const int32_t c = rows->in.c * rows->copies;
    if (from == NULL) {
        to = rows_fill(to, rows->padding, rows->columns * c);
    } else {
        to = rows_fill(to, rows->padding, inside.lo * c);
        to = rows_widen(rows, to, from, (inside.hi - inside.lo) * rows->in.c);
        to = rows_fill(to, rows->padding, (rows->columns - inside.hi) * c);
    }
    rows_fill(to, 0, NNOM_X86_SLACK);
}

void nnom_x86_rows_s8(const nnom_x86_rows_t *rows, int32_t y)
{
    int16_t *to = rows->to;
    for (int32_t ky = 0; ky < rows->g.kernel_h; ky++, to += rows->length) {
        rows_make_s8(rows, rows_source(rows, y, ky), to);
    }
}

int32_t nnom_x86_place(const nnom_x86_rows_t *rows, int32_t y, int32_t ky)
{
    return rows->g.dilation_h == 1 ? (y * rows->g.stride_h + ky) % rows->g.kernel_h : ky;
}

void nnom_x86_rows_more_s8(const nnom_x86_rows_t *rows, int32_t y, int32_t first)
{
    /* The kernel's last rows were its lower ones above; with a dilation each lies elsewhere. */
    const int32_t kept = y > first && rows->g.dilation_h == 1 ? rows->g.kernel_h - rows->g.stride_h : 0;
    for (int32_t ky = kept > 0 ? kept : 0; ky < rows->g.kernel_h; ky++) {
        int16_t *to = (int16_t *)rows->to + nnom_x86_place(rows, y, ky) * rows->length;
        rows_make_s8(rows, rows_source(rows, y, ky), to);
    }
}

/* ---- int8 as bytes that are 128 higher ---- */

#if NNOM_X86
/* n >= 32: the last 32 may overlap those before. */
NNOM_AVX2 static void rows_raise_avx2(uint8_t *to, const int8_t *from, int32_t n)
{
    const __m256i sign = _mm256_set1_epi8((char)-128);
    for (int32_t i = 0;; i = i + 64 <= n ? i + 32 : n - 32) {
        const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(from + i));
        _mm256_storeu_si256((__m256i *)(void *)(to + i), _mm256_xor_si256(x, sign));
        if (i == n - 32) {
            return;
        }
    }
}
#endif

static void rows_raise(uint8_t *to, const int8_t *from, int32_t n)
{
#if NNOM_X86
    if (n >= 32 && nnom_has_avx2()) {
        rows_raise_avx2(to, from, n);
        return;
    }
#endif
    for (int32_t i = 0; i < n; i++) {
        to[i] = (uint8_t)(from[i] + 128);
    }
}

void nnom_x86_rows_u8(const nnom_x86_rows_t *rows, int32_t y)
{
    const nnom_range_t inside = rows_inside(rows);
    const int padding = rows->padding + 128;
    uint8_t *to = rows->to;
    for (int32_t ky = 0; ky < rows->g.kernel_h; ky++, to += rows->length) {
        const int8_t *from = rows_source(rows, y, ky);
        const int32_t first = inside.lo * rows->in.c, end = inside.hi * rows->in.c;
        memset(to, padding, (size_t)(from == NULL ? rows->length : first));
        if (from != NULL) {
            rows_raise(to + first, from, end - first);
            memset(to + end, padding, (size_t)(rows->length - end));
        }
    }
}

/* ---- Float: what is padding counts as 0 ---- */

void nnom_x86_rows_f32(const nnom_x86_rows_t *rows, int32_t y)
{
    const nnom_range_t inside = rows_inside(rows);
    float *to = rows->to;
    for (int32_t ky = 0; ky < rows->g.kernel_h; ky++, to += rows->length) {
        const float *from = rows_source(rows, y, ky);
        const size_t first = (size_t)(inside.lo * rows->in.c), n = (size_t)((inside.hi - inside.lo) * rows->in.c);
        memset(to, 0, (from == NULL ? (size_t)rows->length : first) * sizeof *to); /* 0.0f is zero bytes */
        if (from != NULL) {
            memcpy(to + first, from, n * sizeof *to);
            memset(to + first + n, 0, ((size_t)rows->length - first - n) * sizeof *to);
        }
    }
}
