/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Plans of random graphs: what is printed is true, memory is shared only where that is safe, the arena is not larger
 * than what lives together, and the results are those of a run in which nothing shares memory.
 */
#include <stdio.h>
#include <string.h>

#include "random_layers.h"
#include "separate.h"

#include "../../src/build/graph.h"

enum { MAX_VALUES = 40, MAX_LAYERS = 96 };

typedef struct value {
    nnom_layer_t *layer;
    nnom_shape_t shape;
    bool used;
} value_t;

typedef struct graph {
    nnom_model_t *m;
    value_t values[MAX_VALUES];
    int32_t count;
} graph_t;

static void put(graph_t *g, nnom_layer_t *layer, nnom_shape_t s)
{
    const value_t value = {layer, s, false};
    if (CHECK(g->count < MAX_VALUES, "too many values")) {
        g->values[g->count++] = value;
    }
}

/* Recent values more often: chains with branches. */
static value_t *pick(graph_t *g)
{
    const int32_t from = random_chance(70) && g->count > 2 ? g->count - 2 : 0;
    return &g->values[random_in(from, g->count - 1)];
}

static nnom_layer_t *use(value_t *v)
{
    v->used = true;
    return v->layer;
}

static void add_conv(graph_t *g)
{
    value_t *v = pick(g);
    const nnom_shape_t s = shape(v->shape.h, v->shape.w, random_in(1, 6));
    const int32_t k = random_chance(50) ? 3 : 1;
    const weights_t *w = random_weights(s.c, k * k * v->shape.c);
    nnom_layer_t *layer = Conv2D(s.c, kernel(k, k), stride(1, 1), PADDING_SAME, &w->w, w->bias);
    layer = g->m->hook(weighted(layer, w, k * k * v->shape.c), use(v));
    put(g, random_chance(40) ? g->m->active(act_relu(), layer) : layer, s);
}

static void add_depthwise(graph_t *g)
{
    value_t *v = pick(g);
    const weights_t *w = random_weights(v->shape.c, 9);
    nnom_layer_t *layer = DW_Conv2D(1, kernel(3, 3), stride(1, 1), PADDING_SAME, &w->w, w->bias);
    put(g, g->m->hook(weighted(layer, w, 9), use(v)), v->shape);
}

static void add_pointwise(graph_t *g)
{
    value_t *v = pick(g);
    nnom_layer_t *layers[3] = {TanH(), Softmax(), MaxPool(kernel(2, 2), stride(1, 1), PADDING_SAME)};
    const int32_t kind = random_in(0, 2);
    for (int32_t i = 0; i < 3; i++) {
        if (i != kind) {
            nnom_discard(layers[i]);
        }
    }
    put(g, g->m->hook(layers[kind], use(v)), v->shape);
}

/* Any other value of the same shape, or the first again. */
static void add_sum(graph_t *g)
{
    value_t *a = pick(g), *b = a;
    for (int32_t i = 0; i < g->count; i++) {
        const nnom_shape_t s = g->values[i].shape;
        const bool same = s.h == a->shape.h && s.w == a->shape.w && s.c == a->shape.c;
        b = same && random_chance(50) ? &g->values[i] : b;
    }
    put(g, g->m->merge(random_chance(50) ? Add() : Mult(), use(a), use(b)), a->shape);
}

static void add_concat(graph_t *g)
{
    value_t *a = pick(g);
    nnom_shape_t s = shape(a->shape.h, a->shape.w, 0);
    nnom_layer_t *concat = Concat(-1);
    for (int32_t i = 0, n = random_in(2, 4); i < n; i++) {
        value_t *v = i == 0 ? a : pick(g);
        if (v->shape.h == s.h && v->shape.w == s.w) {
            (void)g->m->hook(concat, use(v));
            s.c += v->shape.c;
        }
    }
    put(g, concat, s);
}

static void add_pool(graph_t *g)
{
    value_t *v = pick(g);
    const nnom_shape_t s = shape((v->shape.h + 1) / 2, (v->shape.w + 1) / 2, v->shape.c);
    put(g, g->m->hook(MaxPool(kernel(2, 2), stride(2, 2), PADDING_SAME), use(v)), s);
}

