/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include "pages.h"

#include <stdint.h>
#include <stdlib.h>

static bool on;

bool pages_on(void)
{
    return on;
}

#if defined(__linux__) && !defined(TEST_BOARD)

#include <sys/mman.h>
#include <unistd.h>

enum { POOLED = 8 };

/* A page of its own, then one that cannot be touched, the block's, and another one. */
typedef struct region {
    struct region *next;
    size_t pages; /* of the block */
} region_t;

static size_t page;
static region_t *pools[POOLED + 1]; /* by pages: what was freed */
static bool at_end;

bool pages_begin(void)
{
    const long size = sysconf(_SC_PAGESIZE);
    page = size > 0 ? (size_t)size : 0;
    on = page > 0;
    return on;
}

static region_t *region_new(size_t pages)
{
    uint8_t *memory = mmap(NULL, (pages + 3) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((void *)memory == MAP_FAILED || mprotect(memory + page, page, PROT_NONE) != 0 ||
        mprotect(memory + (pages + 2) * page, page, PROT_NONE) != 0) {
        return NULL;
    }
    region_t *region = (region_t *)(void *)memory;
    region->pages = pages;
    return region;
}

void *pages_malloc(size_t bytes)
{
    if (!on) {
        return malloc(bytes);
    }
    bytes = bytes > 0 ? bytes : 1;
    const size_t pages = (bytes + page - 1) / page;
    region_t *region = pages <= POOLED ? pools[pages] : NULL;
    if (region != NULL) {
        pools[pages] = region->next;
    } else {
        region = region_new(pages);
    }
    at_end = !at_end;
    return region == NULL ? NULL : (uint8_t *)region + 2 * page + (at_end ? pages * page - bytes : 0);
}

/* A block begins in its first page, whichever end it lies at. */
void pages_free(void *memory)
{
    if (!on || memory == NULL) {
        free(memory);
        return;
    }
    region_t *region = (region_t *)(void *)((uint8_t *)memory - (uintptr_t)memory % page - 2 * page);
    if (region->pages <= POOLED) {
        region->next = pools[region->pages];
        pools[region->pages] = region;
    } else {
        (void)munmap(region, (region->pages + 3) * page);
    }
}

#else

bool pages_begin(void)
{
    return false;
}

void *pages_malloc(size_t bytes)
{
    return malloc(bytes);
}

void pages_free(void *memory)
{
    free(memory);
}

#endif
