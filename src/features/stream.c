/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Framing: samples as they come, a row when its window is full. */
#include <string.h>

#include "nnom_audio.h"

static uint32_t stream_samples_bytes(const nnom_audio_t *audio)
{
    return (audio->window * 2u + 3u) & ~3u;
}

uint32_t nnom_audio_bytes(const nnom_audio_t *audio)
{
    return audio == NULL ? 0 : stream_samples_bytes(audio) + audio->work_bytes + audio->row_bytes;
}

nnom_status_t nnom_audio_start(nnom_audio_stream_t *stream, const nnom_audio_t *audio, void *memory, uint32_t bytes)
{
    if (stream == NULL || audio == NULL || memory == NULL) {
        return NNOM_NULL;
    }
    if ((uintptr_t)memory % 4u != 0) {
        return NNOM_BAD_ARGUMENT;
    }
    if (bytes < nnom_audio_bytes(audio)) {
        return NNOM_TOO_SMALL;
    }
    uint8_t *at = memory;
    stream->audio = audio;
    stream->samples = memory;
    stream->work = at + stream_samples_bytes(audio);
    stream->row = at + stream_samples_bytes(audio) + audio->work_bytes;
    stream->held = 0;
    memset(memory, 0, nnom_audio_bytes(audio));
    return NNOM_OK;
}

uint32_t nnom_audio_push(nnom_audio_stream_t *stream, const int16_t *samples, uint32_t n, const void **row)
{
    const nnom_audio_t *audio = stream->audio;
    const uint32_t room = audio->window - stream->held;
    const uint32_t taken = n < room ? n : room;
    if (taken > 0) {
        memcpy(stream->samples + stream->held, samples, taken * sizeof *samples);
    }
    stream->held += taken;
    *row = NULL;
    if (stream->held == audio->window) {
        audio->arithmetic->row(audio, stream->samples, stream->work, stream->row);
        stream->held = (uint32_t)audio->window - audio->step;
        memmove(stream->samples, stream->samples + audio->step, stream->held * sizeof *samples);
        *row = stream->row;
    }
    return taken;
}
