/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "mve_dw.h"

#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__)

/*
 * In assembly: nine addresses, the stream (r0), the output (r10), x_step (r11), channels that are left (r12) and the zero point (lr) take
 * all registers, and the 16 sums leave four vectors: the second tap's weights are loaded twice.
 */
/* clang-format off */
#define TEXT(line) line "\n"

#define WHOLE_INPUT(r) TEXT("vldrb.8 q0, [" r "], #16")
#define PART_INPUT(r) TEXT("vpst") TEXT("vldrbt.8 q0, [" r "], #16")
#define WEIGHTS TEXT("vldrb.8 q1, [r0], #16")
#define PRODUCTS(even, odd) TEXT("vmullb.s8 " even ", q0, q1") TEXT("vmullt.s8 " odd ", q0, q1")

/* The first two taps: the sums begin with them. */
#define BEGIN(INPUT, a, b)                                                                                             \
    INPUT(a) WEIGHTS PRODUCTS("q2", "q3") INPUT(b) WEIGHTS PRODUCTS("q4", "q5")                                        \
    TEXT("vadd.i16 q2, q2, q4") TEXT("vadd.i16 q3, q3, q5")                                                            \
    TEXT("vmovlb.s16 q4, q2") TEXT("vmovlt.s16 q5, q2") TEXT("vmovlb.s16 q6, q3") TEXT("vmovlt.s16 q7, q3")
#define WIDEN                                                                                                          \
    TEXT("vmovlb.s16 q0, q2") TEXT("vadd.i32 q4, q4, q0") TEXT("vmovlt.s16 q2, q2") TEXT("vadd.i32 q5, q5, q2")        \
    TEXT("vmovlb.s16 q0, q3") TEXT("vadd.i32 q6, q6, q0") TEXT("vmovlt.s16 q3, q3") TEXT("vadd.i32 q7, q7, q3")
#define TWO(INPUT, a, b)                                                                                               \
    INPUT(a) WEIGHTS PRODUCTS("q2", "q3") INPUT(b) WEIGHTS                                                             \
    TEXT("vmullb.s8 q1, q0, q1") TEXT("vadd.i16 q2, q2, q1") TEXT("vldrb.8 q1, [r0, #-16]")                            \
    TEXT("vmullt.s8 q0, q0, q1") TEXT("vadd.i16 q3, q3, q0") WIDEN
#define LAST(INPUT, a) INPUT(a) WEIGHTS PRODUCTS("q2", "q3") WIDEN

#define TIES(q) TEXT("vshr.s32 q1, " q ", #31") TEXT("vadd.i32 " q ", " q ", q1")
#define NO_TIES(q)
#define SCALE(q, ties)                                                                                                 \
    TEXT("vldrw.32 q0, [r0], #16") TEXT("vadd.i32 " q ", " q ", q0")                                                   \
    TEXT("vldrw.32 q0, [r0], #16") TEXT("vqrdmulh.s32 " q ", " q ", q0")                                               \
    TEXT("vldrb.s32 q0, [r0], #4") ties(q) TEXT("vrshl.s32 " q ", " q ", q0")
#define FINISH(ties, zero_point)                                                                                                   \
    SCALE("q4", ties) SCALE("q5", ties) SCALE("q6", ties) SCALE("q7", ties)                                            \
    TEXT("vqmovnb.s32 q4, q4") TEXT("vqmovnt.s32 q4, q5") TEXT("vqmovnb.s32 q6, q6") TEXT("vqmovnt.s32 q6, q7")        \
    TEXT("vqadd.s16 q4, q4, " zero_point) TEXT("vqadd.s16 q6, q6, " zero_point) TEXT("vqmovnb.s16 q4, q4") TEXT("vqmovnt.s16 q4, q6")

#define WHOLE_STORE TEXT("vstrb.8 q4, [r10], #16")
#define PART_STORE TEXT("vpst") TEXT("vstrbt.8 q4, [r10], #16")
#define WHOLE_BEGIN
#define PART_BEGIN TEXT("vctp.8 r12")

#define NEXT(r) TEXT("add " r ", " r ", r11")

