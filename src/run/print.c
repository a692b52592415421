/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Tables for people: the layers of a program, and where the time goes. */
#include "print.h"

#include "nnom_port.h"

uint32_t nnom_tensor_whole_bytes(const nnom_tensor_t *tensor)
{
    return (uint32_t)tensor->shape.h * (uint32_t)tensor->row_bytes;
}

void nnom_print_layer_head(const char *last)
{
    NNOM_LOG("%-22s %-15s %-6s %-16s %10s %8s %8s %8s%s\n", "name", "layer", "act", "output", "MACs", "in B", "out B",
             "scratch", last);
}

void nnom_print_layer(const nnom_layer_row_t *row, const nnom_tensor_t *out, uint32_t input_bytes,
                      uint32_t scratch_bytes)
{
    char text[40];
    const nnom_shape_t s = out->shape;
    (void)snprintf(text, sizeof text, "(%ld, %ld, %ld)", (long)s.h, (long)s.w, (long)s.c);
    NNOM_LOG("%-22.22s %-15.15s %-6s %-16s %10lu %8lu %8lu %8lu", row->name, row->kind, row->activation, text,
             (unsigned long)row->macs, (unsigned long)input_bytes, (unsigned long)nnom_tensor_whole_bytes(out),
             (unsigned long)scratch_bytes);
}

/* A tensor whose rows are counted from run to run has those that it keeps. */
static nnom_tensor_t print_kept(const nnom_tensor_t *tensor)
{
    nnom_tensor_t kept = *tensor;
    kept.shape.h = kept.rows;
    return kept;
}

nnom_tensor_t nnom_node_shown(const nnom_program_t *program, const nnom_node_t *node)
{
    const nnom_tensor_t *out = &program->tensors[nnom_node_output_index(node, 0)];
    return node->advances ? print_kept(out) : *out;
}

uint32_t nnom_node_input_bytes(const nnom_program_t *program, const nnom_node_t *node)
{
    uint32_t bytes = 0;
    const bool whole = (node->op->flags & NNOM_OP_WHOLE) != 0; /* Slide: it makes such a tensor, others read it */
    for (uint32_t i = 0; i < node->input_count; i++) {
        const nnom_tensor_t *in = nnom_node_input(program, node, i), kept = print_kept(in);
        bytes += nnom_tensor_whole_bytes(node->advances && !whole ? &kept : in);
    }
    return bytes;
}

void nnom_print_layers(const nnom_instance_t *instance, const nnom_layer_row_t *rows)
{
    uint64_t macs = 0;
    if (nnom_node_count(instance) == 0 || rows == NULL) {
        return;
    }
    const nnom_program_t *program = instance->program;
    nnom_print_layer_head("");
    for (uint32_t n = 0; n < program->node_count; n++) {
        const nnom_node_t *node = &program->nodes[n];
        const nnom_tensor_t out = nnom_node_shown(program, node);
        nnom_print_layer(&rows[n], &out, nnom_node_input_bytes(program, node), node->scratch_bytes);
        NNOM_LOG("\n");
        macs += rows[n].macs;
    }
    NNOM_LOG("arena %lu B, %lu MACs\n", (unsigned long)program->arena_bytes, (unsigned long)macs);
    if (program->slow_bytes > 0) {
        NNOM_LOG("second region of the arena %lu B\n", (unsigned long)program->slow_bytes);
    }
}

void nnom_profile_print(const nnom_profile_t *profile, const nnom_instance_t *instance, const nnom_layer_row_t *rows)
{
    uint64_t ticks = 0, macs = 0;
    if (profile == NULL || rows == NULL) {
        return;
    }
    const char *unit = profile->clock == NULL ? "us" : "ticks";
    for (uint32_t n = 0; n < nnom_node_count(instance); n++) {
        NNOM_LOG("%-22.22s %-15.15s %10lu %s %12lu MACs\n", rows[n].name, rows[n].kind,
                 (unsigned long)profile->ticks[n], unit, (unsigned long)rows[n].macs);
        ticks += profile->ticks[n];
        macs += rows[n].macs;
    }
    NNOM_LOG("total %lu %s, %lu MACs\n", (unsigned long)ticks, unit, (unsigned long)macs);
}
