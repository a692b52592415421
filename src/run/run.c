/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Running a program. This file and the operations are all that a frozen model links. */
#include "move.h"
#include "nnom_run.h"

#include <string.h>

const uint8_t NNOM_PROGRAM_SEAL = NNOM_PROGRAM_ABI;

static void notify(const nnom_instance_t *instance, uint32_t node, nnom_event_t event)
{
    if (instance->observer != NULL) {
        instance->observer(instance->observer_context, instance, node, event);
    }
}

/* Rows that a call over all of them computes: of the output those that are kept, for a reducing operation the input's. */
static int32_t rows_of(const nnom_program_t *program, const nnom_node_t *node)
{
    const bool reduces = (node->op->flags & NNOM_OP_REDUCES) != 0;
    return reduces ? program->tensors[node->inputs[0]].shape.h : program->tensors[nnom_node_output_index(node, 0)].rows;
}

/* How far its rows are by now. */
static int32_t run_far(const nnom_instance_t *instance, const nnom_node_t *node)
{
    const nnom_program_t *program = instance->program;
    const bool keeps =
        (node->op->flags & NNOM_OP_WHOLE) != 0; /* Slide: its input's rows are new, of others the output's */
    const uint16_t fresh = keeps ? node->inputs[0] : nnom_node_output_index(node, 0);
    return (int32_t)((instance->started - 1) % program->period) * program->tensors[fresh].shape.h;
}

static int32_t run_rows(const nnom_instance_t *instance, uint32_t n, int32_t lo, int32_t hi)
{
    int32_t status = NNOM_OK;
    const nnom_node_t *node = &instance->program->nodes[n];
    const int32_t far = node->advances ? run_far(instance, node) : 0;
    const nnom_call_t call = {instance->program, node, &instance->arena, {lo + far, hi + far}, &status};
    notify(instance, n, NNOM_EVENT_BEGIN);
    node->op->run(&call);
    notify(instance, n, NNOM_EVENT_END);
    return status;
}

static NNOM_SMALL nnom_status_t run_whole(const nnom_instance_t *instance, uint32_t first, uint32_t end)
{
    int32_t status = NNOM_OK;
    for (uint32_t n = first; n < end && status == NNOM_OK; n++) {
        status = run_rows(instance, n, 0, rows_of(instance->program, &instance->program->nodes[n]));
    }
    return (nnom_status_t)status;
}

/* ---- Rolling ---- */

/* A node advances by `count` rows (by all its rows if it cannot be computed in pieces). */
static int32_t run_step(const nnom_instance_t *instance, const nnom_segment_t *segment, uint8_t step, int32_t count)
{
    uint16_t *rows_done = (uint16_t *)(void *)nnom_arena_at(&instance->arena, segment->counters) + step;
    const uint32_t n = (uint32_t)segment->first + step;
    const nnom_node_t *node = &instance->program->nodes[n];
    const bool whole = (node->op->flags & NNOM_OP_WHOLE) != 0;
    const int32_t lo = *rows_done;
    const int32_t hi = whole ? rows_of(instance->program, node) : lo + count;
    *rows_done = (uint16_t)hi; /* <= 65535: nnom_can_roll */
    return run_rows(instance, n, lo, hi);
}

static nnom_status_t run_rolling(nnom_instance_t *instance, const nnom_segment_t *segment)
{
    int32_t status = NNOM_OK;
    if (instance->step == 0) {
        memset(nnom_arena_at(&instance->arena, segment->counters), 0,
               (size_t)(segment->end - segment->first) * sizeof(uint16_t));
    }
    while (instance->step < segment->step_count && status == NNOM_OK) {
        const uint8_t step = segment->steps[instance->step];
        if (step == NNOM_STEP_FEED && instance->taken == instance->fed) {
            return NNOM_MORE;
        }
        instance->step++;
        if (step == NNOM_STEP_FEED) {
            instance->taken++;
            continue;
        }
        int32_t count = 1; /* equal steps are one call: what the last one reads was there before the first */
        for (; instance->step < segment->step_count && segment->steps[instance->step] == step; count++) {
            instance->step++;
        }
        status = run_step(instance, segment, step, count);
    }
    return (nnom_status_t)status;
}

static bool input_complete(const nnom_instance_t *instance)
{
    return !instance->program->fed || instance->fed == nnom_input_tensor(instance, 0)->shape.h;
}

