/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The depthwise loops of pairs.h for Armv6-M. Instructions inside loops are entered in the middle. */
#include "pairs_v6m.h"

#ifdef NNOM_PAIRS_V6M

/* clang-format off */

/* r5: channel, r6: cells, r7: stream, r8, r9: total and high, or r10 the sum of one pixel, r11: out, lr: end of the weights. */
#define LOAD(x) TEXT("ldrsb " x ", [" x ", r5]")
#define TWO_PAIR                                                                                                       \
    TEXT("ldm r6!, {r0, r1, r2, r3}") LOAD("r0") LOAD("r1") LOAD("r2") LOAD("r3")                                      \
    TEXT("lsls r1, r1, #16") TEXT("adds r0, r0, r1") TEXT("lsls r3, r3, #16") TEXT("adds r2, r2, r3")                  \
    TEXT("ldm r7!, {r1, r3}") TEXT("muls r0, r1") TEXT("muls r2, r3") TEXT("adds r0, r2") SPLIT_ONE("r0", "r8", "r9")
#define TWO_SINGLE                                                                                                     \
    TEXT("ldm r6!, {r0, r1}") LOAD("r0") LOAD("r1") TEXT("lsls r1, r1, #16") TEXT("adds r0, r0, r1")                   \
    TEXT("ldm r7!, {r1}") TEXT("muls r0, r1") SPLIT_ONE("r0", "r8", "r9")
#define ONE_PAIR                                                                                                       \
    TEXT("ldm r6!, {r0, r1}") LOAD("r0") LOAD("r1") TEXT("ldm r7!, {r2, r3}") TEXT("muls r0, r2") TEXT("muls r1, r3")  \
    TEXT("add r10, r0") TEXT("add r10, r1")
#define ONE_SINGLE TEXT("ldm r6!, {r0}") LOAD("r0") TEXT("ldm r7!, {r2}") TEXT("muls r0, r2") TEXT("add r10, r0")

/* The words of requantising are read twice. */
#define FINISH_TWO(distance)                                                                                           \
    LOW("r8", "r9") VALUE("r6") TEXT("mov r6, r11") TEXT("strb r1, [r6]") TEXT("subs r7, #24")                         \
    TEXT("mov r0, r9") VALUE("r6") TEXT("mov r6, r11") TEXT("ldr r2, [sp, #" distance "]") TEXT("strb r1, [r6, r2]")
#define FINISH_ONE TEXT("mov r0, r10") VALUE("r6") TEXT("mov r6, r11") TEXT("strb r1, [r6]")
/* The next channel. */
#define AGAIN(channels)                                                                                                \
    TEXT("adds r6, #1") TEXT("mov r11, r6") TEXT("adds r5, #1") TEXT("ldr r1, [sp, #" channels "]")                    \
    TEXT("cmp r5, r1") TEXT("beq 8f") TEXT("b 1b") TEXT("8:")

/*
 * Stack: 0 where four pairs of taps are entered, 4 where a channel is, 8 cells, 12 bytes of a channel's weights, 16 r4 to r11 and lr,
 * 52 channels, 56 distance.
 */
#define CHANNELS(name, begin, size, pair, single, finish)                                                              \
    __asm__(NNOM_ASSEMBLY(name)                                                                                        \
            SAVE TEXT("sub sp, #16") TEXT("movs r7, r0") TEXT("ldr r0, 7f") TEXT("mov r12, r0") TEXT("mov r11, r3")    \
            TEXT("str r1, [sp, #8]") TEXT("lsls r4, r2, #2") TEXT("str r4, [sp, #12]")                                 \
            ENTRIES(size, "0", "4")                                                                                    \
            TEXT("movs r5, #0")                                                                                        \
            TEXT("1:")                                                                                                 \
            TEXT("ldm r7!, {r0, r1, r2}") begin TEXT("ldr r6, [sp, #8]") TEXT("ldr r4, [sp, #12]")                     \
            TEXT("adds r4, r4, r7") TEXT("mov lr, r4") TEXT("ldr r4, [sp, #4]") TEXT("mov pc, r4")                     \
            TEXT(".p2align 2")                                                                                         \
            TEXT("2:")                                                                                                 \
            pair pair pair pair                                                                                        \
            TEXT("cmp r7, lr") TEXT("bne 2b")                                                                          \
            TEXT(".p2align 2")                                                                                         \
            TEXT("3:")                                                                                                 \
            finish AGAIN("52")                                                                                         \
            TEXT("add sp, #16") RESTORE                                                                                \
            TEXT(".p2align 2") TEXT("4:") single TEXT("ldr r4, [sp, #0]") TEXT("mov pc, r4")                           \
            TEXT(".p2align 2") TEXT("7: .word 0x7fff7fff")                                                             \
            NNOM_ASSEMBLY_END(name))
CHANNELS("nnom_pairs_dw_two", TEXT("mov r8, r0") TEXT("mov r9, r1"), "34", TWO_PAIR, TWO_SINGLE, FINISH_TWO("56"));
CHANNELS("nnom_pairs_dw_one", TEXT("mov r10, r2"), "16", ONE_PAIR, ONE_SINGLE, FINISH_ONE);

/* The products of three taps: r0, r1, r2. */
#define ROW                                                                                                            \
    TEXT("ldm r6!, {r0, r1, r2, r3}") LOAD("r0") LOAD("r1") LOAD("r2") LOAD("r3")                                      \
    TEXT("lsls r4, r1, #16") TEXT("adds r0, r0, r4") TEXT("lsls r4, r2, #16") TEXT("adds r1, r1, r4")                  \
    TEXT("lsls r3, r3, #16") TEXT("adds r2, r2, r3") TEXT("ldm r7!, {r3, r4}") TEXT("muls r0, r3")                     \
    TEXT("muls r1, r4") TEXT("ldm r7!, {r3}") TEXT("muls r2, r3")

/* Stack: 0 cells, 4 channels, 8 r4 to r11 and lr, 44 distance. */
__asm__(NNOM_ASSEMBLY("nnom_pairs_dw_3x3")
        SAVE TEXT("sub sp, #8") TEXT("movs r7, r0") TEXT("ldr r0, 7f") TEXT("mov r12, r0") TEXT("mov r11, r2")
        TEXT("str r1, [sp, #0]") TEXT("str r3, [sp, #4]") TEXT("movs r5, #0")
        TEXT("1:")
        TEXT("ldm r7!, {r0, r1, r2}") TEXT("mov r8, r0") TEXT("mov r9, r1") TEXT("ldr r6, [sp, #0]")
        ROW TEXT("adds r0, r0, r1") SPLIT_ONE("r0", "r8", "r9") TEXT("mov r10, r2")
        ROW TEXT("add r0, r10") SPLIT_ONE("r0", "r8", "r9") TEXT("adds r1, r1, r2") SPLIT_ONE("r1", "r8", "r9")
        ROW TEXT("adds r0, r0, r1") SPLIT_ONE("r0", "r8", "r9") SPLIT_ONE("r2", "r8", "r9")
        FINISH_TWO("44") AGAIN("4")
        TEXT("add sp, #8") RESTORE
        TEXT(".p2align 2") TEXT("7: .word 0x7fff7fff")
        NNOM_ASSEMBLY_END("nnom_pairs_dw_3x3"));

/* clang-format on */

#else
typedef int nnom_pairs_dw_v6m_is_empty;
#endif
