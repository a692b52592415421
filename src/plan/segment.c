/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "segment.h"

enum { SHORT_LENGTH = 6 };
enum { ESTIMATE_ROWS = 4 }; /* rows that every end makes before ring heights are taken as known; the layout is exact */
/* Of the executor, measured on the emulated Cortex-M4 (docs/plan_cost.md): instructions. */
enum { COST_NODE = 47, COST_CALL = 54, COST_STEP = 13 };

static uint32_t segment_rounded(uint64_t bytes)
{
    const uint64_t up = (bytes + 3u) & ~(uint64_t)3u;
    return up > UINT32_MAX ? UINT32_MAX : (uint32_t)up;
}

static uint32_t segment_whole_bytes(const nnom_flow_t *f, uint16_t storage)
{
    return segment_rounded(nnom_storage_bytes(f, storage));
}

static uint64_t segment_cost_of(const nnom_flow_t *f, uint16_t n, bool rolls, int32_t calls)
{
    const uint64_t cost = nnom_cost_of(&f->cost[n], nnom_node_rows(f, n), calls) / 16u;
    const uint64_t steps = (uint64_t)nnom_node_rows(f, n);
    return cost + (rolls ? (uint64_t)calls * COST_CALL + steps * COST_STEP : COST_NODE);
}

/* Estimated instructions of running node n whole, or, at most, in a segment: in calls for single rows. */
static uint64_t segment_cost(const nnom_flow_t *f, uint16_t n, bool rolls)
{
    const bool apart = rolls && (f->program->nodes[n].op->flags & NNOM_OP_WHOLE) == 0;
    return segment_cost_of(f, n, rolls, apart ? nnom_node_rows(f, n) : 1);
}

uint64_t nnom_part_cost(const nnom_flow_t *f, const nnom_part_t *part, const nnom_sim_t *sim)
{
    uint64_t cost = 0;
    for (uint16_t n = part->first; n < part->end; n++) {
        cost += segment_cost_of(f, n, part->rolls, part->rolls ? sim->calls[n] : 1);
    }
    return cost;
}

/* ---- Bytes ---- */

static bool lives(const nnom_flow_t *f, uint16_t storage, uint16_t first, uint16_t end)
{
    const nnom_tensor_t *t = &f->program->tensors[storage];
    const uint16_t made = f->producer[storage];
    return f->storage[storage] == storage && t->data == NULL && f->last_use[storage] >= first &&
           (made == NNOM_NO_NODE ? f->readers[storage] + f->last_use[storage] > 0
                                 : made < end || nnom_is_read_state(f, storage));
}

/* Partial sums live as long as the segment, each its own; what others need is shared: of a rolling one the simulation knows how much. */
static uint32_t scratch_of(const nnom_flow_t *f, const nnom_part_t *part, const nnom_sim_t *sim)
{
    uint64_t kept = 0, shared = part->rolls ? segment_rounded(sim->scratch) : 0;
    for (uint16_t n = part->first; n < part->end; n++) {
        const bool keeps = nnom_node_keeps(&f->program->nodes[n]);
        const uint32_t bytes = segment_rounded(nnom_scratch(f, n, part->rolls, part->first, part->end));
        if (keeps) {
            kept += bytes;
        } else if (!part->rolls && bytes > shared) {
            shared = bytes;
        }
    }
    return segment_rounded(kept + shared);
}

uint32_t nnom_overlap_saving(const nnom_flow_t *f, uint16_t n)
{
    const nnom_node_t *node = &f->program->nodes[n];
    const uint16_t in = f->storage[node->inputs[0]], out = f->storage[nnom_node_output_index(node, 0)];
    const bool ends = f->last_use[in] == n && f->readers[in] == 1 && f->program->tensors[in].data == NULL &&
                      f->program->tensors[out].data == NULL;
    if (f->overlap[n] == NNOM_NO_OVERLAP || !ends) {
        return 0;
    }
    const uint32_t from = segment_whole_bytes(f, in), to = segment_whole_bytes(f, out);
    const uint64_t apart = (uint64_t)from + to, above = (uint64_t)segment_rounded((uint64_t)f->overlap[n]) + from;
    const uint64_t joined = above > to ? above : to;
    return joined < apart ? (uint32_t)(apart - joined) : 0;
}

