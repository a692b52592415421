/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "tiles.h"

#include "dsp_loops.h"
#include "text.h"

#ifdef NNOM_DSP_ASSEMBLY

/* clang-format off */

/* Columns at r0 and at r12, three of them each, `rotate` says which bytes -> a word of each phase at r2 and at lr. */
#define HALF_ROW(rotate)                                                                                               \
    TEXT("ldr r4, [r0]") TEXT("ldr r5, [r0, r1]") TEXT("ldr r6, [r0, r1, lsl #1]")                                     \
    TEXT("ldr r7, [r12]") TEXT("ldr r8, [r12, r1]") TEXT("ldr r9, [r12, r1, lsl #1]")                                  \
    TEXT("sxtb16 r4, r4" rotate) TEXT("sxtb16 r5, r5" rotate) TEXT("sxtb16 r6, r6" rotate)                             \
    TEXT("sxtb16 r7, r7" rotate) TEXT("sxtb16 r8, r8" rotate) TEXT("sxtb16 r9, r9" rotate)                             \
    TEXT("ssub16 r4, r4, r6") TEXT("sadd16 r4, r4, r4") TEXT("sadd16 r4, r4, r4")                                      \
    TEXT("ssub16 r10, r8, r6") TEXT("sadd16 r4, r4, r10") TEXT("str r4, [lr, r3]")                                     \
    TEXT("ssub16 r11, r7, r5") TEXT("sadd16 r11, r11, r11")                                                            \
    TEXT("sadd16 r4, r10, r11") TEXT("str r4, [r2, r3, lsl #1]")                                                       \
    TEXT("ssub16 r4, r10, r11") TEXT("str r4, [lr]")                                                                   \
    TEXT("sadd16 r11, r11, r11") TEXT("ssub16 r9, r9, r7") TEXT("ssub16 r9, r9, r11") TEXT("str r9, [lr, r3, lsl #1]") \
    TEXT("sadd16 r6, r6, r6") TEXT("sadd16 r6, r6, r6") TEXT("ssub16 r8, r8, r6")                                      \
    TEXT("sadd16 r5, r5, r5") TEXT("sadd16 r5, r5, r5") TEXT("ssub16 r7, r7, r5")                                      \
    TEXT("ssub16 r4, r8, r7") TEXT("str r4, [r2, r3]")                                                                 \
    TEXT("sadd16 r8, r8, r7") TEXT("str r8, [r2], #8") TEXT("add lr, lr, #8")

/* Stack: 0 end of column 0. */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_tile_row")
        TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("add r12, r0, r1") TEXT("push {r12}")
        TEXT("add r12, r12, r1, lsl #1")
        TEXT("add lr, r2, r3") TEXT("add lr, lr, r3, lsl #1")
        TEXT("1:")
        HALF_ROW("") HALF_ROW(", ror #8")
        TEXT("add r0, r0, #4") TEXT("add r12, r12, #4")
        TEXT("ldr r10, [sp]") TEXT("cmp r0, r10") TEXT("bne 1b")
        TEXT("add sp, sp, #4")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_tile_row"));

/* Four taps, 40 bytes: r4, r5 output a of both tiles, r6, r7 output b. */
#define STEP                                                                                                           \
    TEXT("ldm r0!, {r8, r9, r10, r11}") TEXT("ldm r1!, {r2, r3, r12, lr}")                                             \
    TEXT("smlad r4, r8, r2, r4") TEXT("smlad r5, r8, r3, r5") TEXT("smlad r6, r9, r2, r6") TEXT("smlad r7, r9, r3, r7") \
    TEXT("smlad r4, r10, r12, r4") TEXT("smlad r5, r10, lr, r5") TEXT("smlad r6, r11, r12, r6") TEXT("smlad r7, r11, lr, r7")

/* 24 y -> an output, before the saturation. r0: 1 / 3, r3, r12: multiplier and constant, lr: shift. */
#define OUTPUT(y)                                                                                                      \
    TEXT("mul " y ", " y ", r0") TEXT("asr " y ", " y ", #2") SCALE(y, "r3", "r12", "r10") NARROW(y, "lr")

