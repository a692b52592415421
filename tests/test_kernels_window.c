/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Windowed and dense layers: build and kernels against plain loops written after the TFLite reference, over random
 * shapes, ranges of rows, rings and overlapping buffers. Usage: test_kernels_window [cases] [seed]
 */
#include "../src/core/builder.h"
#include "../src/kernels/kernels.h"

#include <math.h>

/* ---- Random numbers ---- */

static uint64_t rng_state;

static uint32_t next(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return (uint32_t)(rng_state >> 32);
}

static int32_t between(int32_t lo, int32_t hi)
{
    return lo + (int32_t)(next() % (uint32_t)(hi - lo + 1));
}

static double uniform(void)
{
    return next() / 4294967296.0;
}

/* ---- One case ---- */

enum kind { CONV, DW, TRANSPOSED, DENSE, MAXP, AVGP, SUMP, GMAX, GAVG, GSUM, KINDS };
static const char *const names[KINDS] = {"conv", "dw",  "transposed", "dense", "max",
                                         "avg",  "sum", "gmax",       "gavg",  "gsum"};

enum { ARENA = 1 << 22, GUARD = 0xA5 };

typedef struct test_case {
    enum kind kind;
    bool is_float;
    nnom_layer_t source;
    nnom_edge_t edge;
    nnom_layer_t *layer;
    nnom_weight_t w, b;
    int8_t *w8;
    int32_t *b32;
    float *wf, *bf, *scales;
    void *x;
    void *expected;
    uint8_t *arena;
} test_case_t;

static float float_at(const void *p, int32_t i)
{
    return ((const float *)p)[i];
}

static int32_t int_at(const void *p, int32_t i)
{
    return ((const int8_t *)p)[i];
}

/* gemmlowp's definitions, from their documentation. */
static int32_t reference_requantize(int64_t x, int32_t m, int32_t shift)
{
    const int64_t shifted = (int32_t)((uint64_t)x << (shift > 0 ? shift : 0));
    const int64_t doubled = 2 * shifted * m; /* |.| < 2^63 as m >= 0 */
    const double nudge = doubled >= 0 ? 2147483648.0 : 1 - 2147483648.0;
    const int64_t high = (doubled + (int64_t)nudge) / 4294967296;
    const int right = shift > 0 ? 0 : -shift;
    const int64_t magnitude = high < 0 ? -high : high;
    const int64_t rounded = right == 0 ? magnitude : (magnitude + ((int64_t)1 << (right - 1))) >> right;
    return (int32_t)(high < 0 ? -rounded : rounded);
}

