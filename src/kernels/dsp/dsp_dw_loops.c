/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dsp_loops.h"
#include "text.h"

#ifdef NNOM_DSP_ASSEMBLY

/* clang-format off */

/*
 * Two taps of four channels, 80 bytes: r0 stream, r1 cells, r2 channel, r4 to r7 sums. Of the inputs the channels 0 and 1 of both taps are put
 * into one word, 2 and 3 into the other.
 */
#define PAIR                                                                                                           \
    TEXT("ldr.w r8, [r1], #8") TEXT("ldr.w r9, [r1, #-4]") TEXT("ldr.w r8, [r8, r2]") TEXT("ldr.w r9, [r9, r2]")                               \
    TEXT("ldr.w r11, [r0], #8") TEXT("ldr.w r12, [r0, #-4]")                                                           \
    TEXT("pkhbt r10, r8, r9, lsl #16") TEXT("pkhtb r9, r9, r8, asr #16")                                               \
    TEXT("sxtb16 r8, r10") TEXT("sxtb16 lr, r11") TEXT("smlad r4, r8, lr, r4")                                         \
    TEXT("sxtb16 r10, r10, ror #8") TEXT("sxtb16 r11, r11, ror #8") TEXT("smlad r5, r10, r11, r5")                     \
    TEXT("sxtb16 r8, r9") TEXT("sxtb16 lr, r12") TEXT("smlad r6, r8, lr, r6")                                          \
    TEXT("sxtb16 r9, r9, ror #8") TEXT("sxtb16 r12, r12, ror #8") TEXT("smlad r7, r9, r12, r7")

/* Two channels, of r8 to r11: each constant is used once. */
#define SCALE_BOTH(x0, x1)                                                                                             \
    TEXT("lsl " x0 ", " x0 ", #1") TEXT("lsl " x1 ", " x1 ", #1") SCALE(x0, "r8", "r9", "r9") SCALE(x1, "r10", "r11", "r11")

/* Stack: 0 entry, 4 cells, 12 out, 16 r4 to r11 and lr, 52 channels; r3: end of the cells. */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_dw_pixel")
        TEXT("push {r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("rsb r4, r2, #0") TEXT("and r4, r4, #3") TEXT("mov r5, #80") TEXT("adr r6, 2f")
        TEXT("mla r4, r4, r5, r6") TEXT("orr r4, r4, #1") TEXT("str r4, [sp]")
        TEXT("add r3, r1, r2, lsl #3") TEXT("mov r2, #0")
        TEXT("b 1f")
        TEXT(".p2align 2")
        TEXT("2:")
        PAIR PAIR PAIR PAIR
        TEXT("cmp r1, r3") TEXT("bne 2b")
        TEXT("ldm r0!, {r8, r9, r10, r11}") SCALE_BOTH("r4", "r5")
        TEXT("ldm r0!, {r8, r9, r10, r11, r12}") SCALE_BOTH("r6", "r7")
        TEXT("ldr r1, [sp, #12]") TEXT("ldr r8, [sp, #52]") TEXT("add r1, r1, r2") TEXT("add r2, r2, #4")
        NARROW("r4", "r12") SECOND("r12") NARROW("r5", "r12") SECOND("r12") NARROW("r6", "r12") SECOND("r12") NARROW("r7", "r12")
        TEXT("strb r4, [r1]") TEXT("strb r5, [r1, #1]") TEXT("strb r6, [r1, #2]") TEXT("strb r7, [r1, #3]")
        TEXT("cmp r2, r8") TEXT("beq 9f")
        TEXT("1:")
        TEXT("ldm r0!, {r4, r5, r6, r7}") TEXT("ldr r1, [sp, #4]") TEXT("ldr pc, [sp]")
        TEXT("9:")
        TEXT("add sp, sp, #16")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_dw_pixel"));

/* clang-format on */

#else

#include "expand.h"

/* Two taps of four channels to their sums: x and y, four inputs of each; w: two words. */
static void dsp_dw_pair(uint32_t x, uint32_t y, const uint32_t *w, uint32_t *sums)
{
    const uint32_t first = (x & 0xffffu) | y << 16, second = x >> 16 | (y & 0xffff0000u);
    sums[0] = nnom_smlad(nnom_sxtb16(first), nnom_sxtb16(w[0]), sums[0]);
    sums[1] = nnom_smlad(nnom_sxtb16_odd(first), nnom_sxtb16_odd(w[0]), sums[1]);
    sums[2] = nnom_smlad(nnom_sxtb16(second), nnom_sxtb16(w[1]), sums[2]);
    sums[3] = nnom_smlad(nnom_sxtb16_odd(second), nnom_sxtb16_odd(w[1]), sums[3]);
}

void nnom_dsp_dw_pixel(const uint32_t *stream, const int8_t *const *cells, uint32_t pairs, int8_t *out,
                       uint32_t channels)
{
    for (uint32_t at = 0; at < channels; at += 4, stream += 9) {
        uint32_t sums[4];
        memcpy(sums, stream, sizeof sums);
        stream += 4;
        for (uint32_t k = 0; k < pairs; k++, stream += 2) {
            dsp_dw_pair(nnom_dsp_load(cells[2 * k] + at), nnom_dsp_load(cells[2 * k + 1] + at), stream, sums);
        }
        for (uint32_t i = 0; i < 4; i++) {
            out[at + i] = nnom_dsp_output(sums[i] * 2u, stream + 2 * i, stream[8] >> (8 * i) & 0xffu);
        }
    }
}

#endif
