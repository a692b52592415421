/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The depthwise loops of pairs.h for Armv7-M. Instructions inside loops are entered in the middle: all of them are four bytes long. */
#include "pairs.h"
#include "pairs_text.h"

#ifdef NNOM_PAIRS_V7M

/* clang-format off */

/* r0: stream, r1: cells, r2: channel, r9 and r10: total and high, or r9 the sum of one pixel, r12: START in both halves. */
#define LOAD(x) TEXT("ldrsb.w " x ", [" x ", r2]")
#define SPLIT(sum) TEXT("add.w r9, r9, " sum) TEXT("add.w r10, r10, " sum ", lsr #16")
#define TWO_PAIR                                                                                                       \
    TEXT("ldm.w r1!, {r3, r4, r5, r6}") TEXT("ldrd r7, r8, [r0], #8") LOAD("r3") LOAD("r4") LOAD("r5") LOAD("r6")      \
    TEXT("add.w r3, r3, r4, lsl #16") TEXT("add.w r5, r5, r6, lsl #16")                                                \
    TEXT("mla r3, r3, r7, r12") TEXT("mla r3, r5, r8, r3") SPLIT("r3")
#define TWO_SINGLE                                                                                                     \
    TEXT("ldrd r3, r4, [r1], #8") TEXT("ldr r7, [r0], #4") LOAD("r3") LOAD("r4") TEXT("add.w r3, r3, r4, lsl #16")     \
    TEXT("mla r3, r3, r7, r12") SPLIT("r3")
#define ONE_PAIR                                                                                                       \
    TEXT("ldrd r3, r4, [r1], #8") TEXT("ldrd r7, r8, [r0], #8") LOAD("r3") LOAD("r4")                                  \
    TEXT("mla r9, r3, r7, r9") TEXT("mla r9, r4, r8, r9")
#define ONE_SINGLE TEXT("ldr r3, [r1], #4") TEXT("ldr r7, [r0], #4") LOAD("r3") TEXT("mla r9, r3, r7, r9")

/* `half` and `c` are lost, r6 M, r8 e; the output is in `c`. */
#define OUTPUT(acc, half, c)                                                                                           \
    TEXT("lsl " acc ", " acc ", #1") TEXT("smlal " half ", " c ", " acc ", r6")                                        \
    TEXT("add " c ", " c ", " acc ", asr #31") TEXT("asr " c ", " c ", r8") TEXT("ssat " c ", #8, " c)
#define FINISH_TWO                                                                                                     \
    TEXT("sub r9, r9, r10, lsl #16") TEXT("ldm r0!, {r3, r4, r5, r6, r7, r8}") TEXT("mov r3, r5") TEXT("mov r4, r7")   \
    OUTPUT("r9", "r3", "r4") OUTPUT("r10", "r5", "r7")
#define FINISH_ONE                                                                                                     \
    TEXT("ldm r0!, {r3, r4, r5, r6, r7, r8}") OUTPUT("r9", "r5", "r7") TEXT("strb r7, [r11], #1")
#define STORE_TWO TEXT("ldr r3, [sp, #56]") TEXT("strb r7, [r11, r3]") TEXT("strb r4, [r11], #1")

/*
 * Stack: 0 where four pairs of taps are entered, 4 where a channel is, 8 cells, 12 bytes of a channel's weights, 16 r4 to r11 and lr,
 * 52 channels, 56 distance. A pair takes `size` bytes.
 */
