/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_PLAN_H
#define NNOM_PLAN_H

#include "nnom_run.h"
#include "place.h"
#include "segment.h"

/* What is asked of a plan. */
typedef struct nnom_plan_request {
    bool whole;            /* no node rolls */
    bool smallest;         /* the smallest arena, whatever it costs */
    bool feed;             /* the input, the only one, comes row by row */
    bool endless;          /* and after the last row comes the first of the next window */
    bool all_rows;         /* also rows that nobody reads are made */
    uint32_t budget;       /* bytes of the arena, 0: none */
    uint32_t fast_bytes;   /* two regions: the first holds at most this; 0: one region */
    uint32_t free_percent; /* without a budget: how much more than the cheapest plan a smaller one may cost */
    uint32_t storages;     /* tensors in the arena that are no views: bounds the number of blocks */
    void (*point)(void *context, uint64_t bytes, uint64_t cost); /* told every plan considered; NULL: nobody */
    void *context;
} nnom_plan_request_t;

/* What planning says beside the program that it fills. */
typedef struct nnom_plan_result {
    uint64_t cost;            /* estimated instructions of a run */
    uint32_t live_bytes;      /* no arena of this plan is smaller: the most that is in use together */
    uint32_t schedule_bytes;  /* of `schedule` */
    nnom_segment_t *schedule; /* segments and steps, the caller's to nnom_free(); NULL: all nodes run whole */
    uint64_t least;           /* NNOM_TOO_SMALL: the least arena, */
    uint16_t node;            /* and the node at which most is live in it */
    size_t memory;            /* NNOM_NO_MEMORY: the bytes that there were not */
} nnom_plan_result_t;

/* Everything that planning works on, in two blocks of memory: what it needs to the end, and what only the search does. */
typedef struct nnom_planner {
    const nnom_plan_request_t *request;
    nnom_plan_result_t result;
    nnom_program_t *program;
    nnom_tensor_t *tensors;
    nnom_node_t *nodes;
    nnom_flow_t flow;
    nnom_sim_t sim;
    nnom_options_table_t table;
    nnom_part_t *parts; /* the plan: [part_count] */
    uint16_t part_count;
    uint32_t link_count;  /* inputs of all nodes */
    uint64_t *path_cost;  /* [nodes + 1] */
    uint16_t *path_from;  /* [nodes + 1] */
    nnom_block_t *blocks; /* [block_count] */
    uint32_t block_count;
    uint16_t *block_order;   /* [2 * blocks], in two regions [3 * blocks] */
    uint64_t slow_bytes;     /* second region of the last layout */
    uint64_t layout_cost;    /* of the last layout: estimated instructions */
    uint16_t *tensor_block;  /* [tensors] block of a storage */
    uint16_t *node_block;    /* [nodes] block of its scratch */
    uint16_t *counter_block; /* [parts] */
    void *memory;
    void *search;
} nnom_planner_t;

/*
 * In this order: start, then the caller fills what of p->flow is his, plan, end (also after a
 * failure). start fails with NNOM_NO_MEMORY only. request, program and its tables are the caller's and stay in place
 * until end.
 */
nnom_status_t nnom_planner_start(nnom_planner_t *p, const nnom_plan_request_t *request, nnom_program_t *program,
                                 nnom_tensor_t *tensors, nnom_node_t *nodes);
/*
 * Writes offsets, heights of rings, scratch and the schedule into the program and its tables. NNOM_TOO_SMALL: the
 * budget; NNOM_OVERFLOW: the arena would exceed 2^31 bytes; NNOM_NO_MEMORY. p->result tells more.
 */
nnom_status_t nnom_planner_plan(nnom_planner_t *p);
void nnom_planner_end(nnom_planner_t *p);
/* Frees what the search for a plan needs: p->table. */
void nnom_planner_end_search(nnom_planner_t *p);

/* layout.c: the blocks of the plan in p->parts, placed. tries: effort. Returns the bytes of the arena, both regions. */
uint64_t nnom_layout(nnom_planner_t *p, uint32_t tries);
/* Writes offsets, ring heights and the schedule of the plan into the program. */
nnom_status_t nnom_layout_apply(nnom_planner_t *p);

#endif