static int32_t clip(int32_t v, const int32_t lo, const int32_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* ---- Making a case ---- */

static nnom_layer_t *make_layer(test_case_t *t, nnom_shape_t in)
{
    const nnom_size_t k = kernel(between(1, 5), between(1, 5));
    const nnom_size_t s = stride(between(1, 4), between(1, 4));
    const nnom_size_t d = between(0, 2) ? dilation(1, 1) : dilation(between(1, 3), between(1, 3));
    const nnom_padding_t p = (nnom_padding_t)between(0, 1);
    nnom_layer_t *layer;
    const int32_t filters = between(0, 3) ? between(1, 5) : between(15, 40);
    switch (t->kind) {
    case CONV:
        layer = Conv2D(filters, k, s, d, p, &t->w, &t->b);
        break;
    case DW:
        layer = DW_Conv2D(between(0, 1) ? 1 : between(1, 20), k, s, d, p, &t->w, &t->b);
        break;
    case TRANSPOSED:
        layer = Conv2DTranspose(filters, k, s, p, &t->w, &t->b);
        break;
    case DENSE:
        return Dense(filters, &t->w, &t->b);
    case MAXP:
        layer = MaxPool(k, s, p);
        break;
    case AVGP:
        layer = AvgPool(k, s, p);
        break;
    case SUMP:
        layer = SumPool(k, s, p);
        break;
    case GMAX:
        return GlobalMaxPool();
    case GAVG:
        return GlobalAvgPool();
    default:
        return GlobalSumPool();
    }
    (void)in;
    if (between(0, 3) == 0) {
        const int32_t most = t->kind == MAXP || t->kind == AVGP || t->kind == SUMP ? 0 : 2;
        nnom_layer_set_padding(layer, border(between(0, most ? most : k.h - 1), between(0, most ? most : k.h - 1),
                                             between(0, most ? most : k.w - 1), between(0, most ? most : k.w - 1)));
    }
    return layer;
}

static bool weighted(const test_case_t *t)
{
    return t->kind <= DENSE;
}

/* Enough weights for any case here. */
static void make_weights(test_case_t *t, int32_t n, int32_t channels)
{
    t->w8 = malloc((size_t)n);
    t->wf = malloc((size_t)n * 4);
    t->b32 = malloc((size_t)channels * 4);
    t->bf = malloc((size_t)channels * 4);
    t->scales = malloc((size_t)channels * 4);
    for (int32_t i = 0; i < n; i++) {
        t->w8[i] = (int8_t)between(-128, 127);
        t->wf[i] = (float)(uniform() - 0.5);
    }
    for (int32_t i = 0; i < channels; i++) {
        t->b32[i] = between(-20000, 20000);
        t->bf[i] = (float)(uniform() - 0.5);
        t->scales[i] = (float)((uniform() + 0.01) * 0.02);
    }
    t->w.p_value = t->is_float ? (const void *)t->wf : t->w8;
    t->b.p_value = t->is_float ? (const void *)t->bf : t->b32;
}

static int32_t out_channels(const test_case_t *t)
{
    const int32_t filters = ((const int32_t *)(const void *)(t->layer + 1))[0];
    return t->kind == DW ? t->source.out.shape.c * filters : filters;
}

static nnom_status_t make_case(test_case_t *t)
{
    nnom_tensor_t *in = &t->source.out;
    in->shape = shape(between(1, 12), between(1, 9), between(0, 3) ? between(1, 6) : between(14, 36));
    if (between(0, 4) == 0) {
        in->shape.w = 1;
    }
    in->rows = in->shape.h;
    in->type = t->is_float ? NNOM_TYPE_F32 : NNOM_TYPE_S8;
    in->row_bytes = in->shape.w * in->shape.c * (t->is_float ? 4 : 1);
    in->scale = (float)(uniform() * 0.1 + 0.001);
    in->zero_point = t->is_float ? 0 : between(-128, 127);
    t->layer = make_layer(t, in->shape);
    static const nnom_class_t source_class = {.name = "source"};
    t->source.cls = &source_class;
    t->edge.from = &t->source;
    t->edge.to = t->layer;
    t->layer->in = &t->edge;
    t->layer->fused = between(0, 2) ? NNOM_CLAMP_NONE : NNOM_CLAMP_RELU;
    if (weighted(t)) {
        const nnom_geometry_t *g = &t->layer->geometry;
        const int32_t channels = out_channels(t);
        const int32_t area = t->kind == DENSE ? in->shape.h * in->shape.w : g->kernel_h * g->kernel_w;
        make_weights(t, area * channels * (t->kind == DW ? 1 : in->shape.c), channels);
        nnom_layer_set_weight_scales(t->layer, t->scales, between(0, 1) ? 1u : (uint32_t)channels);
    }
    if (!t->is_float && between(0, 1)) {
        nnom_layer_set_quant(t->layer, (float)(in->scale * (weighted(t) ? uniform() * 5 + 0.1 : uniform() * 2 + 0.3)),
                             between(-128, 127));
    }
    const nnom_status_t status = t->layer->cls->build(t->layer);
    nnom_tensor_t *out = &t->layer->out;
    out->rows = out->shape.h;
    out->row_bytes = out->shape.w * out->shape.c * (t->is_float ? 4 : 1);
    return status;
}

/* ---- The plain loops ---- */

static int32_t in_index(const test_case_t *t, int32_t y, int32_t x, int32_t c)
{
    const nnom_shape_t s = t->source.out.shape;
    return (y * s.w + x) * s.c + c;
}

static double x_minus_zero(const test_case_t *t, int32_t i)
{
    return t->is_float ? (double)float_at(t->x, i) : (double)(int_at(t->x, i) - t->source.out.zero_point);
}

static double weight(const test_case_t *t, int32_t i)
{
    return t->is_float ? (double)t->wf[i] : (double)t->w8[i];
}

/* Sum over the taps of one output, exact in double for integers here. */
static double window_sum(const test_case_t *t, int32_t oy, int32_t ox, int32_t o)
{
    const nnom_geometry_t *g = &t->layer->geometry;
    const nnom_shape_t in = t->source.out.shape;
    double sum = 0;
    for (int32_t ky = 0; ky < g->kernel_h; ky++) {
        for (int32_t kx = 0; kx < g->kernel_w; kx++) {
            int32_t y = oy * g->stride_h - g->pad_top + ky * g->dilation_h;
            int32_t x = ox * g->stride_w - g->pad_left + kx * g->dilation_w;
            if (t->kind == TRANSPOSED) {
                const int32_t ay = oy + g->pad_top - ky, ax = ox + g->pad_left - kx;
                if (ay < 0 || ax < 0 || ay % g->stride_h || ax % g->stride_w) {
                    continue;
                }
                y = ay / g->stride_h;
                x = ax / g->stride_w;
            }
            if (y < 0 || y >= in.h || x < 0 || x >= in.w) {
                continue;
            }
            if (t->kind == DW) {
                const int32_t channels = t->layer->out.shape.c;
                sum += x_minus_zero(t, in_index(t, y, x, o / (channels / in.c))) *
                       weight(t, (ky * g->kernel_w + kx) * channels + o);
                continue;
            }
            for (int32_t c = 0; c < in.c; c++) {
                sum += x_minus_zero(t, in_index(t, y, x, c)) *
                       weight(t, ((o * g->kernel_h + ky) * g->kernel_w + kx) * in.c + c);
            }
        }
    }
    return sum;
}

static double dense_sum(const test_case_t *t, int32_t o)
{
    const int32_t n = nnom_shape_elements(t->source.out.shape);
    double sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += x_minus_zero(t, i) * weight(t, o * n + i);
    }
    return sum;
}

