/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The class that a classifier's output names. */
#include "classify.h"
#include "type.h"

/* Score of class i of output 0 as a real number. */
float nnom_class_score(const nnom_instance_t *instance, uint32_t i)
{
    const nnom_tensor_t *out = nnom_output_tensor(instance, 0);
    const void *data = nnom_output_buffer(instance, 0);
    if (out->type == NNOM_TYPE_F32) {
        return ((const float *)data)[i];
    }
    const size_t bytes = nnom_type_facts(out->type)->bytes;
    return out->scale * (float)(nnom_type_load(out->type, (const uint8_t *)data + i * bytes) - out->zero_point);
}

uint32_t nnom_classes(const nnom_instance_t *instance)
{
    const nnom_tensor_t *out = nnom_output_tensor(instance, 0);
    return out == NULL ? 0 : (uint32_t)(out->shape.h * out->shape.w * out->shape.c);
}

static uint32_t best_class(const nnom_instance_t *instance, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) {
        if (nnom_class_score(instance, i) > nnom_class_score(instance, best)) {
            best = i;
        }
    }
    return best;
}

nnom_status_t nnom_classify(nnom_instance_t *instance, uint32_t *label, float *prob)
{
    const nnom_status_t status = nnom_run(instance);
    if (status != NNOM_OK) {
        return status;
    }
    if (nnom_output_tensor(instance, 0)->type == NNOM_TYPE_S32) {
        return NNOM_UNSUPPORTED; /* indices, as of ArgMax, are no scores */
    }
    const uint32_t n = nnom_classes(instance);
    const uint32_t best = n == 1 ? (nnom_class_score(instance, 0) > 0.5f ? 1u : 0u) : best_class(instance, n);
    if (label != NULL) {
        *label = best;
    }
    if (prob != NULL) {
        *prob = nnom_class_score(instance, n == 1 ? 0 : best);
    }
    return NNOM_OK;
}
