/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dsp_loops.h"

#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__) && defined(__thumb2__) && !defined(__ARM_FEATURE_MVE)

/*
 * In assembly: gcc keeps 8 sums, 4 operands and 2 addresses in 14 registers only if it is told so. In both, r0 is the stream, r1 the
 * inputs; the end of the taps is on the stack.
 */
/* clang-format off */
#define TEXT(line) line "\n"

/* Two taps of both pixels: r4 ab, r5 a, r6 cd, r7 c of pixel 0, r8 to r11 of pixel 1. */
#define PAIR_STEP                                                                                                      \
    TEXT("ldrd r2, r3, [r1], #8") TEXT("ldrd r12, lr, [r0], #8")                                                       \
    TEXT("smlad r4, r12, r2, r4") TEXT("smlad r8, r12, r3, r8") TEXT("sxtb16 r12, r12")                                \
    TEXT("smlad r6, lr, r2, r6") TEXT("smlad r10, lr, r3, r10") TEXT("sxtb16 lr, lr")                                  \
    TEXT("smlad r5, r12, r2, r5") TEXT("smlad r9, r12, r3, r9")                                                        \
    TEXT("smlad r7, lr, r2, r7") TEXT("smlad r11, lr, r3, r11")

/* Four taps of one pixel. */
#define SINGLE_STEP                                                                                                    \
    TEXT("ldrd r2, r3, [r1], #8") TEXT("ldm r0!, {r8, r9, r10, r11}")                                                  \
    TEXT("smlad r4, r8, r2, r4") TEXT("sxtb16 r8, r8") TEXT("smlad r6, r9, r2, r6") TEXT("sxtb16 r9, r9")              \
    TEXT("smlad r5, r8, r2, r5") TEXT("smlad r7, r9, r2, r7")                                                          \
    TEXT("smlad r4, r10, r3, r4") TEXT("sxtb16 r10, r10") TEXT("smlad r6, r11, r3, r6") TEXT("sxtb16 r11, r11")        \
    TEXT("smlad r5, r10, r3, r5") TEXT("smlad r7, r11, r3, r7")

/* 2 S_b and 2 S_a from S_ab and S_a. */
#define SPLIT(ab, a)                                                                                                   \
    TEXT("sub " ab ", " ab ", " a) TEXT("asr " ab ", " ab ", #7") TEXT("lsl " a ", " a ", #1")

#define SCALE(acc) TEXT("smmlar r12, " acc ", r2, r3") TEXT("add " acc ", r12, " acc ", asr #31")
#define NARROW(acc, shift) TEXT("asr " acc ", " acc ", " shift) TEXT("ssat " acc ", #8, " acc)
#define NEXT TEXT("ldrd r2, r3, [r0], #8")

#define FINISH_PAIR(a0, b0, a1, b1)                                                                                    \
    NEXT SCALE(a0) SCALE(a1) NEXT SCALE(b0) SCALE(b1) NEXT                                                             \
    NARROW(a0, "r2") NARROW(a1, "r2") NARROW(b0, "r3") NARROW(b1, "r3")                                                \
    TEXT("strb " a0 ", [lr], #1") TEXT("strb " b0 ", [lr], #1") TEXT("strb " a1 ", [r1], #1") TEXT("strb " b1 ", [r1], #1")

#define FINISH_SINGLE(a, b)                                                                                            \
    NEXT SCALE(a) NEXT SCALE(b) NEXT NARROW(a, "r2") NARROW(b, "r3")                                                   \
    TEXT("strb " a ", [lr], #1") TEXT("strb " b ", [lr], #1")

#define FUNCTION(name)                                                                                                 \
    TEXT(".section .text." name ", \"ax\", %progbits") TEXT(".syntax unified") TEXT(".thumb") TEXT(".p2align 2")       \
    TEXT(".global " name) TEXT(".type " name ", %function") TEXT(".thumb_func") TEXT(name ":")

