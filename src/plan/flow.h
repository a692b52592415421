/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * What planning works on: a program's nodes and tensors as rows, bytes and costs. The caller describes them; nothing
 * here knows layers.
 */
#ifndef NNOM_FLOW_H
#define NNOM_FLOW_H

#include "nnom_program.h"

#define NNOM_NO_OVERLAP INT32_MAX

/* What a node costs, in sixteenths of an instruction; first, and row and more times all rows, 2^44 at most each. */
typedef struct nnom_cost {
    float first; /* the first call, and what does not depend on rows */
    float row;   /* each row of its work */
    float more;  /* each further call */
} nnom_cost_t;

typedef struct nnom_flow {
    const nnom_program_t *program;
    /* Given by the caller: */
    uint16_t *producer; /* [tensors] node that writes its memory, or NNOM_NO_NODE */
    uint16_t *storage;  /* [tensors] the tensor whose memory it lies in: itself, except views and outputs */
    uint8_t *whole;     /* [tensors] a further output of a node: never a ring */
    int32_t *overlap;   /* [nodes] how many bytes the output must lie below input 0 to overwrite it safely, or
                           NNOM_NO_OVERLAP */
    uint32_t *scratch;  /* [nodes] bytes of scratch, if any is needed: nnom_scratch() */
    uint8_t *liked;     /* [nodes] rows that its kernel likes to compute at a time, at least 1 */
    uint8_t *in_pieces; /* [nodes] scratch is only for input rows that come in pieces */
    uint64_t *macs;     /* [nodes], of plans in two regions; else NULL */
    nnom_cost_t *cost;  /* [nodes] */
    bool feed;          /* the input comes row by row */
    bool all_rows;      /* also rows that nobody reads are made and kept */
    /* Follows from them: nnom_flow_uses(). */
    uint16_t *last_use; /* [tensors], of storages: last node that reads it; node_count: the caller does */
    uint16_t *readers;  /* [tensors], of storages: number of node inputs that read it */
    int32_t *rows;      /* [tensors], of storages: rows that anybody reads, from row 0 on: no others are made or kept */
} nnom_flow_t;

/* Fills last_use, readers and rows, which are zero. */
void nnom_flow_uses(nnom_flow_t *flow);
/* The rows of an input that rows y of a node's work read. */
nnom_range_t nnom_rows_read(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y);
/* Rows of a node's work: the output rows that are read, or input rows of a reducing one. */
int32_t nnom_node_rows(const nnom_flow_t *flow, uint32_t node);
/* Bytes of the rows of a storage that are read. */
uint64_t nnom_storage_bytes(const nnom_flow_t *flow, uint16_t storage);
/* True if it holds, when a run begins, what the one before left. */
bool nnom_is_read_state(const nnom_flow_t *flow, uint16_t storage);
/* True if input row by row comes into this storage. */
bool nnom_is_fed(const nnom_flow_t *flow, uint16_t storage);
/* True if a storage is a ring in segment [first, end): made (or fed) and read only there. */
bool nnom_is_ring(const nnom_flow_t *flow, uint16_t storage, uint16_t first, uint16_t end);
/* Scratch of node n, run whole or in the rolling segment [first, end). */
uint32_t nnom_scratch(const nnom_flow_t *flow, uint16_t n, bool rolls, uint16_t first, uint16_t end);
/* Can nodes [first, end) roll at all? (Rows fit the counters, and the code of a step.) */
bool nnom_can_roll(const nnom_flow_t *flow, uint16_t first, uint16_t end);

/* Sixteenths of instructions of `rows` rows in `calls` calls, both at least 1. */
static inline uint64_t nnom_cost_of(const nnom_cost_t *cost, int32_t rows, int32_t calls)
{
    return (uint64_t)cost->first + (uint64_t)rows * (uint64_t)cost->row + (uint64_t)(calls - 1) * (uint64_t)cost->more;
}

static inline bool nnom_node_reduces(const nnom_node_t *node)
{
    return (node->op->flags & NNOM_OP_REDUCES) != 0;
}

/* Its scratch is its own while a segment rolls. */
static inline bool nnom_node_keeps(const nnom_node_t *node)
{
    return (node->op->flags & (NNOM_OP_REDUCES | NNOM_OP_KEEPS)) != 0;
}

static inline bool nnom_node_inside(uint16_t node, uint16_t first, uint16_t end)
{
    return node != NNOM_NO_NODE && node >= first && node < end;
}

#endif
