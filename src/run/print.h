/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Lines of the tables of layers, for converted models and those built by hand. */
#ifndef NNOM_PRINT_H
#define NNOM_PRINT_H

#include "nnom_run.h"

/* The first line; `last` names a further column. */
void nnom_print_layer_head(const char *last);
/* A layer's line without its end. */
void nnom_print_layer(const nnom_layer_row_t *row, const nnom_tensor_t *out, uint32_t input_bytes,
                      uint32_t scratch_bytes);
/* What every row of a tensor takes, held or not. */
uint32_t nnom_tensor_whole_bytes(const nnom_tensor_t *tensor);
/* Output 0 of a node, and bytes of its inputs, for people. */
nnom_tensor_t nnom_node_shown(const nnom_program_t *program, const nnom_node_t *node);
uint32_t nnom_node_input_bytes(const nnom_program_t *program, const nnom_node_t *node);

#endif