static void put(test_case_t *t, int32_t i, double value)
{
    const bool relu = t->layer->fused == NNOM_CLAMP_RELU;
    if (t->is_float) {
        ((float *)t->expected)[i] = (float)(relu && value < 0 ? 0 : value);
    } else {
        ((int8_t *)t->expected)[i] = (int8_t)clip((int32_t)value, relu ? t->layer->out.zero_point : -128, 127);
    }
}

static double expected_weighted(const test_case_t *t, int32_t y, int32_t x, int32_t o)
{
    const double sum = t->kind == DENSE ? dense_sum(t, o) : window_sum(t, y, x, o);
    if (t->is_float) {
        return sum + (double)t->bf[o];
    }
    const float ws = t->scales[t->layer->weight_scale_count == 1 ? 0 : o];
    double product = (double)t->source.out.scale * (double)ws;
    if (t->kind == DENSE && t->layer->weight_scale_count == 1) {
        const float rounded = t->source.out.scale * ws;
        product = (double)rounded;
    }
    int32_t m, shift;
    nnom_quantize_multiplier(product / (double)t->layer->out.scale, &m, &shift);
    return reference_requantize((int64_t)sum + t->b32[o], m, shift) + t->layer->out.zero_point;
}

static double expected_pool(const test_case_t *t, int32_t oy, int32_t ox, int32_t c)
{
    const nnom_geometry_t *g = &t->layer->geometry;
    const nnom_shape_t in = t->source.out.shape;
    const bool global = t->kind >= GMAX;
    const enum kind kind = global ? (enum kind)(t->kind - GMAX + MAXP) : t->kind;
    const int32_t top = global ? 0 : oy * g->stride_h - g->pad_top, left = global ? 0 : ox * g->stride_w - g->pad_left;
    const int32_t kh = global ? in.h : g->kernel_h, kw = global ? in.w : g->kernel_w;
    double max = -1e30, sum = 0;
    float fsum = 0;
    int32_t n = 0;
    for (int32_t y = top; y < top + kh; y++) {
        for (int32_t x = left; x < left + kw; x++) {
            if (y >= 0 && y < in.h && x >= 0 && x < in.w) {
                const int32_t i = in_index(t, y, x, c);
                const double v = t->is_float ? (double)float_at(t->x, i) : (double)int_at(t->x, i);
                max = v > max ? v : max;
                sum += v;
                fsum += (float)v;
                n++;
            }
        }
    }
    if (t->is_float) {
        const float mean = fsum / (float)n;
        return kind == MAXP ? max : kind == SUMP ? (double)fsum : (double)mean;
    }
    const nnom_tensor_t *a = &t->source.out, *b = &t->layer->out;
    const bool same = a->scale == b->scale && a->zero_point == b->zero_point;
    int32_t m, shift;
    nnom_quantize_multiplier((double)a->scale / (double)b->scale, &m, &shift);
    if (kind == MAXP) {
        return same ? max : reference_requantize((int64_t)max - a->zero_point, m, shift) + b->zero_point;
    }
    const int64_t acc = (int64_t)sum - (int64_t)a->zero_point * n;
    if (kind == SUMP) {
        return reference_requantize(acc, m, shift) + b->zero_point;
    }
    if (same) {
        return sum / n < 0 ? ceil(sum / n - 0.5) : floor(sum / n + 0.5);
    }
    int s = (int)floor(log2(n));
    s = s < 31 + shift ? s : 31 + shift;
    return reference_requantize(acc, (int32_t)(((int64_t)m << s) / n), shift - s) + b->zero_point;
}

