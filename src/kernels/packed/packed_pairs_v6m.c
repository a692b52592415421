/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The loops of pairs.h for Armv6-M: the upper registers only hold and add. Instructions inside loops are entered in the middle. */
#include "pairs.h"
#include "pairs_text.h"

#ifdef NNOM_PAIRS_V6M

/* clang-format off */

/* r7: stream, r8, r9 and r10, r11: total and high of both words, r12: START in both halves, lr: end of the weights. */
#define SPLIT_ONE(sum, total, high)                                                                                        \
    TEXT("add " sum ", r12") TEXT("add " total ", " sum) TEXT("lsrs " sum ", " sum ", #16") TEXT("add " high ", " sum)
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

/* r0: acc, r6: out, r7: finish; the parts of M in r4, r5 and r1. A sum's last bit that is shifted out rounds: it is the carry. */
#define OUTPUT(at)                                                                                                     \
    TEXT("ldm r7!, {r1, r2}")                                                                                          \
    TEXT("cmp r0, r1") TEXT("bge 5f") TEXT("movs r0, r1") TEXT("5:")                                                   \
    TEXT("cmp r0, r2") TEXT("ble 6f") TEXT("movs r0, r2") TEXT("6:")                                                   \
    TEXT("ldm r7!, {r1, r2, r3}")                                                                                      \
    TEXT("lsls r4, r1, #22") TEXT("lsrs r4, r4, #22") TEXT("muls r4, r0") TEXT("asrs r4, r4, #10")                     \
    TEXT("lsls r5, r1, #12") TEXT("lsrs r5, r5, #22") TEXT("muls r5, r0") TEXT("adds r4, r5") TEXT("asrs r4, r4, #10") \
    TEXT("lsrs r1, r1, #20") TEXT("muls r1, r0") TEXT("adds r4, r1") TEXT("asrs r4, r4, #11") TEXT("adcs r4, r2")      \
    TEXT("asrs r0, r0, #31") TEXT("adds r4, r0") TEXT("asrs r4, r3") TEXT("strb r4, [r6, #" at "]")
#define TWO_OUTPUTS(total, high, first, second)                                                                        \
    TEXT("mov r1, " high) TEXT("lsls r1, r1, #16") TEXT("mov r0, " total) TEXT("subs r0, r0, r1") OUTPUT(first)        \
    TEXT("mov r0, " high) OUTPUT(second)

/* Stack: 0 where four pairs are entered, 4 where a block is, 8 x, 12 bytes of a block's weights, 16 out, 20 taps, 24 r4 to r11 and lr, 60 end. */
#define BLOCKS(name, size, pair, single, begin)                                                                        \
    __asm__(NNOM_ASSEMBLY(name)                                                                                    \
            TEXT("push {r4, r5, r6, r7, lr}") TEXT("mov r4, r8") TEXT("mov r5, r9") TEXT("mov r6, r10")                \
            TEXT("mov r7, r11") TEXT("push {r4, r5, r6, r7}") TEXT("sub sp, #24")                                      \
            TEXT("movs r7, r0") TEXT("ldr r0, 7f") TEXT("mov r12, r0")                                                 \
            TEXT("str r1, [sp, #8]") TEXT("lsls r4, r2, #3") TEXT("str r4, [sp, #12]") TEXT("str r3, [sp, #16]")       \
            TEXT("str r2, [sp, #20]")                                                                                  \
            TEXT("lsrs r4, r2, #1") TEXT("rsbs r5, r4, #0") TEXT("lsls r5, r5, #30") TEXT("lsrs r5, r5, #30")          \
            TEXT("movs r6, #" size) TEXT("muls r5, r6") TEXT("adr r6, 2f") TEXT("adds r5, r5, r6")                     \
            TEXT("cmp r4, #0") TEXT("bne 8f") TEXT("adr r5, 3f") TEXT("8:") TEXT("str r5, [sp, #0]")                   \
            TEXT("lsrs r2, r2, #1") TEXT("bcc 8f") TEXT("adr r5, 4f") TEXT("8:") TEXT("str r5, [sp, #4]")              \
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
            TEXT("add sp, #24") TEXT("pop {r0, r1, r2, r3}") TEXT("mov r8, r0") TEXT("mov r9, r1")                     \
            TEXT("mov r10, r2") TEXT("mov r11, r3") TEXT("pop {r4, r5, r6, r7, pc}")                                   \
            TEXT(".p2align 2") TEXT("4:") single TEXT("ldr r4, [sp, #0]") TEXT("mov pc, r4")                                              \
            TEXT(".p2align 2") TEXT("7: .word 0x7fff7fff")                                         \
            NNOM_ASSEMBLY_END(name))
BLOCKS("nnom_pairs_bytes", "38", PAIR_OF_BYTES, SINGLE_OF_BYTES,
       TEXT("ldr r6, [sp, #20]") TEXT("adds r5, r5, r6") TEXT("rsbs r6, r6, #0"));
BLOCKS("nnom_pairs_words", "32", PAIR_OF_WORDS, SINGLE_OF_WORDS, "");

/* clang-format on */

#else
typedef int nnom_pairs_v6m_is_empty;
#endif
