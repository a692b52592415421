/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Choosing a plan: the cheapest that fits a budget, or the smallest that costs next to nothing, or the smallest of all.
 */
#include "plan.h"

enum { NNOM_TRIES = 256, NNOM_TRIES_NODES = 100 };
/* Measured on the emulated Cortex-M4: instructions of a run, of nnom_feed() for each row, and for two bytes that it copies. */
enum { COST_RUN = 70, COST_FEED = 146, COST_FEED_BYTES = 1 };
/* Of each state after a run, and sixteenths for each byte of those that are copied. */
enum { COST_STATE = 20, COST_STATE_BYTES = 13 };

/* One plan on the way from the cheapest to the smallest. */
typedef struct point {
    uint64_t cost;
    uint32_t estimate; /* bytes, before placing */
    uint64_t arena_bytes;
} point_t;

/* Of what a run leaves for the next one and must be copied. */
static uint64_t states_cost(const nnom_program_t *program)
{
    uint64_t cost = 0;
    for (uint32_t i = 0; i < program->state_count; i++) {
        const nnom_state_pair_t *state = &program->states[i];
        const nnom_tensor_t *read = &program->tensors[state->read];
        const uint64_t bytes = (uint64_t)read->shape.h * (uint64_t)read->row_bytes;
        cost += COST_STATE + (state->read != state->left ? bytes * COST_STATE_BYTES / 16u : 0);
    }
    return cost;
}

/* What is the same in every plan: states, and an input that comes row by row. */
static uint64_t base_cost(const nnom_planner_t *p)
{
    const uint64_t cost = COST_RUN + states_cost(p->program);
    const nnom_tensor_t *input = &p->tensors[p->program->inputs[0]];
    const uint64_t row = COST_FEED + (uint64_t)input->row_bytes / 2u * COST_FEED_BYTES;
    return cost + (p->request->feed ? (uint64_t)input->shape.h * row : 0);
}

/* Which plan: the cheapest whose parts need no more than `limit`, counting on all overlaps or cautious. */
typedef struct pick {
    uint32_t limit;
    bool cautious;
} pick_t;

static bool choose(nnom_planner_t *p, pick_t pick, point_t *point)
{
    p->table.cautious = pick.cautious;
    p->part_count = nnom_choose(&p->flow, &p->table, pick.limit, p->parts, &point->cost, &point->estimate, p->path_cost,
                                p->path_from);
    return p->part_count > 0;
}

typedef struct search {
    uint64_t base_cost;  /* of the cheapest plan */
    pick_t best;         /* the plan to take */
    uint64_t best_bytes; /* its arena */
    uint64_t best_cost;
    uint64_t least;    /* the smallest arena seen */
    pick_t least_pick; /* and the plan that has it */
    bool found;
    bool smallest; /* it is for the smallest of all */
    bool reports;  /* the caller is told of each plan */
    bool doubts;   /* an overlap found no place */
} search_t;

static bool acceptable(const nnom_plan_request_t *request, const search_t *s, const point_t *point)
{
    if (request->smallest) {
        return true;
    }
    if (request->budget != 0) {
        return point->arena_bytes <= request->budget && (!s->found || point->cost < s->best_cost);
    }
    return point->cost <= s->base_cost + s->base_cost / 100 * request->free_percent;
}

static bool better(const nnom_plan_request_t *request, const search_t *s, const point_t *point)
{
    const bool cheapest = request->budget != 0 && !request->smallest;
    return acceptable(request, s, point) && (!s->found || cheapest || point->arena_bytes < s->best_bytes);
}