/* Goes on until the end or until a row of the input is missing. */
static NNOM_SMALL nnom_status_t advance(nnom_instance_t *instance)
{
    const nnom_program_t *program = instance->program;
    if (program->segments == NULL) {
        return input_complete(instance) ? run_whole(instance, 0, program->node_count) : NNOM_MORE;
    }
    nnom_status_t status = NNOM_OK;
    while (instance->segment < program->segment_count && status == NNOM_OK) {
        const nnom_segment_t *segment = &program->segments[instance->segment];
        if (segment->step_count > 0) {
            status = run_rolling(instance, segment);
        } else {
            status = input_complete(instance) ? run_whole(instance, segment->first, segment->end) : NNOM_MORE;
        }
        if (status == NNOM_OK) {
            instance->segment++;
            instance->step = 0;
        }
    }
    return status;
}

/* ---- States ---- */

/* All its rows are kept. */
static size_t run_whole_bytes(const nnom_tensor_t *tensor)
{
    return (size_t)tensor->rows * (size_t)tensor->row_bytes;
}

NNOM_SMALL void nnom_forget(nnom_instance_t *instance)
{
    nnom_reset(instance);
    if (instance == NULL || instance->program == NULL) {
        return;
    }
    for (uint32_t i = 0; i < instance->program->state_count; i++) {
        const nnom_state_pair_t *state = &instance->program->states[i];
        const nnom_tensor_t *read = &instance->program->tensors[state->read];
        uint8_t *to = nnom_tensor_rows(read, &instance->arena).data;
        if (state->start != NULL) {
            memcpy(to, state->start, run_whole_bytes(read));
        } else { /* of one byte: the zero point; int16 has 0, and zeros in float are zero bytes */
            memset(to, read->row_bytes == read->shape.w * read->shape.c ? read->zero_point : 0, run_whole_bytes(read));
        }
    }
    instance->started = 1;
}

static void begin(nnom_instance_t *instance)
{
    if (!instance->started) {
        nnom_forget(instance);
    }
}

/* After a run: what it leaves becomes what the next one reads. */
static NNOM_SMALL void leave(const nnom_instance_t *instance)
{
    const nnom_program_t *program = instance->program;
    for (uint32_t i = 0; i < program->state_count; i++) {
        const nnom_tensor_t *read = &program->tensors[program->states[i].read];
        const nnom_tensor_t *left = &program->tensors[program->states[i].left];
        if (read == left) {
            continue; /* its operation keeps it */
        }
        nnom_move(nnom_tensor_rows(read, &instance->arena).data, nnom_tensor_rows(left, &instance->arena).data,
                  run_whole_bytes(read));
    }
}

/* The end of a run: NNOM_OK if what the outputs tell of has been seen. */
static nnom_status_t finish(nnom_instance_t *instance)
{
    const nnom_program_t *program = instance->program;
    const nnom_status_t status = instance->started > (uint32_t)program->warm_up ? NNOM_OK : NNOM_MORE;
    leave(instance);
    if (program->state_count > 0) {
        instance->started++;
        if (instance->started > ((uint32_t)program->warm_up + 1) * program->period) {
            instance->started -= program->period;
        }
    }
    return status;
}

void nnom_reset(nnom_instance_t *instance)
{
    if (instance != NULL) {
        instance->step = 0;
        instance->segment = 0;
        instance->taken = 0;
        instance->fed = 0;
    }
}

nnom_status_t nnom_run(nnom_instance_t *instance)
{
    if (instance == NULL || instance->program == NULL) {
        return NNOM_NOT_COMPILED;
    }
    if (instance->program->fed) {
        return NNOM_FED;
    }
    nnom_reset(instance);
    begin(instance);
    const nnom_status_t status = advance(instance);
    return status == NNOM_OK ? finish(instance) : status;
}

nnom_status_t nnom_feed(nnom_instance_t *instance, const void *rows, uint32_t n)
{
    if (instance == NULL || (rows == NULL && n > 0)) {
        return NNOM_NULL;
    }
    if (instance->program == NULL || !instance->program->fed) {
        return instance->program == NULL ? NNOM_NOT_COMPILED : NNOM_NOT_FED;
    }
    const nnom_tensor_t *input = nnom_input_tensor(instance, 0);
    if (instance->program->fed == NNOM_FED_ENDLESS && input_complete(instance) && n > 0) {
        nnom_reset(instance);
    }
    begin(instance);
    if (n > (uint32_t)(input->shape.h - instance->fed) || (n == 0 && input_complete(instance))) {
        return NNOM_BAD_ARGUMENT;
    }
    const nnom_rows_t ring = nnom_tensor_rows(input, &instance->arena);
    nnom_status_t status = NNOM_MORE;
    for (uint32_t k = 0; k < n; k++) {
        nnom_move(nnom_row(&ring, instance->fed), (const uint8_t *)rows + (size_t)k * (size_t)input->row_bytes,
                  (size_t)input->row_bytes);
        instance->fed++;
        status = advance(instance);
        if (status != NNOM_MORE && status != NNOM_OK) { /* a Lambda's: what it left out is missing until nnom_reset() */
            instance->fed = input->shape.h;
            return status;
        }
    }
    return status == NNOM_OK ? finish(instance) : status;
}

