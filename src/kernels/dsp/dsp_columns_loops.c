/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "columns.h"

#include "dsp_loops.h"
#include "text.h"

#ifdef NNOM_DSP_ASSEMBLY

/* clang-format off */

/* Three rows at r4, r5, r6 + r12 -> a column of the even half to r9, of the odd half to lr. */
#define COLUMN                                                                                                         \
    TEXT("ldr r0, [r4, r12]") TEXT("ldr r1, [r5, r12]") TEXT("ldr r2, [r6, r12]") TEXT("add r12, r12, r7")             \
    TEXT("pkhbt r3, r0, r1, lsl #16") TEXT("pkhtb r1, r1, r0, asr #16")                                                \
    TEXT("sxtb16 r0, r3") TEXT("sxtb16 r10, r1") TEXT("sxtb16 r11, r2") TEXT("stm r9!, {r0, r10, r11}")                \
    TEXT("sxtb16 r0, r3, ror #8") TEXT("sxtb16 r1, r1, ror #8") TEXT("sxtb16 r2, r2, ror #8")                          \
    TEXT("str.w r0, [lr], #12") TEXT("str.w r1, [lr, #-8]") TEXT("str.w r2, [lr, #-4]")

/* r0 weights, r1 columns, r2 out, r3 distance; r4, r5 sums of the first output, r6, r7 of the second. */
#define LOAD_W TEXT("ldm r0!, {r8, r9, r10}")
#define LOAD_X TEXT("ldm r1!, {r11, r12, lr}")
#define ADD(a, b)                                                                                                      \
    TEXT("smlad " a ", r11, r8, " a) TEXT("smlad " b ", r12, r9, " b)                                                  \
    TEXT("smlabb " a ", lr, r10, " a) TEXT("smlatt " b ", lr, r10, " b)
#define ADD_0 ADD("r4", "r5")
#define ADD_1 ADD("r6", "r7")
/* Starts and the first column of the weights. */
#define BEGIN TEXT("ldm r0!, {r4, r5, r8, r9, r10}")
#define FINISH TEXT("ldm r0!, {r8, r9, r10, r11, r12}")
#define FIRST(acc) SCALE(acc, "r8", "r9", "lr")
#define LAST(acc) SCALE(acc, "r10", "r11", "lr")
#define STORE(a, b) TEXT("strb " a ", [r2]") TEXT("strb " b ", [r2, #2]")
#define BACK TEXT("sub r0, r0, #64")

#define FINISH_PAIR                                                                                                    \
    FINISH FIRST("r4") FIRST("r6") LAST("r5") LAST("r7")                                                               \
    NARROW("r4", "r12") NARROW("r6", "r12") SECOND("r12") NARROW("r5", "r12") TEXT("add lr, r2, r3") NARROW("r7", "r12") \
    STORE("r4", "r5") TEXT("add r2, lr, r3") TEXT("strb r6, [lr]") TEXT("strb r7, [lr, #2]") BACK
#define PAIR_1                                                                                                         \
    BEGIN TEXT("mov r6, r4") TEXT("mov r7, r5")                                                                        \
    LOAD_X ADD_0 LOAD_X ADD_1 LOAD_W ADD_0 LOAD_X ADD_1 LOAD_W ADD_0 LOAD_X ADD_1                                      \
    TEXT("sub r1, r1, #24") FINISH_PAIR
#define PAIR_2                                                                                                         \
    BEGIN TEXT("mov r6, r4") TEXT("mov r7, r5")                                                                        \
    LOAD_X ADD_0 LOAD_X LOAD_W ADD_0 LOAD_X LOAD_W ADD_0                                                               \
    TEXT("sub r0, r0, #36") LOAD_W ADD_1 LOAD_X LOAD_W ADD_1 LOAD_X LOAD_W ADD_1                                       \
    TEXT("sub r1, r1, #12") FINISH_PAIR
#define SINGLE                                                                                                         \
    BEGIN LOAD_X ADD_0 LOAD_X LOAD_W ADD_0 LOAD_X LOAD_W ADD_0                                                         \
    FINISH FIRST("r4") LAST("r5") NARROW("r4", "r12") SECOND("r12") NARROW("r5", "r12") STORE("r4", "r5")    \
    TEXT("add r2, r2, r3") BACK

