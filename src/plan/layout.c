/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* From a plan to addresses: part k of it is time k + 1; inputs live from time 0, outputs beyond the last part. */
#include "nnom_port.h"
#include "plan.h"

static uint16_t add_block(nnom_planner_t *p, uint64_t bytes, uint16_t first, uint16_t last)
{
    const nnom_block_t block = {bytes > INT32_MAX ? INT32_MAX : (uint32_t)bytes, 0, 0, first, last, NNOM_NO_BLOCK};
    p->blocks[p->block_count] = block;
    return (uint16_t)p->block_count++;
}

static uint16_t time_of(const nnom_planner_t *p, uint16_t node)
{
    uint16_t k = 0;
    while (k < p->part_count && node >= p->parts[k].end) {
        k++;
    }
    return (uint16_t)(k + 1);
}

static bool in_arena(const nnom_planner_t *p, uint16_t tensor)
{
    return p->flow.storage[tensor] == tensor && p->tensors[tensor].data == NULL;
}

/* Repeats the simulation that the choice was based on. */
static void simulate(nnom_planner_t *p, const nnom_part_t *part)
{
    for (uint16_t n = part->first; n < part->end; n++) {
        p->sim.eager[n] = part->eager;
    }
    p->sim.liked = part->liked;
    (void)nnom_simulate(&p->flow, part->first, part->end, &p->sim); /* succeeded before */
    p->sim.liked = false;
}

static uint64_t layout_tensor_bytes(const nnom_tensor_t *t, int32_t rows)
{
    return (uint64_t)rows * (uint64_t)t->row_bytes;
}

/* Storages that are whole: from the part that makes them to the last that reads them. */
static void whole_tensors(nnom_planner_t *p)
{
    for (uint16_t t = 0; t < p->program->tensor_count; t++) {
        if (in_arena(p, t)) {
            const uint16_t made = p->flow.producer[t];
            const uint16_t first = made == NNOM_NO_NODE || nnom_is_read_state(&p->flow, t) ? 0 : time_of(p, made);
            const uint16_t last = time_of(p, p->flow.last_use[t]);
            p->tensor_block[t] = add_block(p, nnom_storage_bytes(&p->flow, t), first, last);
        }
    }
}

/* In a rolling part, what is made and read only there shrinks to its ring. */
static void rings(nnom_planner_t *p, const nnom_part_t *part, uint16_t time)
{
    for (uint16_t t = 0; t < p->program->tensor_count; t++) {
        if (in_arena(p, t) && nnom_is_ring(&p->flow, t, part->first, part->end)) {
            const uint16_t ring = p->sim.ring[t];
            nnom_block_t *block = &p->blocks[p->tensor_block[t]];
            block->first = time;
            block->last = time;
            block->bytes = ring == t ? (uint32_t)layout_tensor_bytes(&p->tensors[t], p->sim.height[t]) : 0;
            if (ring != t) {
                p->tensor_block[t] = p->tensor_block[ring];
            }
        }
    }
}

static void rolling_scratch(nnom_planner_t *p, const nnom_part_t *part, uint16_t time)
{
    uint32_t shared = 0;
    for (uint16_t n = part->first; n < part->end; n++) {
        const uint32_t bytes = nnom_scratch(&p->flow, n, true, part->first, part->end);
        if (!nnom_node_keeps(&p->nodes[n]) && bytes > shared) {
            shared = bytes;
        }
    }
    const uint16_t block = add_block(p, shared, time, time);
    if (p->sim.dying != NNOM_NO_TENSOR && p->sim.scratch < shared) {
        p->blocks[block].above = p->tensor_block[p->sim.dying];
        p->blocks[block].distance = p->sim.scratch;
    }
    for (uint16_t n = part->first; n < part->end; n++) {
        const bool keeps = nnom_node_keeps(&p->nodes[n]);
        p->node_block[n] = keeps ? add_block(p, p->flow.scratch[n], time, time) : block;
    }
}

/* The input whose memory a whole node's output may share: it ends here, and rows are read before they are overwritten.
 */
