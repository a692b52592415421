/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * What NNoM asks of the platform. A file of your own, named by -DNNOM_PORT='"my_port.h"', may define every macro; what it
 * leaves out is as below.
 * A frozen model uses none of the memory macros, and the clock only when a profile is asked for.
 */
#ifndef NNOM_PORT_H
#define NNOM_PORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef NNOM_PORT
#include NNOM_PORT
#endif

#ifndef nnom_malloc
#define nnom_malloc(bytes) malloc(bytes)
#endif
#ifndef nnom_free
#define nnom_free(pointer) free(pointer)
#endif
#ifndef nnom_memset
#define nnom_memset(pointer, value, bytes) memset((pointer), (value), (bytes))
#endif
#ifndef nnom_memcpy
#define nnom_memcpy(to, from, bytes) memcpy((to), (from), (bytes))
#endif
/* Microseconds and milliseconds since any fixed moment, as uint32_t; 0 where there is no clock. */
#ifndef nnom_us_get
#define nnom_us_get() 0u
#endif
#ifndef nnom_ms_get
#define nnom_ms_get() 0u
#endif
#ifndef NNOM_LOG
#define NNOM_LOG(...) printf(__VA_ARGS__)
#endif

#endif
