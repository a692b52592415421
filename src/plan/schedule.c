/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "schedule.h"

static const nnom_node_t *node_at(const nnom_flow_t *f, uint32_t n)
{
    return &f->program->nodes[n];
}

/* ---- What a step needs ---- */

static nnom_range_t next_rows(const nnom_flow_t *f, const nnom_sim_t *s, uint16_t n)
{
    const bool whole = (node_at(f, n)->op->flags & NNOM_OP_WHOLE) != 0;
    const int32_t rows = nnom_node_rows(f, n), next = s->done[n] + (s->liked ? f->liked[n] : 1);
    const nnom_range_t y = {s->done[n], whole || next > rows ? rows : next};
    return y;
}

/* The rows of input i that the next step of node n reads. */
static nnom_range_t needs(const nnom_flow_t *f, const nnom_sim_t *s, uint16_t n, uint32_t i)
{
    return nnom_rows_read(f->program, node_at(f, n), i, next_rows(f, s, n));
}

static bool finished(const nnom_flow_t *f, const nnom_sim_t *s, uint16_t n)
{
    return s->done[n] >= nnom_node_rows(f, n);
}

/* Rows of a tensor that exist. A view of other rows than its storage exists when the storage is complete. */
static int32_t available(const nnom_flow_t *f, const nnom_sim_t *s, uint16_t tensor)
{
    const uint16_t storage = f->storage[tensor];
    const nnom_tensor_t *t = &f->program->tensors[tensor];
    const nnom_tensor_t *of = &f->program->tensors[storage];
    const uint16_t producer = f->producer[storage];
    int32_t rows = f->rows[storage];
    if (nnom_node_inside(producer, s->first, s->end)) {
        const bool part = nnom_node_reduces(node_at(f, producer)) && !finished(f, s, producer);
        rows = part ? 0 : (nnom_node_reduces(node_at(f, producer)) ? of->shape.h : s->done[producer]);
        if (f->whole[storage] && of->shape.h != nnom_node_rows(f, producer)) {
            rows = finished(f, s, producer) ? of->shape.h : 0; /* a further output with rows of its own */
        }
    } else if (s->first == 0 && nnom_is_fed(f, storage)) {
        rows = s->fed;
    }
    if (t->row_bytes != of->row_bytes) {
        return rows == f->rows[storage] ? t->shape.h : 0;
    }
    return rows;
}

/* Goes on with the inputs of a waiting node; true if it can run. */
static bool ready(const nnom_flow_t *f, const nnom_sim_t *s, nnom_wait_t *wait)
{
    const nnom_node_t *node = node_at(f, wait->node);
    while (wait->input < node->input_count) {
        if (wait->rows < 0) {
            wait->rows = needs(f, s, wait->node, wait->input).hi;
        }
        if (wait->rows > available(f, s, node->inputs[wait->input])) {
            return false;
        }
        wait->input++;
        wait->rows = -1;
    }
    return true;
}

static nnom_wait_t new_wait(const nnom_sim_t *s, uint16_t n)
{
    const nnom_wait_t wait = {n, 0, s->done[n], -1};
    return wait;
}

static bool can_run(const nnom_flow_t *f, const nnom_sim_t *s, uint16_t n)
{
    nnom_wait_t wait = new_wait(s, n);
    return ready(f, s, &wait);
}

/* ---- Rings ---- */

/* First row of a tensor that node n, input i, still reads. */
static int32_t lowest_needed(const nnom_flow_t *f, const nnom_sim_t *s, uint16_t n, uint32_t i)
{
    const uint16_t tensor = node_at(f, n)->inputs[i];
    const nnom_tensor_t *t = &f->program->tensors[tensor];
    const nnom_tensor_t *of = &f->program->tensors[f->storage[tensor]];
    if (finished(f, s, n)) {
        return of->shape.h;
    }
    return t->row_bytes != of->row_bytes ? 0 : needs(f, s, n, i).lo;
}

