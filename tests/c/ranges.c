/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Operations called for ranges of rows, their tensors in rings. */
#include "separate.h"

#include <string.h>

enum { MAX_INPUTS = 8 };

/* A ring of rows that takes the place of a tensor. */
typedef struct ring {
    guarded_t memory;
    const uint8_t *whole; /* all rows, as they should be */
    int32_t rows;
    int32_t row_bytes;
    nnom_range_t held;
} ring_t;

static ring_t ring_new(const separate_t *s, uint32_t tensor, int32_t rows)
{
    const nnom_tensor_t *t = &s->tensors[tensor];
    ring_t ring = {guarded_new((size_t)rows * (size_t)t->row_bytes), t->data, rows, t->row_bytes, {0, 0}};
    return ring;
}

static uint8_t *slot(const ring_t *ring, int32_t y)
{
    return ring->memory.data + (ptrdiff_t)(y % ring->rows) * ring->row_bytes;
}

static const uint8_t *true_row(const ring_t *ring, int32_t y)
{
    return ring->whole + (ptrdiff_t)y * ring->row_bytes;
}

/* Rows [lo, hi) are there, rows that were there and are not asked for any more are overwritten. */
static void ring_load(ring_t *ring, nnom_range_t rows)
{
    for (int32_t y = ring->held.lo; y < ring->held.hi && y < rows.lo; y++) {
        random_bytes(slot(ring, y), (size_t)ring->row_bytes);
    }
    for (int32_t y = rows.lo; y < rows.hi; y++) {
        if (y >= ring->held.hi) {
            memcpy(slot(ring, y), true_row(ring, y), (size_t)ring->row_bytes);
        }
    }
    ring->held.lo = rows.lo;
    ring->held.hi = rows.hi > ring->held.hi ? rows.hi : ring->held.hi;
}

/* ---- Calling one node ---- */

typedef struct work {
    separate_t *s;
    const nnom_node_t *node;
    ring_t in[MAX_INPUTS];
    ring_t out;
    guarded_t scratch;
} work_t;

/* The node as it stands in a program whose tensors are the rings. */
static void call_rings(work_t *w, nnom_range_t y)
{
    const uint16_t links[MAX_INPUTS + 1] = {0, 1, 2, 3, 4, 5, 6, 7, 8}; /* the output comes after the inputs */
    const uint32_t inputs = w->node->input_count;
    nnom_tensor_t tensors[MAX_INPUTS + 1];
    nnom_node_t node = *w->node;
    int32_t status = NNOM_OK;
    for (uint32_t i = 0; i <= inputs; i++) {
        const ring_t *ring = i < inputs ? &w->in[i] : &w->out;
        tensors[i] = w->s->tensors[i < inputs ? w->node->inputs[i] : nnom_node_output_index(w->node, 0)];
        tensors[i].data = ring->memory.data;
        tensors[i].rows = ring->rows;
    }
    const nnom_program_t program = {
        .tensors = tensors, .nodes = &node, .tensor_count = (uint16_t)(inputs + 1), .node_count = 1};
    node.inputs = links;
    node.output_count = 1; /* others are not read */
    node.scratch = 0;
    node.scratch_bytes = (uint32_t)w->scratch.bytes;
    const nnom_arena_t arena = {{w->scratch.data, NULL}};
    const nnom_call_t call = {&program, &node, &arena, y, &status};
    node.op->run(&call);
    CHECK(status == NNOM_OK, "rows [%d, %d): status %d", (int)y.lo, (int)y.hi, (int)status);
}

static nnom_range_t window_of(const work_t *w, uint32_t input, nnom_range_t y)
{
    const nnom_op_t *op = w->node->op;
    const nnom_range_t rows = op->window != NULL ? op->window(&w->s->program, w->node, input, y) : y;
    const int32_t h = w->s->tensors[w->node->inputs[input]].shape.h;
    CHECK(rows.lo >= 0 && rows.lo <= rows.hi && rows.hi <= h, "window of input %lu for rows [%d, %d): [%d, %d) of %d",
          (unsigned long)input, (int)y.lo, (int)y.hi, (int)rows.lo, (int)rows.hi, (int)h);
    return rows;
}

/* Rows [y.lo, y.hi) of the output ring are right, all other slots as before the call. */
static void check_output(const work_t *w, nnom_range_t y, const uint8_t *before)
{
    const ring_t *out = &w->out;
    for (int32_t k = 0; k < out->rows; k++) {
        int32_t row = -1;
        for (int32_t i = y.lo; i < y.hi; i++) {
            row = i % out->rows == k ? i : row;
        }
        const size_t bytes = (size_t)out->row_bytes;
        const uint8_t *expected = row >= 0 ? true_row(out, row) : before + (size_t)k * bytes;
        CHECK(memcmp(out->memory.data + (size_t)k * bytes, expected, bytes) == 0,
              "rows [%d, %d) in a ring of %d: %s %d differs", (int)y.lo, (int)y.hi, (int)out->rows,
              row >= 0 ? "row" : "slot", (int)(row >= 0 ? row : k));
    }
    for (uint32_t i = 0; i < w->node->input_count; i++) {
        CHECK(guarded_intact(&w->in[i].memory), "writes around its input %d", (int)i);
    }
    CHECK(guarded_intact(&out->memory) && guarded_intact(&w->scratch), "writes around its output or scratch");
}

static void call_checked(work_t *w, nnom_range_t y)
{
    uint8_t *before = keep(w->out.memory.bytes);
    memcpy(before, w->out.memory.data, w->out.memory.bytes);
    call_rings(w, y);
    check_output(w, y, before);
}

/* ---- Ranges ---- */

enum { MAX_RANGES = 64 };

