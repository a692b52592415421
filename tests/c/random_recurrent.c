/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Models of one random recurrent layer: every cell, by the forms of 2019 and by all that can be said of it. */
#include "random_layers.h"

#include <math.h>

#include "separate.h"

typedef nnom_cell_t *(*cell_maker_t)(const nnom_cell_config_t *config);

static void *random_array(int32_t count, nnom_type_t type)
{
    const uint32_t bytes = (uint32_t)count * (type == NNOM_TYPE_S8 ? 1u : 4u);
    void *data = keep(bytes);
    if (type == NNOM_TYPE_S32) {
        const int32_t large = random_chance(30) ? 5 : 0; /* of a hundred: beyond the bounds of most kernels */
        for (int32_t i = 0; i < count; i++) {
            ((int32_t *)data)[i] = random_chance(large) ? random_in(-1000000000, 1000000000) : random_in(-30000, 30000);
        }
        return data;
    }
    fill_random(data, type, bytes);
    return data;
}

static const float *random_scales(int32_t count)
{
    float *scales = keep((size_t)count * sizeof(float));
    for (int32_t i = 0; i < count; i++) {
        scales[i] = random_float(0.0005f, 0.03f);
    }
    return scales;
}

/* Mostly few; more than a block of any kernel now and then. */
static int32_t random_size(void)
{
    return random_chance(20) ? random_in(10, 70) : random_in(1, 9);
}

static nnom_cell_config_t random_config(int32_t gates, int32_t features, bool is_float)
{
    const nnom_type_t weight = is_float ? NNOM_TYPE_F32 : NNOM_TYPE_S8, bias = is_float ? NNOM_TYPE_F32 : NNOM_TYPE_S32;
    const int32_t units = random_size(), rows = gates * units, scales = random_chance(50) ? gates : rows;
    nnom_cell_config_t config = {.units = units,
                                 .activation = (nnom_cell_activation_t)random_in(0, 3),
                                 .reset_after = gates == 3 && random_chance(50),
                                 .weights = random_array(rows * features, weight),
                                 .recurrent = random_array(rows * units, weight),
                                 .bias = random_chance(70) ? random_array(rows, bias) : NULL,
                                 .recurrent_bias = random_chance(30) ? random_array(rows, bias) : NULL,
                                 .weight_scales = random_scales(scales),
                                 .recurrent_scales = random_scales(scales),
                                 .scale_count = (uint32_t)scales,
                                 .cell_clip = gates == 4 && random_chance(30) ? random_float(0.1f, 20.0f) : 0.0f};
    if (random_chance(50)) {
        config.state_type = random_chance(50) ? NNOM_TYPE_S8 : NNOM_TYPE_S16;
        config.state_scale = random_float(0.0001f, 0.05f);
        config.state_zero_point = random_in(-128, 127);
        config.cell_scale = gates == 4 ? ldexpf(1.0f, random_in(-15, 0)) : 0.0f;
    }
    return config;
}

static nnom_layer_t *make_recurrent(nnom_model_t *m, int32_t gates, cell_maker_t make)
{
    const nnom_shape_t s = shape(random_in(1, 13), 1, random_size());
    nnom_layer_t *in = random_source(m, s);
    const nnom_cell_config_t config = random_config(gates, s.c, random_is_float());
    const bool sequence = random_chance(50);
    const nnom_rnn_config_t flags = {sequence, random_chance(30), sequence && random_chance(30)};
    nnom_layer_t *layer = rnn_s(make(&config), &flags);
    layer = random_chance(50) ? nnom_layer_set_quant(layer, random_float(0.004f, 0.02f), random_in(-20, 20)) : layer;
    return m->hook(layer, in);
}

nnom_layer_t *make_simple_rnn(nnom_model_t *m)
{
    return make_recurrent(m, 1, simple_cell_s);
}

nnom_layer_t *make_gru(nnom_model_t *m)
{
    return make_recurrent(m, 3, gru_cell_s);
}

nnom_layer_t *make_lstm(nnom_model_t *m)
{
    return make_recurrent(m, 4, lstm_cell_s);
}

/* What is left after the last step; nobody reads the layer's own output. */
nnom_layer_t *make_last_state(nnom_model_t *m)
{
    const bool lstm = random_chance(50);
    nnom_layer_t *layer = lstm ? make_lstm(m) : make_gru(m);
    return nnom_layer_part(layer, lstm && random_chance(50) ? 2 : 1);
}

/* The forms of 2019: all weights in one array, in a Q-format. */
nnom_layer_t *make_rnn_2019(nnom_model_t *m)
{
    const nnom_shape_t s = shape(random_in(1, 13), 1, random_in(1, 9));
    const int32_t units = random_in(1, 9), kind = random_in(0, 2), gates = kind == 0 ? 1 : kind + 2;
    nnom_layer_t *in = random_source(m, s);
    const weights_t *k = random_weights(gates * units, s.c + units);
    nnom_activation_t *const act[3] = {act_tanh(), act_sigmoid(), act_relu()};
    nnom_cell_t *cell = kind == 0 ? SimpleCell(units, act[random_in(0, 2)], &k->w, k->bias)
                                  : (kind == 1 ? GRUCell(units, &k->w, k->bias) : LSTMCell(units, &k->w, k->bias));
    return m->hook(RNN(cell, random_chance(50)), in);
}

static const int16_t *random_times(int32_t count)
{
    int16_t *times = keep((size_t)count * sizeof(int16_t));
    for (int32_t i = 0; i < count; i++) {
        times[i] = (int16_t)random_in(-32768, 32767);
    }
    return times;
}

/* A step whose state goes on from run to run. */
nnom_layer_t *make_svdf(nnom_model_t *m)
{
    const nnom_shape_t s = shape(1, random_in(1, 3), random_in(1, 9));
    nnom_layer_t *in = random_source(m, s);
    const bool real = random_is_float();
    const int32_t units = random_in(1, 9), rank = random_in(1, 3), memory = random_in(1, 7), filters = units * rank;
    const nnom_type_t weight = real ? NNOM_TYPE_F32 : NNOM_TYPE_S8, bias = real ? NNOM_TYPE_F32 : NNOM_TYPE_S32;
    const void *time =
        real ? random_array(filters * memory, NNOM_TYPE_F32) : (const void *)random_times(filters * memory);
    const nnom_svdf_config_t config = {.units = units,
                                       .rank = rank,
                                       .memory = memory,
                                       .features = random_array(filters * s.w * s.c, weight),
                                       .time = time,
                                       .bias = random_chance(70) ? random_array(units, bias) : NULL,
                                       .feature_scale = random_float(0.0005f, 0.03f),
                                       .time_scale = random_float(0.00001f, 0.0001f)};
    nnom_layer_t *state = nnom_state(shape(1, 1, filters * memory), NULL);
    state = nnom_layer_set_type(state, real ? NNOM_TYPE_F32 : NNOM_TYPE_S16);
    state = nnom_layer_set_quant(state, random_float(0.0001f, 0.01f), 0);
    (void)nnom_own(m, state); /* also where the layer fails that it should be hooked to */
    nnom_layer_t *layer = m->hook(m->hook(nnom_svdf(&config), in), state);
    (void)nnom_state_set(state, nnom_layer_part(layer, 1));
    return layer;
}
