/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_GRAPH_H
#define NNOM_GRAPH_H

#include "builder.h"

enum { NNOM_MARK_NONE, NNOM_MARK_COMPONENT, NNOM_MARK_PLACED, NNOM_MARK_NEEDED, NNOM_MARK_LISTED };

/* Appends `from` to the inputs of `to`. False when memory is short. */
bool nnom_connect(nnom_layer_t *to, nnom_layer_t *from);
/* All layers connected to `start`, as a list by `next`, each marked. */
nnom_layer_t *nnom_component(nnom_layer_t *start, uint8_t mark);

nnom_layer_t *nnom_hook(nnom_layer_t *curr, nnom_layer_t *last);
nnom_layer_t *nnom_merge(nnom_layer_t *method, nnom_layer_t *in1, nnom_layer_t *in2);
nnom_layer_t *nnom_mergex(nnom_layer_t *method, int num, ...);
nnom_layer_t *nnom_active(nnom_activation_t *act, nnom_layer_t *target);

/* Disconnects and frees every layer of a list by `next`. */
void nnom_layers_free(nnom_layer_t *list);
/* The node that writes a layer's memory, NNOM_NO_NODE for sources. */
uint16_t nnom_layer_writer(const nnom_layer_t *layer);
/* Sets layer->is_left. */
void nnom_mark_left(const nnom_model_t *m);
/* state.c: checks States after build, and lists them in the order in which they can be copied. */
nnom_status_t nnom_check_states(nnom_model_t *m);
const void *nnom_state_start(const nnom_layer_t *state);
uint32_t nnom_count_states(const nnom_model_t *m);
nnom_status_t nnom_list_states(nnom_model_t *m, nnom_state_pair_t *list);
/* rings.c: sets layer->advances and the kernel of Slides that become rings; their period in runs. After build. */
uint32_t nnom_find_rings(nnom_model_t *m);
/* After the plan: their heights are those up to which rows are counted, the memory is that of their rows. */
void nnom_open_rings(const nnom_model_t *m, const nnom_program_t *program);
/* slide.c: its kernel in a ring. */
const struct nnom_kernel *nnom_slide_ring(void);
/* True if the caller reads this layer's output. */
bool nnom_is_output(const nnom_model_t *m, const nnom_layer_t *layer);

void nnom_layer_free_chunks(nnom_layer_t *layer);
/* Bytes of a builder, its layers and tables. */
size_t nnom_builder_memory(const nnom_builder_t *builder);

/* ---- order.c ---- */

/* Takes every layer connected to `start` into the model; fails if another model owns it. NULL is fine. */
nnom_status_t nnom_adopt(nnom_model_t *m, nnom_layer_t *start);
/* Takes what was hooked to owned layers since. */
void nnom_adopt_strays(nnom_model_t *m);
/* Puts the model's list in order of execution and names "Conv2D_2" who has no name; fails if there is a cycle. */
nnom_status_t nnom_order(nnom_model_t *m);
/* Fails unless all is connected from inputs to outputs. out: the layer named as output, or NULL. */
nnom_status_t nnom_check_graph(nnom_model_t *m, nnom_layer_t *out);

/* ---- share.c, program.c, planning.c ---- */

/*
 * Says of arrays, constants and parameters of a compiled model which layer stores them: the first one that has these contents. What it
 * found it keeps until the next compile, or nnom_unshare(). Fails with NNOM_NO_MEMORY only.
 */
nnom_status_t nnom_share(const nnom_model_t *m);
/* What it found about a layer that is not fused. */
nnom_alike_t *nnom_share_of(const nnom_layer_t *layer);
/* The same, if there are so many that nnom_layer_weight_bytes() would compare for long. */
void nnom_share_many(const nnom_model_t *m);
/* Bytes that it takes now. */
size_t nnom_share_bytes(const nnom_model_t *m);
void nnom_unshare(const nnom_model_t *m);

/* One for each layer that is not fused into another: sets layer->out and layer->tensor. */
nnom_status_t nnom_make_tensors(nnom_model_t *m);
/* Tables, plan and memory of layers that are built: sets m->program. */
nnom_status_t nnom_make_program(nnom_model_t *m);
/* Offsets, rings and schedule of a program whose tables are filled, and the lives of layers. */
nnom_status_t nnom_plan(nnom_model_t *m, nnom_program_t *program, nnom_tensor_t *tensors, nnom_node_t *nodes);

/* The steps from the first to the last in which a layer's output is in use, as of nnom_layer_info_t; 0, 0 outside the arena. */
void nnom_layer_life(const nnom_model_t *m, const nnom_layer_t *layer, uint16_t *first, uint16_t *last);

/* report.c */
nnom_layer_row_t nnom_layer_row(const nnom_layer_t *layer, const char *name);
nnom_status_t nnom_model_fail(nnom_model_t *m, nnom_status_t status, const char *format, ...) NNOM_PRINTF(3, 4);
/* After it: the error is an arena under `least` bytes, which `layer` (or NULL) needs. NNOM_TOO_SMALL. */
nnom_status_t nnom_model_too_small(nnom_model_t *m, uint32_t least, const nnom_layer_t *layer);

#endif
