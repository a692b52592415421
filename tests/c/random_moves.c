/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Models of one random layer each: those of nnom_layers.h that move, reduce or convert. */
#include "random_layers.h"

static nnom_layer_t *after_source(nnom_model_t *m, nnom_shape_t s, nnom_layer_t *layer)
{
    return m->hook(layer, random_source(m, s));
}

nnom_layer_t *make_log_softmax(nnom_model_t *m)
{
    return after_source(m, random_begin(), LogSoftmax());
}

nnom_layer_t *make_l2_norm(nnom_model_t *m)
{
    return after_source(m, random_begin(), L2Norm());
}

nnom_layer_t *make_gather(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    const int32_t axis = random_in(-3, 2), count = random_in(1, 9);
    const int32_t side = axis % 3 == 0 ? s.h : ((axis + 3) % 3 == 1 ? s.w : s.c);
    int32_t *indices = keep((size_t)count * sizeof *indices);
    const bool ascending = random_chance(50);
    for (int32_t i = 0; i < count; i++) {
        indices[i] = ascending ? i * side / count : random_in(0, side - 1);
    }
    return after_source(m, s, Gather(axis, indices, count));
}

nnom_layer_t *make_tile(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    return after_source(m, s, Tile(shape(random_chance(50) ? 1 : random_in(1, 3), random_in(1, 3), random_in(1, 2))));
}

nnom_layer_t *make_mirror_pad(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    const nnom_border_t b = border(random_in(0, 3), random_in(0, 3), random_in(0, 3), random_in(0, 3));
    const nnom_border_t flat = border(0, 0, b.left, b.right);
    const int32_t front = random_in(0, 1), back = random_in(0, 1);
    return after_source(m, s, MirrorPad(s.h == 1 ? flat : b, front, back, random_chance(50)));
}

nnom_layer_t *make_transpose(nnom_model_t *m)
{
    static const nnom_shape_t perms[6] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const nnom_shape_t s = random_begin();
    return after_source(m, s, Transpose(perms[random_in(0, 5)]));
}

nnom_layer_t *make_space_to_depth(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    const int32_t block = random_in(1, 3);
    return after_source(m, shape(s.h * block, s.w * block, s.c), SpaceToDepth(block));
}

nnom_layer_t *make_depth_to_space(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    const int32_t block = random_in(1, 3);
    return after_source(m, shape(s.h, s.w, s.c * block * block), DepthToSpace(block));
}

static nnom_size_t random_size(nnom_shape_t s)
{
    return kernel(s.h == 1 && random_chance(70) ? 1 : random_in(1, 20), random_in(1, 16));
}

static nnom_resize_t random_mode(void)
{
    return random_chance(40) ? NNOM_RESIZE_PLAIN
                             : (random_chance(50) ? NNOM_RESIZE_ALIGN_CORNERS : NNOM_RESIZE_HALF_PIXEL);
}

nnom_layer_t *make_resize_nearest(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    const nnom_size_t size = random_size(s);
    return after_source(m, s, ResizeNearest(size, random_mode()));
}

nnom_layer_t *make_resize_bilinear(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    const nnom_size_t size = random_size(s);
    return after_source(m, s, ResizeBilinear(size, random_mode()));
}

nnom_layer_t *make_reduce(nnom_model_t *m)
{
    static const nnom_reduce_t kinds[4] = {NNOM_REDUCE_MEAN, NNOM_REDUCE_SUM, NNOM_REDUCE_MAX, NNOM_REDUCE_MIN};
    const nnom_shape_t s = random_begin();
    const nnom_reduce_t kind = kinds[random_in(0, 3)];
    const bool h = random_chance(50), w = random_chance(50), c = random_chance(50);
    return after_source(m, s, Reduce(kind, h, w, c));
}

nnom_layer_t *make_arg_max(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    const int32_t axis = random_in(-3, 2);
    return after_source(m, s, random_chance(50) ? ArgMax(axis) : ArgMin(axis));
}

nnom_layer_t *make_batch_matmul(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    const int32_t n = random_in(1, 7);
    const bool transpose_a = random_chance(50), transpose_b = random_chance(50);
    const int32_t a_h = random_chance(20) ? 1 : s.h, b_h = random_chance(40) ? 1 : s.h;
    nnom_layer_t *a = random_source(m, transpose_a ? shape(a_h, s.c, s.w) : shape(a_h, s.w, s.c));
    nnom_layer_t *b = random_source(m, transpose_b ? shape(b_h, n, s.c) : shape(b_h, s.c, n));
    nnom_layer_t *layer = BatchMatmul(transpose_a, transpose_b);
    return m->merge(nnom_layer_set_quant(layer, random_float(0.01f, 2.0f), random_zero(3)), a, b);
}

static nnom_type_t random_type(void)
{
    static const nnom_type_t types[4] = {NNOM_TYPE_S8, NNOM_TYPE_F32, NNOM_TYPE_U8, NNOM_TYPE_S16};
    return types[random_in(0, 3)];
}

/* Twice, so that int8, uint8 and float all come and go. */
nnom_layer_t *make_quantize(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    nnom_layer_t *first = nnom_layer_set_quant(Quantize(random_type()), random_float(0.01f, 0.1f), random_in(0, 100));
    nnom_layer_t *x = after_source(m, s, first);
    return m->hook(nnom_layer_set_quant(Quantize(random_type()), random_float(0.01f, 0.1f), random_in(0, 100)), x);
}

nnom_layer_t *make_cast(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    nnom_layer_t *x = after_source(m, s, random_chance(50) ? Cast(random_type()) : ArgMax(2));
    return m->hook(random_chance(50) ? Cast(NNOM_TYPE_S32) : Cast(random_type()), x);
}

/* ---- A model of several layers ---- */

void branching_model(nnom_model_t *m)
{
    random_float_model(false);
    (void)new_model(m);
    nnom_set_verbose(m, false);
    nnom_layer_t *in = random_source(m, shape(6, 5, 3));
    const weights_t *w = random_weights(4, 27);
    nnom_layer_t *conv = nnom_layer_set_name(
        weighted(Conv2D(4, kernel(3, 3), stride(1, 1), PADDING_SAME, &w->w, w->bias), w, 27), "first");
    nnom_layer_t *x = m->active(act_relu(), m->hook(conv, in));
    nnom_layer_t *y = m->hook(MaxPool(kernel(2, 2), stride(1, 1), PADDING_SAME), x);
    x = m->hook(Softmax(), m->hook(GlobalAvgPool(), m->merge(Add(), x, y)));
    const nnom_options_t whole = {.mode = NNOM_MODE_WHOLE};
    CHECK(nnom_compile(m, in, x, &whole) == NNOM_OK, "%s", model_error_text(m));
}
