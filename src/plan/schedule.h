/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Rolling execution on paper: a segment of nodes advances row by row, and what is recorded (ring heights, order of steps) is
 * what will happen. Nothing here touches data.
 */
#ifndef NNOM_SCHEDULE_H
#define NNOM_SCHEDULE_H

#include "nnom.h"

/* The graph as the schedule sees it. */
typedef struct nnom_flow {
    const nnom_program_t *program;
    uint16_t *producer;  /* [tensors] node that writes it, or NNOM_NO_NODE */
    uint16_t *storage;   /* [tensors] the tensor whose memory it lies in: itself, except views and outputs */
    uint16_t *last_use;  /* [tensors], of storages: last node that reads it; node_count: the caller does */
    uint8_t *whole;      /* [tensors] a further output of a node: never a ring */
    uint16_t *readers;   /* [tensors], of storages: number of node inputs that read it */
    int32_t *overlap;    /* [nodes] as nnom_layer_t.overlap */
    uint32_t *scratch;   /* [nodes] bytes of scratch, if any is needed: nnom_scratch() */
    uint8_t *in_pieces;  /* [nodes] scratch is only for input rows that come in pieces */
    uint64_t *macs;      /* [nodes], of plans in two regions */
    uint64_t *cost;      /* [nodes] estimated instructions of running it whole */
    bool feed;           /* the input comes row by row */
} nnom_flow_t;

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
    int32_t *done;      /* [nodes] output rows made, or input rows taken in by a reducing node */
    int32_t *height;    /* [tensors] of storages that are rings in this segment: rows; 0: not one */
    uint16_t *ring;     /* [tensors] storage with in-place operations taken into account */
    uint8_t *eager;     /* [nodes] runs as soon as it can, instead of when it is needed */
    uint8_t *is_end;    /* [nodes] its output is wanted to the last row */
    nnom_wait_t *stack; /* [nodes] each waits for rows of the one above it */
    uint16_t *use_first; /* [tensors + 1] of rings: where their readers begin in `uses` */
    nnom_use_t *uses;   /* [links] */
    int32_t fed;        /* input rows taken */
    int32_t enough;     /* estimate: stop when every end has made this many rows; 0: run to the end */
    bool any_eager;
    uint32_t steps;     /* number of steps */
    uint8_t *record;    /* where steps are written, or NULL */
    uint32_t capacity;
    uint16_t first, end; /* the segment's nodes: [first, end) */
} nnom_sim_t;

/* Can nodes [first, end) roll at all? (Rows fit the counters, and the code of a step.) */
bool nnom_can_roll(const nnom_flow_t *flow, uint16_t first, uint16_t end);
/* Runs the segment without data; false if the schedule would block, which is no valid program. */
bool nnom_simulate(const nnom_flow_t *flow, uint16_t first, uint16_t end, nnom_sim_t *sim);
/* True if a storage is a ring in segment [first, end): made (or fed) and read only there. */
bool nnom_is_ring(const nnom_flow_t *flow, uint16_t storage, uint16_t first, uint16_t end);
/* Scratch of node n, run whole or in the rolling segment [first, end). */
uint32_t nnom_scratch(const nnom_flow_t *flow, uint16_t n, bool rolls, uint16_t first, uint16_t end);
/* Rows of a node's work: output rows, or input rows of a reducing one. */
int32_t nnom_node_rows(const nnom_program_t *program, uint32_t node);

#endif
