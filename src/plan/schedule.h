/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Rolling execution on paper: a segment of nodes advances row by row, and what is recorded (ring heights, order of
 * steps) is what will happen. Nothing here touches data.
 */
#ifndef NNOM_SCHEDULE_H
#define NNOM_SCHEDULE_H

#include "flow.h"

/* Input `input` of node `node`. */
typedef struct nnom_use {
    uint16_t node;
    uint16_t input;
} nnom_use_t;

/* To make row `row`, node `node` waits for its input `input` to have `rows` rows; the inputs before have theirs. */
typedef struct nnom_wait {
    uint16_t node;
    uint16_t input;
    int32_t row;
    int32_t rows;
} nnom_wait_t;

/* Working memory and result of one simulation. */
typedef struct nnom_sim {
    int32_t *done;       /* [nodes] output rows made, or input rows taken in by a reducing node */
    int32_t *height;     /* [tensors] of storages that are rings in this segment: rows; 0: not one */
    uint16_t *ring;      /* [tensors] storage with in-place operations taken into account */
    uint8_t *eager;      /* [nodes] runs as soon as it can, instead of when it is needed */
    uint8_t *is_end;     /* [nodes] its output is wanted to the last row */
    nnom_wait_t *stack;  /* [nodes] each waits for rows of the one above it */
    uint16_t *use_first; /* [tensors + 1] of rings: where their readers begin in `uses` */
    nnom_use_t *uses;    /* [links] */
    int32_t *calls;      /* [nodes] of its operation: equal steps in a row are one */
    int32_t fed;         /* input rows taken */
    uint16_t dying;      /* a whole tensor from before the segment whose last reader is in it, or NNOM_NO_TENSOR */
    uint32_t
        scratch; /* bytes of scratch that nodes share, less what may lie over rows of `dying` that are read no more */
    int32_t enough; /* estimate: stop when every end has made this many rows; 0: run to the end */
    bool liked;     /* nodes advance by as many rows as their kernels like */
    bool any_eager;
    uint8_t last;    /* step recorded, NNOM_STEP_FEED also before the first */
    uint32_t steps;  /* number of steps */
    uint8_t *record; /* where steps are written, or NULL */
    uint32_t capacity;
    uint16_t first, end; /* the segment's nodes: [first, end) */
} nnom_sim_t;

/* Runs the segment without data; false if the schedule would block, which is no valid program. */
bool nnom_simulate(const nnom_flow_t *flow, uint16_t first, uint16_t end, nnom_sim_t *sim);

#endif