/* Stack: 0 stretch, 4 weights, 8 columns of the half, 12 their end, 16 r4 to r11 and lr. */
#define COLUMNS(name, pair)                                                                                            \
    __asm__(NNOM_DSP_FUNCTION(name)                                                                                    \
            TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}")                                                        \
            TEXT("ldr r2, [r0, #24]") TEXT("ldr lr, [r0, #28]")                                                        \
            TEXT("push {r0, r1, r2, r3}")                                                                              \
            TEXT("ldm r0, {r4, r5, r6, r7, r8, r9}")                                                                   \
            TEXT("add lr, lr, r9") TEXT("mov r12, #0")                                                                 \
            TEXT("cmp r8, #0") TEXT("beq 3f")                                                                          \
            TEXT("tst r8, #1") TEXT("it ne") TEXT("addne r8, r8, #1") TEXT("bne 2f")                                   \
            TEXT("1:") COLUMN                                                                                          \
            TEXT("2:") COLUMN                                                                                          \
            TEXT("subs r8, r8, #2") TEXT("bne 1b")                                                                     \
            TEXT("3:")                                                                                                 \
            TEXT("ldrd r12, r0, [sp]") TEXT("ldr r2, [r12, #40]")                                                      \
            TEXT("4:")                                                                                                 \
            TEXT("ldr r3, [r12, #12]") TEXT("ldr r4, [r12, #32]") TEXT("ldr r1, [sp, #8]")                             \
            TEXT("add r5, r1, r4") TEXT("str r5, [sp, #12]") TEXT("cmp r4, #0") TEXT("beq 6f")                         \
            TEXT("5:") pair                                                                                            \
            TEXT("ldr r8, [sp, #12]") TEXT("cmp r1, r8") TEXT("bne 5b")                                                \
            TEXT("ldr r12, [sp]")                                                                                      \
            TEXT("6:")                                                                                                 \
            TEXT("ldr r4, [r12, #36]") TEXT("cmp r4, #0") TEXT("beq 7f")                                               \
            SINGLE                                                                                                     \
            TEXT("ldr r12, [sp]")                                                                                      \
            TEXT("7:")                                                                                                 \
            TEXT("ldrd r5, r4, [r12, #24]") TEXT("ldr r1, [sp, #8]") TEXT("ldr r2, [r12, #40]")                        \
            TEXT("cmp r1, r5") TEXT("add r1, r1, r4") TEXT("str r1, [sp, #8]") TEXT("add r2, r2, #1")                  \
            TEXT("add r0, r0, #64")                                                                                    \
            TEXT("beq 4b")                                                                                             \
            TEXT("ldm r12, {r4, r5, r6}")                                                                              \
            TEXT("add r4, r4, #4") TEXT("add r5, r5, #4") TEXT("add r6, r6, #4") TEXT("add r2, r2, #3")                \
            TEXT("stm r12, {r4, r5, r6}") TEXT("str r2, [r12, #40]")                                                   \
            TEXT("add sp, sp, #16")                                                                                    \
            TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")                                                         \
            NNOM_DSP_END(name))
COLUMNS("nnom_dsp_columns_1", PAIR_1);
COLUMNS("nnom_dsp_columns_2", PAIR_2);

#define WIDEN_COLUMN(word, last)                                                                                       \
    TEXT("sxtb16 r2, " word) TEXT("sxtb16 r3, " word ", ror #8") TEXT("sxtb16 r4, " last)                              \
    TEXT("sadd16 r2, r2, r2") TEXT("sadd16 r3, r3, r3") TEXT("sadd16 r4, r4, r4") TEXT("stm r1!, {r2, r3, r4}")
#define WIDEN                                                                                                          \
    TEXT("ldm r0!, {r2, r3, r4, r5, r6, r7, r8}") TEXT("stm r1!, {r2, r3}") TEXT("mov r9, r4")                         \
    WIDEN_COLUMN("r9", "r7") WIDEN_COLUMN("r5", "r7, ror #8") WIDEN_COLUMN("r6", "r8")                                 \
    TEXT("ldm r0!, {r2, r3, r4, r5, r6}") TEXT("stm r1!, {r2, r3, r4, r5, r6}")
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_columns_widen")
        TEXT("push {r4, r5, r6, r7, r8, r9, r10, lr}")
        WIDEN WIDEN
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, pc}")
        NNOM_DSP_END("nnom_dsp_columns_widen"));

