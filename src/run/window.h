/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_RUN_WINDOW_H
#define NNOM_RUN_WINDOW_H

#include "nnom_program.h"

/* Rows of an input of in_h rows that output rows y read. */
nnom_range_t nnom_geometry_window(const nnom_geometry_t *geometry, int32_t in_h, nnom_range_t y);
/* `window` of operations whose parameters begin with their geometry. */
nnom_range_t nnom_conv_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y);
/* Every row: the window of reductions and of layers that are not local in rows. */
nnom_range_t nnom_window_all(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y);

#endif
