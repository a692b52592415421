/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "random_net.h"

#include <string.h>

/* Enough for every layer that is not refused: dimension() and few layers keep tensors small. */
static const int8_t bytes[1 << 18];
static const nnom_weight_t weight = {bytes, 6}, no_weight = {NULL, 6};
static const float scales[6] = {0.01f, 0.5f, 0.1f, 1e-3f, 0.25f, 2.0f};

/* ---- Random layers ---- */

static int32_t dimension(void)
{
    static const int32_t absurd[] = {0, -1, INT32_MIN, INT32_MAX, 1 << 30};
    return random_chance(98) ? random_in(1, 4) : absurd[random_in(0, 4)];
}

static nnom_size_t pair(void)
{
    return kernel(dimension(), dimension());
}

static nnom_border_t sides(void)
{
    return border(random_in(0, 2), random_in(0, 2), random_in(-1, 2), random_in(0, 2));
}

static nnom_padding_t padding(void)
{
    return (nnom_padding_t)(random_chance(98) ? random_in(0, 1) : random_in(-1, 5));
}

static const nnom_weight_t *weights(void)
{
    return random_chance(97) ? &weight : (random_chance(50) ? &no_weight : NULL);
}

static nnom_layer_t *source(void)
{
    const nnom_shape_t s = random_chance(96) ? shape(random_in(1, 5), random_in(1, 5), random_in(1, 3))
                                             : shape(dimension(), dimension(), dimension());
    const int32_t fraction = random_in(-1, 9);
    const bool is_small = s.h < 6 && s.w < 6 && s.c < 6;
    if (is_small && random_chance(10)) {
        return nnom_layer_set_type(Input(s, NULL), NNOM_TYPE_F32);
    }
    return !is_small || random_chance(80) ? Input(s, qformat(7 - fraction, fraction), NULL) : Constant(s, bytes);
}

/* Settings that only some layers take: often on those, see settings() for the others. */
static nnom_layer_t *windowed(nnom_layer_t *layer)
{
    return random_chance(10) ? nnom_layer_set_padding(layer, sides()) : layer;
}

static nnom_layer_t *weighted(nnom_layer_t *layer)
{
    return random_chance(10) ? nnom_layer_set_weight_scales(layer, scales, (uint32_t)random_in(0, 6)) : layer;
}

static nnom_layer_t *with_weights(void)
{
    switch (random_in(0, 3)) {
    case 0:
        return windowed(
            weighted(Conv2D(dimension(), pair(), pair(), padding(), weights(), random_chance(50) ? &weight : NULL)));
    case 1:
        return windowed(weighted(DW_Conv2D(dimension(), pair(), pair(), pair(), padding(), weights(), NULL)));
    case 2:
        return windowed(weighted(
            Conv2DTranspose(dimension(), pair(), kernel(random_in(1, 2), dimension()), padding(), weights(), &weight)));
    default:
        return weighted(Dense(dimension(), weights(), NULL));
    }
}

static nnom_shape_t pick_shape(void)
{
    return shape(dimension(), dimension(), dimension());
}

static nnom_status_t copies(nnom_layer_t *layer)
{
    const nnom_shape_t from = nnom_layer_input_shape(layer), to = nnom_layer_shape(layer);
    const int32_t n = from.h * from.w * from.c;
    if (n == to.h * to.w * to.c) {
        memcpy(nnom_layer_output(layer), nnom_layer_input(layer), (size_t)n);
    }
    return NNOM_OK;
}

static nnom_layer_t *that_moves(void)
{
    static const int32_t indices[4] = {0, 1, -1, 0};
    switch (random_in(0, 6)) {
    case 0:
        return Slice(shape(random_in(0, 1), 0, random_in(-1, 1)), pick_shape(), shape(1, random_in(-1, 2), 1));
    case 1:
        return Pad(sides(), random_in(0, 1), random_in(0, 1), random_float(-1.0f, 1.0f));
    case 2:
        return Gather(random_in(-1, 2), indices, random_in(0, 4));
    case 3:
        return Tile(shape(random_in(1, 2), random_in(1, 2), dimension()));
    case 4:
        return MirrorPad(sides(), random_in(0, 1), 0, random_chance(50));
    case 5:
        return Transpose(shape(random_in(0, 2), random_in(0, 2), random_in(0, 2)));
    default:
        return SpaceToDepth(random_in(1, 2));
    }
}

static nnom_layer_t *that_computes(void)
{
    switch (random_in(0, 8)) {
    case 8:
        return Lambda(copies, NULL, NULL, NULL);
    case 0:
        return ResizeNearest(pair(), (nnom_resize_t)random_in(0, 2));
    case 1:
        return ResizeBilinear(pair(), (nnom_resize_t)random_in(0, 2));
    case 2:
        return Reduce((nnom_reduce_t)random_in(0, 3), random_chance(50), random_chance(50), random_chance(50));
    case 3:
        return ArgMax(random_in(-1, 2));
    case 4:
        return TopK(dimension(), random_chance(50));
    case 5:
        return nnom_layer_set_quant(Quantize((nnom_type_t)random_in(0, 4)), scales[random_in(0, 5)],
                                    random_in(-128, 127));
    case 6:
        return L2Norm();
    default:
        return LogSoftmax();
    }
}

