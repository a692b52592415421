/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/** Tells the emulator's plugin (host/tally.c), if it is loaded, which part of the program begins. */
#ifndef MARK_H
#define MARK_H

#include <stdint.h>

#ifndef BOARD_PHASES
#define BOARD_PHASES 514
#endif

/** Begins a phase, below BOARD_PHASES. Phase 0 is not counted. Costs a store. */
void board_mark(uint32_t phase);

#endif
