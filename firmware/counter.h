/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/** What a program costs on an emulated board: instructions executed and stack used. */
#ifndef COUNTER_H
#define COUNTER_H

#include <stdint.h>

/** Starts the board's timer. The start-up code calls it, once. */
void board_counter_start(void);

/**
 * Instructions executed since the start-up code started the timer. Exact to one instruction on every board, does not
 * wrap within 6e11 instructions. One call costs a few dozen instructions, the same number each time on one board: to
 * take it off, measure the difference of two calls in a row.
 */
uint64_t board_instructions(void);

/**
 * Fills the unused part of the stack with a pattern, so that board_stack_peak() forgets what happened before. Costs
 * about one instruction per byte of stack; do not call it between two readings of the counter.
 * @return bytes of stack in use at the time of the call.
 */
uint32_t board_stack_paint(void);

/** @return the largest number of bytes of stack in use since the last board_stack_paint() (start-up calls it once).
 *  Words that were reserved but never written below the deepest written one are not seen. */
uint32_t board_stack_peak(void);

#endif