/* Stack: 0 stream, 4 channels, 8 out_end, 12 out_step. */
#define NINE(name, KIND, ties)                                                                                         \
    __asm__(TEXT(".section .text." name ", \"ax\", %progbits") TEXT(".syntax unified") TEXT(".thumb")                  \
        TEXT(".p2align 2") TEXT(".global " name) TEXT(".type " name ", %function") TEXT(".thumb_func") TEXT(name ":")  \
        TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}")                                                            \
        TEXT("vpush {d8, d9, d10, d11, d12, d13, d14, d15}") TEXT("sub sp, sp, #16")                                   \
        TEXT("mov lr, r0") TEXT("ldr r0, [lr]") TEXT("ldm r0, {r1, r2, r3, r4, r5, r6, r7, r8, r9}") \
        TEXT("ldrd r0, r10, [lr, #4]") TEXT("ldrd r11, r12, [lr, #12]") TEXT("strd r0, r12, [sp]")                    \
        TEXT("ldr r12, [lr, #24]") TEXT("strd r11, r12, [sp, #8]") TEXT("ldr r11, [lr, #20]") TEXT("ldr lr, [lr, #28]") \
        TEXT("1:") TEXT("ldrd r0, r12, [sp]")                                                                          \
        TEXT("2:") KIND##_BEGIN                                                                                        \
        BEGIN(KIND##_INPUT, "r1", "r2") TWO(KIND##_INPUT, "r3", "r4") TWO(KIND##_INPUT, "r5", "r6")                    \
        TWO(KIND##_INPUT, "r7", "r8") LAST(KIND##_INPUT, "r9")                                                         \
        FINISH(ties, "lr") KIND##_STORE                                                                                      \
        TEXT("subs r12, r12, #16") TEXT("bgt 2b")                                                                      \
        TEXT("ldrd r0, r12, [sp, #8]") TEXT("add r10, r10, r12") TEXT("cmp r10, r0") TEXT("beq 3f")                    \
        TEXT("cmp r11, #0") TEXT("beq 1b")                                                                             \
        NEXT("r1") NEXT("r2") NEXT("r3") NEXT("r4") NEXT("r5") NEXT("r6") NEXT("r7") NEXT("r8") NEXT("r9")             \
        TEXT("b 1b")                                                                                                   \
        TEXT("3:") TEXT("add sp, sp, #16") TEXT("vpop {d8, d9, d10, d11, d12, d13, d14, d15}")                         \
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")                                                             \
        TEXT(".size " name ", . - " name) TEXT(".text"));

NINE("nnom_mve_nine_ties", WHOLE, TIES)
NINE("nnom_mve_nine_ties_part", PART, TIES)
NINE("nnom_mve_nine_relu", WHOLE, NO_TIES)
NINE("nnom_mve_nine_relu_part", PART, NO_TIES)

#define FIRST_AGAIN TEXT("ldrd r1, r2, [r4]") TEXT("add r5, r4, #8") TEXT("add r1, r1, r3") TEXT("add r2, r2, r3")
#define WHOLE_CELL(r) TEXT("vldrb.8 q0, [" r "]")
#define PART_CELL(r) TEXT("vpst") TEXT("vldrbt.8 q0, [" r "]")

/* r3: bytes to the channel; r4 cells, r5 the next of them; r6 pairs of taps but the first, r7 a last one or 0; r8 zero point. Two taps at least. */
#define ANY(name, KIND)                                                                                                \
    __asm__(TEXT(".section .text." name ", \"ax\", %progbits") TEXT(".syntax unified") TEXT(".thumb")                  \
        TEXT(".p2align 2") TEXT(".global " name) TEXT(".type " name ", %function") TEXT(".thumb_func") TEXT(name ":")  \
        TEXT("push {r4, r5, r6, r7, r8, r9, r10, lr}")                                                                 \
        TEXT("vpush {d8, d9, d10, d11, d12, d13, d14, d15}")                                                           \
        TEXT("ldrd r7, r8, [r0, #28]") TEXT("mov r9, r7") TEXT("ldr r12, [r0, #16]")                                   \
        TEXT("lsr r6, r8, #1") TEXT("sub r6, r6, #1") TEXT("and r7, r8, #1") TEXT("mov r8, r9") TEXT("ldr r3, [r0, #36]")                                               \
        TEXT("ldr r10, [r0, #8]") TEXT("ldrd r4, r0, [r0]")                                         \
        TEXT("1:") KIND##_BEGIN FIRST_AGAIN BEGIN(KIND##_CELL, "r1", "r2")                                                                            \
        TEXT("wls lr, r6, 3f")                                                                                         \
        TEXT("2:") TEXT("ldrd r1, r2, [r5], #8") TEXT("add r1, r1, r3") TEXT("add r2, r2, r3")                         \
        TWO(KIND##_CELL, "r1", "r2")                                                                                   \
        TEXT("le lr, 2b")                                                                                              \
        TEXT("3:") TEXT("cbz r7, 4f") TEXT("ldr r1, [r5]") TEXT("add r1, r1, r3") LAST(KIND##_CELL, "r1")              \
        TEXT("4:") FINISH(TIES, "r8") KIND##_STORE                                                                     \
        TEXT("add r3, r3, #16") TEXT("subs r12, r12, #16") TEXT("bgt 1b")                                              \
        TEXT("vpop {d8, d9, d10, d11, d12, d13, d14, d15}") TEXT("pop {r4, r5, r6, r7, r8, r9, r10, pc}")              \
        TEXT(".size " name ", . - " name) TEXT(".text"));

ANY("nnom_mve_any_whole", WHOLE)
ANY("nnom_mve_any_part", PART)

/* clang-format on */

void nnom_mve_any_whole(const nnom_mve_dw_run_t *run);
void nnom_mve_any_part(const nnom_mve_dw_run_t *run);

void nnom_mve_nine_ties(const nnom_mve_dw_run_t *run);
void nnom_mve_nine_ties_part(const nnom_mve_dw_run_t *run);
void nnom_mve_nine_relu(const nnom_mve_dw_run_t *run);
void nnom_mve_nine_relu_part(const nnom_mve_dw_run_t *run);

nnom_mve_dw_pixels_t *nnom_mve_dw_nine(bool ties, bool part)
{
    if (part) {
        return ties ? nnom_mve_nine_ties_part : nnom_mve_nine_relu_part;
    }
    return ties ? nnom_mve_nine_ties : nnom_mve_nine_relu;
}

void nnom_mve_dw_any(const nnom_mve_dw_run_t *run)
{
    if (run->channels % NNOM_MVE_GROUP != 0) {
        nnom_mve_any_part(run);
    } else {
        nnom_mve_any_whole(run);
    }
}

#else

#include "dw_group.h"

static void mve_nine_pixel(const nnom_mve_dw_run_t *run, int32_t from, int8_t *out, bool ties)
{
    const nnom_mve_group_t group = {run->cells, run->taps, 2, run->zero_point, ties, false};
    const uint32_t *stream = run->stream;
    for (int32_t o = 0; o < run->channels; o += NNOM_MVE_GROUP, stream += nnom_mve_group_words(run->taps, false)) {
        const int32_t left = run->channels - o;
        nnom_mve_group(&group, stream, from + o, left < NNOM_MVE_GROUP ? left : NNOM_MVE_GROUP, out + o);
    }
}

static void mve_nine_pixels(const nnom_mve_dw_run_t *run, bool ties)
{
    const int32_t advanced = (run->channels + NNOM_MVE_GROUP - 1) / NNOM_MVE_GROUP * NNOM_MVE_GROUP;
    int8_t *out = run->out;
    for (int32_t from = 0; out != run->out_end; from += run->x_step + advanced, out += run->out_step + advanced) {
        mve_nine_pixel(run, from, out, ties);
    }
}

void nnom_mve_dw_any(const nnom_mve_dw_run_t *run)
{
    mve_nine_pixel(run, run->first, run->out, true);
}

static void mve_nine_ties(const nnom_mve_dw_run_t *run)
{
    mve_nine_pixels(run, true);
}

static void mve_nine_relu(const nnom_mve_dw_run_t *run)
{
    mve_nine_pixels(run, false);
}

nnom_mve_dw_pixels_t *nnom_mve_dw_nine(bool ties, bool part)
{
    (void)part;
    return ties ? mve_nine_ties : mve_nine_relu;
}

#endif
