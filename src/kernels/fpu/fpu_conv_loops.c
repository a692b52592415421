/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "fpu_loops.h"

#include "fpu_text.h"

const float nnom_fpu_zeros[16] = {0.0f};

#ifdef NNOM_FPU_ASSEMBLY

/* clang-format off */
/* A run of a window: r1: the first pixel's inputs, r2: the second one's, r0: weights; `log2`: of a tap's bytes of weights. */
#define RUN_BEGINS(log2)                                                                                               \
    TEXT("ldrd r1, r0, [r4], #8") TEXT("add r1, r1, r6") TEXT("add r0, r8, r0, lsl #" log2)
#define RUN_ENDS TEXT("7:") TEXT("cmp r4, r5") TEXT("bne 3b")
#define BEGIN(sums)                                                                                                    \
    TEXT("1:") TEXT("ldr r8, [r11, #" STREAM "]")                                                                      \
    TEXT("2:") TEXT("ldrd r4, r5, [r11, #" RUNS "]") TEXT("ldr r12, [r11, #" START "]")                                \
    TEXT("ldr r7, [r11, #" DISTANCE "]") TEXT("vldm r12, " sums)
/* To the next pixels' windows: one or two pixels. */
#define STEP(log2)                                                                                                     \
    TEXT("ldr r7, [r11, #" DISTANCE "]") TEXT("ldr r0, [r11, #" OUT_STEP "]") TEXT("add r6, r6, r7, lsl #" log2)
/* Four taps at a time, then one: r3 counts. */
#define LOOP(four, one)                                                                                                \
    TEXT("lsrs r3, r10, #2") TEXT("beq 5f") TEXT("4:") four TEXT("subs r3, r3, #1") TEXT("bne 4b")                     \
    TEXT("5:") TEXT("ands r3, r10, #3") TEXT("beq 7f") TEXT("6:") one TEXT("subs r3, r3, #1") TEXT("bne 6b")

#define TWO_8_TAP(x, y)                                                                                                \
    TEXT("vldmia r0!, {s16-s23}") FOUR(S_0, S_16, x) FOUR(S_4, S_20, x) FOUR(S_8, S_16, y) FOUR(S_12, S_20, y)
__asm__(NNOM_FPU_FUNCTION("nnom_fpu_two_8")
        BEGIN("{s0-s15}")
        TEXT("3:") RUN_BEGINS("5") TEXT("add r2, r1, r7")
        LOOP(TEXT("vldmia r1!, {s24-s27}") TEXT("vldmia r2!, {s28-s31}")
             TWO_8_TAP(24, 28) TWO_8_TAP(25, 29) TWO_8_TAP(26, 30) TWO_8_TAP(27, 31),
             TEXT("vldmia r1!, {s24}") TEXT("vldmia r2!, {s28}") TWO_8_TAP(24, 28))
        RUN_ENDS
        FINISH_TWO_8 NEXT_BLOCK STEP("1") NEXT_PIXELS
        NNOM_FPU_END("nnom_fpu_two_8"));

#define ONE_8_PAIR(x, y)                                                                                               \
    TEXT("vldmia r0!, {s16-s31}") FOUR(S_0, S_16, x) FOUR(S_4, S_20, x) FOUR(S_0, S_24, y) FOUR(S_4, S_28, y)
__asm__(NNOM_FPU_FUNCTION("nnom_fpu_one_8")
        BEGIN("{s0-s7}")
        TEXT("3:") RUN_BEGINS("5")
        LOOP(TEXT("vldmia r1!, {s8-s11}") ONE_8_PAIR(8, 9) ONE_8_PAIR(10, 11),
             TEXT("vldmia r1!, {s8}") TEXT("vldmia r0!, {s16-s23}") FOUR(S_0, S_16, 8) FOUR(S_4, S_20, 8))
        RUN_ENDS
        FINISH_ONE_8 NEXT_BLOCK STEP("0") NEXT_PIXELS
        NNOM_FPU_END("nnom_fpu_one_8"));

