/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Choosing a plan: the cheapest that fits a budget, or the smallest that costs next to nothing, or the smallest of all.
 */
#include "plan.h"

enum { NNOM_TRIES = 256, NNOM_TRIES_NODES = 100 };
/* Of nnom_feed(), measured on the emulated Cortex-M4: instructions for each row, and for each byte that it copies. */
enum { COST_FEED = 150, COST_FEED_BYTE = 5 };

/* One plan on the way from the cheapest to the smallest. */
typedef struct point {
    uint64_t cost;
    uint32_t estimate; /* bytes, before placing */
    uint64_t arena_bytes;
} point_t;

/* Of an input that comes row by row, in every plan. */
static uint64_t feed_cost(const nnom_planner_t *p)
{
    if (!p->request->feed) {
        return 0;
    }
    const nnom_tensor_t *input = &p->tensors[p->program->inputs[0]];
    return (uint64_t)input->shape.h * (COST_FEED + (uint64_t)input->row_bytes * COST_FEED_BYTE);
}

static bool choose(nnom_planner_t *p, uint32_t limit, point_t *point)
{
    p->part_count =
        nnom_choose(&p->flow, &p->table, limit, p->parts, &point->cost, &point->estimate, p->path_cost, p->path_from);
    point->cost += p->part_count > 0 ? feed_cost(p) : 0;
    return p->part_count > 0;
}

typedef struct search {
    uint64_t base_cost;   /* of the cheapest plan */
    uint32_t best_limit;  /* limit that gives the plan to take */
    uint64_t best_bytes;  /* its arena */
    uint64_t least;       /* the smallest arena seen */
    uint32_t least_limit; /* and the limit that gives it */
    bool found;
    bool smallest; /* it is for the smallest of all */
    bool reports;  /* the caller is told of each plan */
} search_t;

static bool acceptable(const nnom_plan_request_t *request, const search_t *s, const point_t *point)
{
    if (request->smallest) {
        return true;
    }
    if (request->budget != 0) {
        return !s->found && point->arena_bytes <= request->budget; /* the first that fits is the cheapest */
    }
    return point->cost <= s->base_cost + s->base_cost / 100 * request->free_percent;
}

static void consider(nnom_planner_t *p, search_t *s, uint32_t limit, const point_t *point)
{
    if (point->arena_bytes < s->least) {
        s->least = point->arena_bytes;
        s->least_limit = limit;
    }
    if (acceptable(p->request, s, point) && (!s->found || point->arena_bytes < s->best_bytes)) {
        s->found = true;
        s->best_limit = limit;
        s->best_bytes = point->arena_bytes;
    }
    if (s->reports && p->request->point != NULL) {
        p->request->point(p->request->context, point->arena_bytes, point->cost);
    }
}

/*
 * Large plans are placed with little effort while searching, unless care decides: whether they fit the budget, or
 * whether they are the smallest. So a budget that is met is never below what the search for the smallest finds.
 */
static uint64_t layout(nnom_planner_t *p, const search_t *s, const point_t *point)
{
    const bool small = p->program->node_count < NNOM_TRIES_NODES;
    const uint64_t bytes = nnom_layout(p, small ? NNOM_TRIES : 0);
    const uint64_t aim = s->smallest ? s->least : p->request->budget;
    const bool decides = !small && bytes > point->estimate && point->estimate <= aim && (s->smallest || bytes > aim);
    const uint64_t careful = decides ? nnom_layout(p, NNOM_TRIES) : bytes;
    return careful < bytes ? careful : bytes;
}

/* From the cheapest plan on, each next one must need less. */
static search_t search_plans(nnom_planner_t *p, bool smallest, bool reports)
{
    search_t s = {0, UINT32_MAX, 0, UINT64_MAX, UINT32_MAX, false, smallest, reports};
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

/* The first node of the part at which most is live. */
static uint16_t hungriest(const nnom_planner_t *p)
{
    uint16_t node = 0;
    uint32_t most = 0;
    for (uint16_t k = 0; k < p->part_count; k++) {
        if (p->parts[k].bytes >= most) {
            most = p->parts[k].bytes;
            node = p->parts[k].first;
        }
    }
    return node;
}

static nnom_status_t too_small(nnom_planner_t *p, const search_t *s)
{
    point_t point;
    (void)choose(p, s->least_limit, &point);
    p->result.least = s->least;
    p->result.node = hungriest(p);
    return NNOM_TOO_SMALL;
}

static nnom_status_t take_plan(nnom_planner_t *p, uint32_t limit)
{
    point_t point;
    (void)choose(p, limit, &point);
    const uint64_t bytes = nnom_layout(p, NNOM_TRIES);
    if (bytes > INT32_MAX) {
        return NNOM_OVERFLOW;
    }
    p->program->arena_bytes = (uint32_t)(bytes - p->slow_bytes);
    p->program->slow_bytes = (uint32_t)p->slow_bytes;
    p->result.cost = point.cost;
    p->result.live_bytes = nnom_live_bytes(p->blocks, p->block_count);
    return nnom_layout_apply(p);
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

nnom_status_t nnom_planner_plan(nnom_planner_t *p)
{
    nnom_flow_uses(&p->flow);
    nnom_options_fill(&p->flow, &p->table, &p->sim, p->path_cost, p->path_from, p->parts);
    search_t s = search_plans(p, p->request->smallest, true);
    if (!s.found && p->program->node_count > 0) { /* what is the least? */
        s = search_plans(p, true, false);
        s.best_limit = s.least_limit;
        if (s.least > p->request->budget) {
            return too_small(p, &s);
        }
    }
    return take_plan(p, best_limit(p, &s));
}