static uint16_t overlapped(const nnom_planner_t *p, uint16_t n)
{
    const nnom_node_t *node = &p->nodes[n];
    const nnom_tensor_t *first = &p->tensors[node->inputs[0]];
    const nnom_tensor_t *out = &p->tensors[nnom_node_output_index(node, 0)];
    for (uint32_t i = 0; i < node->input_count && p->flow.overlap[n] != NNOM_NO_OVERLAP; i++) {
        const nnom_tensor_t *in = &p->tensors[node->inputs[i]];
        const uint16_t storage = p->flow.storage[node->inputs[i]];
        uint32_t uses = 0;
        for (uint32_t k = 0; k < node->input_count; k++) {
            uses += p->flow.storage[node->inputs[k]] == storage;
        }
        const bool alike = nnom_shape_equal(in->shape, first->shape) && in->type == first->type;
        const bool fits = i == 0 || (nnom_shape_equal(in->shape, out->shape) && in->type == out->type);
        if (alike && fits && uses == 1 && in_arena(p, storage) && p->flow.last_use[storage] == n) {
            return storage;
        }
    }
    return UINT16_MAX;
}

static void layout_whole_part(nnom_planner_t *p, const nnom_part_t *part, uint16_t time)
{
    const uint16_t n = part->first;
    const uint16_t out = p->flow.storage[nnom_node_output_index(&p->nodes[n], 0)];
    p->node_block[n] = add_block(p, nnom_scratch(&p->flow, n, false, n, (uint16_t)(n + 1)), time, time);
    const uint16_t above = overlapped(p, n);
    if (above != UINT16_MAX && in_arena(p, out)) {
        p->blocks[p->tensor_block[out]].above = p->tensor_block[above];
        p->blocks[p->tensor_block[out]].distance = (uint32_t)p->flow.overlap[n];
    }
}

/* Accesses: a node reads each input and its scratch about once per multiplication, and writes each output element once.
 */
static void add_heat(nnom_planner_t *p, uint16_t block, uint64_t accesses)
{
    nnom_block_t *b = &p->blocks[block];
    const uint64_t heat = b->offset + (b->bytes > 0 ? accesses * 16 / b->bytes : 0);
    b->offset = heat > UINT32_MAX ? UINT32_MAX : (uint32_t)heat;
}

static void measure_heat(nnom_planner_t *p)
{
    for (uint16_t n = 0; n < p->program->node_count; n++) {
        const nnom_node_t *node = &p->nodes[n];
        const nnom_tensor_t *out = &p->tensors[nnom_node_output_index(node, 0)];
        const uint64_t written = layout_tensor_bytes(out, out->shape.h);
        const uint64_t read = p->flow.macs[n] > written ? p->flow.macs[n] : written;
        for (uint32_t i = 0; i < node->input_count; i++) {
            const uint16_t storage = p->flow.storage[node->inputs[i]];
            if (in_arena(p, storage)) {
                add_heat(p, p->tensor_block[storage], read);
            }
        }
        if (in_arena(p, p->flow.storage[nnom_node_output_index(node, 0)])) {
            add_heat(p, p->tensor_block[p->flow.storage[nnom_node_output_index(node, 0)]], written);
        }
        add_heat(p, p->node_block[n], read);
    }
}

uint64_t nnom_layout(nnom_planner_t *p, uint32_t tries)
{
    p->block_count = 0;
    p->layout_cost = 0;
    whole_tensors(p);
    for (uint16_t k = 0; k < p->part_count; k++) {
        const nnom_part_t *part = &p->parts[k];
        const uint16_t time = (uint16_t)(k + 1);
        p->counter_block[k] = NNOM_NO_BLOCK;
        if (part->rolls) {
            simulate(p, part);
            rings(p, part, time);
            rolling_scratch(p, part, time);
            p->counter_block[k] = add_block(p, (uint64_t)(part->end - part->first) * sizeof(uint16_t), time, time);
        } else {
            layout_whole_part(p, part, time);
        }
        p->layout_cost += nnom_part_cost(&p->flow, part, &p->sim);
    }
    p->slow_bytes = 0;
    const uint32_t fast_bytes = p->request->fast_bytes;
    if (fast_bytes == 0) {
        return nnom_place(p->blocks, p->block_count, p->block_order, tries);
    }
    measure_heat(p);
    const uint64_t fast = nnom_place_regions(p->blocks, p->block_count, p->block_order, fast_bytes, &p->slow_bytes);
    return fast + p->slow_bytes;
}

