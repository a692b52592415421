/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Which nodes roll together and which run whole: the choice between RAM and speed. */
#ifndef NNOM_SEGMENT_H
#define NNOM_SEGMENT_H

#include "schedule.h"

/* A segment of a plan: one node that runs whole, or nodes that roll. */
typedef struct nnom_part {
    uint16_t first, end;
    bool rolls;
    bool eager;     /* the simulation's rule for nodes at branches */
    uint32_t bytes; /* estimate of what is live during it */
} nnom_part_t;

/* A segment that a plan may be made of, where it stands in the table tells its nodes. */
typedef struct nnom_option {
    unsigned words : 30; /* bytes as of nnom_part_t, which are whole words; NNOM_NO_OPTION: there is none */
    unsigned rolls : 1;
    unsigned eager : 1;
} nnom_option_t;

#define NNOM_NO_OPTION 0x3FFFFFFFu

/* All segments: by first node, then by length, 1 to max_length or as many nodes as are left. */
typedef struct nnom_options_table {
    nnom_option_t *options;
    uint16_t node_count;
    uint16_t max_length; /* <= node_count */
} nnom_options_table_t;

/* Entries of the table. */
size_t nnom_options_count(const nnom_options_table_t *table);

/* Bytes live during nodes [first, end): rings (sim after nnom_simulate) if `rolls`, else whole tensors of one node. */
uint32_t nnom_part_bytes(const nnom_flow_t *flow, const nnom_part_t *part, const nnom_sim_t *sim);

/* Fills the table, its sizes being set: simulates every segment that can matter. work_*: as of nnom_choose.
 */
void nnom_options_fill(const nnom_flow_t *flow, nnom_options_table_t *table, nnom_sim_t *sim, uint64_t *work_cost,
                       uint16_t *work_from, nnom_part_t *work_parts);

/*
 * The cheapest sequence of parts from node 0 to the last in which none needs more than `limit` bytes. work_cost,
 * work_from: working memory [node_count + 1]; result: parts in order [node_count]. Returns their number, 0 if there is
 * none.
 */
uint16_t nnom_choose(const nnom_flow_t *flow, const nnom_options_table_t *table, uint32_t limit, nnom_part_t *result,
                     uint64_t *cost, uint32_t *bytes, uint64_t *work_cost, uint16_t *work_from);

#endif
