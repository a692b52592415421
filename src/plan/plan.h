/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_PLAN_H
#define NNOM_PLAN_H

#include "../build/graph.h"
#include "place.h"
#include "segment.h"

/* Everything that planning works on, in one block of memory. */
typedef struct nnom_planner {
    nnom_model_t *model;
    nnom_program_t *program;
    nnom_tensor_t *tensors;
    nnom_node_t *nodes;
    nnom_flow_t flow;
    nnom_sim_t sim;
    nnom_options_table_t table;
    nnom_part_t *parts;      /* the plan: [part_count] */
    uint16_t part_count;
    uint32_t link_count;     /* inputs of all nodes */
    uint64_t *path_cost;     /* [nodes + 1] */
    uint16_t *path_from;     /* [nodes + 1] */
    nnom_block_t *blocks;    /* [block_count] */
    uint32_t block_count;
    uint16_t *block_order;   /* [2 * blocks], in two regions [3 * blocks] */
    uint64_t slow_bytes;     /* second region of the last layout */
    uint16_t *tensor_block;  /* [tensors] block of a storage */
    uint16_t *node_block;    /* [nodes] block of its scratch */
    uint16_t *counter_block; /* [parts] */
    void *memory;
} nnom_planner_t;

/* planner.c: allocates and fills all but the plan itself. */
nnom_status_t nnom_planner_start(nnom_planner_t *p, nnom_model_t *m, nnom_program_t *program, nnom_tensor_t *tensors,
                                 nnom_node_t *nodes);
void nnom_planner_end(nnom_planner_t *p);

/* layout.c: the blocks of the plan in p->parts, placed. tries: effort. Returns the bytes of the arena, both regions. */
uint64_t nnom_layout(nnom_planner_t *p, uint32_t tries);
/* Writes offsets, ring heights and the schedule of the plan into the program. */
nnom_status_t nnom_layout_apply(nnom_planner_t *p);

#endif
