/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_MOVE_H
#define NNOM_MOVE_H

#include <stddef.h>

/*
 * memcpy() for rows and pixels: by words where a core's C library goes byte by byte, as the small one for microcontrollers does.
 * `to` and `from` do not overlap.
 */
void nnom_move(void *to, const void *from, size_t bytes);
/* The same where they may overlap and `to` begins below `from`. */
void nnom_move_down(void *to, const void *from, size_t bytes);

#endif
