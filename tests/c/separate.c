/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "separate.h"
#include "../../src/build/kernel.h"

#include <stdlib.h>
#include <string.h>

uint32_t tensor_size(const nnom_tensor_t *t)
{
    return (uint32_t)t->shape.h * (uint32_t)t->row_bytes;
}

const nnom_layer_t *layer_of(const nnom_model_t *m, uint32_t node)
{
    const nnom_layer_t *layer = m->builder->layers;
    while (layer->node != node) {
        layer = layer->next;
    }
    return layer;
}

/* int8: of any size, or the extremes alone, which make the largest sums, or mostly small as trained weights are. */
static void fill_bytes(int8_t *to, nnom_type_t type, uint32_t bytes)
{
    const int32_t style = type == NNOM_TYPE_S8 ? random_in(0, 5) : 0;
    random_bytes(to, bytes);
    for (uint32_t i = 0; i < bytes && style >= 4; i++) {
        to[i] = (int8_t)(style == 5 || random_chance(4) ? (to[i] < random_in(-128, 127) ? -128 : 127) : to[i] / 4);
    }
}

void fill_random(void *to, nnom_type_t type, uint32_t bytes)
{
    if (type != NNOM_TYPE_F32) {
        fill_bytes(to, type, bytes);
        return;
    }
    for (uint32_t i = 0; i < bytes / sizeof(float); i++) {
        ((float *)to)[i] = random_float(-4.0f, 4.0f);
    }
}

/* ---- Memory ---- */

/* The tensor whose bytes these are: views and outputs lie in another one. */
static uint32_t root_of(const nnom_model_t *m, uint32_t tensor)
{
    const nnom_layer_t *layer = m->builder->layers;
    while (layer->passed || layer->tensor != tensor) {
        layer = layer->next;
    }
    return nnom_layer_root(layer)->tensor;
}

static bool is_computed(const nnom_program_t *p, uint32_t tensor)
{
    for (uint32_t n = 0; n < p->node_count; n++) {
        if (nnom_node_output_index(&p->nodes[n], 0) == tensor) {
            return true;
        }
    }
    return false;
}

static void make_buffers(separate_t *s)
{
    const nnom_program_t *p = s->m->instance.program;
    for (uint32_t t = 0; t < p->tensor_count; t++) {
        s->tensors[t] = p->tensors[t];
        s->tensors[t].rows = p->tensors[t].shape.h;
        if (root_of(s->m, t) == t) {
            s->buffers[t] = guarded_new(tensor_size(&p->tensors[t]));
            if (!is_computed(p, t)) {
                memcpy(s->buffers[t].data, nnom_tensor_rows(&p->tensors[t], &s->m->instance.arena).data,
                       s->buffers[t].bytes);
            }
        }
    }
    for (uint32_t t = 0; t < p->tensor_count; t++) {
        s->tensors[t].data = s->buffers[root_of(s->m, t)].data;
    }
}

static void run_node(const separate_t *s, uint32_t n)
{
    nnom_node_t node = s->program.nodes[n];
    guarded_t scratch = guarded_new(node.scratch_bytes);
    int32_t status = NNOM_OK;
    const bool reduces = (node.op->flags & NNOM_OP_REDUCES) != 0;
    const int32_t rows = s->tensors[reduces ? node.inputs[0] : nnom_node_output_index(&node, 0)].shape.h;
    node.scratch = 0;
    const nnom_arena_t arena = {{scratch.data, NULL}};
    const nnom_call_t call = {&s->program, &node, &arena, {0, rows}, &status};
    node.op->run(&call);
    CHECK(guarded_free(&scratch), "node %d writes beyond its scratch", (int)n);
    CHECK(guarded_intact(&s->buffers[root_of(s->m, nnom_node_output_index(&node, 0))]),
          "node %d writes beyond its output", (int)n);
}

separate_t separate_new(nnom_model_t *m)
{
    const uint32_t count = m->instance.program->tensor_count;
    separate_t s = {m, *m->instance.program, keep(count * sizeof *s.tensors), keep(count * sizeof *s.buffers)};
    for (uint32_t i = 0; i < nnom_input_count(&m->instance); i++) {
        fill_random(nnom_input_buffer(&m->instance, i), nnom_input_tensor(&m->instance, i)->type,
                    nnom_input_bytes(&m->instance, i));
    }
    nnom_forget(&m->instance); /* states hold what they hold at the start */
    memset(s.buffers, 0, count * sizeof *s.buffers);
    make_buffers(&s);
    s.program.tensors = s.tensors;
    for (uint32_t n = 0; n < s.program.node_count; n++) {
        run_node(&s, n);
    }
    return s;
}

void separate_free(separate_t *s)
{
    for (uint32_t t = 0; t < s->program.tensor_count; t++) {
        if (s->buffers[t].block != NULL) {
            CHECK(guarded_free(&s->buffers[t]), "tensor %d was overrun", (int)t);
        }
    }
}

const uint8_t *separate_bytes(const separate_t *s, uint32_t tensor)
{
    return s->tensors[tensor].data;
}

