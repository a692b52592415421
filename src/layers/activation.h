/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* How an activation is defined: one line for each (activation.c, unary.c). */
#ifndef NNOM_ACTIVATION_H
#define NNOM_ACTIVATION_H

#include "../build/kernel.h"
#include "lut.h"
#include "wide_activation.h"

NNOM_PARAM_FIELDS(nnom_map_param, NNOM_MAP_PARAM)

/* Build of every activation's class. */
nnom_status_t nnom_activation_build(nnom_layer_t *layer);
/* Frees the layer's nnom_activation_t if it is its own. */
void nnom_activation_release(nnom_layer_t *layer);

/* *prototype with its parameter set: itself, or a copy, which goes with the layer made of it. NULL when memory is short. */
nnom_activation_t *nnom_activation_new(const nnom_activation_t *prototype, float alpha);

/*
 * Defines id_activation (a prototype for nnom_activation_new), its class id_class and its float operation
 * nnom_id_f32_op. f, table: see struct nnom_activation; own_scale 0: the output has the input's quantisation; kind: in int16.
 */
#define NNOM_ACTIVATION_OF(kind, id, title, act_clamp, f, act_table, own_scale, own_zero_point)                        \
    static void id##_run(const nnom_call_t *call)                                                                      \
    {                                                                                                                  \
        nnom_map_f32(call, f);                                                                                         \
    }                                                                                                                  \
    extern const nnom_op_t nnom_##id##_f32_op;                                                                         \
    const nnom_op_t nnom_##id##_f32_op = {id##_run, NULL, 0, sizeof(nnom_map_param_t)};                                \
    static const nnom_rare_class_t id##_class = {.super = {title, "nnom_map_param", nnom_map_param_fields,             \
                                                           nnom_activation_build, 1, 1,                                \
                                                           NNOM_CLASS_ACTIVATION | NNOM_CLASS_RARE | NNOM_CLASS_WIDE}, \
                                                 .release = nnom_activation_release};                                  \
    NNOM_PLAIN_KERNEL(id, nnom_##id##_f32_op, NNOM_COSTS_PLAIN)                                                        \
    static const nnom_activation_t id##_activation = {                                                                 \
        &id##_class.super, act_clamp, false, kind, f, 0.0f, own_scale, own_zero_point, act_table, &id##_kernel};

/* The same of which nothing more is known in int16 than the function. */
#define NNOM_ACTIVATION(id, title, act_clamp, f, act_table, own_scale, own_zero_point)                                 \
    NNOM_ACTIVATION_OF(NNOM_WIDE_OTHER, id, title, act_clamp, f, act_table, own_scale, own_zero_point)

#endif
