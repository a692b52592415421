/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "mve_loops.h"

#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__)

/*
 * In assembly: VMLADAVA adds to an even register, and eight sums with their addresses take all there are. Of pixel 0 they are r0, r2, r4,
 * r6, of pixel 1 r8, r10, r12, lr; r1 and r3 are the windows, r5 the stream, r7 the end of window 0, r9 the taps of the first chunk,
 * r11 the output.
 */
/* clang-format off */
#define TEXT(line) line "\n"

#define INPUTS TEXT("vldrb.8 q0, [r1], #16") TEXT("vldrb.8 q1, [r3], #16")
#define WEIGHTS(q) TEXT("vldrb.8 " q ", [r5], #16")
/* `op`: vmladav for the first chunk, vmladava for the others. */
#define BOTH(op, a, b, q) TEXT(op ".s8 " a ", q0, " q) TEXT(op ".s8 " b ", q1, " q)
#define PAIR_CHUNK_OF(op)                                                                                              \
    WEIGHTS("q2") WEIGHTS("q3") BOTH(op, "r0", "r8", "q2") BOTH(op, "r2", "r10", "q3")                                 \
    WEIGHTS("q2") WEIGHTS("q3") BOTH(op, "r4", "r12", "q2") BOTH(op, "r6", "lr", "q3")

#define PAIR_CHUNK(op) INPUTS PAIR_CHUNK_OF(op)

/* The first chunk of any length: what of the weights is not of this output meets zeros. */
#define PART_WEIGHTS(q, pitch) TEXT("vldrb.8 " q ", [r5]") TEXT("add r5, r5, " pitch)
#define PART_INPUTS TEXT("vpstt") TEXT("vldrbt.8 q0, [r1]") TEXT("vldrbt.8 q1, [r3]") TEXT("add r1, r1, r9") TEXT("add r3, r3, r9")
#define PAIR_PART                                                                                                      \
    PART_INPUTS                                                                                                        \
    PART_WEIGHTS("q2", "r9") PART_WEIGHTS("q3", "r9")                                                                  \
    BOTH("vmladav", "r0", "r8", "q2") BOTH("vmladav", "r2", "r10", "q3")                                               \
    PART_WEIGHTS("q2", "r9") PART_WEIGHTS("q3", "r9")                                                                  \
    BOTH("vmladav", "r4", "r12", "q2") BOTH("vmladav", "r6", "lr", "q3")
#define PAIR_FILLED PART_INPUTS PAIR_CHUNK_OF("vmladav")

#define ONE(op, a, q) TEXT(op ".s8 " a ", q0, " q)
#define SINGLE_CHUNK(op)                                                                                               \
    TEXT("vldrb.8 q0, [r1], #16")                                                                                      \
    WEIGHTS("q2") WEIGHTS("q3") ONE(op, "r0", "q2") ONE(op, "r2", "q3")                                                \
    WEIGHTS("q2") WEIGHTS("q3") ONE(op, "r4", "q2") ONE(op, "r6", "q3")
#define SINGLE_PART                                                                                                    \
    TEXT("vpst") TEXT("vldrbt.8 q0, [r1]") TEXT("add r1, r1, r9")                                                      \
    PART_WEIGHTS("q2", "r11") PART_WEIGHTS("q3", "r11") ONE("vmladav", "r0", "q2") ONE("vmladav", "r2", "q3")          \
    PART_WEIGHTS("q2", "r11") PART_WEIGHTS("q3", "r11") ONE("vmladav", "r4", "q2") ONE("vmladav", "r6", "q3")

/* Four sums as a vector: the first register goes to the lower lane. */
#define GATHER(q, a, b, c, d) TEXT("vmov " q "[2], " q "[0], " a ", " c) TEXT("vmov " q "[3], " q "[1], " b ", " d)
#define TIES(q, t) TEXT("vshr.s32 " t ", " q ", #31") TEXT("vadd.i32 " q ", " q ", " t)

#define PAIR_TIES TIES("q0", "q3") TIES("q1", "q3")
#define NO_TIES

#define PAIR_FINISH(ties)                                                                                              \
    GATHER("q0", "r0", "r2", "r4", "r6") GATHER("q1", "r8", "r10", "r12", "lr")                                        \
    TEXT("vldrw.32 q2, [r5], #16") TEXT("vadd.i32 q0, q0, q2") TEXT("vadd.i32 q1, q1, q2")                             \
    TEXT("vldrw.32 q2, [r5], #16") TEXT("vqrdmulh.s32 q0, q0, q2") TEXT("vqrdmulh.s32 q1, q1, q2")                     \
    TEXT("vldrb.s32 q2, [r5], #4")                                                                                     \
    ties                                                                                                               \
    TEXT("vrshl.s32 q0, q0, q2") TEXT("vrshl.s32 q1, q1, q2")                                                          \
    TEXT("vqmovnb.s32 q0, q0") TEXT("vqmovnt.s32 q0, q1") TEXT("vqadd.s16 q0, q0, q5") TEXT("vqmovnb.s16 q0, q0")      \
    TEXT("vstrb.16 q0, [r11, q4]") TEXT("add r11, r11, #4")

