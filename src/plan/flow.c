/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Who writes and reads what. */
#include "flow.h"

static bool same_rows(const nnom_flow_t *f, uint16_t tensor)
{
    return f->program->tensors[tensor].row_bytes == f->program->tensors[f->storage[tensor]].row_bytes;
}

static void flow_want(nnom_flow_t *f, uint16_t tensor, int32_t rows)
{
    const uint16_t storage = f->storage[tensor];
    const int32_t wanted = same_rows(f, tensor) ? rows : f->program->tensors[storage].shape.h;
    f->rows[storage] = wanted > f->rows[storage] ? wanted : f->rows[storage];
}

nnom_range_t nnom_rows_read(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y)
{
    if (!nnom_node_reduces(node) && node->op->window != NULL) {
        return node->op->window(program, node, input, y);
    }
    if (!nnom_node_reduces(node) && nnom_node_input(program, node, input)->shape.h == 1) { /* repeated over the rows */
        y.lo = 0;
        y.hi = 1;
    }
    return y;
}

/* The rows of a node's output that its readers read, or all where it cannot make less. They are known. */
static void flow_want_output(nnom_flow_t *f, const nnom_node_t *node)
{
    const uint16_t out = nnom_node_output_index(node, 0);
    const bool apart = (node->op->flags & (NNOM_OP_REDUCES | NNOM_OP_WHOLE)) == 0 && node->output_count == 1;
    const bool read = f->rows[f->storage[out]] > 0;
    if (f->all_rows || !apart || !read || !same_rows(f, out)) {
        f->rows[f->storage[out]] = f->program->tensors[f->storage[out]].shape.h;
    }
}

/* What a node's last row reads: windows only go forward. */
static void flow_want_inputs(nnom_flow_t *f, uint16_t n)
{
    const nnom_node_t *node = &f->program->nodes[n];
    const bool whole = (node->op->flags & NNOM_OP_WHOLE) != 0;
    const int32_t rows = nnom_node_rows(f, n);
    const nnom_range_t y = {whole ? 0 : rows - 1, rows};
    for (uint32_t i = 0; i < node->input_count; i++) {
        flow_want(f, node->inputs[i], nnom_rows_read(f->program, node, i, y).hi);
    }
}

/* From the outputs back: nodes stand in order of execution. */
static void flow_rows(nnom_flow_t *f)
{
    const nnom_program_t *program = f->program;
    for (uint16_t t = 0; t < program->tensor_count; t++) {
        const bool given = f->producer[f->storage[t]] == NNOM_NO_NODE || f->whole[f->storage[t]];
        f->rows[t] = given || program->tensors[t].data != NULL ? program->tensors[t].shape.h : 0;
    }
    for (uint16_t i = 0; i < program->output_count; i++) {
        flow_want(f, program->outputs[i], program->tensors[program->outputs[i]].shape.h);
    }
    for (uint32_t i = 0; i < program->state_count; i++) {
        flow_want(f, program->states[i].left, program->tensors[program->states[i].left].shape.h);
    }
    for (uint16_t n = program->node_count; n-- > 0;) {
        flow_want_output(f, &program->nodes[n]);
        flow_want_inputs(f, n);
    }
}

void nnom_flow_uses(nnom_flow_t *f)
{
    const nnom_program_t *program = f->program;
    for (uint16_t n = 0; n < program->node_count; n++) {
        for (uint32_t i = 0; i < program->nodes[n].input_count; i++) {
            const uint16_t storage = f->storage[program->nodes[n].inputs[i]];
            f->last_use[storage] = n;
            f->readers[storage]++;
        }
        for (uint32_t i = 0; i < program->nodes[n].output_count; i++) { /* written, though nobody may read it */
            const uint16_t out = nnom_node_output_index(&program->nodes[n], i);
            if (out != NNOM_NO_TENSOR) {
                f->last_use[f->storage[out]] = n;
            }
        }
    }
    for (uint16_t i = 0; i < program->output_count; i++) {
        f->last_use[f->storage[program->outputs[i]]] = program->node_count;
    }
    for (uint32_t i = 0; i < program->state_count; i++) { /* both stay: from run to run, and until it is copied */
        f->last_use[f->storage[program->states[i].read]] = program->node_count;
        f->last_use[f->storage[program->states[i].left]] = program->node_count;
    }
    flow_rows(f);
}

int32_t nnom_node_rows(const nnom_flow_t *f, uint32_t n)
{
    const nnom_node_t *node = &f->program->nodes[n];
    return nnom_node_reduces(node) ? nnom_node_input(f->program, node, 0)->shape.h
                                   : f->rows[f->storage[nnom_node_output_index(node, 0)]];
}

uint64_t nnom_storage_bytes(const nnom_flow_t *f, uint16_t storage)
{
    return (uint64_t)f->rows[storage] * (uint64_t)f->program->tensors[storage].row_bytes;
}

bool nnom_is_read_state(const nnom_flow_t *f, uint16_t storage)
{
    for (uint32_t i = 0; i < f->program->state_count; i++) {
        if (f->storage[f->program->states[i].read] == storage) {
            return true;
        }
    }
    return false;
}

static bool is_input(const nnom_flow_t *f, uint16_t storage)
{
    for (uint16_t i = 0; i < f->program->input_count; i++) {
        if (f->storage[f->program->inputs[i]] == storage) {
            return true;
        }
    }
    return false;
}

bool nnom_is_fed(const nnom_flow_t *f, uint16_t storage)
{
    return f->feed && is_input(f, storage);
}

bool nnom_is_ring(const nnom_flow_t *f, uint16_t storage, uint16_t first, uint16_t end)
{
    if (f->program->tensors[storage].data != NULL || f->last_use[storage] >= end || f->whole[storage]) {
        return false;
    }
    return nnom_node_inside(f->producer[storage], first, end) || (first == 0 && nnom_is_fed(f, storage));
}

uint32_t nnom_scratch(const nnom_flow_t *f, uint16_t n, bool rolls, uint16_t first, uint16_t end)
{
    const nnom_node_t *node = &f->program->nodes[n];
    if (nnom_node_reduces(node) && (node->op->flags & NNOM_OP_KEEPS) == 0) {
        return rolls ? f->scratch[n] : 0; /* called for every row */
    }
    const bool pieces = rolls && nnom_is_ring(f, f->storage[node->inputs[0]], first, end);
    return f->in_pieces[n] && !pieces ? 0 : f->scratch[n];
}

bool nnom_can_roll(const nnom_flow_t *f, uint16_t first, uint16_t end)
{
    if (end - first > NNOM_SEGMENT_MAX) {
        return false;
    }
    for (uint16_t n = first; n < end; n++) {
        if (nnom_node_rows(f, n) > UINT16_MAX) {
            return false;
        }
    }
    return true;
}