/* The lowest row of a storage that a node of the segment still reads; `low` if there is none below. */
static int32_t still_read(const nnom_flow_t *f, const nnom_sim_t *s, uint16_t ring, int32_t low)
{
    for (uint32_t k = s->use_first[ring]; k < s->use_first[ring + 1]; k++) {
        const int32_t row = lowest_needed(f, s, s->uses[k].node, s->uses[k].input);
        low = row < low ? row : low;
    }
    return low;
}

/* A row was just written to `ring`, the highest so far being `top` - 1: how tall must it be? */
static void measure(const nnom_flow_t *f, nnom_sim_t *s, uint16_t ring, int32_t top)
{
    const int32_t low = still_read(f, s, ring, top - 1);
    if (top - low > s->height[ring]) {
        s->height[ring] = top - low;
    }
}

/* ---- Scratch ---- */

static uint16_t find_dying(const nnom_flow_t *f, const nnom_sim_t *s)
{
    for (uint16_t n = s->first; n < s->end && !f->all_rows; n++) {
        for (uint32_t i = 0; i < node_at(f, n)->input_count; i++) {
            const uint16_t t = f->storage[node_at(f, n)->inputs[i]], made = f->producer[t];
            const bool before = made == NNOM_NO_NODE || made < s->first;
            if (before && f->program->tensors[t].data == NULL && f->last_use[t] < s->end && !f->whole[t] &&
                !nnom_is_fed(f, t)) {
                return t;
            }
        }
    }
    return NNOM_NO_TENSOR;
}

/* Node n is about to run: rows of `dying` that are read no more, from now on, may hold the end of its scratch. */
static void take_scratch(const nnom_flow_t *f, nnom_sim_t *s, uint16_t n)
{
    const uint64_t bytes = nnom_scratch(f, n, true, s->first, s->end);
    if (nnom_node_keeps(node_at(f, n)) || bytes <= s->scratch) {
        return;
    }
    uint64_t dead = 0;
    if (s->dying != NNOM_NO_TENSOR) {
        const nnom_tensor_t *t = &f->program->tensors[s->dying];
        dead = (uint64_t)still_read(f, s, s->dying, t->shape.h) * (uint64_t)t->row_bytes;
    }
    if (bytes > dead && bytes - dead > s->scratch) {
        s->scratch = (uint32_t)(bytes - dead);
    }
}

/* The input whose rows node n may overwrite one by one with its own, or input_count. */
static uint32_t in_place(const nnom_flow_t *f, const nnom_sim_t *s, uint16_t n)
{
    const nnom_node_t *node = node_at(f, n);
    const nnom_tensor_t *out = &f->program->tensors[nnom_node_output_index(node, 0)];
    uint32_t i = 0;
    for (; i < node->input_count; i++) {
        const uint16_t storage = f->storage[node->inputs[i]];
        const nnom_tensor_t *in = &f->program->tensors[node->inputs[i]];
        const nnom_tensor_t *of = &f->program->tensors[storage];
        const bool alike =
            in->row_bytes == out->row_bytes && in->shape.h == out->shape.h && of->row_bytes == out->row_bytes;
        if (f->overlap[n] == 0 && !nnom_node_reduces(node) && alike && nnom_is_ring(f, storage, s->first, s->end) &&
            nnom_is_ring(f, f->storage[nnom_node_output_index(node, 0)], s->first, s->end) &&
            f->readers[storage] == 1) {
            break;
        }
    }
    return i;
}

/* What node n makes is wanted to its last row: nothing in the segment reads it, or somebody outside does. */
static bool is_end(const nnom_flow_t *f, const nnom_sim_t *s, uint16_t n)
{
    const uint16_t storage = f->storage[nnom_node_output_index(node_at(f, n), 0)];
    if (!nnom_is_ring(f, storage, s->first, s->end)) {
        return true;
    }
    for (uint16_t c = (uint16_t)(n + 1); c < s->end; c++) {
        for (uint32_t i = 0; i < node_at(f, c)->input_count; i++) {
            if (f->storage[node_at(f, c)->inputs[i]] == storage) {
                return false;
            }
        }
    }
    return true;
}

