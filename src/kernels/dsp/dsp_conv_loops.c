/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dsp_loops.h"
#include "text.h"

#ifdef NNOM_DSP_ASSEMBLY

/* In all of them r0 is the stream and r1 the inputs. */
/* clang-format off */

/* Four taps of three pixels, 68 bytes: r4 to r6 ab, r7 to r9 a. */
#define TAPS_3(w)                                                                                                      \
    TEXT("ldm r1!, {r2, r3, r12}")                                                                                     \
    TEXT("smlad r4, " w ", r2, r4") TEXT("smlad r5, " w ", r3, r5") TEXT("smlad r6, " w ", r12, r6")                   \
    TEXT("sxtb16 " w ", " w)                                                                                           \
    TEXT("smlad r7, " w ", r2, r7") TEXT("smlad r8, " w ", r3, r8") TEXT("smlad r9, " w ", r12, r9")
#define STEP_3 TEXT("ldrd r10, r11, [r0], #8") TAPS_3("r10") TAPS_3("r11")

/* Two taps of two pixels: r4, r5 ab, r6, r7 a. */
#define TAPS_2(w, x0, x1)                                                                                              \
    TEXT("smlad r4, " w ", " x0 ", r4") TEXT("smlad r5, " w ", " x1 ", r5") TEXT("sxtb16 " w ", " w)                   \
    TEXT("smlad r6, " w ", " x0 ", r6") TEXT("smlad r7, " w ", " x1 ", r7")
#define FOUR_2(w0, w1)                                                                                                 \
    TEXT("ldm r1!, {r2, r3, r12, lr}") TAPS_2(w0, "r2", "r3") TAPS_2(w1, "r12", "lr")
#define HALF_STEP_2 TEXT("ldrd r8, r9, [r0], #8") FOUR_2("r8", "r9")
#define STEP_2 TEXT("ldm r0!, {r8, r9, r10, r11}") FOUR_2("r8", "r9") FOUR_2("r10", "r11")

/* Two taps of one pixel: r4 ab, r5 a. */
#define TAPS_1(w, x)                                                                                                   \
    TEXT("smlad r4, " w ", " x ", r4") TEXT("sxtb16 " w ", " w) TEXT("smlad r5, " w ", " x ", r5")
#define HALF_STEP_1 TEXT("ldrd r6, r7, [r0], #8") TEXT("ldrd r2, r3, [r1], #8") TAPS_1("r6", "r2") TAPS_1("r7", "r3")
#define STEP_1                                                                                                         \
    TEXT("ldm r0!, {r6, r7, r8, r9}") TEXT("ldm r1!, {r2, r3, r10, r11}")                                              \
    TAPS_1("r6", "r2") TAPS_1("r7", "r3") TAPS_1("r8", "r10") TAPS_1("r9", "r11")

/*
 * Where the taps' loop is entered, label 2 + r5 * size: `shift` is the logarithm of a step's bytes of weights, `mask` + 1 the steps of the
 * loop; its end where there is no whole step.
 */
#define ENTRY(shift, mask, size)                                                                                       \
    TEXT("lsrs r4, r2, #" shift) TEXT("ite eq") TEXT("moveq r5, #" mask " + 1") TEXT("rsbne r5, r4, #0")               \
    TEXT("it ne") TEXT("andne r5, r5, #" mask) TEXT("movs r6, #" size)                                                 \
    TEXT("adr r7, 2f") TEXT("mla r5, r5, r6, r7") TEXT("orr r5, r5, #1")

