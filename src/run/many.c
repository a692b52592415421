/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Many samples in one call. */
#include "nnom_run.h"

#include <string.h>

static nnom_status_t many_one(nnom_instance_t *instance, const void *const *inputs, uint32_t k)
{
    if (instance->program->fed) {
        nnom_reset(instance);
        const size_t bytes = nnom_input_bytes(instance, 0);
        return nnom_feed(instance, (const uint8_t *)inputs[0] + k * bytes,
                         (uint32_t)nnom_input_tensor(instance, 0)->shape.h);
    }
    for (uint32_t i = 0; i < nnom_input_count(instance); i++) {
        const size_t bytes = nnom_input_bytes(instance, i);
        memcpy(nnom_input_buffer(instance, i), (const uint8_t *)inputs[i] + k * bytes, bytes);
    }
    return nnom_run(instance);
}

static void many_take(const nnom_instance_t *instance, void *const *outputs, uint32_t k)
{
    for (uint32_t i = 0; outputs != NULL && i < nnom_output_count(instance); i++) {
        const size_t bytes = nnom_output_bytes(instance, i);
        if (outputs[i] != NULL) {
            memcpy((uint8_t *)outputs[i] + k * bytes, nnom_output_buffer(instance, i), bytes);
        }
    }
}

nnom_status_t nnom_run_many(nnom_instance_t *instance, const void *const *inputs, void *const *outputs, uint32_t n)
{
    if (instance == NULL || instance->program == NULL) {
        return NNOM_NOT_COMPILED;
    }
    for (uint32_t i = 0; i < nnom_input_count(instance) && n > 0; i++) {
        if (inputs == NULL || inputs[i] == NULL) {
            return NNOM_NULL;
        }
    }
    nnom_status_t status = NNOM_OK;
    for (uint32_t k = 0; k < n && status == NNOM_OK; k++) {
        status = many_one(instance, inputs, k);
        status = status == NNOM_MORE ? NNOM_OK : status; /* it warms up: all rows were given */
        if (status == NNOM_OK) {
            many_take(instance, outputs, k);
        }
    }
    return status;
}
