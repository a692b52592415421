/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The loops of pairs.h for Armv6-M: the upper registers only hold and add. Instructions inside loops are entered in the middle. */
#include "pairs_v6m.h"

#ifdef NNOM_PAIRS_V6M

/* clang-format off */

/* r7: stream, r8, r9 and r10, r11: total and high of both words, lr: end of the weights. */
#define SPLIT_TWO SPLIT_ONE("r0", "r8", "r9") SPLIT_ONE("r1", "r10", "r11")

/* Inputs in bytes: at r5 + r6, r6 < 0 counts up. */
#define PAIR_OF_BYTES                                                                                                  \
    TEXT("ldm r7!, {r0, r1, r2, r3}") TEXT("ldrsb r4, [r5, r6]") TEXT("adds r6, #1")                                   \
    TEXT("muls r0, r4") TEXT("muls r1, r4") TEXT("ldrsb r4, [r5, r6]") TEXT("adds r6, #1")                             \
    TEXT("muls r2, r4") TEXT("muls r3, r4") TEXT("adds r0, r2") TEXT("adds r1, r3") SPLIT_TWO
#define SINGLE_OF_BYTES                                                                                                \
    TEXT("ldm r7!, {r0, r1}") TEXT("ldrsb r4, [r5, r6]") TEXT("adds r6, #1")                                           \
    TEXT("muls r0, r4") TEXT("muls r1, r4") SPLIT_TWO
/* In words, at r5. */
#define PAIR_OF_WORDS                                                                                                  \
    TEXT("ldm r7!, {r0, r1, r2, r3}") TEXT("ldm r5!, {r4, r6}")                                                        \
    TEXT("muls r0, r4") TEXT("muls r1, r4") TEXT("muls r2, r6") TEXT("muls r3, r6")                                    \
    TEXT("adds r0, r2") TEXT("adds r1, r3") SPLIT_TWO
#define SINGLE_OF_WORDS                                                                                                \
    TEXT("ldm r7!, {r0, r1}") TEXT("ldm r5!, {r4}") TEXT("muls r0, r4") TEXT("muls r1, r4") SPLIT_TWO

/* r6: out. */
#define OUTPUT(at) VALUE("r5") TEXT("strb r1, [r6, #" at "]")
#define TWO_OUTPUTS(total, high, first, second)                                                                        \
    LOW(total, high) OUTPUT(first)                                                                                     \
    TEXT("mov r0, " high) OUTPUT(second)

/* Stack: 0 where four pairs are entered, 4 where a block is, 8 x, 12 bytes of a block's weights, 16 out, 20 taps, 24 r4 to r11 and lr, 60 end. */
#define BLOCKS(name, size, pair, single, begin)                                                                        \
    __asm__(NNOM_ASSEMBLY(name)                                                                                        \
            SAVE TEXT("sub sp, #24")                                                                                   \
            TEXT("movs r7, r0") TEXT("ldr r0, 7f") TEXT("mov r12, r0")                                                 \
            TEXT("str r1, [sp, #8]") TEXT("lsls r4, r2, #3") TEXT("str r4, [sp, #12]") TEXT("str r3, [sp, #16]")       \
            TEXT("str r2, [sp, #20]")                                                                                  \
            ENTRIES(size, "0", "4")                                                                                    \
            TEXT("1:")                                                                                                 \
            TEXT("ldm r7!, {r0, r1, r2, r3}") TEXT("mov r8, r0") TEXT("mov r9, r1") TEXT("mov r10, r2")                \
            TEXT("mov r11, r3") TEXT("ldr r5, [sp, #8]") TEXT("ldr r4, [sp, #12]") TEXT("adds r4, r4, r7")             \
            TEXT("mov lr, r4") begin                                                                                   \
            TEXT("ldr r4, [sp, #4]") TEXT("mov pc, r4")                                                                \
            TEXT(".p2align 2")                                                                                         \
            TEXT("2:")                                                                                                 \
            pair pair pair pair                                                                                        \
            TEXT("cmp r7, lr") TEXT("bne 2b")                                                                          \
            TEXT(".p2align 2")                                                                                         \
            TEXT("3:")                                                                                                 \
            TEXT("ldr r6, [sp, #16]")                                                                                  \
            TWO_OUTPUTS("r8", "r9", "0", "1") TWO_OUTPUTS("r10", "r11", "2", "3")                                      \
            TEXT("adds r6, #4") TEXT("ldr r2, [sp, #60]") TEXT("str r6, [sp, #16]") TEXT("cmp r6, r2")                 \
            TEXT("beq 8f") TEXT("b 1b") TEXT("8:")                                                                     \
            TEXT("add sp, #24") RESTORE                                                                                \
            TEXT(".p2align 2") TEXT("4:") single TEXT("ldr r4, [sp, #0]") TEXT("mov pc, r4")                           \
            TEXT(".p2align 2") TEXT("7: .word 0x7fff7fff")                                                             \
            NNOM_ASSEMBLY_END(name))
BLOCKS("nnom_pairs_bytes", "38", PAIR_OF_BYTES, SINGLE_OF_BYTES,
       TEXT("ldr r6, [sp, #20]") TEXT("adds r5, r5, r6") TEXT("rsbs r6, r6, #0"));
BLOCKS("nnom_pairs_words", "32", PAIR_OF_WORDS, SINGLE_OF_WORDS, "");

/* clang-format on */

#else
typedef int nnom_pairs_v6m_is_empty;
#endif
