/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Who writes and reads what. */
#include "flow.h"

void nnom_flow_uses(nnom_flow_t *f)
{
    const nnom_program_t *program = f->program;
    for (uint16_t n = 0; n < program->node_count; n++) {
        for (uint32_t i = 0; i < program->nodes[n].input_count; i++) {
            const uint16_t storage = f->storage[program->nodes[n].inputs[i]];
            f->last_use[storage] = n;
            f->readers[storage]++;
        }
    }
    for (uint16_t i = 0; i < program->output_count; i++) {
        f->last_use[f->storage[program->outputs[i]]] = program->node_count;
    }
    for (uint32_t i = 0; i < program->state_count; i++) { /* both stay: from run to run, and until it is copied */
        f->last_use[f->storage[program->states[i].read]] = program->node_count;
        f->last_use[f->storage[program->states[i].left]] = program->node_count;
    }
}

int32_t nnom_node_rows(const nnom_program_t *program, uint32_t n)
{
    const nnom_node_t *node = &program->nodes[n];
    return program->tensors[nnom_node_reduces(node) ? node->inputs[0] : nnom_node_output_index(node, 0)].shape.h;
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
    if (nnom_node_reduces(node)) {
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
        if (nnom_node_rows(f->program, n) > UINT16_MAX) {
            return false;
        }
    }
    return true;
}
