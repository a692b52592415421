/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/** What the start-up code of all boards has in common. */
#ifndef STARTUP_H
#define STARTUP_H

/** Exit status after a fault or an unexpected interrupt. */
#define BOARD_EXIT_FAULT 3

/** Called with a stack and the FPU on: fills memory, starts the counter, runs main and exits with its result. */
void board_start(void) __attribute__((noreturn));

/** Makes writes to code and constants fault, and accesses to the megabyte below the stack: emulated flash is RAM, and
 *  some machines ignore writes outside memory, where the real board would fault. Each family has its own. */
void board_protect(void);

#endif
