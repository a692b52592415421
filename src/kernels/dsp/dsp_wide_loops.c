/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "wide.h"

#include "dsp_loops.h"
#include "text.h"

#ifdef NNOM_DSP_ASSEMBLY

/* In all of them r0 is the stream and r1 the inputs. */
/* clang-format off */

/* Four taps of three pixels, 64 bytes: r4 to r6 a, r7 to r9 b. */
#define TWO_3                                                                                                          \
    TEXT("ldrd r10, r11, [r0], #8") TEXT("ldm r1!, {r2, r3, r12}")                                                     \
    TEXT("smlad r4, r10, r2, r4") TEXT("smlad r5, r10, r3, r5") TEXT("smlad r6, r10, r12, r6")                         \
    TEXT("smlad r7, r11, r2, r7") TEXT("smlad r8, r11, r3, r8") TEXT("smlad r9, r11, r12, r9")
#define STEP_3 TWO_3 TWO_3

/* Of two pixels, 40 bytes: r4, r5 a, r6, r7 b. */
#define STEP_2                                                                                                         \
    TEXT("ldm r0!, {r8, r9, r10, r11}") TEXT("ldm r1!, {r2, r3, r12, lr}")                                             \
    TEXT("smlad r4, r8, r2, r4") TEXT("smlad r5, r8, r3, r5") TEXT("smlad r6, r9, r2, r6") TEXT("smlad r7, r9, r3, r7") \
    TEXT("smlad r4, r10, r12, r4") TEXT("smlad r5, r10, lr, r5") TEXT("smlad r6, r11, r12, r6") TEXT("smlad r7, r11, lr, r7")

/* Of one pixel: r4 a, r5 b. A single pixel is rare: its loop is short. */
#define STEP_1                                                                                                         \
    TEXT("ldm r0!, {r6, r7, r8, r9}") TEXT("ldrd r2, r3, [r1], #8")                                                    \
    TEXT("smlad r4, r6, r2, r4") TEXT("smlad r5, r7, r2, r5") TEXT("smlad r4, r8, r3, r4") TEXT("smlad r5, r9, r3, r5")

/* Where a loop of two steps of `size` bytes is entered: longer ones are 3 % faster. */
#define ENTRY(size)                                                                                                    \
    TEXT("lsr r4, r2, #4") TEXT("rsb r4, r4, #0") TEXT("and r4, r4, #1") TEXT("movs r5, #" size)                   \
    TEXT("adr r6, 2f") TEXT("mla r4, r4, r5, r6") TEXT("orr r4, r4, #1")

