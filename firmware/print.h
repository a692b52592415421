/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/** A small formatted print to the host's console: no heap, no floating point, about 1 KB of code. */
#ifndef PRINT_H
#define PRINT_H

/**
 * Knows %d %u %x %c %s %% and the length prefixes l and ll; no width, no precision. A conversion that it does not know
 * is printed as it stands. Lines longer than 128 bytes are written in pieces.
 */
void board_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
