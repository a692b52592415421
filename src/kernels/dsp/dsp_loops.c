/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dsp_loops.h"

#include "text.h"

#ifdef NNOM_DSP_ASSEMBLY

/* r0 is the stream, r1 the inputs. */
/* clang-format off */
/* Two groups of two outputs, for taps in r2 or r3. */
#define EIGHT_STEP(x, ab, a, cd, c)                                                                                    \
    TEXT("ldrd r12, lr, [r0], #8")                                                                                     \
    TEXT("smlad " ab ", r12, " x ", " ab) TEXT("sxtb16 r12, r12")                                                      \
    TEXT("smlad " cd ", lr, " x ", " cd) TEXT("sxtb16 lr, lr")                                                         \
    TEXT("smlad " a ", r12, " x ", " a) TEXT("smlad " c ", lr, " x ", " c)

#define EIGHT_TAPS                                                                                                     \
    TEXT("ldr r2, [r1], #4") TEXT("sxtb16 r3, r2, ror #8") TEXT("sxtb16 r2, r2")                                       \
    EIGHT_STEP("r2", "r4", "r5", "r6", "r7") EIGHT_STEP("r2", "r8", "r9", "r10", "r11")                                \
    EIGHT_STEP("r3", "r4", "r5", "r6", "r7") EIGHT_STEP("r3", "r8", "r9", "r10", "r11")

/* Stack: 0 end of x, 4 sums. */
__asm__(NNOM_DSP_FUNCTION("nnom_dsp_eight")
        TEXT("push {r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}")
        TEXT("ldm r3, {r4, r5, r6, r7, r8, r9, r10, r11}")
        TEXT("add r12, r1, r2")
        TEXT("str r12, [sp]")
        TEXT("tst r2, #4")
        TEXT("bne 3f")
        TEXT("2:")
        EIGHT_TAPS
        TEXT("3:")
        EIGHT_TAPS
        TEXT("ldr r12, [sp]") TEXT("cmp r1, r12") TEXT("bne 2b")
        TEXT("ldr r3, [sp, #4]")
        TEXT("stm r3, {r4, r5, r6, r7, r8, r9, r10, r11}")
        TEXT("add sp, sp, #8")
        TEXT("pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")
        NNOM_DSP_END("nnom_dsp_eight"));

/* clang-format on */

#else

#include "expand.h"

void nnom_dsp_eight(const uint32_t *weights, const int8_t *x, uint32_t n, uint32_t *sums)
{
    for (uint32_t i = 0; i < n; i += 4, x += 4, weights += 8) {
        uint32_t words[2];
        (void)nnom_dsp_expand(words, x, 4, 1);
        for (uint32_t k = 0; k < 8; k++) {
            uint32_t *pair = &sums[k % 4 * 2];
            pair[0] = nnom_smlad(weights[k], words[k / 4], pair[0]);
            pair[1] = nnom_smlad(nnom_sxtb16(weights[k]), words[k / 4], pair[1]);
        }
    }
}

#endif