/* ---- Into the program ---- */

/* Of a tensor that is whole the rows that are read. */
static void apply_tensors(nnom_planner_t *p)
{
    for (uint16_t t = 0; t < p->program->tensor_count; t++) {
        const uint16_t storage = p->flow.storage[t];
        if (p->tensors[storage].data == NULL) {
            p->tensors[t].offset = p->blocks[p->tensor_block[storage]].offset;
        }
        if (p->flow.rows[storage] < p->tensors[storage].shape.h) { /* its views have the same rows */
            p->tensors[t].rows = p->flow.rows[storage];
        }
    }
}

static void apply_rings(nnom_planner_t *p, const nnom_part_t *part)
{
    for (uint16_t t = 0; t < p->program->tensor_count; t++) {
        const uint16_t storage = p->flow.storage[t];
        const bool same_rows = p->tensors[t].row_bytes == p->tensors[storage].row_bytes;
        if (p->tensors[storage].data == NULL && same_rows && nnom_is_ring(&p->flow, storage, part->first, part->end)) {
            p->tensors[t].rows = p->sim.height[p->sim.ring[storage]];
        }
    }
}

static uint32_t count_steps(nnom_planner_t *p, uint32_t *segments)
{
    uint32_t steps = 0;
    *segments = 0;
    for (uint16_t k = 0; k < p->part_count; k++) {
        if (p->parts[k].rolls) {
            simulate(p, &p->parts[k]);
            steps += p->sim.steps;
        }
        *segments += k == 0 || p->parts[k].rolls || p->parts[k - 1].rolls;
    }
    return steps;
}

static void fill_segments(nnom_planner_t *p, nnom_segment_t *segment, uint8_t *steps, uint32_t capacity)
{
    for (uint16_t k = 0; k < p->part_count; k++) {
        const nnom_part_t *part = &p->parts[k];
        if (!part->rolls && k > 0 && !p->parts[k - 1].rolls) {
            segment[-1].end = part->end;
            continue;
        }
        const nnom_segment_t whole = {part->first, part->end, 0, NULL, 0};
        *segment = whole;
        if (part->rolls) {
            p->sim.record = steps;
            p->sim.capacity = capacity;
            simulate(p, part);
            p->sim.record = NULL;
            apply_rings(p, part);
            segment->steps = steps;
            segment->step_count = p->sim.steps;
            segment->counters = p->blocks[p->counter_block[k]].offset;
            steps += p->sim.steps;
            capacity -= p->sim.steps;
        }
        segment++;
    }
}

static nnom_status_t apply_schedule(nnom_planner_t *p)
{
    uint32_t segments;
    const uint32_t steps = count_steps(p, &segments);
    if (steps == 0) {
        return NNOM_OK; /* all whole */
    }
    nnom_planner_end_search(p); /* what it took holds most schedules */
    const size_t bytes = segments * sizeof(nnom_segment_t) + steps;
    nnom_segment_t *table = nnom_malloc(bytes);
    if (table == NULL) {
        p->result.memory = bytes;
        return NNOM_NO_MEMORY;
    }
    p->result.schedule = table;
    p->result.schedule_bytes = (uint32_t)bytes;
    fill_segments(p, table, (uint8_t *)(table + segments), steps);
    p->program->segments = table;
    p->program->segment_count = (uint16_t)segments;
    return NNOM_OK;
}

nnom_status_t nnom_layout_apply(nnom_planner_t *p)
{
    apply_tensors(p);
    for (uint16_t k = 0; k < p->part_count; k++) {
        for (uint16_t n = p->parts[k].first; n < p->parts[k].end; n++) {
            const nnom_block_t *block = &p->blocks[p->node_block[n]];
            p->nodes[n].scratch = block->offset;
            p->nodes[n].scratch_bytes =
                nnom_scratch(&p->flow, n, p->parts[k].rolls, p->parts[k].first, p->parts[k].end);
        }
    }
    const bool endless = p->request->endless;
    p->program->fed = p->flow.feed ? (uint16_t)(endless ? NNOM_FED_ENDLESS : 1) : 0;
    return apply_schedule(p);
}
