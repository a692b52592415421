/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "kernel.h"

static uint64_t kernel_cost(const nnom_layer_t *layer, const nnom_kernel_t *kernel)
{
    const nnom_op_t *op = kernel->form->op;
    const bool reduces = (op->flags & NNOM_OP_REDUCES) != 0;
    const int32_t rows = reduces ? nnom_layer_in(layer, 0)->shape.h : layer->out->shape.h;
    const nnom_cost_t cost = nnom_layer_cost(layer, op, kernel->costs);
    return nnom_cost_of(&cost, rows, 1);
}

static uint32_t target_of(const nnom_layer_t *layer)
{
    return layer->model != NULL && layer->model->builder != NULL ? layer->model->builder->options->target : 0;
}

/* The cheapest that was not tried; count if there is none. */
static uint32_t cheapest(const nnom_layer_t *layer, const nnom_kernel_t *list, uint32_t count, uint32_t tried)
{
    uint32_t best = count;
    for (uint32_t k = 0; k < count; k++) {
        const bool allowed = (list[k].needs & ~target_of(layer)) == 0 && (tried >> k & 1u) == 0;
        if (allowed && (best == count || kernel_cost(layer, &list[k]) < kernel_cost(layer, &list[best]))) {
            best = k;
        }
    }
    return best;
}

nnom_status_t nnom_choose_kernel(nnom_layer_t *layer, const nnom_kernel_t *list, uint32_t count)
{
    nnom_status_t status = NNOM_UNSUPPORTED;
    for (uint32_t tried = 0, k = cheapest(layer, list, count, tried); k < count && status == NNOM_UNSUPPORTED;
         k = cheapest(layer, list, count, tried)) {
        tried |= (uint32_t)1 << k;
        status = list[k].form->pack(layer);
        layer->kernel = &list[k];
    }
    return status;
}

bool nnom_may_pack(const nnom_layer_t *layer, uint64_t plain, uint64_t packed, bool same)
{
    enum { FILLING = 512 }; /* of runs, blocks and groups; of odd channels and taps up to an eighth */
    const bool filled = same && packed <= plain + plain / 8 + FILLING;
    switch (layer->model->builder->options->optimize) {
    case NNOM_OPTIMIZE_SPEED:
        return true;
    case NNOM_OPTIMIZE_SIZE:
        return filled;
    default:
        return filled || packed <= plain + plain / 10 + FILLING;
    }
}

typedef struct target {
    const char *name;
    uint32_t bits;
} target_t;

const char *nnom_target_name(uint32_t i, uint32_t *bits)
{
#define TARGET_ROW(name, set) {#name, (uint32_t)(set)},
    static const target_t targets[] = {NNOM_TARGETS(TARGET_ROW)};
#undef TARGET_ROW
    if (i >= sizeof targets / sizeof targets[0]) {
        return NULL;
    }
    *bits = targets[i].bits;
    return targets[i].name;
}
