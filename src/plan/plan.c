/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Choosing a plan: the cheapest that fits a budget, or the smallest that costs next to nothing, or the smallest of all. */
#include "plan.h"

enum { NNOM_TRIES = 64, NNOM_TRIES_NODES = 100 };

/* One plan on the way from the cheapest to the smallest. */
typedef struct point {
    uint64_t cost;
    uint32_t estimate;    /* bytes, before placing */
    uint64_t arena_bytes;
} point_t;

static bool choose(nnom_planner_t *p, uint32_t limit, point_t *point)
{
    p->part_count = nnom_choose(&p->table, limit, p->parts, &point->cost, &point->estimate, p->path_cost, p->path_from);
    return p->part_count > 0;
}

typedef struct search {
    uint64_t base_cost;  /* of the cheapest plan */
    uint32_t best_limit; /* limit that gives the plan to take */
    uint64_t best_bytes; /* its arena */
    uint64_t least;      /* the smallest arena seen */
    uint32_t least_limit; /* and the limit that gives it */
    bool found;
    bool smallest;       /* it is for the smallest of all */
} search_t;

static bool acceptable(const nnom_options_t *options, uint32_t percent, const search_t *s, const point_t *point)
{
    if (options->mode == NNOM_MODE_SMALLEST) {
        return true;
    }
    if (options->arena_bytes != 0) {
        return !s->found && point->arena_bytes <= options->arena_bytes; /* the first that fits is the cheapest */
    }
    return point->cost <= s->base_cost + s->base_cost / 100 * percent;
}

static void consider(nnom_planner_t *p, search_t *s, uint32_t limit, const point_t *point)
{
    const nnom_options_t *options = &p->model->builder->options;
    if (point->arena_bytes < s->least) {
        s->least = point->arena_bytes;
        s->least_limit = limit;
    }
    if (acceptable(options, p->model->builder->free_percent, s, point) && (!s->found || point->arena_bytes < s->best_bytes)) {
        s->found = true;
        s->best_limit = limit;
        s->best_bytes = point->arena_bytes;
    }
    if (options->curve != NULL) {
        const nnom_plan_point_t report = {(uint32_t)point->arena_bytes, point->cost};
        options->curve(options->curve_context, &report);
    }
}

/*
 * Large plans are placed with little effort while searching, unless care decides: whether they fit the budget, or whether they
 * are the smallest. So a budget that is met is never below what the search for the smallest finds.
 */
static uint64_t layout(nnom_planner_t *p, const search_t *s, const point_t *point)
{
    const bool small = p->program->node_count < NNOM_TRIES_NODES;
    const uint64_t bytes = nnom_layout(p, small ? NNOM_TRIES : 0);
    const uint64_t aim = s->smallest ? s->least : p->model->builder->options.arena_bytes;
    const bool decides = !small && bytes > point->estimate && point->estimate <= aim && (s->smallest || bytes > aim);
    const uint64_t careful = decides ? nnom_layout(p, NNOM_TRIES) : bytes;
    return careful < bytes ? careful : bytes;
}

/* From the cheapest plan on, each next one must need less. */
static search_t search_plans(nnom_planner_t *p, bool smallest)
{
    search_t s = {0, UINT32_MAX, 0, UINT64_MAX, UINT32_MAX, false, smallest};
    uint32_t limit = UINT32_MAX;
    point_t point;
    while (choose(p, limit, &point)) {
        s.base_cost = s.base_cost == 0 ? point.cost : s.base_cost;
        point.arena_bytes = layout(p, &s, &point);
        consider(p, &s, limit, &point);
        if (point.estimate == 0) {
            break;
        }
        limit = point.estimate - 1;
    }
    return s;
}

static const char *hungriest(const nnom_planner_t *p)
{
    uint16_t node = 0;
    uint32_t most = 0;
    for (uint16_t k = 0; k < p->part_count; k++) {
        if (p->parts[k].bytes >= most) {
            most = p->parts[k].bytes;
            node = p->parts[k].first;
        }
    }
    for (const nnom_layer_t *layer = p->model->builder->layers; layer != NULL; layer = layer->next) {
        if (layer->node == node) {
            return layer->name;
        }
    }
    return "";
}

