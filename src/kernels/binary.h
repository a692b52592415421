/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Operations that compute each element from one element of each of two inputs, sides of 1 repeated. */
#ifndef NNOM_BINARY_KERNEL_H
#define NNOM_BINARY_KERNEL_H

#include "fixed.h"
#include "param.h"

/*
 * Sums: each input times 2^20 is brought to a common scale, the sum to the output's. Products: only multiplier and
 * shift. Maximum and Minimum: the inputs and the output share one quantisation, only the limits count.
 * Compare: multiplier is the relation.
 */
#define NNOM_BINARY_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                   \
    I32(multiplier_a)                                                                                                  \
    I32(shift_a)                                                                                                       \
    I32(multiplier_b) I32(shift_b) I32(multiplier) I32(shift) I32(act_min) I32(act_max) F32(act_min_f) F32(act_max_f)
NNOM_PARAM_STRUCT(nnom_binary_param, NNOM_BINARY_PARAM)

/* Zero points of the inputs and the output. */
typedef struct nnom_binary_zeros {
    int32_t a, b, out;
} nnom_binary_zeros_t;

/* A run of elements: element i of an input is a[i * step_a], step 0 for a repeated one. */
typedef struct nnom_binary_run {
    const void *param; /* of the node */
    nnom_binary_zeros_t zero;
    const void *a, *b;
    void *out;
    int32_t step_a, step_b;
    int32_t count;
} nnom_binary_run_t;

/* Body of an operation's `run`: the output's rows in as few runs as the rings and what is repeated allow. */
void nnom_binary_runs(const nnom_call_t *call, void (*f)(const nnom_binary_run_t *run));
nnom_range_t nnom_binary_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y);

/*
 * Defines `static void name(const nnom_binary_run_t *run)`: element(&parameters, &zero points, a, b) of each element.
 * tag: of the node's parameters; type: of the elements.
 */
#define NNOM_BINARY_ELEMENTS(name, tag, type, element)                                                                 \
    static void name(const nnom_binary_run_t *run)                                                                     \
    {                                                                                                                  \
        const tag##_t p = *(const tag##_t *)run->param; /* a copy: what is written cannot change it */                 \
        const nnom_binary_zeros_t zero = run->zero;                                                                    \
        const type *a = run->a, *b = run->b;                                                                           \
        const int32_t step_a = run->step_a, step_b = run->step_b;                                                      \
        type *to = run->out;                                                                                           \
        for (const type *end = to + run->count; to != end; a += step_a, b += step_b) {                                 \
            *to++ = element(&p, &zero, *a, *b);                                                                        \
        }                                                                                                              \
    }

/*
 * The same of int8 by what element is before the limits: value(&parameters, a, b), an int32. The usual case apart: nothing
 * repeated, no limits but those of int8.
 */
#define NNOM_BINARY_LIMITED(name, tag, value)                                                                          \
    static void name(const nnom_binary_run_t *run)                                                                     \
    {                                                                                                                  \
        const tag##_t p = *(const tag##_t *)run->param;                                                                \
        const int8_t *a = run->a, *b = run->b;                                                                         \
        const int32_t step_a = run->step_a, step_b = run->step_b, count = run->count;                                  \
        int8_t *to = run->out;                                                                                         \
        if (step_a == 1 && step_b == 1 && p.act_min == INT8_MIN && p.act_max == INT8_MAX) {                            \
            for (int32_t i = 0; i < count; i++) {                                                                      \
                to[i] = nnom_saturate_s8(value(&p, a[i], b[i]));                                                       \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (int32_t i = 0; i < count; i++, a += step_a, b += step_b) {                                                \
            to[i] = (int8_t)nnom_clamp_i32(value(&p, *a, *b), p.act_min, p.act_max);                                   \
        }                                                                                                              \
    }

/* The first as an operation nnom_<name>_op of the parameters nnom_binary_param. */
#define NNOM_BINARY_OP(name, type, element)                                                                            \
    NNOM_BINARY_ELEMENTS(name##_elements, nnom_binary_param, type, element)                                            \
    static void name##_run(const nnom_call_t *call)                                                                    \
    {                                                                                                                  \
        nnom_binary_runs(call, name##_elements);                                                                       \
    }                                                                                                                  \
    extern const nnom_op_t nnom_##name##_op;                                                                           \
    const nnom_op_t nnom_##name##_op = {name##_run, nnom_binary_window, 0, sizeof(nnom_binary_param_t)};

#endif