#define FUNCTION(name)                                                                                                 \
    TEXT(".section .text." name ", \"ax\", %progbits") TEXT(".syntax unified") TEXT(".thumb") TEXT(".p2align 2")       \
    TEXT(".global " name) TEXT(".type " name ", %function") TEXT(".thumb_func") TEXT(name ":")
#define FUNCTION_END(name) TEXT(".size " name ", . - " name) TEXT(".text")

/* r2: where the chunks after the first begin: at 4 if there is none, at 3 if their number r6 is odd, else at 2. */
#define ENTRY                                                                                                          \
    TEXT("adr.w r2, 4f") TEXT("cmp r6, #0") TEXT("beq 5f")                                                             \
    TEXT("adr.w r2, 3f") TEXT("tst r6, #1") TEXT("bne 5f") TEXT("adr.w r2, 2f")                                        \
    TEXT("5:") TEXT("orr r2, r2, #1")

/*
 * Stack: 0 window 0, 4 window 1, 8 stream, 12 its end, 16 x_step, 20 out_step, 24 pairs, 28 entry. q4: where the outputs go, from r11
 * on, of pixels 0 and 1 in turn; q5 zero point.
 */
#define PAIRS(name, first, ties)                                                                                       \
    __asm__(FUNCTION(name)                                                                                             \
        TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}") TEXT("vpush {d8, d9, d10, d11}") TEXT("sub sp, sp, #32")   \
        TEXT("ldrd r5, r2, [r0]") TEXT("ldrd r1, r3, [r0, #8]") TEXT("ldrd r11, r4, [r0, #16]")                        \
        TEXT("ldrd r9, r6, [r0, #24]") TEXT("ldrd r8, r10, [r0, #36]") TEXT("ldrd r12, lr, [r0, #44]")                 \
        TEXT("strd r1, r3, [sp]") TEXT("strd r5, r2, [sp, #8]") TEXT("strd r12, lr, [sp, #16]")                        \
        TEXT("vdup.16 q5, r8") TEXT("vdup.32 q4, r4")                                                                  \
        TEXT("mov r0, #0") TEXT("vidup.u32 q0, r0, #1") TEXT("mov.w r0, #0x10001") TEXT("vmla.s32 q4, q0, r0")         \
        TEXT("sub r6, r6, #1") TEXT("add r7, r1, r9") TEXT("add r7, r7, r6, lsl #4")                                   \
        ENTRY TEXT("strd r10, r2, [sp, #24]")                                                                          \
        TEXT("vctp.8 r9")                                                                                              \
        TEXT("1:") TEXT("ldrd r1, r3, [sp]")                                                                           \
        first                                                                                                          \
        TEXT("ldr pc, [sp, #28]")                                                                                      \
        TEXT("2:") PAIR_CHUNK("vmladava")                                                                              \
        TEXT("3:") PAIR_CHUNK("vmladava")                                                                              \
        TEXT("cmp r1, r7") TEXT("bne 2b")                                                                              \
        TEXT("4:") PAIR_FINISH(ties)                                                                                   \
        TEXT("ldr r0, [sp, #12]") TEXT("cmp r5, r0") TEXT("bne 1b")                                                    \
        TEXT("ldr r0, [sp, #24]") TEXT("subs r0, r0, #1") TEXT("str r0, [sp, #24]") TEXT("beq 6f")                     \
        TEXT("ldrd r1, r3, [sp]") TEXT("ldrd r2, r4, [sp, #16]") TEXT("ldr r5, [sp, #8]")                              \
        TEXT("add r1, r1, r2") TEXT("add r3, r3, r2") TEXT("strd r1, r3, [sp]")                                        \
        TEXT("add r7, r7, r2") TEXT("add r11, r11, r4") TEXT("b 1b")                                                   \
        TEXT("6:") TEXT("add sp, sp, #32") TEXT("vpop {d8, d9, d10, d11}")                                             \
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")                                                             \
        FUNCTION_END(name));

PAIRS("nnom_mve_pairs_ties", PAIR_CHUNK("vmladav"), PAIR_TIES)
PAIRS("nnom_mve_pairs_relu", PAIR_CHUNK("vmladav"), NO_TIES)
PAIRS("nnom_mve_pairs_ties_filled", PAIR_FILLED, PAIR_TIES)
PAIRS("nnom_mve_pairs_relu_filled", PAIR_FILLED, NO_TIES)
PAIRS("nnom_mve_pairs_ties_part", PAIR_PART, PAIR_TIES)

