/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* From layers to what the planner sees, and back: lives, and the texts of its errors. */
#include "../plan/plan.h"
#include "graph.h"
#include "kernel.h"

/* ---- What the planner sees ---- */

static void describe_layer(const nnom_layer_t *layer, nnom_flow_t *flow)
{
    flow->storage[layer->tensor] = nnom_layer_root(layer)->tensor;
    flow->producer[layer->tensor] = nnom_layer_writer(layer);
    flow->whole[layer->tensor] =
        nnom_layer_root(layer)->advances || (nnom_layer_root(layer)->cls->flags & NNOM_CLASS_PART) != 0;
    if (layer->node == NNOM_NO_NODE) {
        return;
    }
    flow->overlap[layer->node] = layer->overlap;
    flow->scratch[layer->node] = layer->scratch_bytes;
    flow->in_pieces[layer->node] = layer->scratch_in_pieces && !layer->advances; /* else always in a ring */
    flow->cost[layer->node] = nnom_layer_cost(layer, layer->kernel->form->op, layer->kernel->costs);
    flow->liked[layer->node] = nnom_liked_rows(layer->kernel->costs);
    if (flow->macs != NULL) {
        flow->macs[layer->node] = layer->macs;
    }
}

static void report_point(void *context, uint64_t bytes, uint64_t cost)
{
    const nnom_options_t *options = ((const nnom_builder_t *)context)->options;
    const nnom_plan_point_t point = {(uint32_t)bytes, cost};
    options->curve(options->curve_context, &point);
}

static nnom_plan_request_t request_of(nnom_builder_t *builder, const nnom_tensor_t *tensors)
{
    const nnom_options_t *options = builder->options;
    nnom_plan_request_t request = {.whole = options->mode == NNOM_MODE_WHOLE,
                                   .smallest = options->mode == NNOM_MODE_SMALLEST,
                                   .feed = options->feed,
                                   .endless = options->endless,
                                   .all_rows = options->all_rows,
                                   .budget = options->arena_bytes,
                                   .fast_bytes = options->fast_bytes,
                                   .free_percent = builder->free_percent,
                                   .point = options->curve != NULL ? report_point : NULL,
                                   .context = builder};
    for (const nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        request.storages += nnom_layer_root(layer) == layer && tensors[layer->tensor].data == NULL;
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
        (long)m->builder->options->arena_bytes, (long)result->least, layer != NULL ? nnom_layer_name(layer) : "");
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
}

nnom_status_t nnom_plan(nnom_model_t *m, nnom_program_t *program, nnom_tensor_t *tensors, nnom_node_t *nodes)
{
    if (m->builder->options->warm_up > NNOM_WARM_UP_MOST) {
        return nnom_model_fail(m, NNOM_BAD_ARGUMENT, "warm_up of %ld runs, expected at most %d",
                               (long)m->builder->options->warm_up, (int)NNOM_WARM_UP_MOST);
    }
    if (m->builder->options->warm_up > 0 && (!m->builder->options->feed || program->state_count == 0)) {
        return nnom_model_fail(m, NNOM_BAD_ARGUMENT, "warm_up is for models with states whose input is fed");
    }
    if (m->builder->options->feed && program->input_count != 1) {
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

/* ---- Lives ---- */

/* The step of a node: parts are counted from 1, each rolling segment is one and each node that runs whole. */
static uint16_t planning_step(const nnom_program_t *program, uint32_t node)
{
    uint32_t step = 1;
    for (uint32_t k = 0; k < program->segment_count; k++) {
        const nnom_segment_t *segment = &program->segments[k];
        const bool rolls = segment->step_count > 0;
        if (node < segment->end) {
            return (uint16_t)(step + (rolls ? 0u : node - segment->first));
        }
        step += rolls ? 1u : (uint32_t)(segment->end - segment->first);
    }
    return (uint16_t)(program->segment_count > 0 ? step : step + node);
}

/* The last node that reads its bytes, node_count if the caller does or a state; 0: nobody. */
static uint32_t last_reader(const nnom_model_t *m, const nnom_layer_t *root)
{
    const uint32_t end = m->instance.program->node_count;
    uint32_t last = 0;
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        for (uint32_t i = 0; layer->node != NNOM_NO_NODE && i < nnom_layer_input_number(layer); i++) {
            const bool reads = nnom_layer_root(nnom_layer_input_layer(layer, i)) == root;
            last = reads && layer->node > last ? layer->node : last;
        }
        const bool stays = nnom_is_output(m, layer) || layer->is_left ||
                           (layer->cls->flags & (NNOM_CLASS_STATE | NNOM_CLASS_KEEPS)) != 0;
        last = stays && nnom_layer_root(layer) == root ? end : last;
    }
    return last;
}

void nnom_layer_life(const nnom_model_t *m, const nnom_layer_t *layer, uint16_t *first, uint16_t *last)
{
    const nnom_program_t *program = m->instance.program;
    const nnom_layer_t *root = nnom_layer_root(layer);
    const bool placed = root->out->data == NULL;
    const uint16_t made = nnom_layer_writer(root);
    const bool kept = (root->cls->flags & NNOM_CLASS_KEEPS) != 0;
    *first = placed && !kept && made != NNOM_NO_NODE ? planning_step(program, made) : 0;
    *last = placed ? planning_step(program, last_reader(m, root)) : 0;
    const bool first_rolls = program->segment_count > 0 && program->segments[0].step_count > 0;
    if (placed && program->fed != 0 && first_rolls && made == NNOM_NO_NODE && *last == 1) {
        *first = 1; /* a fed input is a ring of the first segment */
    }
}