/* Four outputs of a tile of the phases' sums: numbers from sp on, the first at `p0`. r1: out, goes on by four pixels; r2: distance. */
#define FOUR(p0, p1, p2, p3, p4, p5)                                                                                   \
    TEXT("ldr r5, [sp, #" p0 "]") TEXT("ldr r6, [sp, #" p1 "]") TEXT("add r10, r5, r6") TEXT("sub r11, r5, r6")        \
    TEXT("ldr r7, [sp, #" p2 "]") TEXT("ldr r8, [sp, #" p3 "]") TEXT("add r5, r7, r8") TEXT("sub r6, r7, r8")          \
    TEXT("ldr r4, [sp, #" p4 "]") TEXT("ldr r9, [sp, #" p5 "]")                                                        \
    TEXT("add r4, r4, r10") TEXT("add r4, r4, r5") TEXT("add r7, r11, r6, lsl #1") TEXT("add r8, r10, r5, lsl #2")     \
    TEXT("add r9, r9, r11") TEXT("add r9, r9, r6, lsl #3")                                                             \
    OUTPUT("r4") OUTPUT("r7") OUTPUT("r8") OUTPUT("r9")                                                                \
    TEXT("strb r4, [r1]") TEXT("strb r7, [r1, r2]") TEXT("add r1, r1, r2, lsl #1")                                     \
    TEXT("strb r8, [r1]") TEXT("strb r9, [r1, r2]") TEXT("add r1, r1, r2, lsl #1")

/*
 * Stack: 0 end of a phase's weights, 4 x, 8 phase_bytes, 12 out, 16 entry, 20 where the next sums go, then the finish, 24 sums of six phases,
 * 120 r4 to r11 and lr, 156 end, 160 distance, 164 skip.
 */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_tiles")
        TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("sub sp, sp, #120")
        TEXT("str r1, [sp, #4]") TEXT("str r2, [sp, #8]") TEXT("str r3, [sp, #12]")
        TEXT("ldr r4, [sp, #164]") TEXT("mov r5, #40") TEXT("adr r6, 3f") TEXT("mla r4, r4, r5, r6") TEXT("orr r4, r4, #1")
        TEXT("str r4, [sp, #16]")
        TEXT("1:")
        TEXT("ldrd r4, r6, [r0], #8") TEXT("mov r5, r4") TEXT("mov r7, r6")
        TEXT("ldr r1, [sp, #4]") TEXT("add r3, sp, #24") TEXT("str r3, [sp, #20]")
        TEXT("2:")
        TEXT("ldr r2, [sp, #8]") TEXT("add r2, r2, r0") TEXT("str r2, [sp]") TEXT("ldr pc, [sp, #16]")
        TEXT(".p2align 2")
        TEXT("3:")
        STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP
        TEXT("ldr r2, [sp]") TEXT("cmp r0, r2") TEXT("bne 3b")
        TEXT("ldr r3, [sp, #20]") TEXT("stm r3!, {r4, r5, r6, r7}") TEXT("str r3, [sp, #20]")
        TEXT("mov r4, #0") TEXT("mov r5, #0") TEXT("mov r6, #0") TEXT("mov r7, #0")
        TEXT("add r2, sp, #120") TEXT("cmp r3, r2") TEXT("bne 2b")
        TEXT("ldr r1, [sp, #12]") TEXT("ldr r2, [sp, #160]")
        TEXT("ldrd r3, r12, [r0], #8") TEXT("ldr lr, [r0, #8]") TEXT("str r0, [sp, #20]")
        TEXT("movw r0, #0xaaab") TEXT("movt r0, #0xaaaa")
        FOUR("24", "40", "56", "72", "88", "104") FOUR("28", "44", "60", "76", "92", "108")
        TEXT("ldr r10, [sp, #20]") TEXT("ldrd r3, r12, [r10], #12") TEXT("str r10, [sp, #20]") TEXT("lsr lr, lr, #8")
        TEXT("ldr r1, [sp, #12]") TEXT("add r1, r1, #1")
        FOUR("32", "48", "64", "80", "96", "112") FOUR("36", "52", "68", "84", "100", "116")
        TEXT("ldr r0, [sp, #20]")
        TEXT("ldr r1, [sp, #12]") TEXT("ldr r2, [sp, #156]") TEXT("add r1, r1, #2") TEXT("str r1, [sp, #12]")
        TEXT("cmp r1, r2") TEXT("bne 1b")
        TEXT("add sp, sp, #120")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_tiles"));