/* One chunk, whose weights are filled: both windows stay in q6 and q7. r7: end of the stream; stack as above, without the entry. */
#define ONCE(a, b, q) TEXT("vmladav.s8 " a ", q6, " q) TEXT("vmladav.s8 " b ", q7, " q)
#define PAIRS_ONCE(name, ties)                                                                                         \
    __asm__(FUNCTION(name)                                                                                             \
        TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}") TEXT("vpush {d8, d9, d10, d11, d12, d13, d14, d15}")       \
        TEXT("sub sp, sp, #32")                                                                                        \
        TEXT("ldrd r5, r7, [r0]") TEXT("ldrd r1, r3, [r0, #8]") TEXT("ldrd r11, r4, [r0, #16]")                        \
        TEXT("ldr r9, [r0, #24]") TEXT("ldrd r8, r10, [r0, #36]") TEXT("ldrd r12, lr, [r0, #44]")                      \
        TEXT("strd r1, r3, [sp]") TEXT("str r5, [sp, #8]") TEXT("strd r12, lr, [sp, #16]") TEXT("str r10, [sp, #24]")  \
        TEXT("vdup.16 q5, r8") TEXT("vdup.32 q4, r4")                                                                  \
        TEXT("mov r0, #0") TEXT("vidup.u32 q0, r0, #1") TEXT("mov.w r0, #0x10001") TEXT("vmla.s32 q4, q0, r0")         \
        TEXT("vctp.8 r9")                                                                                              \
        TEXT("1:") TEXT("vpstt") TEXT("vldrbt.8 q6, [r1]") TEXT("vldrbt.8 q7, [r3]")                                   \
        TEXT("2:") WEIGHTS("q2") WEIGHTS("q3") ONCE("r0", "r8", "q2") ONCE("r2", "r10", "q3")                          \
        WEIGHTS("q2") WEIGHTS("q3") ONCE("r4", "r12", "q2") ONCE("r6", "lr", "q3")                                     \
        PAIR_FINISH(ties)                                                                                              \
        TEXT("cmp r5, r7") TEXT("bne 2b")                                                                              \
        TEXT("ldr r0, [sp, #24]") TEXT("subs r0, r0, #1") TEXT("str r0, [sp, #24]") TEXT("beq 3f")                     \
        TEXT("ldrd r1, r3, [sp]") TEXT("ldrd r2, r4, [sp, #16]") TEXT("ldr r5, [sp, #8]")                              \
        TEXT("add r1, r1, r2") TEXT("add r3, r3, r2") TEXT("strd r1, r3, [sp]") TEXT("add r11, r11, r4") TEXT("b 1b")  \
        TEXT("3:") TEXT("add sp, sp, #32") TEXT("vpop {d8, d9, d10, d11, d12, d13, d14, d15}")                         \
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")                                                             \
        FUNCTION_END(name));

PAIRS_ONCE("nnom_mve_pairs_ties_once", PAIR_TIES)
PAIRS_ONCE("nnom_mve_pairs_relu_once", NO_TIES)