static void add_view(graph_t *g)
{
    value_t *v = pick(g);
    const nnom_shape_t s = shape(v->shape.h, v->shape.w * v->shape.c, 1);
    put(g, g->m->hook(Reshape(s), use(v)), s);
}

/* Every loose end gets an Output, some with a buffer of their own, and a second one sometimes. Returns one of them. */
static nnom_layer_t *close_graph(graph_t *g)
{
    nnom_layer_t *last = NULL;
    for (int32_t i = 0; i < g->count; i++) {
        const value_t *v = &g->values[i];
        if (!v->used || random_chance(5)) {
            void *buffer = random_chance(30) ? keep((size_t)(v->shape.h * v->shape.w * v->shape.c) * 4u) : NULL;
            last = g->m->hook(Output(v->shape, buffer), v->layer);
        }
    }
    return last;
}

static nnom_layer_t *random_graph(nnom_model_t *m, int32_t size)
{
    static void (*const adds[])(graph_t * g) = {add_conv, add_conv,   add_depthwise, add_pointwise,
                                                add_sum,  add_concat, add_pool,      add_view};
    graph_t g = {.m = m};
    random_float_model(random_chance(15));
    const nnom_shape_t s = shape(random_in(1, 10), random_in(1, 6), random_in(1, 4));
    for (int32_t i = 0, n = random_chance(25) ? 2 : 1; i < n; i++) {
        put(&g, random_source(m, s), s);
    }
    for (int32_t i = 0; i < size; i++) {
        adds[random_in(0, 7)](&g);
    }
    return close_graph(&g);
}

/* ---- What is printed ---- */

typedef struct piece {
    uint32_t offset, bytes;
    uint16_t first, last;
    bool scratch;
} piece_t;

typedef struct pieces {
    piece_t at[2 * MAX_LAYERS];
    uint32_t count;
} pieces_t;

static pieces_t pieces_of(const nnom_model_t *m)
{
    pieces_t p = {.count = 0};
    nnom_layer_info_t info;
    for (uint32_t i = 0; i < MAX_LAYERS && nnom_layer_info(m, i, &info) == NNOM_OK; i++) {
        const uint32_t kept = (uint32_t)info.out.rows * (uint32_t)info.out.row_bytes;
        const piece_t out = {info.out.offset, kept, info.first_step, info.last_step, false};
        const uint16_t step = (uint16_t)(info.node + 1);
        const piece_t scratch = {info.scratch_offset, info.scratch_bytes, step, step, true};
        if (info.lies_in == NULL && info.out.data == NULL) {
            p.at[p.count++] = out;
        }
        if (info.node != NNOM_NO_NODE && info.scratch_bytes > 0) {
            p.at[p.count++] = scratch;
        }
    }
    return p;
}

static uint32_t rounded(uint32_t n)
{
    return (n + 3u) & ~3u;
}

/* Two pieces may share bytes only if their lives do not meet, or at the step where one is read and the other written.
 */
static void check_pieces(const pieces_t *p, const nnom_totals_t *totals)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        const piece_t *a = &p->at[i];
        uint32_t live = 0;
        CHECK(a->offset % 4 == 0 && a->offset + a->bytes <= totals->arena_bytes, "bytes %lu to %lu of an arena of %lu",
              (unsigned long)a->offset, (unsigned long)(a->offset + a->bytes), (unsigned long)totals->arena_bytes);
        for (uint32_t k = 0; k < p->count; k++) {
            const piece_t *b = &p->at[k];
            const bool meet = a->first <= b->last && b->first <= a->last && i != k;
            const bool shared = a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
            const bool handed_on = !a->scratch && !b->scratch && (a->last == b->first || b->last == a->first);
            CHECK(!meet || !shared || handed_on, "pieces %d and %d share memory while both live", (int)i, (int)k);
            live += b->first <= a->first && a->first <= b->last ? rounded(b->bytes) : 0;
        }
        most = live > most ? live : most;
    }
    CHECK(totals->arena_bytes <= most && totals->live_bytes <= totals->arena_bytes,
          "an arena of %lu for %lu bytes, lower bound %lu", (unsigned long)totals->arena_bytes, (unsigned long)most,
          (unsigned long)totals->live_bytes);
}