nnom_status_t nnom_feed_bytes(nnom_instance_t *instance, const void *rows, uint32_t bytes)
{
    const nnom_tensor_t *input = nnom_input_tensor(instance, 0);
    if (input == NULL) {
        return NNOM_NOT_COMPILED;
    }
    if (bytes % (uint32_t)input->row_bytes != 0) {
        return NNOM_BAD_SHAPE;
    }
    return nnom_feed(instance, rows, bytes / (uint32_t)input->row_bytes);
}

nnom_status_t nnom_check_params(const nnom_instance_t *instance, const uint16_t *param_bytes)
{
    for (uint32_t n = 0; n < nnom_node_count(instance); n++) {
        const nnom_node_t *node = &instance->program->nodes[n];
        if (node->param != NULL && node->op->param_bytes != param_bytes[n]) {
            return NNOM_OTHER_ABI;
        }
    }
    return NNOM_OK;
}

/* ---- Inputs and outputs ---- */

uint32_t nnom_input_count(const nnom_instance_t *instance)
{
    return instance != NULL && instance->program != NULL ? instance->program->input_count : 0;
}

uint32_t nnom_output_count(const nnom_instance_t *instance)
{
    return instance != NULL && instance->program != NULL ? instance->program->output_count : 0;
}

const nnom_tensor_t *nnom_input_tensor(const nnom_instance_t *instance, uint32_t i)
{
    return i < nnom_input_count(instance) ? &instance->program->tensors[instance->program->inputs[i]] : NULL;
}

const nnom_tensor_t *nnom_output_tensor(const nnom_instance_t *instance, uint32_t i)
{
    return i < nnom_output_count(instance) ? &instance->program->tensors[instance->program->outputs[i]] : NULL;
}

NNOM_SMALL void *nnom_input_buffer(nnom_instance_t *instance, uint32_t i)
{
    const nnom_tensor_t *tensor = nnom_input_tensor(instance, i);
    return tensor != NULL ? nnom_tensor_rows(tensor, &instance->arena).data : NULL;
}

NNOM_SMALL const void *nnom_output_buffer(const nnom_instance_t *instance, uint32_t i)
{
    const nnom_tensor_t *tensor = nnom_output_tensor(instance, i);
    return tensor != NULL ? nnom_tensor_rows(tensor, &instance->arena).data : NULL;
}

static uint32_t run_tensor_bytes(const nnom_tensor_t *tensor)
{
    return tensor != NULL ? (uint32_t)tensor->shape.h * (uint32_t)tensor->row_bytes : 0;
}

uint32_t nnom_input_bytes(const nnom_instance_t *instance, uint32_t i)
{
    return run_tensor_bytes(nnom_input_tensor(instance, i));
}

uint32_t nnom_output_bytes(const nnom_instance_t *instance, uint32_t i)
{
    return run_tensor_bytes(nnom_output_tensor(instance, i));
}

uint32_t nnom_node_count(const nnom_instance_t *instance)
{
    return instance != NULL && instance->program != NULL ? instance->program->node_count : 0;
}

const void *nnom_node_part(const nnom_instance_t *instance, uint32_t node, uint32_t i, const nnom_tensor_t **tensor)
{
    const nnom_node_t *n = node < nnom_node_count(instance) ? &instance->program->nodes[node] : NULL;
    const uint16_t index = n != NULL && i < n->output_count ? nnom_node_output_index(n, i) : NNOM_NO_TENSOR;
    if (index == NNOM_NO_TENSOR || tensor == NULL) {
        return NULL;
    }
    *tensor = &instance->program->tensors[index];
    return nnom_tensor_rows(*tensor, &instance->arena).data;
}

const void *nnom_node_output(const nnom_instance_t *instance, uint32_t node, const nnom_tensor_t **tensor)
{
    return nnom_node_part(instance, node, 0, tensor);
}

void nnom_set_observer(nnom_instance_t *instance, nnom_observer_t observer, void *context)
{
    if (instance != NULL) {
        instance->observer = observer;
        instance->observer_context = context;
    }
}