static void compute_expected(test_case_t *t)
{
    const nnom_shape_t s = t->layer->out.shape;
    t->expected = malloc((size_t)nnom_shape_elements(s) * 4);
    for (int32_t y = 0, i = 0; y < s.h; y++) {
        for (int32_t x = 0; x < s.w; x++) {
            for (int32_t c = 0; c < s.c; c++, i++) {
                put(t, i, weighted(t) ? expected_weighted(t, y, x, c) : expected_pool(t, y, x, c));
            }
        }
    }
}

/* ---- Running ---- */

static void make_input(test_case_t *t)
{
    const int32_t n = nnom_shape_elements(t->source.out.shape);
    t->x = malloc((size_t)n * 4);
    for (int32_t i = 0; i < n; i++) {
        if (t->is_float) {
            ((float *)t->x)[i] = (float)(uniform() * 4 - 2);
        } else {
            ((int8_t *)t->x)[i] = (int8_t)between(-128, 127);
        }
    }
}

static bool same_values(const test_case_t *t, const void *got, int32_t from, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const bool equal = t->is_float ? fabsf(float_at(got, i) - float_at(t->expected, from + i)) < 1e-4f * 20
                                       : int_at(got, i) == int_at(t->expected, from + i);
        if (!equal) {
            printf("element %d: got %g, expected %g\n", (int)(from + i),
                   t->is_float ? (double)float_at(got, i) : int_at(got, i),
                   t->is_float ? (double)float_at(t->expected, from + i) : int_at(t->expected, from + i));
            return false;
        }
    }
    return true;
}

typedef struct plan {
    nnom_tensor_t tensors[2];
    uint16_t inputs[1];
    nnom_node_t node;
    nnom_program_t program;
} plan_t;

static void make_plan(const test_case_t *t, plan_t *p)
{
    memset(p, 0, sizeof *p);
    p->tensors[0] = t->source.out;
    p->tensors[1] = t->layer->out;
    p->node.op = t->layer->op;
    p->node.param = t->layer->param;
    p->node.inputs = p->inputs;
    p->node.input_count = 1;
    p->node.output = 1;
    p->program.tensors = p->tensors;
    p->program.nodes = &p->node;
}

