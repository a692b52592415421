/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The heap of the two networks of the README of 2019, built on the board: tools/heap.py builds it, with the linker's --wrap of
 * malloc and free, and reads the lines that it prints: bytes asked for after compile and at the peak.
 */
#include <stdlib.h>

#include "print.h"
#include "readme2019.h"

enum { HEAD = 8 };

int main(void);
void *__real_malloc(size_t bytes);
void __real_free(void *block);
void *__wrap_malloc(size_t bytes);
void __wrap_free(void *block);

static size_t in_use, peak;

void *__wrap_malloc(size_t bytes)
{
    uint8_t *block = __real_malloc(bytes + HEAD);
    if (block == NULL) {
        return NULL;
    }
    *(size_t *)(void *)block = bytes;
    in_use += bytes;
    peak = in_use > peak ? in_use : peak;
#ifdef HEAP_TRACE
    board_printf("  + %lu = %lu from %lx\n", (unsigned long)bytes, (unsigned long)in_use,
                 (unsigned long)__builtin_return_address(0));
#endif
    return block + HEAD;
}

void __wrap_free(void *data)
{
    if (data != NULL) {
        uint8_t *block = (uint8_t *)data - HEAD;
        in_use -= *(size_t *)(void *)block;
#ifdef HEAP_TRACE
        board_printf("  - %lu = %lu\n", (unsigned long)*(size_t *)(void *)block, (unsigned long)in_use);
#endif
        __real_free(block);
    }
}

static int8_t values[768 * 128], input[INPUT_WIDTH * INPUT_CH], output[6];

typedef nnom_status_t (*network_t)(nnom_model_t *m, const nnom_weight_t *w, const nnom_bias_t *b, int8_t *in,
                                   int8_t *out);

static int measure(const char *name, network_t network)
{
    static const nnom_weight_t w = {values, 9}, b = {values, 2};
    const nnom_weight_t weights[5] = {w, w, w, w, w}, biases[5] = {b, b, b, b, b};
    nnom_model_t model;
    in_use = peak = 0;
    new_model(&model);
    nnom_set_verbose(&model, false);
    const nnom_status_t status = network(&model, weights, biases, input, output);
    if (status != NNOM_OK || model_run(&model) != NNOM_OK) {
        board_printf("%s: %s\n", name, model_error_text(&model));
        return 1;
    }
    board_printf("%s %lu %lu %lu\n", name, (unsigned long)in_use, (unsigned long)peak,
                 (unsigned long)model.instance.program->arena_bytes);
    model_delete(&model);
    board_printf("%s left %lu\n", name, (unsigned long)in_use);
    return in_use == 0 ? 0 : 1;
}

int main(void)
{
    for (size_t i = 0; i < sizeof values; i++) {
        values[i] = (int8_t)(i % 7);
    }
    const int failed = measure("sequential", readme_sequential);
    return failed + measure("inception", readme_inception);
}
