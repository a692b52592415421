/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What test_port.h names, for programs without the harness: the C library's heap and output. */
#include "test_port.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void *test_malloc(size_t bytes)
{
    return malloc(bytes);
}

void test_free(void *memory)
{
    free(memory);
}

uint32_t test_clock(void)
{
    return 0;
}

void test_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
}
