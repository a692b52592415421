/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * What the loops in assembly share. gcc does not keep 32 sums, weights and inputs in 32 registers, nor loads several of them at once.
 *
 * r6: where the first pixel's window begins, r8: the block's weights, r9: where its outputs go, r10: taps of a run, r11: the task.
 * Stack: pixels left to do, FPSCR as it was.
 */
#ifndef NNOM_FPU_TEXT_H
#define NNOM_FPU_TEXT_H

#if defined(__ARM_FP) && defined(__GNUC__) && defined(__thumb2__)
#define NNOM_FPU_ASSEMBLY
#endif

/* clang-format off */
#define TEXT(line) line "\n"

#define RUNS "0"
#define BLOCK "8"
#define STREAM "16"
#define START "20"
#define TAPS "24"
#define DISTANCE "28"
#define OUT_DISTANCE "36"
#define FINISH "40"
#define OUT_STEP "44"

/* Four registers. */
#define S_0 0, 1, 2, 3
#define S_4 4, 5, 6, 7
#define S_8 8, 9, 10, 11
#define S_12 12, 13, 14, 15
#define S_16 16, 17, 18, 19
#define S_20 20, 21, 22, 23
#define S_24 24, 25, 26, 27
#define S_28 28, 29, 30, 31

#define MLA(a, x, w) TEXT("vmla.f32 s" #a ", s" #x ", s" #w)
#define ADD(a, w) TEXT("vadd.f32 s" #a ", s" #a ", s" #w)
#define FOUR_(a0, a1, a2, a3, w0, w1, w2, w3, x) MLA(a0, x, w0) MLA(a1, x, w1) MLA(a2, x, w2) MLA(a3, x, w3)
#define EACH_(a0, a1, a2, a3, w0, w1, w2, w3, x0, x1, x2, x3) MLA(a0, x0, w0) MLA(a1, x1, w1) MLA(a2, x2, w2) MLA(a3, x3, w3)
#define ADDS_(a0, a1, a2, a3, w0, w1, w2, w3) ADD(a0, w0) ADD(a1, w1) ADD(a2, w2) ADD(a3, w3)
/* Four sums: (sums, weights, an input), (sums, weights, their inputs), (sums, biases). */
#define FOUR(...) FOUR_(__VA_ARGS__)
#define EACH(...) EACH_(__VA_ARGS__)
#define ADDS(...) ADDS_(__VA_ARGS__)

/* A NaN gets the sign bit 0, whatever it is made of (FPSCR.DN), so that RELU leaves it. */
#define NNOM_FPU_FUNCTION(name)                                                                                        \
    TEXT(".section .text." name ", \"ax\", %progbits") TEXT(".syntax unified") TEXT(".thumb") TEXT(".p2align 2")       \
    TEXT(".global " name) TEXT(".type " name ", %function") TEXT(".thumb_func") TEXT(name ":")                         \
    TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}") TEXT("vpush {s16-s31}")                                        \
    TEXT("vmrs r12, fpscr") TEXT("push {r3, r12}") TEXT("orr r12, r12, #0x2000000") TEXT("vmsr fpscr, r12")            \
    TEXT("mov r11, r0") TEXT("mov r6, r1") TEXT("mov r9, r2") TEXT("ldr r10, [r11, #" TAPS "]")

/* Flags that were raised stay so. */
#define NNOM_FPU_END(name)                                                                                             \
    TEXT("pop {r3, r12}") TEXT("vmrs r0, fpscr") TEXT("and r12, r12, #0x2000000") TEXT("bic r0, r0, #0x2000000")       \
    TEXT("orr r0, r0, r12") TEXT("vmsr fpscr, r0") TEXT("vpop {s16-s31}")                                              \
    TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")                                                                 \
    TEXT(".size " name ", . - " name) TEXT(".text")

#define RELU1(r) TEXT("bic " r ", " r ", " r ", asr #31")
#define RELU8                                                                                                          \
    RELU1("r0") RELU1("r1") RELU1("r2") RELU1("r3") RELU1("r4") RELU1("r5") RELU1("r12") RELU1("lr")
#define RELU_LOW                                                                                                       \
    TEXT("vmov r0, r1, s0, s1") TEXT("vmov r2, r3, s2, s3") TEXT("vmov r4, r5, s4, s5") TEXT("vmov r12, lr, s6, s7")
#define RELU_HIGH                                                                                                      \
    TEXT("vmov r0, r1, s8, s9") TEXT("vmov r2, r3, s10, s11") TEXT("vmov r4, r5, s12, s13")                            \
    TEXT("vmov r12, lr, s14, s15")
#define EIGHT_REGISTERS "{r0, r1, r2, r3, r4, r5, r12, lr}"

/* Sums in s0 to s15 of two pixels, eight each: out. The biases take s16 to s23. */
#define FINISH_TWO_8                                                                                                   \
    TEXT("ldr r3, [r11, #" FINISH "]") TEXT("ldr r7, [r11, #" OUT_DISTANCE "]") TEXT("vldm r8, {s16-s23}")             \
    TEXT("add r7, r7, r9") ADDS(S_0, S_16) ADDS(S_4, S_20) ADDS(S_8, S_16) ADDS(S_12, S_20)                            \
    TEXT("cbnz r3, 8f")                                                                                                \
    TEXT("vstm r7, {s8-s15}") TEXT("vstmia r9!, {s0-s7}") TEXT("b 9f")                                                 \
    TEXT("8:")                                                                                                         \
    RELU_HIGH RELU8 TEXT("stm r7, " EIGHT_REGISTERS) RELU_LOW RELU8 TEXT("stmia r9!, " EIGHT_REGISTERS)                \
    TEXT("9:")

/* Of one pixel, or of two pixels four each, in s0 to s7; `biases`: of s4 to s7. */
#define FINISH_SUMS(load, biases)                                                                                      \
    TEXT("ldr r3, [r11, #" FINISH "]") TEXT("cmp r3, #1") TEXT("bhi 7f")                                               \
    TEXT(load) ADDS(S_0, S_16) ADDS(S_4, biases) TEXT("beq 8f") TEXT("7:")

/* Eight sums of one pixel from s0 on, finished: out. */
#define FINISH_ONE_8                                                                                                   \
    FINISH_SUMS("vldm r8, {s16-s23}", S_20) TEXT("vstmia r9!, {s0-s7}") TEXT("b 9f")                                   \
    TEXT("8:") RELU_LOW RELU8 TEXT("stmia r9!, " EIGHT_REGISTERS) TEXT("9:")

/* The next block, from label 2 on; then the next pixels, r0 bytes on in the output, from label 1 on. */
#define NEXT_BLOCK TEXT("ldrd r0, r1, [r11, #" BLOCK "]") TEXT("add r8, r8, r0") TEXT("cmp r8, r1") TEXT("bne 2b")
#define NEXT_PIXELS                                                                                                    \
    TEXT("ldr r3, [sp]") TEXT("add r9, r9, r0") TEXT("subs r3, r3, #1") TEXT("str r3, [sp]") TEXT("bne 1b")
/* clang-format on */

#endif