/* Readers of each ring, listed: counted first, then filled from the back. */
static void list_uses(const nnom_flow_t *f, nnom_sim_t *s)
{
    const uint16_t tensors = f->program->tensor_count;
    for (uint32_t t = 0; t <= tensors; t++) {
        s->use_first[t] = 0;
    }
    for (uint16_t n = s->first; n < s->end; n++) {
        for (uint32_t i = 0; i < node_at(f, n)->input_count; i++) {
            s->use_first[s->ring[node_at(f, n)->inputs[i]]]++;
        }
    }
    for (uint32_t t = 1; t <= tensors; t++) {
        s->use_first[t] = (uint16_t)(s->use_first[t] + s->use_first[t - 1]);
    }
    for (uint16_t n = s->first; n < s->end; n++) {
        for (uint16_t i = 0; i < node_at(f, n)->input_count; i++) {
            const nnom_use_t use = {n, i};
            s->uses[--s->use_first[s->ring[node_at(f, n)->inputs[i]]]] = use;
        }
    }
}

static void schedule_start(const nnom_flow_t *f, nnom_sim_t *s)
{
    for (uint16_t t = 0; t < f->program->tensor_count; t++) {
        s->ring[t] = f->storage[t];
        s->height[t] = 0;
    }
    for (uint16_t n = s->first; n < s->end; n++) {
        const nnom_node_t *node = node_at(f, n);
        s->done[n] = 0;
        s->calls[n] = 0;
        s->is_end[n] = is_end(f, s, n);
        const uint32_t i = in_place(f, s, n);
        if (i < node->input_count) {
            s->ring[f->storage[nnom_node_output_index(node, 0)]] = s->ring[f->storage[node->inputs[i]]];
        }
    }
    for (uint16_t t = 0; t < f->program->tensor_count; t++) {
        s->ring[t] = s->ring[f->storage[t]];
    }
    list_uses(f, s);
    s->dying = find_dying(f, s);
    s->scratch = 0;
    s->fed = 0;
    s->steps = 0;
    s->last = NNOM_STEP_FEED;
    s->any_eager = false;
    for (uint16_t n = s->first; n < s->end; n++) {
        s->any_eager = s->any_eager || s->eager[n];
    }
}

/* ---- Steps ---- */

static void record(nnom_sim_t *s, uint8_t step)
{
    if (s->record != NULL && s->steps < s->capacity) {
        s->record[s->steps] = step;
    }
    s->last = step;
    s->steps++;
}

static void feed_row(const nnom_flow_t *f, nnom_sim_t *s, uint16_t storage)
{
    s->fed++;
    record(s, NNOM_STEP_FEED);
    if (nnom_is_ring(f, storage, s->first, s->end)) {
        measure(f, s, s->ring[storage], s->fed);
    }
}

static void schedule_run_node(const nnom_flow_t *f, nnom_sim_t *s, uint16_t n)
{
    const nnom_node_t *node = node_at(f, n);
    const uint16_t storage = f->storage[nnom_node_output_index(node, 0)];
    const nnom_range_t y = next_rows(f, s, n);
    take_scratch(f, s, n);
    if (nnom_is_ring(f, storage, s->first, s->end)) {
        /* Before the node counts as done: what it reads must still be there while it writes. */
        const nnom_tensor_t *out = &f->program->tensors[storage];
        const int32_t top = nnom_node_reduces(node) ? out->shape.h : y.hi;
        measure(f, s, s->ring[storage], top);
        if ((node->op->flags & NNOM_OP_WHOLE) != 0 || nnom_node_reduces(node)) {
            s->height[s->ring[storage]] = out->shape.h;
        }
    }
    const uint8_t step = (uint8_t)(n - s->first);
    const bool whole = (node->op->flags & NNOM_OP_WHOLE) != 0;
    s->calls[n] += s->last != step;
    for (int32_t row = s->done[n]; row < (whole ? s->done[n] + 1 : y.hi); row++) {
        record(s, step);
    }
    s->done[n] = y.hi;
}