static uint32_t align(uint32_t x)
{
    return (x + 3u) & ~3u;
}

static bool reduces(const test_case_t *t)
{
    return (t->layer->op->flags & NNOM_OP_REDUCES) != 0;
}

static void run_rows(const test_case_t *t, plan_t *p, int32_t lo, int32_t hi)
{
    const nnom_call_t call = {.program = &p->program, .node = &p->node, .arena = t->arena, .y = {lo, hi}};
    p->node.op->run(&call);
}

/* Whole tensors, output below or over the input by layer->overlap; reductions in one call without scratch. */
static bool run_overlapping(const test_case_t *t)
{
    plan_t p;
    make_plan(t, &p);
    nnom_tensor_t *in = &p.tensors[0], *out = &p.tensors[1];
    const uint32_t in_bytes = (uint32_t)(in->row_bytes * in->shape.h),
                   out_bytes = (uint32_t)(out->row_bytes * out->shape.h);
    memset(t->arena, GUARD, ARENA);
    out->offset = 64;
    in->offset = 64 + (t->layer->overlap == NNOM_NO_OVERLAP ? align(out_bytes) : (uint32_t)t->layer->overlap);
    if (t->is_float && in->offset % 4 != 0) {
        printf("overlap %d is not a multiple of 4\n", (int)t->layer->overlap);
        return false;
    }
    const uint32_t end = in->offset + in_bytes > 64 + out_bytes ? in->offset + in_bytes : 64 + out_bytes;
    p.node.scratch = align(end) + 64;
    p.node.scratch_bytes = reduces(t) ? 0 : t->layer->scratch_bytes;
    memcpy(t->arena + in->offset, t->x, in_bytes);
    const int32_t h = reduces(t) ? in->shape.h : out->shape.h;
    for (int32_t y = 0; y < h;) {
        const int32_t hi = reduces(t) || between(0, 1) ? h : between(y + 1, h);
        run_rows(t, &p, y, hi);
        y = hi;
    }
    for (uint32_t i = 0; i < 64; i++) {
        if (t->arena[i] != GUARD || t->arena[p.node.scratch + p.node.scratch_bytes + i] != GUARD ||
            t->arena[end + i % 64] != GUARD) {
            printf("wrote outside (%u)\n", i);
            return false;
        }
    }
    return same_values(t, t->arena + 64, 0, nnom_shape_elements(out->shape));
}

/* Rings just high enough for random chunks of rows. */
static bool run_rolling(const test_case_t *t)
{
    plan_t p;
    make_plan(t, &p);
    nnom_tensor_t *in = &p.tensors[0], *out = &p.tensors[1];
    const bool reduce = reduces(t);
    const int32_t h = reduce ? in->shape.h : out->shape.h;
    int32_t cuts[600], n = 0, ring = 1, chunk = 1;
    for (int32_t y = 0; y < h; n++) {
        const int32_t hi = between(y + 1, h < y + 4 ? h : y + 4);
        nnom_range_t rows = {y, hi};
        nnom_range_t need = reduce ? rows : p.node.op->window(&p.program, &p.node, 0, rows);
        if (need.lo < 0 || need.hi > in->shape.h || need.lo > need.hi) {
            printf("window [%d, %d) of %d\n", need.lo, need.hi, in->shape.h);
            return false;
        }
        ring = need.hi - need.lo > ring ? need.hi - need.lo : ring;
        chunk = hi - y > chunk ? hi - y : chunk;
        cuts[n] = hi;
        y = hi;
    }
    memset(t->arena, GUARD, ARENA);
    in->rows = clip(ring + between(0, 1), 1, in->shape.h);
    out->rows = reduce ? 1 : clip(chunk + between(0, 1), 1, out->shape.h);
    in->offset = 64;
    out->offset = align(64 + (uint32_t)(in->rows * in->row_bytes)) + 64;
    const uint32_t out_end = out->offset + (uint32_t)(out->rows * out->row_bytes);
    p.node.scratch = align(out_end) + 64;
    p.node.scratch_bytes = t->layer->scratch_bytes;
    const uint32_t end = p.node.scratch + p.node.scratch_bytes;
    for (int32_t i = 0, y = 0, fed = 0; i < n; y = cuts[i++]) {
        const nnom_range_t rows = {y, cuts[i]};
        const nnom_range_t need = reduce ? rows : p.node.op->window(&p.program, &p.node, 0, rows);
        for (; fed < need.hi; fed++) {
            memcpy(t->arena + in->offset + (fed % in->rows) * in->row_bytes, (uint8_t *)t->x + fed * in->row_bytes,
                   (size_t)in->row_bytes);
        }
        run_rows(t, &p, rows.lo, rows.hi);
        for (int32_t o = rows.lo; !reduce && o < rows.hi; o++) {
            const int32_t per_row = out->shape.w * out->shape.c;
            if (!same_values(t, t->arena + out->offset + (o % out->rows) * out->row_bytes, o * per_row, per_row)) {
                printf("row %d\n", (int)o);
                return false;
            }
        }
    }
    for (uint32_t i = 0; i < 64; i++) {
        if (t->arena[i] != GUARD || t->arena[out->offset - 1 - i] != GUARD || t->arena[out_end + i] != GUARD ||
            t->arena[end + i] != GUARD) {
            printf("wrote outside\n");
            return false;
        }
    }
    return !reduce || same_values(t, t->arena + out->offset, 0, out->shape.c);
}

