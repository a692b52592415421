/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Memory between pages that cannot be touched (tests pages=1, Linux): by turns a block ends where its last page ends, or begins where its
 * first one begins, so that a read of one byte beyond faults. Elsewhere, and without the option, it is malloc's.
 */
#ifndef PAGES_H
#define PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* False if this system has no such pages. */
bool pages_begin(void);
bool pages_on(void);
/* Blocks end at any address, so they begin at any. NULL: no memory. */
void *pages_malloc(size_t bytes);
void pages_free(void *memory);

#endif
