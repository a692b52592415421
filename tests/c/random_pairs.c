/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Random models of layers that compare, choose and look up, and of two inputs (random_layers.h). */
#include "random_layers.h"

/* A side of `full` that is sometimes 1. */
static int32_t maybe_one(int32_t full)
{
    return random_chance(25) ? 1 : full;
}

static nnom_layer_t *second_source(nnom_model_t *m, nnom_shape_t s)
{
    return random_source(m, shape(maybe_one(s.h), maybe_one(s.w), maybe_one(s.c)));
}

static nnom_layer_t *pair(nnom_model_t *m, nnom_layer_t *layer)
{
    const nnom_shape_t s = random_begin();
    nnom_layer_t *a = second_source(m, s), *b = second_source(m, s);
    return m->merge(layer, a, b);
}

nnom_layer_t *make_squared_difference(nnom_model_t *m)
{
    return pair(m, SquaredDifference());
}

nnom_layer_t *make_divide(nnom_model_t *m)
{
    return pair(m, Divide());
}

nnom_layer_t *make_power(nnom_model_t *m)
{
    return pair(m, Power());
}

nnom_layer_t *make_compare(nnom_model_t *m)
{
    return pair(m, Compare((nnom_relation_t)random_in(0, 5)));
}

nnom_layer_t *make_select(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    nnom_layer_t *a = second_source(m, s), *b = second_source(m, s), *c = second_source(m, s);
    return m->mergex(Select(), 3, m->merge(Compare(NNOM_LESS), a, b), b, c);
}

nnom_layer_t *make_look_up(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    nnom_layer_t *table = random_source(m, s);
    nnom_layer_t *of = random_source(m, shape(random_in(1, 9), 1, random_in(1, 20)));
    return m->merge(LookUp(), m->hook(ArgMax(2), of), table);
}

nnom_layer_t *make_top_k(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    return m->hook(TopK(random_in(1, s.c), random_chance(30)), random_source(m, s));
}

nnom_layer_t *make_dense_by_rows(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    const int32_t units = random_in(1, 7);
    const weights_t *k = random_weights(units, 1);
    nnom_layer_t *a = random_source(m, s), *b = random_source(m, shape(maybe_one(s.h), units, s.c));
    return m->merge(DenseByRows(k->bias), a, b);
}