/* clang-format on */

#else

#include "expand.h"

static void dsp_columns_gather(const nnom_dsp_stretch_t *s)
{
    uint32_t *even = s->inside, *odd = even + s->half_bytes / 4;
    for (uint32_t i = 0; i < s->columns; i++, even += NNOM_DSP_COLUMN, odd += NNOM_DSP_COLUMN) {
        const uint32_t a = nnom_dsp_load(s->row[0] + i * s->distance), b = nnom_dsp_load(s->row[1] + i * s->distance),
                       c = nnom_dsp_load(s->row[2] + i * s->distance);
        const uint32_t first = (a & 0xffffu) | b << 16, second = a >> 16 | (b & 0xffff0000u);
        even[0] = nnom_sxtb16(first);
        even[1] = nnom_sxtb16(second);
        even[2] = nnom_sxtb16(c);
        odd[0] = nnom_sxtb16_odd(first);
        odd[1] = nnom_sxtb16_odd(second);
        odd[2] = nnom_sxtb16_odd(c);
    }
}

/* Two channels of one output, two bytes apart. */
static void dsp_columns_output(const uint32_t *weights, const uint32_t *x, int8_t *out)
{
    int32_t a = (int32_t)weights[0], b = (int32_t)weights[1];
    const uint32_t *w = weights + 2;
    for (int32_t k = 0; k < 3; k++, w += NNOM_DSP_COLUMN, x += NNOM_DSP_COLUMN) {
        a = nnom_smlabb(x[2], w[2], (int32_t)nnom_smlad(x[0], w[0], (uint32_t)a));
        b = nnom_smlatt(x[2], w[2], (int32_t)nnom_smlad(x[1], w[1], (uint32_t)b));
    }
    out[0] = nnom_dsp_output((uint32_t)a, w, w[4] & 0xffu);
    out[2] = nnom_dsp_output((uint32_t)b, w + 2, w[4] >> 8);
}

static void dsp_columns(nnom_dsp_stretch_t *s, const uint32_t *weights, uint32_t stride)
{
    dsp_columns_gather(s);
    const uint32_t outputs = s->pair_bytes / 4 / NNOM_DSP_COLUMN / stride + s->single;
    for (uint32_t half = 0; half < 2; half++, weights += NNOM_DSP_HALF) {
        const uint32_t *x = s->words + half * s->half_bytes / 4;
        for (uint32_t i = 0; i < outputs; i++, x += stride * NNOM_DSP_COLUMN) {
            dsp_columns_output(weights, x, s->out + i * s->distance + half);
        }
    }
    for (int32_t k = 0; k < 3; k++) {
        s->row[k] += 4;
    }
    s->out += 4;
}

void nnom_dsp_columns_1(nnom_dsp_stretch_t *s, const uint32_t *weights)
{
    dsp_columns(s, weights, 1);
}

void nnom_dsp_columns_2(nnom_dsp_stretch_t *s, const uint32_t *weights)
{
    dsp_columns(s, weights, 2);
}

/* Both halves, of 9 bits, doubled. */
static uint32_t dsp_columns_twice(uint32_t x)
{
    return (x & 0x7fff7fffu) << 1;
}

static void dsp_columns_widen_half(const uint32_t *narrow, uint32_t *wide)
{
    const uint32_t last[3] = {nnom_sxtb16(narrow[5]), nnom_sxtb16_odd(narrow[5]), nnom_sxtb16(narrow[6])};
    memcpy(wide, narrow, 2 * sizeof *wide);
    for (int32_t k = 0; k < 3; k++) {
        wide[2 + 3 * k] = dsp_columns_twice(nnom_sxtb16(narrow[2 + k]));
        wide[3 + 3 * k] = dsp_columns_twice(nnom_sxtb16_odd(narrow[2 + k]));
        wide[4 + 3 * k] = dsp_columns_twice(last[k]);
    }
    memcpy(wide + 11, narrow + 7, 5 * sizeof *wide);
}

void nnom_dsp_columns_widen(const uint32_t *narrow, uint32_t *wide)
{
    dsp_columns_widen_half(narrow, wide);
    dsp_columns_widen_half(narrow + NNOM_DSP_NARROW_HALF, wide + NNOM_DSP_HALF);
}

#endif
