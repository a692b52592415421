/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* From layers to what the planner sees, and back: lives, and the texts of its errors. */
#include "../plan/plan.h"
#include "graph.h"
#include "kernel.h"

/* ---- What the planner sees ---- */

/* Of layers without a record: of a mixture of them, measured on the emulated Cortex-M4. */
static const uint16_t costs_unknown[NNOM_RECORD] = {[NNOM_COST_OUTPUT] = 160, [NNOM_COST_CALL] = 3200};

static void describe_layer(const nnom_layer_t *layer, nnom_flow_t *flow)
{
    flow->storage[layer->tensor] = layer->root->tensor;
    flow->producer[layer->tensor] = nnom_layer_writer(layer);
    flow->whole[layer->tensor] = (layer->root->cls->flags & NNOM_CLASS_PART) != 0;
    if (layer->node == NNOM_NO_NODE) {
        return;
    }
    flow->overlap[layer->node] = layer->overlap;
    flow->scratch[layer->node] = layer->scratch_bytes;
    flow->in_pieces[layer->node] = layer->scratch_in_pieces;
    const uint16_t *costs = layer->costs != NULL ? layer->costs : costs_unknown;
    flow->cost[layer->node] = nnom_layer_cost(layer, layer->op, costs);
    flow->liked[layer->node] = nnom_liked_rows(costs);
    if (flow->macs != NULL) {
        flow->macs[layer->node] = layer->macs;
    }
}

static void report_point(void *context, uint64_t bytes, uint64_t cost)
{
    const nnom_options_t *options = context;
    const nnom_plan_point_t point = {(uint32_t)bytes, cost};
    options->curve(options->curve_context, &point);
}

static nnom_plan_request_t request_of(nnom_builder_t *builder, const nnom_tensor_t *tensors)
{
    nnom_options_t *options = &builder->options;
    nnom_plan_request_t request = {.whole = options->mode == NNOM_MODE_WHOLE,
                                   .smallest = options->mode == NNOM_MODE_SMALLEST,
                                   .feed = options->feed,
                                   .endless = options->endless,
                                   .all_rows = options->all_rows,
                                   .budget = options->arena_bytes,
                                   .fast_bytes = options->fast_bytes,
                                   .free_percent = builder->free_percent,
                                   .point = options->curve != NULL ? report_point : NULL,
                                   .context = options};
    for (const nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        request.storages += layer->root == layer && tensors[layer->tensor].data == NULL;
    }
    return request;
}

/* ---- What comes back ---- */

static const nnom_layer_t *layer_of_node(const nnom_builder_t *builder, uint16_t node)
{
    const nnom_layer_t *layer = builder->layers;
    while (layer != NULL && layer->node != node) {
        layer = layer->next;
    }
    return layer;
}

/* A budget that no plan keeps. */
static nnom_status_t refuse_budget(nnom_model_t *m, const nnom_plan_result_t *result)
{
    const nnom_layer_t *layer = layer_of_node(m->builder, result->node);
    (void)nnom_model_fail(
        m, NNOM_TOO_SMALL, "a budget of %ld bytes is below the least possible, %ld; layer '%s' sets it",
        (long)m->builder->options.arena_bytes, (long)result->least, layer != NULL ? nnom_layer_name(layer) : "");
    return nnom_model_too_small(m, result->least < UINT32_MAX ? (uint32_t)result->least : UINT32_MAX, layer);
}

static nnom_status_t refuse(nnom_model_t *m, nnom_status_t status, const nnom_planner_t *p)
{
    const nnom_plan_result_t *result = &p->result;
    switch (status) {
    case NNOM_TOO_SMALL:
        return refuse_budget(m, result);
    case NNOM_OVERFLOW:
        return nnom_model_fail(m, status, "the arena would exceed 2^31 bytes");
    default:
        return nnom_model_fail(m, status, "no memory to plan %d layers: %ld bytes", (int)p->program->node_count,
                               (long)result->memory);
    }
}

static void take_over(nnom_builder_t *builder, const nnom_planner_t *p)
{
    const nnom_plan_result_t *result = &p->result;
    builder->schedule = result->schedule;
    builder->schedule_bytes = result->schedule_bytes;
    builder->cost = result->cost;
    builder->live_bytes = result->live_bytes;
    builder->descriptor_bytes = (uint32_t)nnom_builder_memory(builder);
    for (nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        nnom_planner_life(p, layer->tensor, &layer->first_step, &layer->last_step);
    }
}

nnom_status_t nnom_plan(nnom_model_t *m, nnom_program_t *program, nnom_tensor_t *tensors, nnom_node_t *nodes)
{
    if (m->builder->options.feed && program->input_count != 1) {
        return nnom_model_fail(m, NNOM_UNSUPPORTED, "feeding rows needs a model of one input, this one has %d",
                               (int)program->input_count);
    }
    nnom_planner_t planner;
    const nnom_plan_request_t request = request_of(m->builder, tensors);
    nnom_status_t status = nnom_planner_start(&planner, &request, program, tensors, nodes);
    if (status == NNOM_OK) {
        for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
            describe_layer(layer, &planner.flow);
        }
        status = nnom_planner_plan(&planner);
    }
    if (status == NNOM_OK) {
        take_over(m->builder, &planner);
    } else {
        status = refuse(m, status, &planner);
    }
    nnom_planner_end(&planner);
    return status;
}