/* Stack: 0 end, 4 x, 8 weight_bytes, 12 out0, 16 r4 to r11 and lr, 52 out1, 56 blocks. */
__asm__(FUNCTION("nnom_dsp_pair")
        TEXT("push {r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("1:")
        TEXT("ldm r0!, {r4, r5, r6, r7}")
        TEXT("ldrd r1, r2, [sp, #4]")
        TEXT("mov r8, r4") TEXT("mov r9, r5") TEXT("mov r10, r6") TEXT("mov r11, r7")
        TEXT("add r2, r2, r0")
        TEXT("str r2, [sp]")
        TEXT("2:")
        PAIR_STEP PAIR_STEP PAIR_STEP PAIR_STEP
        TEXT("ldr r12, [sp]") TEXT("cmp r0, r12") TEXT("bne 2b")
        SPLIT("r4", "r5") SPLIT("r8", "r9") SPLIT("r6", "r7") SPLIT("r10", "r11")
        TEXT("ldr lr, [sp, #12]") TEXT("ldr r1, [sp, #52]")
        FINISH_PAIR("r5", "r4", "r9", "r8") FINISH_PAIR("r7", "r6", "r11", "r10")
        TEXT("str lr, [sp, #12]") TEXT("str r1, [sp, #52]")
        TEXT("ldr r2, [sp, #56]") TEXT("subs r2, r2, #1") TEXT("str r2, [sp, #56]") TEXT("bne 1b")
        TEXT("add sp, sp, #16")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        TEXT(".size nnom_dsp_pair, . - nnom_dsp_pair")
        TEXT(".text"));

/* Stack: 0 end, 4 x, 8 weight_bytes, 12 out, 16 r4 to r11 and lr, 52 blocks. */
__asm__(FUNCTION("nnom_dsp_single")
        TEXT("push {r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("1:")
        TEXT("ldm r0!, {r4, r5, r6, r7}")
        TEXT("ldrd r1, r12, [sp, #4]")
        TEXT("add r12, r12, r0")
        TEXT("2:")
        SINGLE_STEP SINGLE_STEP
        TEXT("cmp r0, r12") TEXT("bne 2b")
        SPLIT("r4", "r5") SPLIT("r6", "r7")
        TEXT("ldr lr, [sp, #12]")
        FINISH_SINGLE("r5", "r4") FINISH_SINGLE("r7", "r6")
        TEXT("str lr, [sp, #12]")
        TEXT("ldr r2, [sp, #52]") TEXT("subs r2, r2, #1") TEXT("str r2, [sp, #52]") TEXT("bne 1b")
        TEXT("add sp, sp, #16")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        TEXT(".size nnom_dsp_single, . - nnom_dsp_single")
        TEXT(".text"));

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
__asm__(FUNCTION("nnom_dsp_eight")
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
        TEXT(".size nnom_dsp_eight, . - nnom_dsp_eight")
        TEXT(".text"));

/* clang-format on */

#else

#include "expand.h"

/* Sums of one pixel: ab, a, cd, c; modulo 2^32. `x`: its first word, `step`: words from one pair of taps to the next. */
typedef struct dsp_sums {
    uint32_t ab, a, cd, c;
} dsp_sums_t;

static dsp_sums_t dsp_sums(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, uint32_t step)
{
    dsp_sums_t s = {stream[0], stream[1], stream[2], stream[3]};
    const uint32_t *w = stream + NNOM_DSP_START;
    for (uint32_t i = 0; i < weight_bytes / 8; i++, w += 2, x += step) {
        s.ab = nnom_smlad(w[0], *x, s.ab);
        s.a = nnom_smlad(nnom_sxtb16(w[0]), *x, s.a);
        s.cd = nnom_smlad(w[1], *x, s.cd);
        s.c = nnom_smlad(nnom_sxtb16(w[1]), *x, s.c);
    }
    return s;
}

static void dsp_loops_block(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, uint32_t step,
                            int8_t *out)
{
    const dsp_sums_t s = dsp_sums(stream, x, weight_bytes, step);
    const uint32_t *finish = stream + NNOM_DSP_START + weight_bytes / 4;
    nnom_dsp_two_outputs(s.ab, s.a, finish, out);
    nnom_dsp_two_outputs(s.cd, s.c, finish + 6, out + 2);
}

void nnom_dsp_pair(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out0, int8_t *out1,
                   uint32_t blocks)
{
    for (uint32_t i = 0; i < blocks;
         i++, stream += nnom_dsp_block_words(4, (int32_t)weight_bytes / 4), out0 += 4, out1 += 4) {
        dsp_loops_block(stream, x, weight_bytes, 2, out0);
        dsp_loops_block(stream, x + 1, weight_bytes, 2, out1);
    }
}

void nnom_dsp_single(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, uint32_t blocks)
{
    for (uint32_t i = 0; i < blocks; i++, stream += nnom_dsp_block_words(4, (int32_t)weight_bytes / 4), out += 4) {
        dsp_loops_block(stream, x, weight_bytes, 1, out);
    }
}

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

#endif