uint32_t nnom_part_bytes(const nnom_flow_t *f, const nnom_part_t *part, const nnom_sim_t *sim)
{
    uint64_t bytes = scratch_of(f, part, sim);
    for (uint16_t t = 0; t < f->program->tensor_count; t++) {
        if (!lives(f, t, part->first, part->end)) {
            continue;
        }
        const nnom_tensor_t *tensor = &f->program->tensors[t];
        if (!part->rolls || !nnom_is_ring(f, t, part->first, part->end)) {
            bytes += segment_whole_bytes(f, t);
        } else if (sim->ring[t] == t) {
            bytes += segment_rounded((uint64_t)sim->height[t] * (uint64_t)tensor->row_bytes);
        }
    }
    if (part->rolls) {
        bytes += segment_rounded((uint64_t)(part->end - part->first) * sizeof(uint16_t));
    } else {
        bytes -= nnom_overlap_saving(f, part->first);
    }
    return bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

/* ---- All segments ---- */

static bool branches(const nnom_flow_t *f, const nnom_part_t *part)
{
    for (uint16_t n = part->first; n < part->end; n++) {
        if (f->readers[f->storage[nnom_node_output_index(&f->program->nodes[n], 0)]] > 1) {
            return true;
        }
    }
    return part->first == 0 && f->program->input_count > 0 && f->readers[f->storage[f->program->inputs[0]]] > 1;
}

static bool likes_rows(const nnom_flow_t *f, const nnom_part_t *part)
{
    bool any = false;
    for (uint16_t n = part->first; n < part->end; n++) {
        any = any || f->liked[n] > 1;
    }
    return any;
}

static void set_eager(nnom_sim_t *sim, const nnom_part_t *part, bool eager)
{
    for (uint16_t n = part->first; n < part->end; n++) {
        sim->eager[n] = eager;
    }
}

/* Kept if it needs less; advancing by the rows that kernels like, if it needs no more. */
static void try_rolling(const nnom_flow_t *f, nnom_part_t *part, nnom_sim_t *sim, bool eager, bool liked)
{
    nnom_part_t tried = *part;
    tried.rolls = true;
    tried.eager = eager;
    tried.liked = liked;
    set_eager(sim, part, eager);
    sim->liked = liked;
    sim->enough = ESTIMATE_ROWS;
    const bool runs = nnom_simulate(f, part->first, part->end, sim);
    sim->enough = 0;
    sim->liked = false;
    if (!runs) {
        return;
    }
    tried.bytes = nnom_part_bytes(f, &tried, sim);
    if (tried.bytes < part->bytes || (liked && tried.bytes == part->bytes)) {
        *part = tried;
    }
}

static nnom_part_t segment_whole_part(const nnom_flow_t *f, uint16_t n)
{
    nnom_part_t part = {n, (uint16_t)(n + 1), false, false, false, 0};
    part.bytes = nnom_part_bytes(f, &part, NULL);
    return part;
}

static uint32_t most_bytes(const nnom_flow_t *f)
{
    uint32_t most = 0;
    for (uint16_t n = 0; n < f->program->node_count; n++) {
        const nnom_part_t part = segment_whole_part(f, n);
        most = part.bytes > most ? part.bytes : most;
    }
    return most;
}

/* What stays live if the segment is made longer: all but what it leaves for later. */
static uint64_t segment_least_bytes(const nnom_flow_t *f, const nnom_part_t *part, const nnom_sim_t *sim)
{
    uint64_t bytes = 0;
    for (uint16_t t = 0; t < f->program->tensor_count; t++) {
        const uint16_t made = f->producer[t];
        const bool before = made == NNOM_NO_NODE || made < part->first;
        if (!lives(f, t, part->first, part->end)) {
            continue;
        }
        if (sim->ring[t] == t && nnom_is_ring(f, t, part->first, part->end)) {
            bytes += (uint64_t)sim->height[t] * (uint64_t)f->program->tensors[t].row_bytes;
        } else if (before && !(f->feed && part->first == 0)) {
            bytes += segment_whole_bytes(f, t);
        }
    }
    return bytes;
}

/* Entries before those that begin at node `first`. */
static size_t row_at(const nnom_options_table_t *table, size_t first)
{
    const size_t full =
        (size_t)table->node_count - table->max_length + 1; /* rows of max_length entries; each next has one less */
    const size_t less = first > full ? first - full : 0;
    return first * table->max_length - less * (less + 1) / 2;
}

size_t nnom_options_count(const nnom_options_table_t *table)
{
    return row_at(table, table->node_count);
}

/* The segments that begin at `first`, from `from` nodes up to `to`; longer ones than `most` bytes allow are not worth
 * it. */
static void fill_from(const nnom_flow_t *f, nnom_options_table_t *table, nnom_sim_t *sim, uint16_t first, uint16_t from,
                      uint16_t to, uint32_t most)
{
    nnom_option_t *row = &table->options[row_at(table, first)];
    bool worth = true;
    for (uint16_t k = from; k < to && first + k < table->node_count; k++) {
        const uint16_t end = (uint16_t)(first + k + 1);
        nnom_part_t part = {first, end, false, false, false, UINT32_MAX};
        worth = worth && nnom_can_roll(f, first, end);
        if (worth && (k > 0 || (first == 0 && f->feed))) {
            try_rolling(f, &part, sim, false, false);
            worth = part.rolls && segment_least_bytes(f, &part, sim) < most;
            if (branches(f, &part)) {
                try_rolling(f, &part, sim, true, false);
            }
            if (part.rolls && likes_rows(f, &part)) {
                try_rolling(f, &part, sim, part.eager, true);
            }
        }
        if (k == 0) {
            const nnom_part_t whole = segment_whole_part(f, first);
            part = part.rolls && part.bytes < whole.bytes ? part : whole;
        }
        const nnom_option_t option = {(part.bytes / 4u) & NNOM_NO_OPTION, part.rolls, part.eager, part.liked};
        row[k] = option;
    }
}

/* ---- Choosing ---- */

static const nnom_option_t *option(const nnom_options_table_t *table, uint16_t first, uint16_t end)
{
    return &table->options[row_at(table, first) + (size_t)(end - first - 1)];
}

/* Words of a segment. */
static uint32_t option_words(const nnom_flow_t *f, const nnom_options_table_t *table, uint16_t first, uint16_t end)
{
    const nnom_option_t *o = option(table, first, end);
    const bool doubtful = table->cautious && !o->rolls && end - first == 1 && table->doubtful[first];
    const uint32_t words = o->words + (doubtful ? nnom_overlap_saving(f, first) / 4u : 0); /* < 2^31 */
    return words < NNOM_NO_OPTION ? words : NNOM_NO_OPTION;
}

/* Shortest path over the nodes: work_cost[n] is the least cost of running nodes [0, n). */
static void shortest_paths(const nnom_flow_t *f, const nnom_options_table_t *table, uint32_t limit, uint64_t *work_cost,
                           uint16_t *work_from)
{
    work_cost[0] = 0;
    for (uint16_t end = 1; end <= table->node_count; end++) {
        uint64_t rolled = 0;
        work_cost[end] = UINT64_MAX;
        for (uint16_t first = end; first > 0 && end - first < table->max_length;) {
            first--;
            const nnom_option_t *from = option(table, first, end);
            rolled += segment_cost(f, first, true);
            const uint32_t words = option_words(f, table, first, end);
            if (work_cost[first] == UINT64_MAX || words > limit / 4u || words == NNOM_NO_OPTION) {
                continue;
            }
            const uint64_t cost = work_cost[first] + (from->rolls ? rolled : segment_cost(f, first, false));
            if (cost <= work_cost[end]) {
                work_cost[end] = cost;
                work_from[end] = first;
            }
        }
    }
}

uint16_t nnom_choose(const nnom_flow_t *f, const nnom_options_table_t *table, uint32_t limit, nnom_part_t *result,
                     uint64_t *cost, uint32_t *bytes, uint64_t *work_cost, uint16_t *work_from)
{
    shortest_paths(f, table, limit, work_cost, work_from);
    uint16_t count = 0;
    *cost = work_cost[table->node_count];
    *bytes = 0;
    if (*cost == UINT64_MAX) {
        return 0;
    }
    for (uint16_t end = table->node_count; end > 0; end = work_from[end]) {
        count++;
    }
    uint16_t k = count;
    for (uint16_t end = table->node_count; end > 0; end = work_from[end]) {
        const nnom_option_t *from = option(table, work_from[end], end);
        const uint32_t part_bytes = option_words(f, table, work_from[end], end) * 4u;
        const nnom_part_t part = {work_from[end], end, from->rolls, from->eager, from->liked, part_bytes};
        result[--k] = part;
        *bytes = result[k].bytes > *bytes ? result[k].bytes : *bytes;
    }
    return count;
}

/* ---- The table ---- */

/* The least that any sequence of the parts known so far needs. */
static uint32_t least_limit(const nnom_flow_t *f, nnom_options_table_t *table, uint64_t *work_cost, uint16_t *work_from,
                            nnom_part_t *parts)
{
    uint32_t limit = UINT32_MAX, bytes;
    uint64_t cost;
    while (limit > 0 && nnom_choose(f, table, limit - 1, parts, &cost, &bytes, work_cost, work_from) > 0) {
        limit = bytes;
    }
    return limit;
}

void nnom_options_fill(const nnom_flow_t *f, nnom_options_table_t *table, nnom_sim_t *sim, uint64_t *work_cost,
                       uint16_t *work_from, nnom_part_t *work_parts)
{
    uint16_t from = 0, to = table->max_length < SHORT_LENGTH ? table->max_length : SHORT_LENGTH;
    uint32_t most = most_bytes(f);
    for (size_t k = 0; k < nnom_options_count(table); k++) {
        table->options[k].words = NNOM_NO_OPTION;
    }
    while (from < to) { /* short segments first: what they reach bounds the longer ones */
        for (uint16_t first = 0; first < table->node_count; first++) {
            fill_from(f, table, sim, first, from, to, most);
        }
        most = least_limit(f, table, work_cost, work_from, work_parts);
        from = to;
        to = table->max_length - to > to ? (uint16_t)(2 * to) : table->max_length;
    }
}