/* The end of the segment that is least far, in parts of its rows; NNOM_NO_NODE: all are finished. */
static uint16_t least_far(const nnom_flow_t *f, const nnom_sim_t *s)
{
    uint16_t best = NNOM_NO_NODE;
    for (uint16_t n = s->first; n < s->end; n++) {
        if (finished(f, s, n) || !s->is_end[n]) {
            continue;
        }
        if (best == NNOM_NO_NODE ||
            (int64_t)s->done[n] * nnom_node_rows(f, best) < (int64_t)s->done[best] * nnom_node_rows(f, n)) {
            best = n;
        }
    }
    return best;
}

static bool schedule_run_eager(const nnom_flow_t *f, nnom_sim_t *s)
{
    for (uint16_t n = s->end; n-- > s->first;) {
        if (s->eager[n] && !finished(f, s, n) && can_run(f, s, n)) {
            schedule_run_node(f, s, n);
            return true;
        }
    }
    return false;
}

/* What a node waits for: its producer goes on the stack, or the input is fed. False: nobody can make it. */
static bool demand(const nnom_flow_t *f, nnom_sim_t *s, const nnom_wait_t *wait, uint32_t *depth)
{
    const uint16_t storage = f->storage[node_at(f, wait->node)->inputs[wait->input]];
    const uint16_t producer = f->producer[storage];
    if (nnom_node_inside(producer, s->first, s->end) && producer < wait->node && !finished(f, s, producer)) {
        s->stack[(*depth)++] = new_wait(s, producer); /* ever lower nodes: no deeper than the segment is long */
        return true;
    }
    if (s->first == 0 && nnom_is_fed(f, storage) && s->fed < f->program->tensors[storage].shape.h) {
        feed_row(f, s, storage);
        return true;
    }
    return false;
}

/* Every end has made enough rows to know the heights in the steady state. */
static bool seen_enough(const nnom_flow_t *f, const nnom_sim_t *s)
{
    for (uint16_t n = s->first; n < s->end; n++) {
        if (s->is_end[n] && s->done[n] < s->enough && !finished(f, s, n)) {
            return false;
        }
    }
    return s->enough > 0;
}

/* Rows that no window reaches are taken all the same. */
static void feed_rest(const nnom_flow_t *f, nnom_sim_t *s)
{
    if (s->first == 0 && f->feed && s->enough == 0) {
        const uint16_t input = f->storage[f->program->inputs[0]];
        while (s->fed < f->program->tensors[input].shape.h) {
            feed_row(f, s, input);
        }
    }
}

bool nnom_simulate(const nnom_flow_t *f, uint16_t first, uint16_t end, nnom_sim_t *s)
{
    s->first = first;
    s->end = end;
    schedule_start(f, s);
    uint32_t depth = 0;
    for (;;) {
        if (s->any_eager && schedule_run_eager(f, s)) {
            continue;
        }
        if (depth == 0) {
            const uint16_t n = seen_enough(f, s) ? NNOM_NO_NODE : least_far(f, s);
            if (n == NNOM_NO_NODE) {
                break;
            }
            s->stack[depth++] = new_wait(s, n);
        }
        nnom_wait_t *top = &s->stack[depth - 1];
        if (s->any_eager && s->done[top->node] != top->row) {
            depth--; /* an eager run was faster */
        } else if (ready(f, s, top)) {
            schedule_run_node(f, s, top->node);
            depth--;
        } else if (!demand(f, s, top, &depth)) {
            return false;
        }
    }
    feed_rest(f, s);
    return true;
}
