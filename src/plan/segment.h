/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Which nodes roll together and which run whole: the choice between RAM and speed. */
#ifndef NNOM_SEGMENT_H
#define NNOM_SEGMENT_H

#include "schedule.h"

#include <limits.h>

/* A segment of a plan: one node that runs whole, or nodes that roll. */
typedef struct nnom_part {
    uint16_t first, end;
    bool rolls;
    bool eager;     /* the simulation's rule for nodes at branches */
    bool liked;     /* nodes advance by as many rows as their kernels like */
    uint32_t bytes; /* estimate of what is live during it */
} nnom_part_t;

#if UINT_MAX < 0xFFFFFFFF /* an int of 16 bits: not ISO C's type of a bit-field, but what those compilers take */
typedef uint32_t nnom_option_bits_t;
#else
typedef unsigned nnom_option_bits_t;
#endif

/* A segment that a plan may be made of, where it stands in the table tells its nodes. */
typedef struct nnom_option {
    nnom_option_bits_t words : 29; /* bytes as of nnom_part_t, which are whole words; NNOM_NO_OPTION: there is none */
    nnom_option_bits_t rolls : 1;
    nnom_option_bits_t eager : 1;
    nnom_option_bits_t liked : 1;
} nnom_option_t;

#define NNOM_NO_OPTION 0x1FFFFFFFu

/* All segments: by first node, then by length, 1 to max_length or as many nodes as are left. */
typedef struct nnom_options_table {
    nnom_option_t *options;
    uint16_t node_count;
    uint16_t max_length; /* <= node_count */
    uint8_t *doubtful; /* [node_count] a plan was placed in which the overlap that this node counts on found no place */
    bool cautious;     /* nothing is saved by the overlaps of such nodes */
} nnom_options_table_t;

/* Entries of the table. */
size_t nnom_options_count(const nnom_options_table_t *table);

/* Bytes live during nodes [first, end): rings (sim after nnom_simulate) if `rolls`, else whole tensors of one node. */
uint32_t nnom_part_bytes(const nnom_flow_t *flow, const nnom_part_t *part, const nnom_sim_t *sim);

/* Estimated instructions of a part; of a rolling one, sim after nnom_simulate() to the end. */
uint64_t nnom_part_cost(const nnom_flow_t *flow, const nnom_part_t *part, const nnom_sim_t *sim);

/* Bytes that node n, run whole, saves because its output may lie over its input; part bytes are less them. */
uint32_t nnom_overlap_saving(const nnom_flow_t *flow, uint16_t n);

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