#define CHANNELS(name, begin, size, pair, single, finish)                                                              \
    __asm__(NNOM_ASSEMBLY(name)                                                                                        \
            TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}") TEXT("sub sp, sp, #16")                                \
            TEXT("mvn r12, #0x80008000") TEXT("mov r11, r3") TEXT("lsl r4, r2, #2") TEXT("strd r1, r4, [sp, #8]")      \
            TEXT("lsrs r4, r2, #1") TEXT("rsb r5, r4, #0") TEXT("and r5, r5, #3")                                      \
            TEXT("mov r6, #" size) TEXT("adr r7, 2f") TEXT("mla r5, r5, r6, r7") TEXT("adr r6, 3f")                    \
            TEXT("cmp r4, #0") TEXT("it eq") TEXT("moveq r5, r6")                                                      \
            TEXT("orr r5, r5, #1") TEXT("str r5, [sp]")                                                                \
            TEXT("adr r6, 4f") TEXT("orr r6, r6, #1") TEXT("tst r2, #1") TEXT("it eq") TEXT("moveq r6, r5")            \
            TEXT("str r6, [sp, #4]") TEXT("movs r2, #0")                                                               \
            TEXT("1:")                                                                                                 \
            begin TEXT("ldrd r1, lr, [sp, #8]") TEXT("add lr, lr, r0") TEXT("ldr pc, [sp, #4]")                        \
            TEXT(".p2align 2")                                                                                         \
            TEXT("2:")                                                                                                 \
            pair pair pair pair                                                                                        \
            TEXT("cmp r0, lr") TEXT("bne 2b")                                                                          \
            TEXT(".p2align 2")                                                                                         \
            TEXT("3:")                                                                                                 \
            finish                                                                                                     \
            TEXT("ldr r3, [sp, #52]") TEXT("adds r2, #1") TEXT("cmp r2, r3") TEXT("bne 1b")                            \
            TEXT("add sp, sp, #16") TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")                                 \
            TEXT(".p2align 2")                                                                                         \
            TEXT("4:") single TEXT("ldr pc, [sp]")                                                                     \
            NNOM_ASSEMBLY_END(name))

CHANNELS("nnom_pairs_dw_two", TEXT("ldrd r9, r10, [r0], #12"), "48", TWO_PAIR, TWO_SINGLE, FINISH_TWO STORE_TWO);
CHANNELS("nnom_pairs_dw_one", TEXT("ldr r9, [r0, #8]") TEXT("add r0, r0, #12"), "24", ONE_PAIR, ONE_SINGLE, FINISH_ONE);

/* The words of three taps: r3, r4, r5; their weights: r7, r8, lr. */
#define ROW                                                                                                            \
    TEXT("ldm r1!, {r3, r4, r5, r6}") LOAD("r3") LOAD("r4") LOAD("r5") LOAD("r6") TEXT("ldm r0!, {r7, r8, lr}")        \
    TEXT("add r3, r3, r4, lsl #16") TEXT("add r4, r4, r5, lsl #16") TEXT("add r5, r5, r6, lsl #16")

/* Stack: 0 cells, 4 out, 8 channels, 12 r4 to r11 and lr, 48 distance. */
__asm__(NNOM_ASSEMBLY("nnom_pairs_dw_3x3")
        TEXT("push {r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("mvn r12, #0x80008000") TEXT("movs r2, #0")
        TEXT("1:")
        TEXT("ldrd r9, r10, [r0], #12") TEXT("ldr r1, [sp]")
        ROW TEXT("mla r3, r3, r7, r12") TEXT("mla r3, r4, r8, r3") SPLIT("r3") TEXT("mla r11, r5, lr, r12")
        ROW TEXT("mla r11, r3, r7, r11") SPLIT("r11") TEXT("mla r4, r4, r8, r12") TEXT("mla r4, r5, lr, r4") SPLIT("r4")
        ROW TEXT("mla r3, r3, r7, r12") TEXT("mla r3, r4, r8, r3") SPLIT("r3") TEXT("mla r5, r5, lr, r12") SPLIT("r5")
        FINISH_TWO
        TEXT("ldr r3, [sp, #4]") TEXT("ldr r5, [sp, #48]") TEXT("strb r4, [r3, r2]") TEXT("add r3, r3, r5") TEXT("strb r7, [r3, r2]")
        TEXT("ldr r3, [sp, #8]") TEXT("adds r2, #1") TEXT("cmp r2, r3") TEXT("bne 1b")
        TEXT("pop {r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_ASSEMBLY_END("nnom_pairs_dw_3x3"));

/* clang-format on */

#else
typedef int nnom_pairs_dw_v7m_is_empty;
#endif
