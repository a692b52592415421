/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_FREEZE_H
#define NNOM_FREEZE_H

#include "../build/graph.h"
#include "../build/kernel.h"

typedef struct nnom_writer {
    nnom_write_t write;
    void *context;
    const char *name;     /* prefix of symbols */
    nnom_status_t status; /* first error */
} nnom_writer_t;

/* Up to 511 characters a call. */
void nnom_writer_print(nnom_writer_t *w, const char *format, ...);
void nnom_writer_float(nnom_writer_t *w, float x);
/* count elements, comma after each, 16 a line. */
void nnom_writer_values(nnom_writer_t *w, const void *data, uint32_t count, nnom_element_t element);
/* Parameters, weights, tensors, nodes and the program. */
void nnom_freeze_tables(nnom_writer_t *w, const nnom_model_t *m);

#endif
