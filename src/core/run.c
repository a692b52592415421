/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Running a program. This file and the operations are all that a frozen model links. */
#include "nnom.h"

#include <string.h>

static void notify(const nnom_model_t *m, uint32_t node, nnom_event_t event)
{
    if (m->observer != NULL) {
        m->observer(m->observer_context, m, node, event);
    }
}

/* Rows of a node's work: of the output, or for a reducing operation of the input. */
static int32_t rows_of(const nnom_program_t *program, const nnom_node_t *node)
{
    const bool reduces = (node->op->flags & NNOM_OP_REDUCES) != 0;
    return program->tensors[reduces ? node->inputs[0] : node->output].shape.h;
}

static int32_t run_rows(const nnom_model_t *m, uint32_t n, int32_t lo, int32_t hi)
{
    int32_t status = NNOM_OK;
    const nnom_node_t *node = &m->program->nodes[n];
    const nnom_call_t call = {m->program, node, &m->arena, {lo, hi}, &status};
    notify(m, n, NNOM_EVENT_BEGIN);
    node->op->run(&call);
    notify(m, n, NNOM_EVENT_END);
    return status;
}

static nnom_status_t run_whole(const nnom_model_t *m, uint32_t first, uint32_t end)
{
    int32_t status = NNOM_OK;
    for (uint32_t n = first; n < end && status == NNOM_OK; n++) {
        status = run_rows(m, n, 0, rows_of(m->program, &m->program->nodes[n]));
    }
    return (nnom_status_t)status;
}

/* ---- Rolling ---- */

/* One byte of the schedule: a node advances by a row (all its rows if it cannot be computed in pieces). */
static int32_t run_step(const nnom_model_t *m, const nnom_segment_t *segment, uint8_t step)
{
    uint16_t *rows_done = (uint16_t *)(void *)nnom_arena_at(&m->arena, segment->counters) + step;
    const uint32_t n = (uint32_t)segment->first + step;
    const nnom_node_t *node = &m->program->nodes[n];
    const bool whole = (node->op->flags & NNOM_OP_WHOLE) != 0;
    const int32_t lo = *rows_done;
    const int32_t hi = whole ? rows_of(m->program, node) : lo + 1;
    *rows_done = (uint16_t)hi; /* <= 65535: nnom_can_roll */
    return run_rows(m, n, lo, hi);
}

static nnom_status_t run_rolling(nnom_model_t *m, const nnom_segment_t *segment)
{
    int32_t status = NNOM_OK;
    if (m->step == 0) {
        memset(nnom_arena_at(&m->arena, segment->counters), 0, (size_t)(segment->end - segment->first) * sizeof(uint16_t));
    }
    while (m->step < segment->step_count && status == NNOM_OK) {
        const uint8_t step = segment->steps[m->step];
        if (step == NNOM_STEP_FEED && m->taken == m->fed) {
            return NNOM_MORE;
        }
        m->step++;
        if (step == NNOM_STEP_FEED) {
            m->taken++;
        } else {
            status = run_step(m, segment, step);
        }
    }
    return (nnom_status_t)status;
}

static bool input_complete(const nnom_model_t *m)
{
    return !m->program->fed || m->fed == nnom_input_tensor(m, 0)->shape.h;
}

/* Goes on until the end or until a row of the input is missing. */
static nnom_status_t advance(nnom_model_t *m)
{
    const nnom_program_t *program = m->program;
    if (program->segments == NULL) {
        return input_complete(m) ? run_whole(m, 0, program->node_count) : NNOM_MORE;
    }
    nnom_status_t status = NNOM_OK;
    while (m->segment < program->segment_count && status == NNOM_OK) {
        const nnom_segment_t *segment = &program->segments[m->segment];
        if (segment->step_count > 0) {
            status = run_rolling(m, segment);
        } else {
            status = input_complete(m) ? run_whole(m, segment->first, segment->end) : NNOM_MORE;
        }
        if (status == NNOM_OK) {
            m->segment++;
            m->step = 0;
        }
    }
    return status;
}