static void free_case(test_case_t *t)
{
    t->layer->in = NULL;
    nnom_layer_free(t->layer);
    free(t->w8);
    free(t->wf);
    free(t->b32);
    free(t->bf);
    free(t->scales);
    free(t->x);
    free(t->expected);
}

int main(int argc, char **argv)
{
    const long cases = argc > 1 ? strtol(argv[1], NULL, 10) : 3000;
    const uint64_t seed = argc > 2 ? (uint64_t)strtol(argv[2], NULL, 10) : 1;
    uint8_t *arena = malloc(ARENA);
    long ran[KINDS] = {0}, refused[KINDS] = {0}, overlapped[KINDS] = {0};
    for (long i = 0; i < cases; i++) {
        rng_state = (seed * 1000003u + (uint64_t)i) * 0x9E3779B97F4A7C15u + 1u;
        for (int k = 0; k < 8; k++) {
            (void)next();
        }
        test_case_t t = {.kind = (enum kind)(i % KINDS), .is_float = between(0, 2) == 0, .arena = arena};
        const nnom_status_t status = make_case(&t);
        if (status != NNOM_OK) {
            refused[t.kind]++;
            free_case(&t);
            continue;
        }
        make_input(&t);
        compute_expected(&t);
        ran[t.kind]++;
        const nnom_shape_t o = t.layer->out.shape;
        overlapped[t.kind] += t.layer->overlap < o.h * t.layer->out.row_bytes;
        if (!run_overlapping(&t) || !run_overlapping(&t) || !run_rolling(&t) || !run_rolling(&t)) {
            const nnom_geometry_t *g = &t.layer->geometry;
            const nnom_shape_t s = t.source.out.shape;
            printf("case %ld of seed %ld: %s %s in (%d, %d, %d) out (%d, %d, %d) k %d %d s %d %d d %d %d pad %d %d %d "
                   "%d\n",
                   i, (long)seed, names[t.kind], t.is_float ? "f32" : "s8", s.h, s.w, s.c, o.h, o.w, o.c, g->kernel_h,
                   g->kernel_w, g->stride_h, g->stride_w, g->dilation_h, g->dilation_w, g->pad_top, g->pad_bottom,
                   g->pad_left, g->pad_right);
            free_case(&t);
            free(arena);
            return 1;
        }
        free_case(&t);
    }
    for (int k = 0; k < KINDS; k++) {
        printf("%-10s %6ld ran, %ld overlapping, %ld refused\n", names[k], ran[k], overlapped[k], refused[k]);
    }
    free(arena);
    return 0;
}