/* clang-format on */

#else

/* The inputs of a phase, a row of the table for each. */
static int32_t dsp_tiles_input(int32_t phase, const int8_t *d, int32_t channels)
{
    static const int8_t factors[NNOM_DSP_PHASES][NNOM_DSP_TILE_COLUMNS] = {
        {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0},
        {0, 2, -1, -2, 1, 0}, {4, 0, -5, 0, 1, 0},  {0, 4, 0, -5, 0, 1},
    };
    int32_t sum = 0;
    for (int32_t k = 0; k < NNOM_DSP_TILE_COLUMNS; k++) {
        sum += factors[phase][k] * d[k * channels];
    }
    return sum;
}

void nnom_dsp_tile_row(const int8_t *from, uint32_t channels, uint32_t *to, uint32_t phase_bytes)
{
    for (uint32_t c = 0; c < channels; c += 4) {
        for (uint32_t odd = 0; odd < 2; odd++, to += 2) {
            for (int32_t phase = 0; phase < NNOM_DSP_PHASES; phase++) {
                const int32_t a = dsp_tiles_input(phase, from + c + odd, (int32_t)channels);
                const int32_t b = dsp_tiles_input(phase, from + c + odd + 2, (int32_t)channels);
                to[(uint32_t)phase * phase_bytes / 4] = ((uint32_t)a & 0xffffu) | (uint32_t)b << 16;
            }
        }
    }
}

/* 24 times the four outputs of a tile, of their phases' sums. */
static void dsp_tiles_sums(const uint32_t *m, uint32_t *y)
{
    const uint32_t s1 = m[0] + m[1], d1 = m[0] - m[1], s2 = m[2] + m[3], d2 = m[2] - m[3];
    y[0] = m[4] + s1 + s2;
    y[1] = d1 + 2u * d2;
    y[2] = s1 + 4u * s2;
    y[3] = m[5] + d1 + 8u * d2;
}

/* Output `o` of the block, of tile `t`. */
static void dsp_tiles_one(const uint32_t *stream, const uint32_t *x, uint32_t phase_bytes, uint32_t o, uint32_t t,
                          int8_t *out, uint32_t distance)
{
    uint32_t m[NNOM_DSP_PHASES], y[NNOM_DSP_TILE];
    const uint32_t *w = stream + 2 + o, *finish = stream + 2 + NNOM_DSP_PHASES * phase_bytes / 4;
    x += t;
    for (uint32_t phase = 0; phase < NNOM_DSP_PHASES; phase++) {
        m[phase] = phase == 0 ? stream[o] : 0;
        for (uint32_t k = 0; k < phase_bytes / 8; k++, w += 2, x += 2) {
            m[phase] = nnom_smlad(*w, *x, m[phase]);
        }
    }
    dsp_tiles_sums(m, y);
    for (uint32_t i = 0; i < NNOM_DSP_TILE; i++) {
        const int32_t twice = (int32_t)(y[i] * 0xaaaaaaabu) >> 2;
        out[i * distance] = nnom_dsp_output((uint32_t)twice, finish + 2 * o, finish[4] >> (8 * o) & 0xffu);
    }
}

void nnom_dsp_tiles(const uint32_t *stream, const uint32_t *x, uint32_t phase_bytes, int8_t *out, const int8_t *end,
                    uint32_t distance, uint32_t skip)
{
    (void)skip;
    for (; out != end; out += 2, stream += 7 + NNOM_DSP_PHASES * phase_bytes / 4) {
        for (uint32_t k = 0; k < 4; k++) {
            const uint32_t o = k >> 1, t = k & 1u;
            dsp_tiles_one(stream, x, phase_bytes, o, t, out + o + t * NNOM_DSP_TILE * distance, distance);
        }
    }
}

#endif