#define TWO_4_TAP(w, x, y) FOUR(S_0, w, x) FOUR(S_4, w, y)
__asm__(NNOM_FPU_FUNCTION("nnom_fpu_two_4")
        BEGIN("{s0-s7}")
        TEXT("3:") RUN_BEGINS("4") TEXT("add r2, r1, r7")
        LOOP(TEXT("vldmia r1!, {s8-s11}") TEXT("vldmia r2!, {s12-s15}") TEXT("vldmia r0!, {s16-s31}")
             TWO_4_TAP(S_16, 8, 12) TWO_4_TAP(S_20, 9, 13) TWO_4_TAP(S_24, 10, 14) TWO_4_TAP(S_28, 11, 15),
             TEXT("vldmia r1!, {s8}") TEXT("vldmia r2!, {s12}") TEXT("vldmia r0!, {s16-s19}") TWO_4_TAP(S_16, 8, 12))
        RUN_ENDS
        TEXT("ldr r7, [r11, #" OUT_DISTANCE "]") TEXT("add r7, r7, r9")
        FINISH_SUMS("vldm r8, {s16-s19}", S_16)
        TEXT("vstm r7, {s4-s7}") TEXT("vstmia r9!, {s0-s3}") TEXT("b 9f")
        TEXT("8:") RELU_LOW RELU8 TEXT("stmia r9!, {r0, r1, r2, r3}") TEXT("stm r7, {r4, r5, r12, lr}")
        TEXT("9:") NEXT_BLOCK STEP("1") NEXT_PIXELS
        NNOM_FPU_END("nnom_fpu_two_4"));

__asm__(NNOM_FPU_FUNCTION("nnom_fpu_one_4")
        BEGIN("{s0-s3}")
        TEXT("3:") RUN_BEGINS("4")
        LOOP(TEXT("vldmia r1!, {s8-s11}") TEXT("vldmia r0!, {s16-s31}")
             FOUR(S_0, S_16, 8) FOUR(S_0, S_20, 9) FOUR(S_0, S_24, 10) FOUR(S_0, S_28, 11),
             TEXT("vldmia r1!, {s8}") TEXT("vldmia r0!, {s16-s19}") FOUR(S_0, S_16, 8))
        RUN_ENDS
        TEXT("ldr r3, [r11, #" FINISH "]") TEXT("cmp r3, #1") TEXT("bhi 7f")
        TEXT("vldm r8, {s16-s19}") ADDS(S_0, S_16) TEXT("beq 8f")
        TEXT("7:") TEXT("vstmia r9!, {s0-s3}") TEXT("b 9f")
        TEXT("8:") TEXT("vmov r0, r1, s0, s1") TEXT("vmov r2, r3, s2, s3")
        RELU1("r0") RELU1("r1") RELU1("r2") RELU1("r3") TEXT("stmia r9!, {r0, r1, r2, r3}")
        TEXT("9:") NEXT_BLOCK STEP("0") NEXT_PIXELS
        NNOM_FPU_END("nnom_fpu_one_4"));
/* clang-format on */

#else

#include <string.h>

enum { WIDEST = 8 };

/* One pixel's block. */
static void fpu_conv_block(const nnom_fpu_task_t *t, const uint8_t *x, const float *block, uint32_t width, float *acc)
{
    for (const nnom_fpu_run_t *run = t->runs; run != t->runs_end; run++) {
        const float *from = (const float *)(const void *)(x + run->x);
        const float *w = block + run->w * width;
        for (uint32_t k = 0; k < t->n; k++, w += width) {
            for (uint32_t i = 0; i < width; i++) {
                acc[i] += from[k] * w[i];
            }
        }
    }
}

static void fpu_conv_finish(const nnom_fpu_task_t *t, const float *bias, uint32_t width, float *acc)
{
    for (uint32_t i = 0; i < width && t->finish != NNOM_FPU_KEEP; i++) {
        acc[i] += bias[i];
        acc[i] = t->finish == NNOM_FPU_RELU && acc[i] < 0.0f ? 0.0f : acc[i];
    }
}

static void fpu_conv_any(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t pixels, uint32_t width)
{
    const uint8_t *from = (const uint8_t *)x;
    uint8_t *to = (uint8_t *)out;
    for (uint32_t i = 0; i < pixels; i++, from += t->distance, to += t->out_distance) {
        uint8_t *at = to;
        const float *block = t->stream;
        for (; block != t->stream_end; block += t->block / sizeof *block, at += width * sizeof(float)) {
            float acc[WIDEST];
            memcpy(acc, t->start, width * sizeof *acc);
            fpu_conv_block(t, from, block, width, acc);
            fpu_conv_finish(t, block, width, acc);
            memcpy(at, acc, width * sizeof *acc);
        }
    }
}

void nnom_fpu_two_8(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count)
{
    fpu_conv_any(t, x, out, 2 * count, 8);
}

void nnom_fpu_one_8(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count)
{
    fpu_conv_any(t, x, out, count, 8);
}

void nnom_fpu_two_4(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count)
{
    fpu_conv_any(t, x, out, 2 * count, 4);
}

void nnom_fpu_one_4(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count)
{
    fpu_conv_any(t, x, out, count, 4);
}

#endif
