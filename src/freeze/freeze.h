/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_FREEZE_H
#define NNOM_FREEZE_H

#include "../build/graph.h"
#include "../build/kernel.h"

enum { NNOM_WRITER_LINE = 512, NNOM_WRITER_BYTES = 8192, NNOM_WRITER_SEEN = 512 };

typedef struct nnom_writer {
    nnom_write_t write;
    void *context;
    const char *name;             /* prefix of symbols */
    nnom_status_t status;         /* first error */
    char text[NNOM_WRITER_BYTES]; /* not written yet: [used] */
    size_t used;
    const char *seen[NNOM_WRITER_SEEN]; /* types and operations that were declared: [seen_count] */
    uint32_t seen_count;
} nnom_writer_t;

/* Up to 511 characters a call; they are kept until nnom_writer_flush() or until there are many. */
void nnom_writer_print(nnom_writer_t *w, const char *format, ...) NNOM_PRINTF(2, 3);
void nnom_writer_flush(nnom_writer_t *w);
void nnom_writer_float(nnom_writer_t *w, float x);
/* count elements, comma after each, 16 a line. */
void nnom_writer_values(nnom_writer_t *w, const void *data, uint32_t count, nnom_type_t type);
/* A text from anybody's model within a comment or a string literal, of which it must not be the end. */
void nnom_writer_name(nnom_writer_t *w, const char *name);
/* freeze_header.c: all of model.h. */
void nnom_freeze_header(nnom_writer_t *w, const nnom_model_t *m);
/* C type of a port's elements. */
const char *nnom_port_type(const nnom_tensor_t *t);
/* A C identifier of up to 47 characters. */
bool nnom_is_identifier(const char *name);
/* The first input is har_input, the second har_input1. */
void nnom_port_suffix(uint32_t i, char *to, size_t size);
/* The name in capitals, for macros. */
void nnom_upper(const char *name, char *to, size_t size);
/* freeze_test.c: writes the self test; runs the model for it. */
void nnom_freeze_selftest(nnom_writer_t *w, nnom_model_t *m);
/* Parameters, weights, tensors, nodes and the program. */
void nnom_freeze_tables(nnom_writer_t *w, const nnom_model_t *m);

#endif
