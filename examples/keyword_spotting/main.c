/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Listening without end, sample by sample: 10 ms of sound at a time go into the front end, its rows into the network, an answer comes each second. The sound
 * is made here, as a microphone's driver would hand it over. The same program runs on a computer and on a board: make examples.
 */
#include <stdio.h>

#include "ears.h"
#include "model.h"

enum { RATE = 16000, BLOCK = 160 };

static const char *const classes[KEYWORD_SPOTTING_OUTPUT_COUNT] = {"rising", "falling", "warble", "other"};
static uint32_t memory[(EARS_BYTES + 3) / 4];
static nnom_audio_stream_t stream;

/* A block of a triangle wave between 0.1 and 0.7 s, whose pitch goes from `from` to `to` Hz; phase: in turns times 2^32. */
static void whistle(int16_t *block, int32_t start, int32_t from, int32_t to, uint32_t *phase)
{
    for (int32_t i = 0; i < BLOCK; i++) {
        const int32_t t = start + i - RATE / 10, length = RATE * 6 / 10;
        const int32_t hertz = from + (to - from) * (t < 0 ? 0 : t < length ? t : length) / length;
        *phase += (uint32_t)hertz * 268435u; /* 2^32 / 16000 */
        const int32_t ramp = (int32_t)(*phase >> 16) - 32768;
        const int32_t triangle = (ramp < 0 ? -ramp : ramp) - 16384;
        block[i] = (int16_t)(t < 0 || t >= length ? 0 : triangle / 2);
    }
}

/* What a driver would call with each block. NNOM_OK: a second is over, and the output holds the answer. */
static nnom_status_t hear(const int16_t *samples, uint32_t n)
{
    nnom_status_t status = NNOM_MORE;
    while (n > 0 && status == NNOM_MORE) {
        const void *row;
        const uint32_t taken = nnom_audio_push(&stream, samples, n, &row);
        samples += taken;
        n -= taken;
        if (row != NULL) {
            status = keyword_spotting_feed(row, 1);
        }
    }
    return status;
}

static void print_answer(const char *what)
{
    const int8_t *output = keyword_spotting_output();
    int best = 0;
    for (int i = 1; i < KEYWORD_SPOTTING_OUTPUT_COUNT; i++) {
        best = output[i] > output[best] ? i : best;
    }
    printf("%s: %s, %d %%\n", what, classes[best], (int)(100.0f * keyword_spotting_dequantize_output(output[best])));
}

static int listen(const char *what, int32_t from, int32_t to)
{
    int16_t block[BLOCK];
    uint32_t phase = 0;
    nnom_status_t status = nnom_audio_start(&stream, &ears, memory, sizeof memory);
    keyword_spotting_reset();
    status = status == NNOM_OK ? NNOM_MORE : status;
    for (int32_t at = 0; at < RATE && status == NNOM_MORE; at += BLOCK) {
        whistle(block, at, from, to, &phase);
        status = hear(block, BLOCK);
    }
    if (status != NNOM_OK) {
        printf("%s: %s\n", what, nnom_status_text(status));
        return 1;
    }
    print_answer(what);
    return 0;
}

int main(void)
{
    if (keyword_spotting_selftest() != NNOM_OK) {
        printf("self test failed: this build does not compute what the converter computed\n");
        return 1;
    }
    return listen("a whistle up", 500, 1200) + listen("a whistle down", 1200, 500);
}
