/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Windows of the input, gathered: shared by the convolutions that read every channel of a window. */
#ifndef NNOM_PATCH_H
#define NNOM_PATCH_H

#include "window.h"

typedef struct nnom_patches {
    nnom_window_t window;
    nnom_rows_t from;
    uint8_t *scratch; /* one patch; unused where nnom_patch_gathers() is false */
    int padding; /* every byte of a cell outside the input: its zero point; 0 of int16 and float is all zero bytes */
} nnom_patches_t;

nnom_patches_t nnom_patches(const nnom_call_t *call, const nnom_geometry_t *g);
/* Moves to output row y. */
void nnom_patches_row(nnom_patches_t *patches, int32_t y);
/*
 * The taps of output column x as [kernel h][kernel w][in c], cells outside the input holding the zero point (0 in
 * float and int16). Returns a pointer into the input where they already lie so, else the scratch.
 */
const void *nnom_patch(nnom_patches_t *patches, int32_t x);

/* The same if they lie in the input so; else NULL, and nothing is gathered. */
const void *nnom_patch_in_place(nnom_patches_t *patches, int32_t x);

#endif
