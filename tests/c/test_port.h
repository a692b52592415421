/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The port of the tests (-DNNOM_PORT): a heap that counts and can fail, a clock that ticks, a log that can be read. */
#ifndef TEST_PORT_H
#define TEST_PORT_H

#include <stddef.h>
#include <stdint.h>

void *test_malloc(size_t bytes);
void test_free(void *memory);
uint32_t test_clock(void);
void test_log(const char *format, ...);

#define nnom_malloc(bytes) test_malloc(bytes)
#define nnom_free(pointer) test_free(pointer)
#define nnom_us_get() test_clock()
#define NNOM_LOG test_log

#endif
