/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_PLACE_H
#define NNOM_PLACE_H

#include <stdint.h>

#define NNOM_NO_BLOCK UINT16_MAX

/* A piece of arena that is in use from step `first` to step `last`, both included. */
typedef struct nnom_block {
    uint32_t bytes;
    uint32_t offset; /* found by nnom_place, a multiple of 4; before nnom_place_regions: accesses per byte */
    uint32_t distance;
    uint16_t first;
    uint16_t last;
    uint16_t
        above; /* a block that this one may overlap, if it lies at least `distance` bytes below; or NNOM_NO_BLOCK */
} nnom_block_t;

/* Finds offsets for n blocks. order: working memory [2 n]; tries: orders tried at random after the fixed ones. Returns
 * the bytes of the arena. */
uint64_t nnom_place(nnom_block_t *blocks, uint32_t n, uint16_t *order, uint32_t tries);

/*
 * The same in two regions: the hottest blocks that fit go into the first, of at most fast_bytes; offsets in the second
 * have the bit NNOM_SLOW. order: [3 n]. Returns the bytes of the first, *slow_bytes those of the second.
 */
uint64_t nnom_place_regions(nnom_block_t *blocks, uint32_t n, uint16_t *order, uint32_t fast_bytes,
                            uint64_t *slow_bytes);

/* A lower bound of the arena, however blocks are placed: the most that is in use together, overlaps counted once. */
uint32_t nnom_live_bytes(const nnom_block_t *blocks, uint32_t n);

#endif
