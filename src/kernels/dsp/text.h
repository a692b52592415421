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

/*
 * The end of a convolution's block of outputs a and b, of three pixels, two or one, whose sums are doubled; r0: finish. After the last block it goes
 * to label 9, else to what follows, the next one. Keeps r0 and lr, and of one pixel r12.
 */
/* Stack of three: 12 out, 52 end, 56 distance.
 */
#define STORED(out, end) TEXT("str r1, [sp, #" out "]") TEXT("cmp r1, " end) TEXT("beq 9f")
#define FINISH_3(a0, a1, a2, b0, b1, b2)                                                                               \
    TEXT("ldm r0!, {r1, r2, r3, r10, r11}")                                                                            \
    SCALE(a0, "r1", "r2", "r12") SCALE(a1, "r1", "r2", "r12") SCALE(a2, "r1", "r2", "r12")                             \
    SCALE(b0, "r3", "r10", "r12") SCALE(b1, "r3", "r10", "r12") SCALE(b2, "r3", "r10", "r12")                          \
    TEXT("ldr r1, [sp, #12]") TEXT("ldr r2, [sp, #56]") TEXT("ldr r10, [sp, #52]")                                     \
    NARROW(a0, "r11") NARROW(a1, "r11") NARROW(a2, "r11") TEXT("add r3, r1, r2") TEXT("add r12, r3, r2")               \
    TEXT("strb " a1 ", [r3]") TEXT("strb " a2 ", [r12]") TEXT("strb " a0 ", [r1], #1")                                 \
    SECOND("r11") NARROW(b0, "r11") NARROW(b1, "r11") NARROW(b2, "r11")                                                \
    TEXT("strb " b1 ", [r3, #1]") TEXT("strb " b2 ", [r12, #1]") TEXT("strb " b0 ", [r1], #1")                         \
    STORED("12", "r10")
/* out, end, distance: where they are in the stack. */
#define FINISH_2(a0, a1, b0, b1, out, end, distance)                                                                   \
    TEXT("ldm r0!, {r1, r2, r3, r8, r9}")                                                                              \
    SCALE(a0, "r1", "r2", "r12") SCALE(a1, "r1", "r2", "r12") SCALE(b0, "r3", "r8", "r12") SCALE(b1, "r3", "r8", "r12") \
    TEXT("ldr r1, [sp, #" out "]") TEXT("ldr r2, [sp, #" distance "]") TEXT("ldr r10, [sp, #" end "]")                 \
    NARROW(a0, "r9") NARROW(a1, "r9") TEXT("add r3, r1, r2")                                                           \
    TEXT("strb " a1 ", [r3]") TEXT("strb " a0 ", [r1], #1")                                                            \
    SECOND("r9") NARROW(b0, "r9") NARROW(b1, "r9") TEXT("strb " b1 ", [r3, #1]") TEXT("strb " b0 ", [r1], #1")         \
    STORED(out, "r10")
#define FINISH_1(a, b, out, end)                                                                                       \
    TEXT("ldm r0!, {r1, r2, r3, r8, r9}") SCALE(a, "r1", "r2", "r10") SCALE(b, "r3", "r8", "r10")                      \
    TEXT("ldr r1, [sp, #" out "]") TEXT("ldr r10, [sp, #" end "]")                                                     \
    NARROW(a, "r9") SECOND("r9") NARROW(b, "r9") TEXT("strb " a ", [r1], #1") TEXT("strb " b ", [r1], #1")             \
    STORED(out, "r10")
/* clang-format on */

#endif