/* Stack: 0 entry, 4 x, 12 out, 16 r4 to r11 and lr, 52 end, 56 distance. lr: end of x. */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_conv_3")
        TEXT("push {r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        ENTRY("3", "7", "68")
        TEXT("str r5, [sp]") TEXT("add lr, r1, r2") TEXT("add lr, lr, r2, lsl #1")
        TEXT("b 1f")
        TEXT(".p2align 2")
        TEXT("2:")
        STEP_3 STEP_3 STEP_3 STEP_3 STEP_3 STEP_3 STEP_3 STEP_3
        TEXT("cmp r1, lr") TEXT("bne 2b")
        SPLIT("r4", "r7") SPLIT("r5", "r8") SPLIT("r6", "r9")
        FINISH_3("r7", "r8", "r9", "r4", "r5", "r6")
        TEXT("1:")
        TEXT("ldrd r4, r7, [r0], #8") TEXT("mov r5, r4") TEXT("mov r6, r4") TEXT("mov r8, r7") TEXT("mov r9, r7")
        TEXT("ldr r1, [sp, #4]") TEXT("ldr pc, [sp]")
        TEXT("9:")
        TEXT("add sp, sp, #16")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_conv_3"));

/* Where a block begins, to [sp, #8]: with the four taps that are no whole step, label 4, where there are such, else in the loop. */
#define BEGIN_HALF TEXT("tst r2, #8") TEXT("adr r4, 4f") TEXT("orr r4, r4, #1") TEXT("it eq") TEXT("moveq r4, r5")

/* Stack: 0 end of x, 4 entry, 8 begin, 12 out, 16 x, 20 r4 to r11 and lr, 56 end, 60 distance. */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_conv_2")
        TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("sub sp, sp, #20")
        ENTRY("4", "3", "92") BEGIN_HALF
        TEXT("add r2, r1, r2, lsl #1") TEXT("strd r2, r5, [sp]") TEXT("strd r4, r3, [sp, #8]") TEXT("str r1, [sp, #16]")
        TEXT("b 1f")
        TEXT(".p2align 2")
        TEXT("2:")
        STEP_2 STEP_2 STEP_2 STEP_2
        TEXT("ldr r2, [sp]") TEXT("cmp r1, r2") TEXT("bne 2b")
        SPLIT("r4", "r6") SPLIT("r5", "r7")
        FINISH_2("r6", "r7", "r4", "r5", "12", "56", "60")
        TEXT("1:")
        TEXT("ldrd r4, r6, [r0], #8") TEXT("mov r5, r4") TEXT("mov r7, r6")
        TEXT("ldr r1, [sp, #16]") TEXT("ldr pc, [sp, #8]")
        TEXT(".p2align 2")
        TEXT("4:")
        HALF_STEP_2 TEXT("ldr pc, [sp, #4]")
        TEXT("9:")
        TEXT("add sp, sp, #20")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_conv_2"));

/* Stack: 4 entry, 8 begin, 12 out, 16 x, 20 r4 to r11 and lr, 56 end. r12: end of x. */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_conv_1")
        TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("sub sp, sp, #20")
        ENTRY("4", "3", "56") BEGIN_HALF
        TEXT("add r12, r1, r2") TEXT("str r5, [sp, #4]") TEXT("strd r4, r3, [sp, #8]") TEXT("str r1, [sp, #16]")
        TEXT("b 1f")
        TEXT(".p2align 2")
        TEXT("2:")
        STEP_1 STEP_1 STEP_1 STEP_1
        TEXT("cmp r1, r12") TEXT("bne 2b")
        SPLIT("r4", "r5")
        FINISH_1("r5", "r4", "12", "56")
        TEXT("1:")
        TEXT("ldrd r4, r5, [r0], #8") TEXT("ldr r1, [sp, #16]") TEXT("ldr pc, [sp, #8]")
        TEXT(".p2align 2")
        TEXT("4:")
        HALF_STEP_1 TEXT("ldr pc, [sp, #4]")
        TEXT("9:")
        TEXT("add sp, sp, #20")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_conv_1"));

/* r0 to, r1 from, r2 distance, r3 end. */
#define LOAD_3(first) TEXT("ldr r5, [r1, r2]") TEXT("ldr r6, [r1, r2, lsl #1]") TEXT(first)
#define WIDEN_3                                                                                                        \
    TEXT("sxtb16 r8, r5, ror #8") TEXT("sxtb16 r9, r6, ror #8") TEXT("sxtb16 r7, r4, ror #8")                          \
    TEXT("sxtb16 r5, r5") TEXT("sxtb16 r6, r6") TEXT("sxtb16 r4, r4") TEXT("stm r0!, {r4, r5, r6, r7, r8, r9}")
#define SHIFT_3 TEXT("lsr r4, r4, r10") TEXT("lsr r5, r5, r10") TEXT("lsr r6, r6, r10")
#define LOAD_2(first) TEXT("ldr r5, [r1, r2]") TEXT(first)
#define WIDEN_2                                                                                                        \
    TEXT("sxtb16 r7, r5, ror #8") TEXT("sxtb16 r6, r4, ror #8") TEXT("sxtb16 r5, r5") TEXT("sxtb16 r4, r4")            \
    TEXT("stm r0!, {r4, r5, r6, r7}")
#define SHIFT_2 TEXT("lsr r4, r4, r10") TEXT("lsr r5, r5, r10")

/* What is left of a run, 1 to 3 bytes, comes with the word that ends where the run does. */
#define EXPAND(name, load, widen, shift)                                                                               \
    __asm__(NNOM_DSP_FUNCTION(name)                                                                                    \
            TEXT("push {r4, r5, r6, r7, r8, r9, r10, lr}")                                                             \
            TEXT("and lr, r3, #3") TEXT("sub r3, r3, lr") TEXT("tst r3, #4") TEXT("add r3, r3, r1")                    \
            TEXT("bne 2f")                                                                                             \
            TEXT("1:") load("ldr r4, [r1], #4") widen                                                                  \
            TEXT("2:") load("ldr r4, [r1], #4") widen                                                                  \
            TEXT("cmp r1, r3") TEXT("bne 1b")                                                                          \
            TEXT("cmp lr, #0") TEXT("beq 3f") TEXT("rsb r10, lr, #4")                                                    \
            TEXT("sub r1, r1, r10") TEXT("lsl r10, r10, #3") load("ldr r4, [r1]") shift widen                          \
            TEXT("3:")                                                                                                 \
            TEXT("pop {r4, r5, r6, r7, r8, r9, r10, pc}")                                                              \
            NNOM_DSP_END(name))
EXPAND("nnom_dsp_expand_3", LOAD_3, WIDEN_3, SHIFT_3);
EXPAND("nnom_dsp_expand_2", LOAD_2, WIDEN_2, SHIFT_2);

/* clang-format on */

#else

#include "expand.h"

/* One block of one of `pixels` pixels, whose words are interleaved. */
static void dsp_conv_host_block(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, uint32_t pixels,
                                int8_t *out)
{
    uint32_t ab = stream[0], a = stream[1];
    const uint32_t *w = stream + 2, *end = w + weight_bytes / 4;
    for (; w < end; w++, x += pixels) {
        ab = nnom_smlad(*w, *x, ab);
        a = nnom_smlad(nnom_sxtb16(*w), *x, a);
    }
    nnom_dsp_two_outputs(ab, a, end, out);
}

static void dsp_conv_host_blocks(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, uint32_t pixels,
                                 int8_t *out, const int8_t *end, uint32_t distance)
{
    for (; out != end; out += 2, stream += nnom_dsp_block_words(2, (int32_t)weight_bytes / 2)) {
        for (uint32_t i = 0; i < pixels; i++) {
            dsp_conv_host_block(stream, x + i, weight_bytes, pixels, out + i * distance);
        }
    }
}

void nnom_dsp_conv_3(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                     uint32_t distance)
{
    dsp_conv_host_blocks(stream, x, weight_bytes, 3, out, end, distance);
}

void nnom_dsp_conv_2(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                     uint32_t distance)
{
    dsp_conv_host_blocks(stream, x, weight_bytes, 2, out, end, distance);
}

void nnom_dsp_conv_1(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                     uint32_t distance)
{
    dsp_conv_host_blocks(stream, x, weight_bytes, 1, out, end, distance);
}

static uint32_t *dsp_expand(uint32_t *to, const int8_t *from, uint32_t distance, uint32_t run, uint32_t pixels)
{
    for (uint32_t i = 0; i < pixels; i++) {
        (void)nnom_dsp_expand_any(to + i, from + i * distance, (int32_t)run, pixels);
    }
    return to + pixels * ((run + 3) / 4) * 2;
}

uint32_t *nnom_dsp_expand_3(uint32_t *to, const int8_t *from, uint32_t distance, uint32_t run)
{
    return dsp_expand(to, from, distance, run, 3);
}

uint32_t *nnom_dsp_expand_2(uint32_t *to, const int8_t *from, uint32_t distance, uint32_t run)
{
    return dsp_expand(to, from, distance, run, 2);
}

#endif
