/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* How good a classifier is, measured where it runs. */
#include "../run/classify.h"
#include "builder.h"

/* A single output tells two classes apart. */
static uint32_t labels(const nnom_instance_t *instance)
{
    return nnom_classes(instance) == 1 ? 2 : nnom_classes(instance);
}

nnom_status_t nnom_predict(nnom_model_t *m, uint32_t *label, float *prob)
{
    return m != NULL ? nnom_classify(&m->instance, label, prob) : NNOM_NOT_COMPILED;
}

static void *evaluate_allocate(size_t count, size_t size)
{
    void *memory = count != 0 && count <= SIZE_MAX / size ? nnom_malloc(count * size) : NULL;
    if (memory != NULL) {
        nnom_memset(memory, 0, count * size);
    }
    return memory;
}

nnom_predict_t *nnom_prediction_create(nnom_instance_t *instance, size_t label_num, size_t top_k_size)
{
    if (label_num == 0 || label_num > labels(instance) || top_k_size == 0 || top_k_size > label_num) {
        return NULL;
    }
    nnom_predict_t *p = evaluate_allocate(1, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    p->instance = instance;
    p->label_num = (uint32_t)label_num;
    p->top_k_size = (uint32_t)top_k_size;
    p->confusion = evaluate_allocate(label_num, label_num * sizeof *p->confusion);
    p->top_k = evaluate_allocate(top_k_size, sizeof *p->top_k);
    if (p->confusion == NULL || p->top_k == NULL) {
        nnom_prediction_delete(p);
        return NULL;
    }
    return p;
}

void nnom_prediction_delete(nnom_predict_t *p)
{
    if (p == NULL) {
        return;
    }
    if (p->confusion != NULL) {
        nnom_free(p->confusion);
    }
    if (p->top_k != NULL) {
        nnom_free(p->top_k);
    }
    nnom_free(p);
}

/* How many classes score higher than the true one; of equal scores the lower index is first, what is no number last. */
static uint32_t rank(const nnom_predict_t *p, uint32_t true_label)
{
    uint32_t higher = 0;
    for (uint32_t i = 0; i < p->label_num; i++) {
        const float s = nnom_class_score(p->instance, i), t = nnom_class_score(p->instance, true_label);
        higher += s > t || (s == t && i < true_label) || (s == s && t != t);
    }
    return higher;
}

nnom_status_t nnom_prediction_run(nnom_predict_t *p, uint32_t true_label, uint32_t *predict_label, float *prob)
{
    if (p == NULL) {
        return NNOM_NULL;
    }
    if (p->label_num > labels(p->instance)) {
        return NNOM_BAD_SHAPE;
    }
    uint32_t label = 0;
    const uint32_t begin = nnom_us_get();
    const nnom_status_t status = nnom_classify(p->instance, &label, prob);
    p->t_run_total += (uint32_t)nnom_us_get() - begin;
    if (status != NNOM_OK) {
        return status;
    }
    if (predict_label != NULL) {
        *predict_label = label;
    }
    if (true_label >= p->label_num || label >= p->label_num) {
        p->skipped++;
        return NNOM_OK;
    }
    p->predict_count++;
    uint16_t *cell = &p->confusion[true_label * p->label_num + label];
    *cell = (uint16_t)(*cell + (*cell < UINT16_MAX));
    const uint32_t at = nnom_classes(p->instance) == 1 ? (label == true_label ? 0u : 1u) : rank(p, true_label);
    if (at < p->top_k_size) {
        p->top_k[at]++;
    }
    return NNOM_OK;
}

static unsigned tenths_of_percent(uint32_t part, uint32_t whole)
{
    return whole == 0 ? 0u : (unsigned)(((uint64_t)part * 1000u + whole / 2) / whole);
}

void nnom_prediction_matrix(nnom_predict_t *p)
{
    if (p == NULL) {
        return;
    }
    NNOM_LOG("confusion matrix (rows: true, columns: predicted)\n");
    for (uint32_t i = 0; i < p->label_num; i++) {
        uint32_t row = 0;
        NNOM_LOG("%4lu |", (unsigned long)i);
        for (uint32_t k = 0; k < p->label_num; k++) {
            row += p->confusion[i * p->label_num + k];
            NNOM_LOG(" %5u", (unsigned)p->confusion[i * p->label_num + k]);
        }
        const unsigned share = tenths_of_percent(p->confusion[i * p->label_num + i], row);
        NNOM_LOG(" | %3u.%u %%\n", share / 10, share % 10);
    }
}

void nnom_prediction_top_k(nnom_predict_t *p)
{
    uint32_t sum = 0;
    for (uint32_t k = 0; p != NULL && k < p->top_k_size; k++) {
        sum += p->top_k[k];
        const unsigned share = tenths_of_percent(sum, p->predict_count);
        NNOM_LOG("top %lu accuracy: %u.%u %%\n", (unsigned long)(k + 1), share / 10, share % 10);
    }
}

void nnom_prediction_summary(nnom_predict_t *p)
{
    if (p == NULL) {
        return;
    }
    NNOM_LOG("%lu predictions, %lu labels out of range, %lu us in all\n", (unsigned long)p->predict_count,
             (unsigned long)p->skipped, (unsigned long)p->t_run_total);
    nnom_prediction_top_k(p);
    nnom_prediction_matrix(p);
}