/* r3 window, r5 stream, r8 loops over two chunks, r10 end of the stream, r7 output, r11 pitch, r12 entry; q4 zero point. */
#define SINGLE(name, first)                                                                                            \
    __asm__(FUNCTION(name)                                                                                             \
        TEXT("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}") TEXT("vpush {d8, d9}")                                     \
        TEXT("ldrd r5, r10, [r0]") TEXT("ldr r3, [r0, #8]") TEXT("ldr r7, [r0, #16]")                                  \
        TEXT("ldrd r9, r6, [r0, #24]") TEXT("ldrd r11, r4, [r0, #32]") TEXT("vdup.16 q4, r4")                                \
        TEXT("lsr r8, r6, #1") TEXT("sub r6, r6, #1")                                          \
        ENTRY TEXT("mov r12, r2")                                                                                      \
        TEXT("vctp.8 r9")                                                                                              \
        TEXT("1:") TEXT("mov r1, r3") TEXT("dls lr, r8")                                                               \
        first                                                                                                          \
        TEXT("bx r12")                                                                                                 \
        TEXT("2:") SINGLE_CHUNK("vmladava")                                                                            \
        TEXT("3:") SINGLE_CHUNK("vmladava")                                                                            \
        TEXT("le lr, 2b")                                                                                              \
        TEXT("4:") GATHER("q0", "r0", "r2", "r4", "r6")                                                                \
        TEXT("vldrw.32 q2, [r5], #16") TEXT("vadd.i32 q0, q0, q2")                                                     \
        TEXT("vldrw.32 q2, [r5], #16") TEXT("vqrdmulh.s32 q0, q0, q2")                                                 \
        TEXT("vldrb.s32 q2, [r5], #4") TIES("q0", "q3") TEXT("vrshl.s32 q0, q0, q2")                                   \
        TEXT("vqmovnb.s32 q0, q0") TEXT("vqadd.s16 q0, q0, q4") TEXT("vqmovnb.s16 q0, q0")                             \
        TEXT("vstrb.32 q0, [r7], #4")                                                                                  \
        TEXT("cmp r5, r10") TEXT("bne 1b")                                                                             \
        TEXT("vpop {d8, d9}") TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")                                       \
        FUNCTION_END(name));

SINGLE("nnom_mve_single_whole", SINGLE_CHUNK("vmladav"))
SINGLE("nnom_mve_single_part", SINGLE_PART)

/* clang-format on */

void nnom_mve_single_whole(const nnom_mve_run_t *run);
void nnom_mve_single_part(const nnom_mve_run_t *run);
void nnom_mve_pairs_ties(const nnom_mve_run_t *run);
void nnom_mve_pairs_relu(const nnom_mve_run_t *run);
void nnom_mve_pairs_ties_filled(const nnom_mve_run_t *run);
void nnom_mve_pairs_relu_filled(const nnom_mve_run_t *run);
void nnom_mve_pairs_ties_part(const nnom_mve_run_t *run);
void nnom_mve_pairs_ties_once(const nnom_mve_run_t *run);
void nnom_mve_pairs_relu_once(const nnom_mve_run_t *run);

nnom_mve_pairs_t *nnom_mve_pairs(bool ties, int32_t first, int32_t pitch, int32_t chunks)
{
    if (chunks == 1 && pitch == NNOM_MVE_CHUNK) {
        return ties ? nnom_mve_pairs_ties_once : nnom_mve_pairs_relu_once;
    }
    if (first == NNOM_MVE_CHUNK) {
        return ties ? nnom_mve_pairs_ties : nnom_mve_pairs_relu;
    }
    if (pitch == NNOM_MVE_CHUNK) {
        return ties ? nnom_mve_pairs_ties_filled : nnom_mve_pairs_relu_filled;
    }
    return nnom_mve_pairs_ties_part;
}

void nnom_mve_single(const nnom_mve_run_t *run)
{
    if (run->first < NNOM_MVE_CHUNK) {
        nnom_mve_single_part(run);
    } else {
        nnom_mve_single_whole(run);
    }
}

#else

#include "blocks.h"

/* A block's four outputs of the window at x, without the zero point. */
static nnom_s32x4_t mve_block(const nnom_mve_run_t *run, const uint32_t *stream, const int8_t *x, bool ties)
{
    const uint32_t *finish = stream + nnom_mve_block_words(run->pitch, run->chunks) - NNOM_MVE_FINISH;
    const nnom_s32x4_t sums = nnom_mve_sums(stream, x, run->first, run->pitch, run->chunks, nnom_vldrw(finish));
    return nnom_mve_requantize(sums, finish + 4, ties);
}

static void mve_pairs(const nnom_mve_run_t *run, bool ties)
{
    const nnom_mve_run_t r = *run;
    const int32_t words = nnom_mve_block_words(r.pitch, r.chunks);
    const int8_t *x0 = r.x0, *x1 = r.x1;
    int8_t *out = r.out;
    for (int32_t i = 0; i < r.pairs; i++, x0 += r.x_step, x1 += r.x_step, out += r.out_step) {
        for (const uint32_t *stream = r.stream; stream != r.end; stream += words, out += 4) {
            const nnom_s32x4_t a = mve_block(run, stream, x0, ties), b = mve_block(run, stream, x1, ties);
            nnom_mve_store(out + (r.offsets & 0xffffu), a, r.zero_point, 4);
            nnom_mve_store(out + (r.offsets >> 16), b, r.zero_point, 4);
        }
    }
}

static void mve_pairs_ties(const nnom_mve_run_t *run)
{
    mve_pairs(run, true);
}

static void mve_pairs_relu(const nnom_mve_run_t *run)
{
    mve_pairs(run, false);
}

nnom_mve_pairs_t *nnom_mve_pairs(bool ties, int32_t first, int32_t pitch, int32_t chunks)
{
    (void)chunks;
    return ties || (first < NNOM_MVE_CHUNK && pitch < NNOM_MVE_CHUNK) ? mve_pairs_ties : mve_pairs_relu;
}

void nnom_mve_single(const nnom_mve_run_t *run)
{
    const int32_t words = nnom_mve_block_words(run->pitch, run->chunks);
    int8_t *out = run->out;
    for (const uint32_t *stream = run->stream; stream != run->end; stream += words, out += 4) {
        nnom_mve_store(out, mve_block(run, stream, run->x0, true), run->zero_point, 4);
    }
}

#endif
