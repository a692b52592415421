/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/**
 * Hears a WAV file on a board: samples come in blocks as from a microphone, a front end makes rows of them, a frozen model reads the rows
 * (fed, or put into its input). The front end is `ears` (ears.h), the model `net` (model.h), of int8 both.
 *
 * Reads sound.wav: 16 bits, mono; every NNOM_LISTEN_CLIP samples begin a clip, which starts from silence. Writes rows.bin and output.bin; prints
 *     samples <n>
 *     instructions features <n>    of all clips
 *     instructions network <n>
 *     stack <bytes>                the most below main
 *     clips <n>
 * or "error <text>" and ends with status 1.
 */
#include <string.h>

#include "ears.h"
#include "model.h"

#include "counter.h"
#include "print.h"
#include "semihost.h"

#ifndef NNOM_LISTEN_CLIP
#define NNOM_LISTEN_CLIP 16000
#endif

enum { BLOCK = 160, WAV_HEADER = 44 };

typedef struct {
    nnom_audio_stream_t stream;
    nnom_instance_t *model;
    uint32_t rows; /* of the clip that are in the input */
    uint64_t features;
    uint64_t network;
    uint32_t clips;
    int32_t rows_file;
    int32_t out_file;
} listener_t;

static uint32_t memory[(EARS_BYTES + 3) / 4];
static int16_t block[BLOCK];

static int fail(const char *text)
{
    board_printf("error %s\n", text);
    return 1;
}

static int begin_clip(listener_t *l)
{
    l->rows = 0;
    nnom_forget(l->model);
    return nnom_audio_start(&l->stream, &ears, memory, sizeof memory) == NNOM_OK ? 0 : fail("the front end");
}

static nnom_status_t read_row(listener_t *l, const int8_t *row)
{
    if (l->model->program->fed != 0) {
        return nnom_feed(l->model, row, 1);
    }
    int8_t *input = nnom_input_buffer(l->model, 0);
    memcpy(input + l->rows * EARS_COLUMNS, row, EARS_COLUMNS);
    l->rows++;
    return l->rows * EARS_COLUMNS == nnom_input_bytes(l->model, 0) ? nnom_run(l->model) : NNOM_MORE;
}

/* One row: into the model, and into the file. */
static int take_row(listener_t *l, const int8_t *row)
{
    const uint64_t begin = board_instructions();
    const nnom_status_t status = read_row(l, row);
    l->network += board_instructions() - begin;
    if (semihost_write(l->rows_file, row, EARS_COLUMNS) != 0) {
        return fail("rows.bin: cannot write");
    }
    if (status == NNOM_OK) {
        l->clips++;
        return semihost_write(l->out_file, nnom_output_buffer(l->model, 0), nnom_output_bytes(l->model, 0)) == 0
                   ? 0
                   : fail("output.bin: cannot write");
    }
    return status == NNOM_MORE ? 0 : fail(nnom_status_text(status));
}

static int hear(listener_t *l, const int16_t *samples, uint32_t n)
{
    while (n > 0) {
        const void *row;
        const uint64_t begin = board_instructions();
        const uint32_t taken = nnom_audio_push(&l->stream, samples, n, &row);
        l->features += board_instructions() - begin;
        samples += taken;
        n -= taken;
        if (row != NULL && take_row(l, row) != 0) {
            return 1;
        }
    }
    return 0;
}

static int hear_file(listener_t *l, int32_t file, uint32_t samples)
{
    for (uint32_t at = 0; at < samples; at += BLOCK) {
        if (at % NNOM_LISTEN_CLIP == 0 && begin_clip(l) != 0) {
            return 1;
        }
        const uint32_t n = samples - at < BLOCK ? samples - at : BLOCK;
        if (semihost_read(file, block, n * 2u) != (int32_t)(n * 2u)) {
            return fail("sound.wav ends early");
        }
        if (hear(l, block, n) != 0) {
            return 1;
        }
    }
    return 0;
}

/* Samples of the file, whose header is read; 0: it is another file. */
static uint32_t wav_samples(int32_t file)
{
    static uint8_t header[WAV_HEADER];
    if (file < 0 || semihost_read(file, header, WAV_HEADER) != WAV_HEADER || memcmp(header, "RIFF", 4) != 0 ||
        memcmp(header + 36, "data", 4) != 0 || header[22] != 1 || header[34] != 16) {
        return 0;
    }
    uint32_t bytes;
    memcpy(&bytes, header + 40, sizeof bytes);
    return bytes / 2u;
}

int main(void)
{
    static listener_t l;
    const int32_t file = semihost_open("sound.wav", SEMIHOST_READ);
    const uint32_t samples = wav_samples(file);
    l.model = net_model();
    l.rows_file = semihost_open("rows.bin", SEMIHOST_WRITE);
    l.out_file = semihost_open("output.bin", SEMIHOST_WRITE);
    if (samples == 0) {
        return fail("sound.wav: expected a WAV file of 16 bits, mono, with a header of 44 bytes");
    }
    if (l.rows_file < 0 || l.out_file < 0) {
        return fail("rows.bin or output.bin: cannot create");
    }
    const uint32_t depth = board_stack_paint();
    if (hear_file(&l, file, samples) != 0) {
        return 1;
    }
    board_printf("samples %lu\n", (unsigned long)samples);
    board_printf("instructions features %llu\n", (unsigned long long)l.features);
    board_printf("instructions network %llu\n", (unsigned long long)l.network);
    board_printf("stack %lu\n", (unsigned long)(board_stack_peak() - depth));
    board_printf("clips %lu\n", (unsigned long)l.clips);
    return 0;
}
