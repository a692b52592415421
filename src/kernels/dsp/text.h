/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * What the loops in assembly share: a build needs no .S, because they stand inside C files. gcc keeps sums, operands and addresses in 14
 * registers only if it is told so. Instructions inside loops are entered in the middle: all of them are four bytes long.
 */
#ifndef NNOM_DSP_TEXT_H
#define NNOM_DSP_TEXT_H

#include "../assembly.h"

#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__) && defined(__thumb2__) && !defined(__ARM_FEATURE_MVE)
#define NNOM_DSP_ASSEMBLY
#endif

/* clang-format off */
#define NNOM_DSP_FUNCTION(name) NNOM_ASSEMBLY(name)
#define NNOM_DSP_END(name) NNOM_ASSEMBLY_END(name)

/* 2 S_b and 2 S_a from S_ab and S_a. */
#define SPLIT(ab, a)                                                                                                   \
    TEXT("sub " ab ", " ab ", " a) TEXT("asr " ab ", " ab ", #7") TEXT("lsl " a ", " a ", #1")
/* Twice a sum, multiplier and constant, and a register to spare: rounded, before the shift. */
#define SCALE(acc, m, c, spare)                                                                                        \
    TEXT("smmlar " spare ", " acc ", " m ", " c) TEXT("add " acc ", " spare ", " acc ", asr #31")
#define NARROW(acc, shift) TEXT("asr " acc ", " acc ", " shift) TEXT("ssat " acc ", #8, " acc)
/* The shifts of two outputs, r0: finish: a shift by a register looks at its low byte alone. */
#define SHIFTS(to) TEXT("ldr " to ", [r0], #4")
#define SECOND(shift) TEXT("lsr " shift ", " shift ", #8")
/* clang-format on */

#endif