/* ---- The model's own run ---- */

static void observe(void *context, const nnom_instance_t *instance, uint32_t node, nnom_event_t event)
{
    const separate_t *s = context;
    const nnom_tensor_t *t;
    if (event == NNOM_EVENT_END) {
        const void *bytes = nnom_node_output(instance, node, &t);
        const uint8_t *expected = separate_bytes(s, nnom_node_output_index(&instance->program->nodes[node], 0));
        const size_t kept = (size_t)t->rows * (size_t)t->row_bytes; /* rows that nobody reads are not made */
        CHECK(memcmp(bytes, expected, kept) == 0, "node %d (%s): other bytes in the plan's memory", (int)node,
              layer_of(s->m, node)->cls->name);
    }
}

void check_model_run(separate_t *s)
{
    nnom_set_observer(&s->m->instance, observe, s);
    nnom_forget(&s->m->instance);
    CHECK(model_run(s->m) == NNOM_OK, "model_run fails");
    nnom_set_observer(&s->m->instance, NULL, NULL);
    for (uint32_t i = 0; i < nnom_output_count(&s->m->instance); i++) {
        const uint8_t *expected = separate_bytes(s, s->program.outputs[i]);
        CHECK(memcmp(nnom_output_buffer(&s->m->instance, i), expected, nnom_output_bytes(&s->m->instance, i)) == 0,
              "output %d differs", (int)i);
    }
}

/* ---- Output and input in one piece of memory ---- */

typedef struct overlap_try {
    uint32_t node;
    uint32_t input;
    uint32_t distance;
    bool pieces; /* row by row, or by a few rows */
} overlap_try_t;

static void overlap_once(separate_t *s, const overlap_try_t *try)
{
    nnom_node_t node = s->program.nodes[try->node];
    const nnom_tensor_t saved_in = s->tensors[node.inputs[try->input]],
                        saved_out = s->tensors[nnom_node_output_index(&node, 0)];
    const uint32_t in_bytes = tensor_size(&saved_in), out_bytes = tensor_size(&saved_out);
    const uint32_t end = try->distance + in_bytes;
    guarded_t shared = guarded_new(end > out_bytes ? end : out_bytes);
    guarded_t scratch = guarded_new(node.scratch_bytes);
    const nnom_arena_t arena = {{scratch.data, NULL}};
    const bool reduces = (node.op->flags & NNOM_OP_REDUCES) != 0;
    const int32_t rows = reduces ? saved_in.shape.h : saved_out.shape.h;
    int32_t status = NNOM_OK;
    memcpy(shared.data + try->distance, saved_in.data, in_bytes);
    s->tensors[node.inputs[try->input]].data = shared.data + try->distance;
    s->tensors[nnom_node_output_index(&node, 0)].data = shared.data;
    node.scratch = 0;
    for (int32_t y = 0; y < rows;) {
        const int32_t next = try->pieces ? random_in(y + 1, rows) : rows;
        const nnom_call_t call = {&s->program, &node, &arena, {y, next}, &status};
        node.op->run(&call);
        y = next;
    }
    CHECK(memcmp(shared.data, saved_out.data, out_bytes) == 0, "%s output %lu bytes below input %lu, %s: other bytes",
          layer_of(s->m, try->node)->kernel->form->symbol, (unsigned long)try->distance, (unsigned long)try->input,
          try->pieces ? "in pieces" : "whole");
    s->tensors[node.inputs[try->input]] = saved_in;
    s->tensors[nnom_node_output_index(&node, 0)] = saved_out;
    CHECK(guarded_free(&scratch) && guarded_free(&shared),
          "writes beyond its output or scratch when it overlaps its input");
}

/* Which inputs the planner may choose: see overlapped() in plan.c. */
static bool may_overlap(const separate_t *s, const nnom_node_t *node, uint32_t input)
{
    const nnom_tensor_t *in = &s->tensors[node->inputs[input]];
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (i != input && s->tensors[node->inputs[i]].data == in->data) {
            return false;
        }
    }
    const nnom_shape_t a = in->shape, b = s->tensors[nnom_node_output_index(node, 0)].shape;
    return input == 0 || (a.h == b.h && a.w == b.w && a.c == b.c);
}

void check_overlap(separate_t *s, uint32_t n)
{
    const nnom_node_t *node = &s->program.nodes[n];
    const nnom_layer_t *layer = layer_of(s->m, n);
    if (layer->overlap == NNOM_NO_OVERLAP) {
        return;
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        const uint32_t nearest = ((uint32_t)layer->overlap + 3u) & ~3u;
        const bool reduces = (node->op->flags & NNOM_OP_REDUCES) != 0;
        const overlap_try_t whole = {n, i, nearest, false}, pieces = {n, i, nearest, !reduces};
        const overlap_try_t further = {n, i, nearest + 4u * (uint32_t)random_in(1, 9), !reduces};
        if (may_overlap(s, node, i)) {
            overlap_once(s, &whole);
            overlap_once(s, &pieces);
            overlap_once(s, &further);
        }
    }
}