/* A tensor lives from the step of its node to the last step of a node that reads it, outputs to the end. */
static void check_lives(const nnom_model_t *m)
{
    const uint32_t end = nnom_node_count(&m->instance) + 1;
    uint16_t first, last;
    nnom_layer_info_t info;
    for (uint32_t i = 0; nnom_layer_info(m, i, &info) == NNOM_OK; i++) {
        if (info.out.data != NULL) {
            continue;
        }
        const bool runs = info.node != NNOM_NO_NODE;
        CHECK(!runs || info.first_step == info.node + 1, "layer %s lives from step %d, its node is %d", info.name,
              (int)info.first_step, (int)info.node);
        CHECK(info.first_step <= info.last_step && info.last_step <= end, "layer %s lives from %d to %d of %d",
              info.name, (int)info.first_step, (int)info.last_step, (int)end);
    }
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        for (uint32_t i = 0; layer->node != NNOM_NO_NODE && i < nnom_layer_input_number(layer); i++) {
            const nnom_layer_t *from = nnom_layer_root(nnom_layer_input_layer(layer, i));
            nnom_layer_life(m, from, &first, &last);
            CHECK(from->out->data != NULL || last >= layer->node + 1, "layer %s ends before %s reads it",
                  nnom_layer_name(from), nnom_layer_name(layer));
        }
        nnom_layer_life(m, layer, &first, &last);
        CHECK(!nnom_is_output(m, layer) || nnom_layer_root(layer)->out->data != NULL || last == end,
              "output %s does not live to the end", nnom_layer_name(layer));
    }
}

/* One of the plan's lines: "... 3-7". */
static void check_printed(const nnom_model_t *m, const nnom_totals_t *totals)
{
    char line[160];
    log_clear();
    model_print(m);
    (void)snprintf(line, sizeof line, "arena %lu B (lower bound %lu B), descriptors %lu B, weights %lu B",
                   (unsigned long)totals->arena_bytes, (unsigned long)totals->live_bytes,
                   (unsigned long)totals->descriptor_bytes, (unsigned long)totals->weight_bytes);
    CHECK(strstr(log_text(), line) != NULL, "no line '%s' in:\n%s", line, log_text());
    nnom_layer_info_t info;
    for (uint32_t i = 0; nnom_layer_info(m, i, &info) == NNOM_OK; i++) {
        CHECK(strstr(log_text(), info.name) != NULL, "layer %s is not printed", info.name);
    }
    log_clear();
}

static void one_graph(int32_t size)
{
    nnom_model_t m;
    nnom_totals_t totals;
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    nnom_layer_t *last = random_graph(&m, size);
    const nnom_options_t whole = {.mode = NNOM_MODE_WHOLE};
    const nnom_status_t status = nnom_compile(&m, last, NULL, &whole);
    const bool refused = status == NNOM_BAD_QUANT || status == NNOM_OVERFLOW;
    if (CHECK(status == NNOM_OK || refused, "status %d: %s", (int)status, model_error_text(&m)) && !refused) {
        CHECK(nnom_totals(&m, &totals) == NNOM_OK, "nnom_totals");
        const pieces_t pieces = pieces_of(&m);
        check_pieces(&pieces, &totals);
        check_lives(&m);
        check_printed(&m, &totals);
        separate_t s = separate_new(&m);
        check_model_run(&s);
        const samples_t k = samples_of(&s);
        check_modes(&m, last, &k, NNOM_TARGET_PLAIN);
        separate_free(&s);
    }
    model_delete(&m);
    forget();
}

static void graphs(int32_t size, uint32_t cases)
{
    for (uint32_t i = 0; i < cases && !test_failed(); i++) {
        test_context("seed=%lu:", (unsigned long)(test_seed + i));
        random_seed(test_seed + i);
        one_graph(size);
    }
    test_context("%s", "");
}

static void small_graphs(void)
{
    graphs(4, test_cases);
}

static void graphs_of_ten(void)
{
    graphs(10, test_cases / 2);
}

static void large_graphs(void)
{
    graphs(25, (test_cases + 3) / 4);
}

const test_t plan_tests[] = {TEST(small_graphs), TEST(graphs_of_ten), TEST(large_graphs), {NULL, NULL}};
