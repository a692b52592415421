/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "tiles.h"

#include "dsp_loops.h"
#include "text.h"

#ifdef NNOM_DSP_ASSEMBLY

/* clang-format off */

/*
 * Columns at r0 and at r12, three of them each, `rotate` says which bytes -> a word of each phase at r2 and at lr. r11: 128 in both halves.
 * With NNOM_DSP_TILE_OFFSET no low half is negative, so that both halves are computed as one number.
 */
#define HALF_ROW(rotate)                                                                                               \
    TEXT("ldr r4, [r0]") TEXT("ldr r5, [r0, r1]") TEXT("ldr r6, [r0, r1, lsl #1]")                                     \
    TEXT("ldr r7, [r12]") TEXT("ldr r8, [r12, r1]") TEXT("ldr r9, [r12, r1, lsl #1]")                                  \
    TEXT("sxtab16 r4, r11, r4" rotate) TEXT("sxtab16 r5, r11, r5" rotate) TEXT("sxtab16 r6, r11, r6" rotate)           \
    TEXT("sxtab16 r7, r11, r7" rotate) TEXT("sxtab16 r8, r11, r8" rotate) TEXT("sxtab16 r9, r11, r9" rotate)           \
    TEXT("add r8, r8, #0x08000800") TEXT("add r9, r9, #0x08000800")                                                    \
    TEXT("sub r10, r8, r6") TEXT("sub r4, r4, r6") TEXT("add r4, r10, r4, lsl #2") TEXT("str r4, [lr, r3]")            \
    TEXT("sub r8, r8, r6, lsl #2") TEXT("sub r4, r7, r5") TEXT("sub r6, r9, r7") TEXT("sub r6, r6, r4, lsl #2")        \
    TEXT("str r6, [lr, r3, lsl #1]") TEXT("sub r7, r7, r5, lsl #2") TEXT("add r5, r8, r7") TEXT("sub r7, r8, r7")      \
    TEXT("str r7, [r2, r3]") TEXT("add r6, r10, r4, lsl #1") TEXT("str r6, [r2, r3, lsl #1]")                          \
    TEXT("sub r10, r10, r4, lsl #1") TEXT("str r10, [lr], #8") TEXT("str r5, [r2], #8")

/* Stack: 0 end of column 0, 4 r4 to r11 and lr, 40 count. */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_tile_row")
        TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("ldr r12, [sp, #36]") TEXT("add r12, r12, r0") TEXT("push {r12}")
        TEXT("add r12, r1, r1, lsl #1") TEXT("add r12, r12, r0")
        TEXT("add lr, r2, r3") TEXT("add lr, lr, r3, lsl #1") TEXT("mov r11, #0x00800080")
        TEXT("1:")
        HALF_ROW("") HALF_ROW(", ror #8")
        TEXT("add r0, r0, #4") TEXT("add r12, r12, #4")
        TEXT("ldr r10, [sp]") TEXT("cmp r0, r10") TEXT("bne 1b")
        TEXT("add sp, sp, #4")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_tile_row"));

/* Two words of two tiles, 40 bytes: r4, r5 output a of both tiles, r6, r7 output b. */
#define STEP_2                                                                                                         \
    TEXT("ldm r0!, {r8, r9, r10, r11}") TEXT("ldm r1!, {r2, r3, r12, lr}")                                             \
    TEXT("smlad r4, r8, r2, r4") TEXT("smlad r5, r8, r3, r5") TEXT("smlad r6, r9, r2, r6") TEXT("smlad r7, r9, r3, r7") \
    TEXT("smlad r4, r10, r12, r4") TEXT("smlad r5, r10, lr, r5") TEXT("smlad r6, r11, r12, r6") TEXT("smlad r7, r11, lr, r7")
#define UNROLLED_2 STEP_2 STEP_2 STEP_2 STEP_2 STEP_2 STEP_2 STEP_2 STEP_2 STEP_2 STEP_2 STEP_2 STEP_2

/* Four words of one tile: r4 to r7 outputs a to d. */
#define WORD(x)                                                                                                        \
    TEXT("ldm r0!, {r8, r9, r10, r11}")                                                                                \
    TEXT("smlad r4, r8, " x ", r4") TEXT("smlad r5, r9, " x ", r5")                                                    \
    TEXT("smlad r6, r10, " x ", r6") TEXT("smlad r7, r11, " x ", r7")
