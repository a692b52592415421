/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dsp_loops.h"

#include "text.h"

void nnom_dsp_limits(int32_t least, int32_t most, int8_t *row, int32_t n)
{
    if (least == -128 && most == 127) {
        return;
    }
    for (int32_t i = 0; i < n; i++) {
        row[i] = (int8_t)(row[i] < least ? least : (row[i] > most ? most : row[i]));
    }
}

#ifdef NNOM_DSP_ASSEMBLY

/* r0 is the stream, r1 the inputs. */
/* clang-format off */
/* Two groups of two outputs, for taps in r2 or r3. */
#define EIGHT_STEP(x, ab, a, cd, c)                                                                                    \
    TEXT("ldrd r12, lr, [r0], #8")                                                                                     \
    TEXT("smlad " ab ", r12, " x ", " ab) TEXT("sxtb16 r12, r12")                                                      \
    TEXT("smlad " cd ", lr, " x ", " cd) TEXT("sxtb16 lr, lr")                                                         \
    TEXT("smlad " a ", r12, " x ", " a) TEXT("smlad " c ", lr, " x ", " c)

#define EIGHT_TAPS                                                                                                     \
    TEXT("ldr r2, [r1], #4") TEXT("sxtb16 r3, r2, ror #8") TEXT("sxtb16 r2, r2")                                       \
    EIGHT_STEP("r2", "r4", "r5", "r6", "r7") EIGHT_STEP("r2", "r8", "r9", "r10", "r11")                                \
    EIGHT_STEP("r3", "r4", "r5", "r6", "r7") EIGHT_STEP("r3", "r8", "r9", "r10", "r11")

/* Stack: 0 end of x, 4 sums. */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_eight")
        TEXT("push {r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("ldm r3, {r4, r5, r6, r7, r8, r9, r10, r11}")
        TEXT("add r12, r1, r2")
        TEXT("str r12, [sp]")
        TEXT("tst r2, #4")
        TEXT("bne 3f")
        TEXT("2:")
        EIGHT_TAPS
        TEXT("3:")
        EIGHT_TAPS
        TEXT("ldr r12, [sp]") TEXT("cmp r1, r12") TEXT("bne 2b")
        TEXT("ldr r3, [sp, #4]")
        TEXT("stm r3, {r4, r5, r6, r7, r8, r9, r10, r11}")
        TEXT("add sp, sp, #8")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_eight"));

/* The end of two outputs; r0: finish, r1: out; e: their shifts. Each constant is used once. */
#define GIVE_TWO(ab, a, e)                                                                                             \
    NARROW(a, e) SECOND(e) NARROW(ab, e) TEXT("strb " a ", [r1], #1") TEXT("strb " ab ", [r1], #1")
#define FIRST_TWO(ab, a)                                                                                               \
    SPLIT(ab, a) TEXT("ldm r0!, {r2, r3, r12, lr}") SCALE(a, "r2", "r3", "r3") SCALE(ab, "r12", "lr", "lr") SHIFTS("r2") \
    GIVE_TWO(ab, a, "r2")
/* After the first two outputs their registers are spare. */
#define NEXT_TWO(ab, a)                                                                                                \
    SPLIT(ab, a) TEXT("ldm r0!, {r2, r3, r4, r5, r12}")                                                    \
    SCALE(a, "r2", "r3", "r3") SCALE(ab, "r4", "r5", "r5") GIVE_TWO(ab, a, "r12")

/* Stack: 0 entry, 4 x, 8 n, 12 out, 16 r4 to r11 and lr, 52 end; the end of x takes n's place. EIGHT_TAPS are 124 bytes. */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_dense")
        TEXT("push {r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("lsr r4, r2, #2") TEXT("rsb r4, r4, #0") TEXT("and r4, r4, #3")
        TEXT("mov r5, #124") TEXT("adr r6, 2f") TEXT("mla r4, r4, r5, r6") TEXT("orr r4, r4, #1") TEXT("str r4, [sp]")
        TEXT("add r2, r2, r1") TEXT("str r2, [sp, #8]")
        TEXT("1:")
        TEXT("ldm r0!, {r4, r5, r6, r7, r8, r9, r10, r11}") TEXT("ldr r1, [sp, #4]")
        TEXT("ldr pc, [sp]")
        TEXT(".p2align 2")
        TEXT("2:")
        EIGHT_TAPS EIGHT_TAPS EIGHT_TAPS EIGHT_TAPS
        TEXT("ldr r12, [sp, #8]") TEXT("cmp r1, r12") TEXT("bne 2b")
        TEXT("ldr r1, [sp, #12]")
        FIRST_TWO("r4", "r5") NEXT_TWO("r6", "r7") NEXT_TWO("r8", "r9") NEXT_TWO("r10", "r11")
        TEXT("ldr r2, [sp, #52]") TEXT("str r1, [sp, #12]") TEXT("cmp r1, r2") TEXT("bne 1b")
        TEXT("add sp, sp, #16")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_dense"));

/* clang-format on */

#else

#include "expand.h"

void nnom_dsp_eight(const uint32_t *weights, const int8_t *x, uint32_t n, uint32_t *sums)
{
    for (uint32_t i = 0; i < n; i += 4, x += 4, weights += 8) {
        uint32_t words[2];
        (void)nnom_dsp_expand(words, x, 4, 1);
        for (uint32_t k = 0; k < 8; k++) {
            uint32_t *pair = &sums[k % 4 * 2];
            pair[0] = nnom_smlad(weights[k], words[k / 4], pair[0]);
            pair[1] = nnom_smlad(nnom_sxtb16(weights[k]), words[k / 4], pair[1]);
        }
    }
}

void nnom_dsp_dense(const uint32_t *stream, const int8_t *x, uint32_t n, int8_t *out, const int8_t *end)
{
    for (; out != end; stream += nnom_dsp_block_words(8, (int32_t)n), out += 8) {
        uint32_t sums[8];
        memcpy(sums, stream, sizeof sums);
        nnom_dsp_eight(stream + 8, x, n, sums);
        for (uint32_t pair = 0; pair < 4; pair++) {
            nnom_dsp_two_outputs(sums[2 * pair], sums[2 * pair + 1], stream + 8 + 2 * n + 5 * pair, out + 2 * pair);
        }
    }
}

#endif
