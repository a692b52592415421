/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_RUN_TYPE_H
#define NNOM_RUN_TYPE_H

#include "nnom_program.h"

/* A line of NNOM_TYPES. */
typedef struct nnom_type_facts {
    const char *name;   /* "S8": NNOM_TYPE_S8 */
    const char *c_type; /* "int8_t" */
    uint32_t bytes;
    int32_t least;
    int32_t most;
    bool quantised;
} nnom_type_facts_t;

/* Of an unknown type: named "?", of 0 bytes. */
const nnom_type_facts_t *nnom_type_facts(nnom_type_t type);
/* The integer at x, and x stored as the type, saturated. Quantised types only. */
int32_t nnom_type_load(nnom_type_t type, const void *x);
void nnom_type_store(nnom_type_t type, void *to, int32_t x);

#endif