#define STEP_1 TEXT("ldm r1!, {r2, r3, r12, lr}") WORD("r2") WORD("r3") WORD("r12") WORD("lr")

/* 24 y -> an output, before the saturation. r2: 1 / 3, r3, r12: multiplier and constant, lr: shift. */
#define OUTPUT(y)                                                                                                      \
    TEXT("mul " y ", " y ", r2") TEXT("asr " y ", " y ", #2") SCALE(y, "r3", "r12", "r10") NARROW(y, "lr")

/* Four outputs of a tile of the phases' sums, r0: the first, moved on to those of the next. r1: out, goes on by four pixels. */
#define FOUR                                                                                                           \
    TEXT("ldr r6, [r0, #16]") TEXT("ldr r7, [r0, #32]") TEXT("ldr r8, [r0, #48]") TEXT("ldr r4, [r0, #64]")            \
    TEXT("ldr r9, [r0, #80]") TEXT("ldr r5, [r0], #4")                                                                 \
    TEXT("add r10, r5, r6") TEXT("sub r11, r5, r6") TEXT("add r5, r7, r8") TEXT("sub r6, r7, r8")                      \
    TEXT("add r4, r4, r10") TEXT("add r4, r4, r5") TEXT("add r7, r11, r6, lsl #1") TEXT("add r8, r10, r5, lsl #2")     \
    TEXT("add r9, r9, r11") TEXT("add r9, r9, r6, lsl #3")                                                             \
    OUTPUT("r4") OUTPUT("r7") OUTPUT("r8") OUTPUT("r9")                                                                \
    TEXT("ldr r5, [sp, #160]")                                                                                         \
    TEXT("strb r4, [r1]") TEXT("strb r7, [r1, r5]") TEXT("add r1, r1, r5, lsl #1")                                     \
    TEXT("strb r8, [r1]") TEXT("strb r9, [r1, r5]") TEXT("add r1, r1, r5, lsl #1")

/*
 * begin: what is done once; start: of a phase, the four sums; enter: where a phase is entered. A block has four results, two outputs of two tiles or
 * four of one: the stream says which. Stack: 0 end of a phase's weights, 4 x, 8 weight_bytes, 12 out, 16 entry, 20 where the next sums go, then
 * the finish, 24 sums of six phases, 120 r4 to r11 and lr, 156 end, 160 distance, 164 skip.
 */
#define TILES(name, begin, start, enter, steps)                                                                      \
    __asm__(NNOM_DSP_FUNCTION(name)                                                                                    \
            TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}")                                                        \
            TEXT("sub sp, sp, #120")                                                                                   \
            TEXT("str r1, [sp, #4]") TEXT("str r2, [sp, #8]") TEXT("str r3, [sp, #12]") begin                          \
            TEXT("1:")                                                                                                 \
            TEXT("ldr r1, [sp, #4]") TEXT("add r3, sp, #24") TEXT("str r3, [sp, #20]")                                 \
            TEXT("2:") start                                                                                           \
            TEXT("ldr r2, [sp, #8]") TEXT("add r2, r2, r0") TEXT("str r2, [sp]") enter                                 \
            TEXT(".p2align 2")                                                                                         \
            TEXT("3:")                                                                                                 \
            steps                                                                                                      \
            TEXT("ldr r2, [sp]") TEXT("cmp r0, r2") TEXT("bne 3b")                                                     \
            TEXT("ldr r3, [sp, #20]") TEXT("stm r3!, {r4, r5, r6, r7}") TEXT("str r3, [sp, #20]")                      \
            TEXT("add r2, sp, #120") TEXT("cmp r3, r2") TEXT("bne 2b")                                                 \
            TEXT("str r0, [sp, #20]") TEXT("add r0, sp, #24") TEXT("movw r2, #0xaaab") TEXT("movt r2, #0xaaaa")        \
            TEXT("4:")                                                                                                 \
            TEXT("ldr r1, [sp, #12]") TEXT("ldr r6, [sp, #20]") TEXT("ldm r6!, {r3, r12, lr}") TEXT("str r6, [sp, #20]") \
            TEXT("add r6, r1, #1") TEXT("str r6, [sp, #12]")                                                           \
            TEXT("5:")                                                                                                 \
            FOUR                                                                                                       \
            TEXT("subs lr, lr, #256") TEXT("bpl 5b")                                                                   \
            TEXT("add r6, sp, #40") TEXT("cmp r0, r6") TEXT("bne 4b")                                                  \
            TEXT("ldr r1, [sp, #12]") TEXT("ldr r2, [sp, #156]") TEXT("ldr r0, [sp, #20]")                             \
            TEXT("cmp r1, r2") TEXT("bne 1b")                                                                          \
            TEXT("add sp, sp, #120")                                                                                   \
            TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")                                                         \
            NNOM_DSP_END(name))

