/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What the loops for Armv6-M share. Its upper registers only hold and add. */
#ifndef NNOM_PAIRS_V6M_H
#define NNOM_PAIRS_V6M_H

#include "pairs.h"
#include "pairs_text.h"

/* clang-format off */

/* A segment less START; r12: START in both halves. */
#define SPLIT_ONE(sum, total, high)                                                                                        \
    TEXT("add " sum ", r12") TEXT("add " total ", " sum) TEXT("lsrs " sum ", " sum ", #16") TEXT("add " high ", " sum)

/*
 * r0: acc, r7: finish, the output: r1; the parts of M in r1, `part` and r2. A sum's last bit that is shifted out rounds: it is the carry.
 */
#define VALUE(part)                                                                                                    \
    TEXT("ldm r7!, {r1, r2}")                                                                                          \
    TEXT("cmp r0, r1") TEXT("bge 15f") TEXT("movs r0, r1") TEXT("15:")                                                 \
    TEXT("cmp r0, r2") TEXT("ble 16f") TEXT("movs r0, r2") TEXT("16:")                                                 \
    TEXT("ldm r7!, {r1, r2, r3, r4}")                                                                                  \
    TEXT("lsls r1, r2, #22") TEXT("lsrs r1, r1, #22") TEXT("muls r1, r0") TEXT("asrs r1, r1, #10")                     \
    TEXT("lsls " part ", r2, #12") TEXT("lsrs " part ", " part ", #22") TEXT("muls " part ", r0")                      \
    TEXT("adds r1, " part) TEXT("asrs r1, r1, #10")                                                                    \
    TEXT("lsrs r2, r2, #20") TEXT("muls r2, r0") TEXT("adds r1, r2") TEXT("asrs r1, r1, #11") TEXT("adcs r1, r3")      \
    TEXT("asrs r0, r0, #31") TEXT("adds r1, r0") TEXT("asrs r1, r4")
/* acc of the low halves in r0. */
#define LOW(total, high) TEXT("mov r1, " high) TEXT("lsls r1, r1, #16") TEXT("mov r0, " total) TEXT("subs r0, r0, r1")

#define SAVE                                                                                                           \
    TEXT("push {r4, r5, r6, r7, lr}") TEXT("mov r4, r8") TEXT("mov r5, r9") TEXT("mov r6, r10") TEXT("mov r7, r11")    \
    TEXT("push {r4, r5, r6, r7}")
#define RESTORE                                                                                                        \
    TEXT("pop {r0, r1, r2, r3}") TEXT("mov r8, r0") TEXT("mov r9, r1") TEXT("mov r10, r2") TEXT("mov r11, r3")         \
    TEXT("pop {r4, r5, r6, r7, pc}")

/*
 * Where four pairs of `size` bytes are entered, label 2, and where a sum is, label 4 for an odd number of taps: at sp + `at`; r2: taps. Label 3:
 * behind the pairs.
 */
#define ENTRIES(size, at, next)                                                                                        \
    TEXT("lsrs r4, r2, #1") TEXT("rsbs r5, r4, #0") TEXT("lsls r5, r5, #30") TEXT("lsrs r5, r5, #30")                  \
    TEXT("movs r6, #" size) TEXT("muls r5, r6") TEXT("adr r6, 2f") TEXT("adds r5, r5, r6")                             \
    TEXT("cmp r4, #0") TEXT("bne 8f") TEXT("adr r5, 3f") TEXT("8:") TEXT("str r5, [sp, #" at "]")                      \
    TEXT("lsrs r2, r2, #1") TEXT("bcc 8f") TEXT("adr r5, 4f") TEXT("8:") TEXT("str r5, [sp, #" next "]")

/* clang-format on */

#endif