static nnom_status_t too_small(nnom_planner_t *p, const search_t *s)
{
    point_t point;
    (void)choose(p, s->least_limit, &point);
    return nnom_model_fail(p->model, NNOM_TOO_SMALL, "a budget of %ld bytes is below the least possible, %ld; layer '%s' sets it",
                           (long)p->model->builder->options.arena_bytes, (long)s->least, hungriest(p));
}

static void sum_up(nnom_planner_t *p, uint64_t cost)
{
    nnom_builder_t *builder = p->model->builder;
    const uint32_t tables = builder->program_bytes + builder->schedule_bytes;
    nnom_totals_t totals = {0, p->program->arena_bytes, nnom_live_bytes(p->blocks, p->block_count),
                            tables + (uint32_t)sizeof *builder, 0, p->program->slow_bytes, cost};
    for (const nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        totals.macs += layer->macs;
        totals.descriptor_bytes += (uint32_t)nnom_layer_memory(layer);
        totals.weight_bytes += nnom_layer_weight_bytes(layer);
    }
    builder->totals = totals;
}

static nnom_status_t take_plan(nnom_planner_t *p, uint32_t limit)
{
    point_t point;
    (void)choose(p, limit, &point);
    const uint64_t bytes = nnom_layout(p, NNOM_TRIES);
    if (bytes > INT32_MAX) {
        return nnom_model_fail(p->model, NNOM_OVERFLOW, "the arena would exceed 2^31 bytes");
    }
    p->program->arena_bytes = (uint32_t)(bytes - p->slow_bytes);
    p->program->slow_bytes = (uint32_t)p->slow_bytes;
    const nnom_status_t status = nnom_layout_apply(p);
    sum_up(p, point.cost);
    return status;
}

static uint64_t final_bytes(nnom_planner_t *p, uint32_t limit)
{
    point_t point;
    (void)choose(p, limit, &point);
    return nnom_layout(p, NNOM_TRIES);
}

/* The search places with little effort: the cheapest plan may need no more than the one that was found. */
static uint32_t best_limit(nnom_planner_t *p, const search_t *s)
{
    const bool cheapest = s->best_limit == UINT32_MAX || final_bytes(p, UINT32_MAX) <= final_bytes(p, s->best_limit);
    return cheapest ? UINT32_MAX : s->best_limit;
}

static nnom_status_t plan_nodes(nnom_planner_t *p)
{
    nnom_options_fill(&p->flow, &p->table, &p->sim, p->path_cost, p->path_from, p->parts);
    nnom_options_t *options = &p->model->builder->options;
    search_t s = search_plans(p, options->mode == NNOM_MODE_SMALLEST);
    if (!s.found && p->program->node_count > 0) { /* what is the least? */
        const nnom_options_t asked = *options;
        options->curve = NULL;
        s = search_plans(p, true);
        *options = asked;
        s.best_limit = s.least_limit;
        if (s.least > p->model->builder->options.arena_bytes) {
            return too_small(p, &s);
        }
    }
    return take_plan(p, best_limit(p, &s));
}

nnom_status_t nnom_plan(nnom_model_t *m, nnom_program_t *program, nnom_tensor_t *tensors, nnom_node_t *nodes)
{
    nnom_planner_t planner;
    if (m->builder->options.feed && program->input_count != 1) {
        return nnom_model_fail(m, NNOM_UNSUPPORTED, "feeding rows needs a model of one input, this one has %d",
                               (int)program->input_count);
    }
    nnom_status_t status = nnom_planner_start(&planner, m, program, tensors, nodes);
    if (status == NNOM_OK) {
        status = plan_nodes(&planner);
    }
    nnom_planner_end(&planner);
    return status;
}
