/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "fpu_loops.h"

#include "fpu_text.h"

#ifdef NNOM_FPU_ASSEMBLY

/* clang-format off */
/* r7: from the first pixel's window to the second one's, r12: from a tap to the next. A run: r1, r2: inputs of both pixels, r0: weights. */
#define BEGIN(sums)                                                                                                    \
    TEXT("1:") TEXT("ldr r8, [r11, #" STREAM "]")                                                                      \
    TEXT("2:") TEXT("ldrd r4, r5, [r11, #" RUNS "]") TEXT("ldr r12, [r11, #" START "]") TEXT("vldm r12, " sums)        \
    TEXT("ldrd r7, r12, [r11, #" DISTANCE "]")                                                                         \
    TEXT("3:") TEXT("ldrd r1, r0, [r4], #8") TEXT("add r1, r1, r6") TEXT("add r0, r8, r0, lsl #5")
#define RUN_ENDS TEXT("7:") TEXT("cmp r4, r5") TEXT("bne 3b")
#define ENDS                                                                                                           \
    TEXT("add r6, r6, #32") NEXT_BLOCK TEXT("ldrd r0, r1, [r11, #" OUT_STEP "]") TEXT("add r6, r6, r1") NEXT_PIXELS

#define WEIGHTS TEXT("vldmia r0!, {s16-s23}")
#define INPUTS(r) TEXT("vldm " r ", {s24-s31}")
#define HOP(r) TEXT("add " r ", " r ", r12")
#define FIRST EACH(S_0, S_16, S_24) EACH(S_4, S_20, S_28)
#define SECOND EACH(S_8, S_16, S_24) EACH(S_12, S_20, S_28)

__asm__(NNOM_FPU_FUNCTION("nnom_fpu_dw_two_any")
        BEGIN("{s0-s15}") TEXT("add r2, r1, r7") TEXT("movs r3, r10") TEXT("beq 7f")
        TEXT("4:") WEIGHTS INPUTS("r1") FIRST INPUTS("r2") SECOND HOP("r1") HOP("r2")
        TEXT("subs r3, r3, #1") TEXT("bne 4b")
        RUN_ENDS FINISH_TWO_8 ENDS
        NNOM_FPU_END("nnom_fpu_dw_two_any"));

__asm__(NNOM_FPU_FUNCTION("nnom_fpu_dw_two_three")
        BEGIN("{s0-s15}") TEXT("add r2, r1, r7")
        WEIGHTS INPUTS("r1") FIRST HOP("r1") INPUTS("r2") SECOND HOP("r2")
        WEIGHTS INPUTS("r1") FIRST HOP("r1") INPUTS("r2") SECOND HOP("r2")
        WEIGHTS INPUTS("r1") FIRST INPUTS("r2") SECOND
        RUN_ENDS FINISH_TWO_8 ENDS
        NNOM_FPU_END("nnom_fpu_dw_two_three"));

__asm__(NNOM_FPU_FUNCTION("nnom_fpu_dw_two_slide")
        BEGIN("{s0-s15}")
        WEIGHTS INPUTS("r1") FIRST HOP("r1") INPUTS("r1") SECOND
        WEIGHTS FIRST HOP("r1") INPUTS("r1") SECOND
        WEIGHTS FIRST HOP("r1") INPUTS("r1") SECOND
        RUN_ENDS FINISH_TWO_8 ENDS
        NNOM_FPU_END("nnom_fpu_dw_two_slide"));

#define ONE(w, v) TEXT("vldm r1, {s8-s15}") EACH(S_0, w, S_8) EACH(S_4, v, S_12) HOP("r1")
__asm__(NNOM_FPU_FUNCTION("nnom_fpu_dw_one_any")
        BEGIN("{s0-s7}")
        TEXT("lsrs r3, r10, #1") TEXT("beq 5f")
        TEXT("4:") TEXT("vldmia r0!, {s16-s31}") ONE(S_16, S_20) ONE(S_24, S_28)
        TEXT("subs r3, r3, #1") TEXT("bne 4b")
        TEXT("5:") TEXT("tst r10, #1") TEXT("beq 7f") WEIGHTS ONE(S_16, S_20)
        RUN_ENDS FINISH_ONE_8 ENDS
        NNOM_FPU_END("nnom_fpu_dw_one_any"));

__asm__(NNOM_FPU_FUNCTION("nnom_fpu_dw_one_three")
        BEGIN("{s0-s7}")
        TEXT("vldmia r0!, {s16-s31}") ONE(S_16, S_20) ONE(S_24, S_28) WEIGHTS ONE(S_16, S_20)
        RUN_ENDS FINISH_ONE_8 ENDS
        NNOM_FPU_END("nnom_fpu_dw_one_three"));
/* clang-format on */

#else

enum { WIDTH = 8 };

static void fpu_dw_run(const nnom_fpu_task_t *t, const uint8_t *x, const float *w, float *acc)
{
    for (uint32_t k = 0; k < t->n; k++, x += t->hop, w += WIDTH) {
        const float *from = (const float *)(const void *)x;
        for (uint32_t i = 0; i < WIDTH; i++) {
            acc[i] += from[i] * w[i];
        }
    }
}

/* One pixel's block. */
static void fpu_dw_block(const nnom_fpu_task_t *t, const uint8_t *x, const float *block, float *out)
{
    float acc[WIDTH] = {0.0f};
    for (const nnom_fpu_run_t *run = t->runs; run != t->runs_end; run++) {
        fpu_dw_run(t, x + run->x, block + run->w * WIDTH, acc);
    }
    for (uint32_t i = 0; i < WIDTH; i++) {
        const float y = acc[i] + block[i];
        out[i] = t->finish == NNOM_FPU_RELU && y < 0.0f ? 0.0f : y;
    }
}

static void fpu_dw_pixels(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t pixels)
{
    const uint8_t *from = (const uint8_t *)x;
    float *to = out;
    for (uint32_t i = 0; i < pixels; i++, from += t->distance, to += t->out_distance / sizeof *to) {
        float *at = to;
        const uint8_t *channels = from;
        for (const float *block = t->stream; block != t->stream_end; block += t->block / sizeof *block) {
            fpu_dw_block(t, channels, block, at);
            at += WIDTH;
            channels += WIDTH * sizeof(float);
        }
    }
}

void nnom_fpu_dw_two_any(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count)
{
    fpu_dw_pixels(t, x, out, 2 * count);
}

void nnom_fpu_dw_two_three(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count)
{
    fpu_dw_pixels(t, x, out, 2 * count);
}

void nnom_fpu_dw_two_slide(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count)
{
    fpu_dw_pixels(t, x, out, 2 * count);
}

void nnom_fpu_dw_one_any(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count)
{
    fpu_dw_pixels(t, x, out, count);
}

void nnom_fpu_dw_one_three(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count)
{
    fpu_dw_pixels(t, x, out, count);
}

#endif
