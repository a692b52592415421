/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* States kept elsewhere: the model's seal, how far it has warmed up, the states' bytes, a sum of all of it. */
#include "nnom_run.h"

#include <string.h>

enum { STATE_WORD = sizeof(uint32_t), STATE_HEAD = 2 * STATE_WORD };

/* FNV-1a, going on from `sum`. */
static uint32_t state_sum(uint32_t sum, const void *data, size_t bytes)
{
    const uint8_t *x = data;
    for (size_t i = 0; i < bytes; i++) {
        sum = (sum ^ x[i]) * 16777619u;
    }
    return sum;
}

static uint32_t state_sum_tensor(uint32_t sum, const nnom_tensor_t *tensor)
{
    const int32_t numbers[] = {tensor->shape.h, tensor->shape.w, tensor->shape.c, tensor->zero_point,
                               (int32_t)tensor->type};
    return state_sum(state_sum(sum, numbers, sizeof numbers), &tensor->scale, sizeof tensor->scale);
}

/* What two models that are not the same differ in, but for their weights. */
static uint32_t state_seal(const nnom_program_t *program)
{
    uint32_t sum = 2166136261u;
    for (uint32_t i = 0; i < program->tensor_count; i++) {
        sum = state_sum_tensor(sum, &program->tensors[i]);
    }
    for (uint32_t i = 0; i < program->state_count; i++) {
        const uint16_t pair[] = {program->states[i].read, program->states[i].left};
        sum = state_sum(sum, pair, sizeof pair);
    }
    const uint32_t warm_up = program->warm_up;
    return state_sum(sum, &warm_up, sizeof warm_up);
}

static const nnom_tensor_t *state_tensor(const nnom_program_t *program, uint32_t i)
{
    return &program->tensors[program->states[i].read];
}

static size_t state_tensor_bytes(const nnom_tensor_t *tensor)
{
    return (size_t)tensor->rows * (size_t)tensor->row_bytes;
}

uint32_t nnom_state_bytes(const nnom_instance_t *instance)
{
    if (instance == NULL || instance->program == NULL) {
        return 0;
    }
    size_t bytes = STATE_HEAD + STATE_WORD;
    for (uint32_t i = 0; i < instance->program->state_count; i++) {
        bytes += state_tensor_bytes(state_tensor(instance->program, i)); /* parts of an arena below 2^31 bytes */
    }
    return (uint32_t)bytes;
}

static nnom_status_t state_check(const nnom_instance_t *instance, const void *memory, uint32_t bytes)
{
    if (instance == NULL || memory == NULL) {
        return NNOM_NULL;
    }
    if (instance->program == NULL) {
        return NNOM_NOT_COMPILED;
    }
    return bytes < nnom_state_bytes(instance) ? NNOM_TOO_SMALL : NNOM_OK;
}

static bool in_the_midst(const nnom_instance_t *instance)
{
    return instance->program->fed != 0 && instance->fed != 0 &&
           instance->fed != nnom_input_tensor(instance, 0)->shape.h;
}

nnom_status_t nnom_state_save(nnom_instance_t *instance, void *to, uint32_t bytes)
{
    const nnom_status_t status = state_check(instance, to, bytes);
    if (status != NNOM_OK || in_the_midst(instance)) {
        return status != NNOM_OK ? status : NNOM_MORE;
    }
    if (!instance->started) {
        nnom_forget(instance);
    }
    const uint32_t head[] = {state_seal(instance->program), instance->started};
    uint8_t *at = (uint8_t *)to + STATE_HEAD;
    memcpy(to, head, sizeof head);
    for (uint32_t i = 0; i < instance->program->state_count; i++) {
        const nnom_tensor_t *tensor = state_tensor(instance->program, i);
        memcpy(at, nnom_tensor_rows(tensor, &instance->arena).data, state_tensor_bytes(tensor));
        at += state_tensor_bytes(tensor);
    }
    const uint32_t sum = state_sum(2166136261u, to, (size_t)(at - (uint8_t *)to));
    memcpy(at, &sum, sizeof sum);
    return NNOM_OK;
}

nnom_status_t nnom_state_restore(nnom_instance_t *instance, const void *from, uint32_t bytes)
{
    const nnom_status_t status = state_check(instance, from, bytes);
    if (status != NNOM_OK) {
        return status;
    }
    uint32_t head[2], sum;
    const uint8_t *at = (const uint8_t *)from;
    const size_t summed = nnom_state_bytes(instance) - STATE_WORD;
    memcpy(head, at, sizeof head);
    memcpy(&sum, at + summed, sizeof sum);
    if (head[0] != state_seal(instance->program) || sum != state_sum(2166136261u, at, summed)) {
        return NNOM_OTHER_STATE;
    }
    nnom_reset(instance);
    instance->started = head[1];
    at += STATE_HEAD;
    for (uint32_t i = 0; i < instance->program->state_count; i++) {
        const nnom_tensor_t *tensor = state_tensor(instance->program, i);
        memcpy(nnom_tensor_rows(tensor, &instance->arena).data, at, state_tensor_bytes(tensor));
        at += state_tensor_bytes(tensor);
    }
    return NNOM_OK;
}
