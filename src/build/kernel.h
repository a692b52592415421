/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Kernels as records: what compile knows of each variant of an operation, and the choice among them. A variant is one file and
 * one line of kernels.def.
 */
#ifndef NNOM_KERNEL_H
#define NNOM_KERNEL_H

#include "../kernels/kernels.h"
#include "builder.h"

/* The build side of a variant: defined beside its kernel, as nnom_<operation>_<variant>_form. */
typedef struct nnom_form {
    const nnom_op_t *op;
    const char *symbol;    /* of op, for freeze */
    const char *param_tag; /* of its parameters and their list, as of nnom_class_t; NULL: the class's own */
    const nnom_field_t *fields;
    /*
     * Called when the layer's numbers are known: of layers with weights conv->param holds the plain arrays. Proves that the
     * variant's bounds hold for this layer, makes its own parameters and arrays (nnom_layer_alloc), registers these, sets
     * layer->param, layer->scratch_bytes and layer->scratch_in_pieces. NNOM_UNSUPPORTED: not for this layer; nothing was
     * registered or changed then and no text is set. Other errors: nnom_layer_fail().
     */
    nnom_status_t (*pack)(nnom_layer_t *layer);
} nnom_form_t;

/* A line of kernels.def. */
typedef struct nnom_kernel {
    const nnom_form_t *form;
    uint32_t needs;
    uint16_t costs[NNOM_RECORD];
} nnom_kernel_t;

/*
 * Costs of operations without variants, as a record's: measured on the emulated Cortex-M4 (`make bench-plan`: the table of layers).
 * RUNS: rows are moved as they are; JOINED: rows of pieces; PIXELS, CELLS: pixel by pixel, element by element;
 * PAIRS: an element of each of two inputs, in integers; PLAIN: a mixture of the rest.
 */
#define NNOM_COSTS_RUNS [NNOM_COST_OUTPUT] = 13, [NNOM_COST_ROW] = 800, [NNOM_COST_CALL] = 1250, [NNOM_RECORD_BYTES] = 1
#define NNOM_COSTS_JOINED                                                                                              \
    [NNOM_COST_OUTPUT] = 13, [NNOM_COST_ROW] = 2200, [NNOM_COST_CALL] = 2000, [NNOM_RECORD_BYTES] = 1
#define NNOM_COSTS_PIXELS                                                                                              \
    [NNOM_COST_OUTPUT] = 12, [NNOM_COST_PIXEL] = 560, [NNOM_COST_ROW] = 560, [NNOM_COST_CALL] = 1300,                  \
    [NNOM_RECORD_BYTES] = 1
#define NNOM_COSTS_CELLS                                                                                               \
    [NNOM_COST_OUTPUT] = 680, [NNOM_COST_PIXEL] = 270, [NNOM_COST_ROW] = 370, [NNOM_COST_CALL] = 960
#define NNOM_COSTS_PAIRS [NNOM_COST_OUTPUT] = 920, [NNOM_COST_CALL] = 5400
#define NNOM_COSTS_FLOAT_PAIRS [NNOM_COST_OUTPUT] = 280, [NNOM_COST_CALL] = 4930
#define NNOM_COSTS_PLAIN [NNOM_COST_OUTPUT] = 320, [NNOM_COST_CALL] = 1600

/* Defines name_kernel: an operation that has no variants, and its costs. `op` is its C name, too. */
#define NNOM_PLAIN_KERNEL(name, op, ...)                                                                               \
    static const nnom_form_t name##_form = {&op, #op, NULL, NULL, NULL};                                               \
    static const nnom_kernel_t name##_kernel = {&name##_form, 0, {__VA_ARGS__}};

#define NNOM_FORM_DECLARE(operation, variant, needs, ...) extern const nnom_form_t nnom_##operation##_##variant##_form;
NNOM_KERNELS(NNOM_FORM_DECLARE)
#undef NNOM_FORM_DECLARE

/* A row of `static const nnom_kernel_t list[] = {NNOM_KERNELS_X(NNOM_KERNEL_ROW)};` */
#define NNOM_KERNEL_ROW(operation, variant, needs, ...) {&nnom_##operation##_##variant##_form, (needs), {__VA_ARGS__}},

/*
 * Defines a form and its operation; `tag` is that of its parameters, whose NNOM_PARAM_FIELDS stand in the same file. `name`:
 * <operation>_<variant>.
 */
#define NNOM_FORM(name, window, flags, tag, pack)                                                                      \
    extern const nnom_op_t nnom_##name##_op;                                                                           \
    const nnom_op_t nnom_##name##_op = {nnom_##name, window, flags, sizeof(tag##_t)};                                  \
    const nnom_form_t nnom_##name##_form = {&nnom_##name##_op, "nnom_" #name "_op", #tag, tag##_fields, pack};

/*
 * Takes, of the variants that the target allows and whose pack() accepts the layer, the one of the least estimated cost: sets
 * layer->kernel and what pack() sets. layer->macs and out.shape must be known.
 */
nnom_status_t nnom_choose_kernel(nnom_layer_t *layer, const nnom_kernel_t *list, uint32_t count);

/*
 * True if options.optimize (nnom_optimize_t) allows a variant's arrays of `packed` bytes for what is `plain` bytes; `same`: none of them is wider
 * than its plain form.
 */
bool nnom_may_pack(const nnom_layer_t *layer, uint64_t plain, uint64_t packed, bool same);

/* What a layer costs with a kernel's op and costs [NNOM_RECORD]. Its shapes and MACs must be known. */
nnom_cost_t nnom_layer_cost(const nnom_layer_t *layer, const nnom_op_t *op, const uint16_t *costs);

/* Output rows that a kernel likes to compute at a time: 1 to 255. */
uint8_t nnom_liked_rows(const uint16_t *costs);

#define NNOM_CHOOSE_KERNEL(layer, list) nnom_choose_kernel(layer, list, (uint32_t)(sizeof(list) / sizeof *(list)))

#endif