#define ENTER_2                                                                                                        \
    TEXT("ldr r4, [sp, #164]") TEXT("mov r5, #40") TEXT("adr r6, 3f") TEXT("mla r4, r4, r5, r6") TEXT("orr r4, r4, #1") \
    TEXT("str r4, [sp, #16]")
TILES("nnom_dsp_tiles", ENTER_2, TEXT("ldrd r4, r6, [r0], #8") TEXT("mov r5, r4") TEXT("mov r7, r6"),
      TEXT("ldr pc, [sp, #16]"), UNROLLED_2);
TILES("nnom_dsp_tile", "", TEXT("ldm r0!, {r4, r5, r6, r7}"), "", STEP_1 STEP_1 STEP_1);

/* clang-format on */

#else

/* The inputs of a phase, a row of the table for each. */
static int32_t dsp_tiles_input(int32_t phase, const int8_t *d, int32_t channels)
{
    static const int8_t factors[NNOM_DSP_PHASES][NNOM_DSP_TILE_COLUMNS] = {
        {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0},
        {0, 2, -1, -2, 1, 0}, {4, 0, -5, 0, 1, 0},  {0, 4, 0, -5, 0, 1},
    };
    int32_t sum = nnom_dsp_tile_offset(phase);
    for (int32_t k = 0; k < NNOM_DSP_TILE_COLUMNS; k++) {
        sum += factors[phase][k] * d[k * channels];
    }
    return sum;
}

void nnom_dsp_tile_row(const int8_t *from, uint32_t channels, uint32_t *to, uint32_t phase_bytes, uint32_t count)
{
    for (uint32_t c = 0; c < count; c += 4) {
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

/*
 * Output `o` of a block of `outputs`, of one of its tiles: x, its words, `tiles` apart. weights, finish: of the block.
 */
static void dsp_tiles_one(const uint32_t *block, uint32_t outputs, const uint32_t *x, uint32_t weight_bytes, uint32_t o,
                          int8_t *out, uint32_t distance)
{
    const uint32_t tiles = 4 / outputs;
    uint32_t m[NNOM_DSP_PHASES], y[NNOM_DSP_TILE];
    const uint32_t *w = block + o;
    for (uint32_t phase = 0; phase < NNOM_DSP_PHASES; phase++, w += outputs) {
        m[phase] = *w;
        for (uint32_t k = 0; k < weight_bytes / 4 / outputs; k++, x += tiles) {
            w += outputs;
            m[phase] = nnom_smlad(*w, *x, m[phase]);
        }
    }
    dsp_tiles_sums(m, y);
    const uint32_t *finish = w - o + 3 * o;
    for (uint32_t i = 0; i < NNOM_DSP_TILE; i++) {
        const int32_t twice = (int32_t)(y[i] * 0xaaaaaaabu) >> 2;
        out[i * distance] = nnom_dsp_output((uint32_t)twice, finish, finish[2] & 0xffu);
    }
}

static void dsp_tiles_in_c(const uint32_t *stream, uint32_t outputs, const uint32_t *x, uint32_t weight_bytes,
                           int8_t *out, const int8_t *end, uint32_t distance)
{
    const uint32_t words = nnom_dsp_tiles_words((int32_t)outputs, weight_bytes);
    for (; out != end; out += outputs, stream += words) {
        for (uint32_t k = 0; k < 4; k++) {
            const uint32_t o = k % outputs, t = k / outputs;
            dsp_tiles_one(stream, outputs, x + t, weight_bytes, o, out + o + t * NNOM_DSP_TILE * distance, distance);
        }
    }
}

void nnom_dsp_tiles(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                    uint32_t distance, uint32_t skip)
{
    (void)skip;
    dsp_tiles_in_c(stream, 2, x, weight_bytes, out, end, distance);
}

void nnom_dsp_tile(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                   uint32_t distance, uint32_t skip)
{
    (void)skip;
    dsp_tiles_in_c(stream, 4, x, weight_bytes, out, end, distance);
}

#endif