static void consider(nnom_planner_t *p, search_t *s, pick_t pick, const point_t *point)
{
    if (point->arena_bytes < s->least) {
        s->least = point->arena_bytes;
        s->least_pick = pick;
    }
    if (better(p->request, s, point)) {
        s->found = true;
        s->best = pick;
        s->best_bytes = point->arena_bytes;
        s->best_cost = point->cost;
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

/* A node that runs whole and should lie over its input, but was not placed so. */
static bool found_no_place(const nnom_planner_t *p, uint16_t n)
{
    const uint16_t out = p->flow.storage[nnom_node_output_index(&p->nodes[n], 0)];
    const nnom_block_t *block = &p->blocks[p->tensor_block[out]];
    if (p->tensors[out].data != NULL || block->above == NNOM_NO_BLOCK) {
        return false;
    }
    const nnom_block_t *above = &p->blocks[block->above];
    return block->offset + block->bytes <= above->offset || above->offset + above->bytes <= block->offset;
}

/*
 * Where one output lies over its input, the next may not, since that must lie where it does. What the plan counted on in vain is
 * doubtful from then on.
 */
static void doubt(nnom_planner_t *p, search_t *s, const point_t *point)
{
    for (uint16_t k = 0; k < p->part_count && p->request->fast_bytes == 0; k++) {
        const nnom_part_t *part = &p->parts[k];
        const uint32_t saving = part->rolls ? 0 : nnom_overlap_saving(&p->flow, part->first);
        if (saving > 0 && (uint64_t)part->bytes + saving > point->estimate && found_no_place(p, part->first)) {
            p->table.doubtful[part->first] = 1;
            s->doubts = true;
        }
    }
}

/* From the cheapest plan on, each next one must need less. */
static void search_from(nnom_planner_t *p, search_t *s, bool cautious)
{
    pick_t pick = {UINT32_MAX, cautious};
    point_t point;
    while (choose(p, pick, &point)) {
        point.arena_bytes = layout(p, s, &point);
        point.cost = p->layout_cost + base_cost(p); /* calls are known now; the choice counts one for each row */
        s->base_cost = s->base_cost == 0 ? point.cost : s->base_cost;
        consider(p, s, pick, &point);
        if (!cautious && point.arena_bytes > point.estimate) {
            doubt(p, s, &point);
        }
        if (point.estimate == 0) {
            break;
        }
        pick.limit = point.estimate - 1;
    }
}

/* Once more where overlaps found no place, without them. */
static search_t search_plans(nnom_planner_t *p, bool smallest, bool reports)
{
    const pick_t first = {UINT32_MAX, false};
    search_t s = {0, first, 0, 0, UINT64_MAX, first, false, smallest, reports, false};
    search_from(p, &s, false);
    if (s.doubts) {
        search_from(p, &s, true);
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
    (void)choose(p, s->least_pick, &point);
    p->result.least = s->least;
    p->result.node = hungriest(p);
    return NNOM_TOO_SMALL;
}

static nnom_status_t take_plan(nnom_planner_t *p, pick_t pick)
{
    point_t point;
    (void)choose(p, pick, &point);
    const uint64_t bytes = nnom_layout(p, NNOM_TRIES);
    if (bytes > INT32_MAX) {
        return NNOM_OVERFLOW;
    }
    p->program->arena_bytes = (uint32_t)(bytes - p->slow_bytes);
    p->program->slow_bytes = (uint32_t)p->slow_bytes;
    p->result.cost = p->layout_cost + base_cost(p);
    p->result.live_bytes = nnom_live_bytes(p->blocks, p->block_count);
    return nnom_layout_apply(p);
}

static uint64_t final_bytes(nnom_planner_t *p, pick_t pick)
{
    point_t point;
    (void)choose(p, pick, &point);
    return nnom_layout(p, NNOM_TRIES);
}

/* The search places with little effort: the cheapest plan may need no more than the one that was found. */
static pick_t best_pick(nnom_planner_t *p, const search_t *s)
{
    const pick_t first = {UINT32_MAX, false};
    const bool is_first = s->best.limit == UINT32_MAX && !s->best.cautious;
    return is_first || final_bytes(p, first) <= final_bytes(p, s->best) ? first : s->best;
}

nnom_status_t nnom_planner_plan(nnom_planner_t *p)
{
    nnom_flow_uses(&p->flow);
    nnom_options_fill(&p->flow, &p->table, &p->sim, p->path_cost, p->path_from, p->parts);
    search_t s = search_plans(p, p->request->smallest, true);
    if (!s.found && p->program->node_count > 0) { /* what is the least? */
        s = search_plans(p, true, false);
        s.best = s.least_pick;
        if (s.least > p->request->budget) {
            return too_small(p, &s);
        }
    }
    return take_plan(p, best_pick(p, &s));
}
