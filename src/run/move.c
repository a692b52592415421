/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "move.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) && (defined(__arm__) || (defined(__riscv) && __riscv_xlen == 32))

/* Where words may lie anywhere the compiler must know it: LDRD and LDM do not read them there. */
#ifdef __ARM_FEATURE_UNALIGNED
typedef uint32_t __attribute__((may_alias, aligned(1))) move_word_t;
#else
typedef uint32_t __attribute__((may_alias)) move_word_t;
#endif

static bool move_by_words(const void *to, const void *from)
{
#ifdef __ARM_FEATURE_UNALIGNED
    (void)to;
    (void)from;
    return true;
#else
    return (((uintptr_t)to | (uintptr_t)from) & 3u) == 0;
#endif
}

/* What lies where it goes was read before: also where `to` begins below `from` and they overlap. */
static void move_upwards(void *to, const void *from, size_t bytes)
{
    uint8_t *y = to;
    const uint8_t *x = from;
    const uint8_t *end = x + bytes;
    if (move_by_words(to, from)) {
        for (; end - x >= 16; x += 16, y += 16) {
            const move_word_t *in = (const void *)x;
            move_word_t *out = (void *)y;
            const uint32_t a = in[0], b = in[1], c = in[2], d = in[3];
            out[0] = a;
            out[1] = b;
            out[2] = c;
            out[3] = d;
        }
        for (; end - x >= 4; x += 4, y += 4) {
            *(move_word_t *)(void *)y = *(const move_word_t *)(const void *)x;
        }
    }
    while (x != end) {
        *y++ = *x++;
    }
}

void nnom_move(void *to, const void *from, size_t bytes)
{
    move_upwards(to, from, bytes);
}

void nnom_move_down(void *to, const void *from, size_t bytes)
{
    move_upwards(to, from, bytes);
}

#else

void nnom_move(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
}

void nnom_move_down(void *to, const void *from, size_t bytes)
{
    memmove(to, from, bytes);
}

#endif
