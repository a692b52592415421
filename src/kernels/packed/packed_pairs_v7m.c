/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The loops of pairs.h for Armv7-M: multiply and add, and a shifted operand. Instructions inside loops are entered in the middle. */
#include "pairs.h"
#include "pairs_text.h"

#ifdef NNOM_PAIRS_V7M

/* clang-format off */

/* r0: stream, r1: x, r8, r9 and r10, r11: total and high of both words, r12: START in both halves. */
#define SPLIT_TWO                                                                                                      \
    TEXT("add.w r8, r8, r2") TEXT("add.w r9, r9, r2, lsr #16")                                                         \
    TEXT("add.w r10, r10, r3") TEXT("add.w r11, r11, r3, lsr #16")
#define PAIR(load)                                                                                                     \
    TEXT("ldm.w r0!, {r2, r3, r4, r5}") load                                                                           \
    TEXT("mla r2, r2, r6, r12") TEXT("mla r3, r3, r6, r12") TEXT("mla r2, r4, r7, r2") TEXT("mla r3, r5, r7, r3")      \
    SPLIT_TWO
#define SINGLE(load)                                                                                                   \
    TEXT("ldrd r2, r3, [r0], #8") load TEXT("mla r2, r2, r6, r12") TEXT("mla r3, r3, r6, r12") SPLIT_TWO

/* r0: finish, r1: out. */
#define OUTPUT(acc)                                                                                                    \
    TEXT("ldm r0!, {r2, r3, r4, r5, r6, r7}") TEXT("lsl " acc ", " acc ", #1") TEXT("smlal r4, r6, " acc ", r5")       \
    TEXT("add r6, r6, " acc ", asr #31") TEXT("asr r6, r6, r7") TEXT("ssat r6, #8, r6") TEXT("strb r6, [r1], #1")

/*
 * Stack: 0 where eight pairs are entered, 4 where a block is, 8 x, 12 bytes of a block's weights, 16 out, 20 r4 to r11 and lr, 56 end. A pair
 * takes `size` bytes.
 */
#define BLOCKS(name, size, load_pair, load_single)                                                                     \
    __asm__(NNOM_ASSEMBLY(name)                                                                                    \
            TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}") TEXT("sub sp, sp, #20")                                \
            TEXT("mvn r12, #0x80008000")                                                                               \
            TEXT("str r1, [sp, #8]") TEXT("lsl r4, r2, #3") TEXT("strd r4, r3, [sp, #12]")                             \
            TEXT("lsrs r4, r2, #1") TEXT("rsb r5, r4, #0") TEXT("and r5, r5, #7")                                      \
            TEXT("mov r6, #" size) TEXT("adr r7, 2f") TEXT("mla r5, r5, r6, r7") TEXT("adr r6, 3f")                    \
            TEXT("cmp r4, #0") TEXT("it eq") TEXT("moveq r5, r6")                                                      \
            TEXT("orr r5, r5, #1") TEXT("str r5, [sp]")                                                                \
            TEXT("adr r6, 4f") TEXT("orr r6, r6, #1") TEXT("tst r2, #1") TEXT("it eq") TEXT("moveq r6, r5")            \
            TEXT("str r6, [sp, #4]")                                                                                   \
            TEXT("1:")                                                                                                 \
            TEXT("ldm r0!, {r8, r9, r10, r11}") TEXT("ldrd r1, lr, [sp, #8]") TEXT("add lr, lr, r0")                   \
            TEXT("ldr pc, [sp, #4]")                                                                                   \
            TEXT(".p2align 2")                                                                                         \
            TEXT("2:")                                                                                                 \
            PAIR(load_pair) PAIR(load_pair) PAIR(load_pair) PAIR(load_pair) \
 PAIR(load_pair) PAIR(load_pair) PAIR(load_pair) PAIR(load_pair)                                            \
            TEXT("cmp r0, lr") TEXT("bne 2b")                                                                          \
            TEXT(".p2align 2")                                                                                         \
            TEXT("3:")                                                                                                 \
            TEXT("ldr r1, [sp, #16]")                                                                                  \
            TEXT("sub r8, r8, r9, lsl #16") TEXT("sub r10, r10, r11, lsl #16")                                         \
            OUTPUT("r8") OUTPUT("r9") OUTPUT("r10") OUTPUT("r11")                                                      \
            TEXT("ldr r2, [sp, #56]") TEXT("str r1, [sp, #16]") TEXT("cmp r1, r2") TEXT("bne 1b")                      \
            TEXT("add sp, sp, #20") TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")                                 \
            TEXT(".p2align 2")                                                                                         \
            TEXT("4:") SINGLE(load_single) TEXT("ldr pc, [sp]")                                                        \
            NNOM_ASSEMBLY_END(name))

BLOCKS("nnom_pairs_bytes", "44", TEXT("ldrsb r6, [r1], #1") TEXT("ldrsb r7, [r1], #1"), TEXT("ldrsb r6, [r1], #1"));
BLOCKS("nnom_pairs_words", "40", TEXT("ldrd r6, r7, [r1], #8"), TEXT("ldr r6, [r1], #4"));

/* r0: to, r1: from, r2: n. */
__asm__(NNOM_ASSEMBLY("nnom_pairs_expand")
        TEXT("subs r2, r2, #4") TEXT("blt 2f")
        TEXT("1:")
        TEXT("ldrsb r3, [r1], #1") TEXT("ldrsb r12, [r1], #1") TEXT("strd r3, r12, [r0], #8")
        TEXT("ldrsb r3, [r1], #1") TEXT("ldrsb r12, [r1], #1") TEXT("strd r3, r12, [r0], #8")
        TEXT("subs r2, r2, #4") TEXT("bge 1b")
        TEXT("2:")
        TEXT("adds r2, r2, #4") TEXT("beq 4f")
        TEXT("3:")
        TEXT("ldrsb r3, [r1], #1") TEXT("subs r2, r2, #1") TEXT("str r3, [r0], #4") TEXT("bne 3b")
        TEXT("4:")
        TEXT("bx lr")
        NNOM_ASSEMBLY_END("nnom_pairs_expand"));

/* clang-format on */

#else
typedef int nnom_pairs_v7m_is_empty;
#endif