typedef struct ranges {
    nnom_range_t at[MAX_RANGES];
    int32_t count;
} ranges_t;

/* Cuts [0, rows) at random; sometimes all single rows. */
static ranges_t cut(int32_t rows)
{
    ranges_t r = {{{0, 0}}, 0};
    const int32_t most = random_chance(30) ? 1 : random_in(1, rows);
    for (int32_t y = 0; y < rows && r.count < MAX_RANGES;) {
        const int32_t room = rows - y;
        const int32_t n = r.count == MAX_RANGES - 1 ? room : random_in(1, most < room ? most : room);
        const nnom_range_t range = {y, y + n};
        r.at[r.count++] = range;
        y += n;
    }
    return r;
}

static int32_t length(nnom_range_t r)
{
    return r.hi - r.lo;
}

/* Every range alone, each ring exactly as tall as the window of this range. */
static void exact_rings(work_t *w, const ranges_t *ranges)
{
    for (int32_t r = 0; r < ranges->count; r++) {
        const nnom_range_t y = ranges->at[r];
        for (uint32_t i = 0; i < w->node->input_count; i++) {
            const nnom_range_t rows = window_of(w, i, y);
            w->in[i] = ring_new(w->s, w->node->inputs[i], length(rows) > 0 ? length(rows) : 1);
            w->in[i].held.lo = w->in[i].held.hi = rows.lo;
            ring_load(&w->in[i], rows);
        }
        w->out = ring_new(w->s, nnom_node_output_index(w->node, 0), length(y));
        call_checked(w, y);
        for (uint32_t i = 0; i < w->node->input_count; i++) {
            (void)guarded_free(&w->in[i].memory);
        }
        (void)guarded_free(&w->out.memory);
    }
}

static int32_t tallest_window(const work_t *w, uint32_t input, const ranges_t *ranges)
{
    int32_t most = 1;
    nnom_range_t last = {0, 0};
    for (int32_t r = 0; r < ranges->count; r++) {
        const nnom_range_t rows = window_of(w, input, ranges->at[r]);
        CHECK(rows.lo >= last.lo && rows.hi >= last.hi, "window of input %d goes backwards at row %d", (int)input,
              (int)ranges->at[r].lo);
        /* What was loaded stays, also where this window ends earlier. */
        most = length(rows) > most ? length(rows) : most;
        last = rows;
    }
    return most;
}

/* Rings that stay: rows come and go as the ranges advance. */
static void rolling_rings(work_t *w, const ranges_t *ranges)
{
    int32_t tallest = 1;
    for (int32_t r = 0; r < ranges->count; r++) {
        tallest = length(ranges->at[r]) > tallest ? length(ranges->at[r]) : tallest;
    }
    for (uint32_t i = 0; i < w->node->input_count; i++) {
        w->in[i] = ring_new(w->s, w->node->inputs[i], tallest_window(w, i, ranges));
    }
    w->out = ring_new(w->s, nnom_node_output_index(w->node, 0), tallest + random_in(0, 2));
    for (int32_t r = 0; r < ranges->count; r++) {
        for (uint32_t i = 0; i < w->node->input_count; i++) {
            ring_load(&w->in[i], window_of(w, i, ranges->at[r]));
        }
        call_checked(w, ranges->at[r]);
    }
    for (uint32_t i = 0; i < w->node->input_count; i++) {
        (void)guarded_free(&w->in[i].memory);
    }
    (void)guarded_free(&w->out.memory);
}

/* ---- Reducing operations ---- */

/* Input rows come in ranges, in one ring for each; the output is complete after the last. */
static void reduce(work_t *w, const ranges_t *ranges, uint32_t scratch_bytes)
{
    w->scratch = guarded_new(scratch_bytes);
    w->out =
        ring_new(w->s, nnom_node_output_index(w->node, 0), w->s->tensors[nnom_node_output_index(w->node, 0)].shape.h);
    for (int32_t r = 0; r < ranges->count; r++) {
        const nnom_range_t rows = ranges->at[r];
        w->in[0] = ring_new(w->s, w->node->inputs[0], length(rows));
        w->in[0].held.lo = w->in[0].held.hi = rows.lo;
        ring_load(&w->in[0], rows);
        call_rings(w, rows);
        CHECK(guarded_free(&w->in[0].memory), "writes around its input");
    }
    CHECK(memcmp(w->out.memory.data, w->out.whole, w->out.memory.bytes) == 0,
          "other bytes from %d ranges of input rows", (int)ranges->count);
    CHECK(guarded_free(&w->out.memory), "writes around its output");
    CHECK(guarded_free(&w->scratch), "writes around its scratch of %lu bytes", (unsigned long)scratch_bytes);
}

void check_rows(separate_t *s, uint32_t n)
{
    const nnom_node_t *node = &s->program.nodes[n];
    work_t w = {.s = s, .node = node};
    if ((node->op->flags & NNOM_OP_WHOLE) != 0 ||
        !CHECK(node->input_count <= MAX_INPUTS, "a test with more than %d inputs", (int)MAX_INPUTS)) {
        return;
    }
    if ((node->op->flags & NNOM_OP_REDUCES) != 0) {
        const ranges_t ranges = cut(s->tensors[node->inputs[0]].shape.h);
        reduce(&w, &ranges, layer_of(s->m, n)->scratch_bytes);
        return;
    }
    const ranges_t ranges = cut(s->tensors[nnom_node_output_index(node, 0)].shape.h);
    w.scratch = guarded_new(layer_of(s->m, n)->scratch_bytes);
    exact_rings(&w, &ranges);
    rolling_rings(&w, &ranges);
    CHECK(guarded_free(&w.scratch), "writes around its scratch");
}
