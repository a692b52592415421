/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dsp_rnn.h"

#include "text.h"

#ifdef NNOM_DSP_ASSEMBLY

/* clang-format off */
/* Four columns, in r2 and r12, of a unit. */
#define UNIT(w, sum)                                                                                                   \
    TEXT("sxtb16 lr, " w) TEXT("sxtb16 " w ", " w ", ror #8")                                                          \
    TEXT("smlad " sum ", lr, r2, " sum) TEXT("smlad " sum ", " w ", r12, " sum)
/* Of four units, 72 bytes: r0 the block, r1 x. */
#define FOUR_COLUMNS                                                                                                   \
    TEXT("ldrd r2, r12, [r1], #8") TEXT("ldm r0!, {r8, r9, r10, r11}")                                                 \
    UNIT("r8", "r4") UNIT("r9", "r5") UNIT("r10", "r6") UNIT("r11", "r7")

/* Stack: 0 end of x, 4 sums. */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_rnn_four")
        TEXT("push {r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("add r12, r1, r2, lsl #1") TEXT("str r12, [sp]")
        TEXT("lsr r2, r2, #2") TEXT("rsb r2, r2, #0") TEXT("and r2, r2, #3") TEXT("mov r3, #72")
        TEXT("adr r8, 2f") TEXT("mla r2, r2, r3, r8") TEXT("orr r2, r2, #1")
        TEXT("ldm r0!, {r4, r5, r6, r7}")
        TEXT("bx r2")
        TEXT(".p2align 2")
        TEXT("2:")
        FOUR_COLUMNS FOUR_COLUMNS FOUR_COLUMNS FOUR_COLUMNS
        TEXT("ldr r2, [sp]") TEXT("cmp r1, r2") TEXT("bne 2b")
        TEXT("ldr r3, [sp, #4]")
        TEXT("stm r3, {r4, r5, r6, r7}")
        TEXT("add sp, sp, #8")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_rnn_four"));

/* clang-format on */

#else

#include <string.h>

static uint32_t rnn_two(const int16_t *x)
{
    return (uint32_t)(uint16_t)x[0] | (uint32_t)(uint16_t)x[1] << 16;
}

void nnom_dsp_rnn_four(const uint32_t *block, const int16_t *x, uint32_t n, int32_t *sums)
{
    uint32_t acc[NNOM_DSP_RNN_FOUR];
    memcpy(acc, block, sizeof acc);
    block += NNOM_DSP_RNN_FOUR;
    for (uint32_t i = 0; i < n; i += 4, block += NNOM_DSP_RNN_FOUR) {
        for (uint32_t k = 0; k < NNOM_DSP_RNN_FOUR; k++) {
            acc[k] = nnom_smlad(nnom_sxtb16(block[k]), rnn_two(x + i), acc[k]);
            acc[k] = nnom_smlad(nnom_sxtb16_odd(block[k]), rnn_two(x + i + 2), acc[k]);
        }
    }
    memcpy(sums, acc, sizeof acc);
}

#endif