/* Stack: 0 entry, 4 x, 12 out, 16 r4 to r11 and lr, 52 end, 56 distance. lr: end of x. */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_wide_3")
        TEXT("push {r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        ENTRY("64") TEXT("str r4, [sp]") TEXT("add lr, r1, r2") TEXT("add lr, lr, r2, lsr #1")
        TEXT("b 1f")
        TEXT(".p2align 2")
        TEXT("2:")
        STEP_3 STEP_3
        TEXT("cmp r1, lr") TEXT("bne 2b")
        FINISH_3("r4", "r5", "r6", "r7", "r8", "r9")
        TEXT("1:")
        TEXT("ldrd r4, r7, [r0], #8") TEXT("mov r5, r4") TEXT("mov r6, r4") TEXT("mov r8, r7") TEXT("mov r9, r7")
        TEXT("ldr r1, [sp, #4]") TEXT("ldr pc, [sp]")
        TEXT("9:")
        TEXT("add sp, sp, #16")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_wide_3"));

/* Stack: 0 end of x, 4 entry, 8 x, 16 out, 20 r4 to r11 and lr, 56 end, 60 distance. */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_wide_2")
        TEXT("push {r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}") TEXT("sub sp, sp, #4")
        ENTRY("40") TEXT("add r2, r2, r1") TEXT("strd r2, r4, [sp]")
        TEXT("b 1f")
        TEXT(".p2align 2")
        TEXT("2:")
        STEP_2 STEP_2
        TEXT("ldr r2, [sp]") TEXT("cmp r1, r2") TEXT("bne 2b")
        FINISH_2("r4", "r5", "r6", "r7", "16", "56", "60")
        TEXT("1:")
        TEXT("ldrd r4, r6, [r0], #8") TEXT("mov r5, r4") TEXT("mov r7, r6")
        TEXT("ldr r1, [sp, #8]") TEXT("ldr pc, [sp, #4]")
        TEXT("9:")
        TEXT("add sp, sp, #20")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_wide_2"));

/* Stack: 4 x, 12 out, 16 r4 to r11 and lr, 52 end. r12: end of x. */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_wide_1")
        TEXT("push {r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("add r12, r1, r2, lsr #1") TEXT("b 1f")
        TEXT("2:")
        STEP_1
        TEXT("cmp r1, r12") TEXT("bne 2b")
        FINISH_1("r4", "r5", "12", "52")
        TEXT("1:")
        TEXT("ldrd r4, r5, [r0], #8") TEXT("ldr r1, [sp, #4]") TEXT("b 2b")
        TEXT("9:")
        TEXT("add sp, sp, #16")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_wide_1"));

/* Four taps of four outputs, 52 bytes: r4 to r7 sums. */
#define FOUR(x)                                                                                                        \
    TEXT("ldm r0!, {r8, r9, r10, r11}")                                                                                \
    TEXT("smlad r4, r8, " x ", r4") TEXT("smlad r5, r9, " x ", r5")                                                    \
    TEXT("smlad r6, r10, " x ", r6") TEXT("smlad r7, r11, " x ", r7")
#define FOUR_TAPS                                                                                                      \
    TEXT("ldr r2, [r1], #4") TEXT("sxtb16 lr, r2, ror #8") TEXT("sxtb16 r2, r2") FOUR("r2") FOUR("lr")

/* Stack: 0 r4 to r11 and lr, 36 to, 40 out. */
#define TWO(a, b)                                                                                                      \
    TEXT("ldm r0!, {r2, r3, r8, r9, r10}") SCALE(a, "r2", "r3", "r12") SCALE(b, "r8", "r9", "r12")                     \
    NARROW(a, "r10") SECOND("r10") NARROW(b, "r10") TEXT("strb " a ", [r1], #1") TEXT("strb " b ", [r1], #1")
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_four")
        TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("add r12, r1, r2")
        TEXT("lsr r2, r2, #2") TEXT("and r2, r2, #1") TEXT("mov r5, #52")
        TEXT("adr r6, 2f") TEXT("mla r2, r2, r5, r6") TEXT("orr r2, r2, #1")
        TEXT("ldm r3, {r4, r5, r6, r7}")
        TEXT("bx r2")
        TEXT(".p2align 2")
        TEXT("2:")
        FOUR_TAPS FOUR_TAPS
        TEXT("cmp r1, r12") TEXT("bne 2b")
        TEXT("ldrd r2, r1, [sp, #36]")
        TEXT("cbnz r1, 3f")
        TEXT("stm r2, {r4, r5, r6, r7}")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        TEXT("3:")
        TWO("r4", "r5") TWO("r6", "r7")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_four"));

/* clang-format on */

#else

#include "expand.h"

/* Two outputs of one of `pixels` pixels, whose words are interleaved. */
static void dsp_wide_block(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, uint32_t pixels,
                           int8_t *out)
{
    uint32_t a = stream[0], b = stream[1];
    const uint32_t *w = stream + 2, *end = w + weight_bytes / 4;
    for (; w < end; w += 2, x += pixels) {
        a = nnom_smlad(w[0], *x, a);
        b = nnom_smlad(w[1], *x, b);
    }
    out[0] = nnom_dsp_output(a, end, end[4] & 0xffu);
    out[1] = nnom_dsp_output(b, end + 2, end[4] >> 8);
}

static void dsp_wide_blocks(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, uint32_t pixels,
                            int8_t *out, const int8_t *end, uint32_t distance)
{
    for (; out != end; out += 2, stream += weight_bytes / 4 + NNOM_DSP_BLOCK_WORDS) {
        for (uint32_t i = 0; i < pixels; i++) {
            dsp_wide_block(stream, x + i, weight_bytes, pixels, out + i * distance);
        }
    }
}

void nnom_dsp_wide_3(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                     uint32_t distance)
{
    dsp_wide_blocks(stream, x, weight_bytes, 3, out, end, distance);
}

void nnom_dsp_wide_2(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                     uint32_t distance)
{
    dsp_wide_blocks(stream, x, weight_bytes, 2, out, end, distance);
}

void nnom_dsp_wide_1(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                     uint32_t distance)
{
    dsp_wide_blocks(stream, x, weight_bytes, 1, out, end, distance);
}

void nnom_dsp_four(const uint32_t *weights, const int8_t *x, uint32_t n, const uint32_t *from, uint32_t *to,
                   int8_t *out)
{
    uint32_t sums[4];
    memcpy(sums, from, sizeof sums);
    for (uint32_t i = 0; i < n; i += 4, x += 4, weights += 8) {
        uint32_t words[2];
        (void)nnom_dsp_expand(words, x, 4, 1);
        for (uint32_t k = 0; k < 8; k++) {
            sums[k % 4] = nnom_smlad(weights[k], words[k / 4], sums[k % 4]);
        }
    }
    if (out == NULL) {
        memcpy(to, sums, sizeof sums);
        return;
    }
    for (uint32_t k = 0; k < 4; k++) {
        const uint32_t *finish = weights + k / 2 * 5;
        out[k] = nnom_dsp_output(sums[k], finish + k % 2 * 2, finish[4] >> (k % 2 * 8) & 0xffu);
    }
}

#endif