void nnom_reset(nnom_model_t *m)
{
    if (m != NULL) {
        m->step = 0;
        m->segment = 0;
        m->taken = 0;
        m->fed = 0;
    }
}

nnom_status_t model_run(nnom_model_t *m)
{
    if (m == NULL || m->program == NULL) {
        return NNOM_NOT_COMPILED;
    }
    nnom_reset(m);
    return advance(m);
}

nnom_status_t nnom_feed(nnom_model_t *m, const void *rows, uint32_t n)
{
    if (m == NULL || (rows == NULL && n > 0)) {
        return NNOM_NULL;
    }
    if (m->program == NULL || !m->program->fed) {
        return NNOM_NOT_COMPILED;
    }
    const nnom_tensor_t *input = nnom_input_tensor(m, 0);
    if (n > (uint32_t)(input->shape.h - m->fed) || (n == 0 && input_complete(m))) {
        return NNOM_BAD_ARGUMENT;
    }
    const nnom_rows_t ring = nnom_tensor_rows(input, &m->arena);
    nnom_status_t status = NNOM_MORE;
    for (uint32_t k = 0; k < n; k++) {
        memcpy(nnom_row(&ring, m->fed), (const uint8_t *)rows + (size_t)k * (size_t)input->row_bytes, (size_t)input->row_bytes);
        m->fed++;
        status = advance(m);
        if (status != NNOM_MORE && status != NNOM_OK) { /* a Lambda's: what it left out is missing until nnom_reset() */
            m->fed = input->shape.h;
            return status;
        }
    }
    return status;
}

nnom_status_t nnom_feed_bytes(nnom_model_t *m, const void *rows, uint32_t bytes)
{
    const nnom_tensor_t *input = nnom_input_tensor(m, 0);
    if (input == NULL) {
        return NNOM_NOT_COMPILED;
    }
    if (bytes % (uint32_t)input->row_bytes != 0) {
        return NNOM_BAD_SHAPE;
    }
    return nnom_feed(m, rows, bytes / (uint32_t)input->row_bytes);
}
/* ---- Inputs and outputs ---- */

uint32_t nnom_input_count(const nnom_model_t *m)
{
    return m != NULL && m->program != NULL ? m->program->input_count : 0;
}

uint32_t nnom_output_count(const nnom_model_t *m)
{
    return m != NULL && m->program != NULL ? m->program->output_count : 0;
}

const nnom_tensor_t *nnom_input_tensor(const nnom_model_t *m, uint32_t i)
{
    return i < nnom_input_count(m) ? &m->program->tensors[m->program->inputs[i]] : NULL;
}

const nnom_tensor_t *nnom_output_tensor(const nnom_model_t *m, uint32_t i)
{
    return i < nnom_output_count(m) ? &m->program->tensors[m->program->outputs[i]] : NULL;
}

void *nnom_input_buffer(nnom_model_t *m, uint32_t i)
{
    const nnom_tensor_t *tensor = nnom_input_tensor(m, i);
    return tensor != NULL ? nnom_tensor_rows(tensor, &m->arena).data : NULL;
}

const void *nnom_output_buffer(const nnom_model_t *m, uint32_t i)
{
    const nnom_tensor_t *tensor = nnom_output_tensor(m, i);
    return tensor != NULL ? nnom_tensor_rows(tensor, &m->arena).data : NULL;
}

static uint32_t tensor_bytes(const nnom_tensor_t *tensor)
{
    return tensor != NULL ? (uint32_t)tensor->shape.h * (uint32_t)tensor->row_bytes : 0;
}

uint32_t nnom_input_bytes(const nnom_model_t *m, uint32_t i)
{
    return tensor_bytes(nnom_input_tensor(m, i));
}

uint32_t nnom_output_bytes(const nnom_model_t *m, uint32_t i)
{
    return tensor_bytes(nnom_output_tensor(m, i));
}

uint32_t nnom_node_count(const nnom_model_t *m)
{
    return m != NULL && m->program != NULL ? m->program->node_count : 0;
}

void nnom_set_observer(nnom_model_t *m, nnom_observer_t observer, void *context)
{
    if (m != NULL) {
        m->observer = observer;
        m->observer_context = context;
    }
}