static nnom_layer_t *of_one_input(void)
{
    switch (random_in(0, 15)) {
    case 14:
        return that_moves();
    case 15:
        return that_computes();
    case 0:
        return windowed(MaxPool(pair(), pair(), padding()));
    case 1:
        return windowed(AvgPool(pair(), pair(), padding()));
    case 2:
        return GlobalAvgPool();
    case 3:
        return Flatten();
    case 4:
        return Reshape(shape(dimension(), dimension(), dimension()));
    case 5:
        return Softmax();
    case 6:
        return ReLU();
    case 7:
        return UpSample(kernel(random_in(0, 2), random_in(1, 2)));
    case 8:
        return ZeroPadding(sides());
    case 9:
        return Cropping(sides());
    case 10:
        return Output(shape(dimension(), dimension(), dimension()), NULL);
    case 11:
        return Activation(random_chance(50) ? act_tanh() : act_relu6());
    case 12:
        return source();
    default:
        return with_weights();
    }
}

static nnom_layer_t *of_two_inputs(void)
{
    switch (random_in(0, 9)) {
    case 5:
        return Sub(random_in(-1, 1));
    case 6:
        return SquaredDifference();
    case 7:
        return Divide();
    case 8:
        return BatchMatmul(random_chance(50), random_chance(50));
    case 9:
        return DenseByRows(random_chance(50) ? &weight : NULL);
    case 0:
        return Concat(random_in(-4, 4));
    case 1:
        return Add();
    case 2:
        return Mult(random_in(-3, 3));
    case 3:
        return Maximum();
    default:
        return PReLU();
    }
}

/* The last two are refused by most layers. */
static void settings(nnom_layer_t *layer)
{
    if (random_chance(15)) {
        nnom_layer_set_quant(layer, scales[random_in(0, 5)], random_in(-130, 130));
    }
    if (random_chance(3)) {
        nnom_layer_set_type(layer, (nnom_type_t)random_in(-1, 4));
    }
    if (random_chance(1)) {
        nnom_layer_set_weight_scales(layer, scales, (uint32_t)random_in(0, 6));
    }
    if (random_chance(1)) {
        nnom_layer_set_padding(layer, sides());
    }
    if (random_chance(5)) {
        nnom_layer_set_name(layer, random_chance(50) ? "%s%n, and longer than what is kept of it" : "");
    }
}

nnom_layer_t *net_layer(void)
{
    return of_one_input();
}

/* ---- Random connections ---- */

static void join(net_t *net, int32_t a, int32_t b)
{
    const int32_t gone = net->group[b], kept = net->group[a];
    for (int32_t i = 0; i < net->count; i++) {
        net->group[i] = net->group[i] == gone ? kept : net->group[i];
    }
}

/* Layer i after the one before, or rarely after any, itself among them. */
static void connect(nnom_model_t *m, net_t *net, int32_t i, bool two)
{
    const int32_t a = random_chance(95) ? i - 1 : random_in(0, net->count - 1);
    const int32_t b = random_in(0, random_chance(95) ? i - 1 : net->count - 1);
    join(net, i, a);
    if (two == random_chance(97)) {
        join(net, i, b);
        (void)m->merge(net->layers[i], net->layers[a], net->layers[b]);
    } else {
        (void)m->hook(net->layers[i], net->layers[a]);
    }
    if (random_chance(15)) {
        (void)m->active(random_chance(50) ? act_relu() : act_sigmoid(), net->layers[i]);
    }
}

/* The last layer plus what it was before, if the shape is right by chance. */
static void add_state(nnom_model_t *m, net_t *net)
{
    const int32_t i = net->count;
    if (i + 2 > MOST) {
        return;
    }
    net->layers[i] =
        nnom_layer_set_quant(nnom_state(shape(dimension(), dimension(), dimension()), random_chance(50) ? bytes : NULL),
                             scales[random_in(0, 5)], 0);
    net->layers[i + 1] = Add();
    for (int32_t k = i; k < i + 2; k++) {
        net->group[k] = k;
        net->owned[k] = false;
    }
    net->count += 2;
    (void)m->merge(net->layers[i + 1], net->layers[i - 1], net->layers[i]);
    join(net, i + 1, i - 1);
    join(net, i + 1, i);
    (void)nnom_state_set(net->layers[i], net->layers[i + 1]);
}

void net_make(nnom_model_t *m, net_t *net)
{
    bool two[MOST];
    net->count = random_in(2, random_chance(50) ? 4 : MOST); /* the longer, the rarer it compiles */
    for (int32_t i = 0; i < net->count; i++) {
        two[i] = i > 1 && random_chance(25);
        net->layers[i] = i == 0 ? source() : (two[i] ? of_two_inputs() : of_one_input());
        net->group[i] = i;
        net->owned[i] = false;
        settings(net->layers[i]);
    }
    for (int32_t i = 1; i < net->count; i++) {
        connect(m, net, i, two[i]);
    }
    if (random_chance(5)) {
        add_state(m, net);
    }
}

/* ---- Compiling, giving back ---- */

nnom_status_t net_compile(nnom_model_t *m, net_t *net, const nnom_options_t *options)
{
    const int32_t in = random_chance(95) ? 0 : random_in(0, net->count - 1);
    const int32_t out = random_chance(95) ? net->count - 1 : random_in(0, net->count - 1);
    const bool open = random_chance(20);
    for (int32_t i = 0; i < net->count; i++) {
        net->owned[i] = net->owned[i] || net->group[i] == net->group[in] || (!open && net->group[i] == net->group[out]);
    }
    return nnom_compile(m, net->layers[in], open ? NULL : net->layers[out], options);
}

void net_discard(net_t *net)
{
    for (int32_t i = 0; i < net->count; i++) {
        if (!net->owned[i]) {
            nnom_discard(net->layers[i]);
        }
        for (int32_t k = i; k < net->count; k++) { /* went with it */
            net->owned[k] = net->owned[k] || net->group[k] == net->group[i];
        }
    }
}
