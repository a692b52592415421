/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Features of sound: int16 samples come in as they are recorded, rows of features for a network go out. Formulas: SPEC.md, "Features
 * of sound". Every name begins with nnom_ or NNOM_. No malloc: the caller gives the memory; nothing is shared between streams but the
 * constant tables. Firmware that calls none of it links none of it.
 *
 *     nnom_audio_t audio;                         constant: tables, written into flash by Python, or made here by nnom_audio_..._make()
 *     nnom_audio_stream_t stream;                 where one microphone's sound stands
 *     nnom_audio_start(&stream, &audio, memory, sizeof memory);
 *     while (n > 0) {
 *         const void *row;
 *         uint32_t taken = nnom_audio_push(&stream, samples, n, &row);
 *         samples += taken, n -= taken;
 *         if (row != NULL) {
 *             nnom_feed(model, row, 1);
 *         }
 *     }
 */
#ifndef NNOM_AUDIO_H
#define NNOM_AUDIO_H

#include "nnom_run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The number of the structs below: a file of tables of another number does not compile. */
#define NNOM_AUDIO_ABI 1

/* ---- Streams ---- */

typedef struct nnom_audio nnom_audio_t;

/* An arithmetic: what the linker keeps of the library for a front end. The tables point to it. */
typedef struct nnom_audio_arithmetic {
    /* One row from samples [audio->window] into row [audio->columns]; work: audio->work_bytes, kept from row to row, zero at the start. */
    void (*row)(const nnom_audio_t *audio, const int16_t *samples, void *work, void *row);
} nnom_audio_arithmetic_t;

/* A front end: constant. Filled by nnom_audio_fixed_make() or nnom_audio_float_make(), or part of a file that Python wrote. */
struct nnom_audio {
    const nnom_audio_arithmetic_t *arithmetic;
    const void *tables;  /* the arithmetic's */
    uint32_t work_bytes; /* the arithmetic's, a multiple of 4 */
    uint32_t row_bytes;  /* a multiple of 4 */
    uint16_t window;     /* samples of a row */
    uint16_t step;       /* samples from a row to the next: rows overlap by window - step */
    uint16_t columns;    /* numbers of a row */
    nnom_type_t type;    /* of each: NNOM_TYPE_S8 or NNOM_TYPE_S16; of the float arithmetic also NNOM_TYPE_F32 */
};

/* Bytes that a stream of a front end needs: samples, work, a row. A file that Python wrote has the same as a macro, NAME_BYTES. */
uint32_t nnom_audio_bytes(const nnom_audio_t *audio);

/* A front end with its memory. The members are private. */
typedef struct nnom_audio_stream {
    const nnom_audio_t *audio;
    int16_t *samples;
    void *work;
    void *row;
    uint32_t held; /* samples that are here */
} nnom_audio_stream_t;

/*
 * Silence before, nothing heard. memory: `bytes` bytes of the caller, at a multiple of 4, alive as long as the stream.
 * NNOM_NULL; NNOM_TOO_SMALL for fewer than nnom_audio_bytes(); NNOM_BAD_ARGUMENT for another address. Called again: starts anew.
 */
nnom_status_t nnom_audio_start(nnom_audio_stream_t *stream, const nnom_audio_t *audio, void *memory, uint32_t bytes);

/*
 * Takes samples [n] until a row is due or none is left, and returns how many. *row: NULL, or audio->columns numbers of audio->type in the
 * stream's memory, valid until the next call. The first row is due after `window` samples, each further one after `step` more.
 */
uint32_t nnom_audio_push(nnom_audio_stream_t *stream, const int16_t *samples, uint32_t n, const void **row);

/* Rows and channels, of both arithmetics. */
typedef struct nnom_audio_frame {
    int32_t rate;     /* samples a second, 1000 to 192000 */
    int32_t window;   /* samples of a row, 16 to 4096 */
    int32_t step;     /* samples, 1 to window */
    int32_t channels; /* of the filter bank, 1 to 128: triangles on the mel scale */
    float lower;      /* Hz, where the first triangle begins, >= 0 */
    float upper;      /* Hz, where the last one ends, up to rate / 2 */
} nnom_audio_frame_t;

enum { NNOM_AUDIO_CHANNELS = 128 };

/* ---- In fixed point: the micro frontend of TensorFlow Lite Micro, to the bit ---- */

/*
 * Window, FFT in 16 bits, filter bank, noise reduction, gain control (PCAN), logarithm; then, if cepstra are asked for, their cosine
 * transform. nnom_audio_fixed_defaults() fills in what TFLM's micro_speech takes.
 */
typedef struct nnom_audio_fixed_settings {
    nnom_audio_frame_t frame; /* upper: below rate / 2 */

    bool noise_reduction;   /* an estimate of each channel's noise is subtracted */
    int32_t smoothing_bits; /* fraction bits of the estimate, 0 to 16 */
    float smoothing_even;   /* how much of each row goes into the estimate, 0 to 1: channels 0, 2, ... */
    float smoothing_odd;    /* 1, 3, ... */
    float least_signal;     /* what of a channel stays at least, 0 to 1 */

    bool pcan;         /* per-channel gain: needs noise_reduction, whose estimate it divides by */
    float strength;    /* exponent of the division, 0 to 1 */
    float offset;      /* added to the estimate before, 1 to 65536 */
    int32_t gain_bits; /* fraction bits of the gain, 18 to 30 */

    bool log;          /* natural logarithm times 2^log_shift */
    int32_t log_shift; /* 0 to 10 */
    int32_t cepstra;   /* 0: channels go out; else the first so many of their cosine transform (MFCC), up to channels */

    /* A number v goes out as floor((v * multiplier + floor(divisor / 2)) / divisor) + zero_point, saturated. */
    nnom_type_t type;   /* NNOM_TYPE_S8 or NNOM_TYPE_S16 */
    int32_t multiplier; /* 1 to 8192 */
    int32_t divisor;    /* 1 to 65535 */
    int32_t zero_point; /* within type */
} nnom_audio_fixed_settings_t;

enum { NNOM_AUDIO_GAINS = 125 };

/* Tables of the fixed arithmetic. */
typedef struct nnom_audio_fixed {
    const int16_t *window;   /* [window], Q12 */
    const int16_t *twiddles; /* [3 n / 4][2], n = 2^fft_bits / 2: exp(-2 pi i k / n), Q15 */
    const int16_t *split;    /* [n / 2][2]: exp(-pi i ((k + 1) / n + 1/2)), Q15 */
    const uint16_t *widths;  /* [channels + 1]: bins between the centres of two triangles */
    const int16_t *weights;  /* [bins][2], Q12: of the triangle that falls, and of the next, that rises */
    const int16_t *gains;    /* [NNOM_AUDIO_GAINS]; NULL: no gain control */
    const int16_t *cosines;  /* [columns][channels], Q14; NULL: no cosine transform */
    uint16_t channels;
    uint16_t first_bin;
    uint16_t smoothing[2]; /* Q14: even and odd channels */
    uint16_t least_signal; /* Q14 */
    uint8_t fft_bits;
    uint8_t smoothing_bits;
    int8_t correction_bits; /* the logarithm's argument is shifted left by so many */
    uint8_t snr_shift;
    uint8_t log_shift;
    bool noise_reduction;
    bool log;
    int32_t multiplier;
    int32_t divisor;
    int32_t zero_point;
} nnom_audio_fixed_t;

extern const nnom_audio_arithmetic_t nnom_audio_fixed_arithmetic;

/* 16 kHz, rows of 480 samples every 320, 40 channels from 125 to 7500 Hz, all stages; out: int16, as they are. */
void nnom_audio_fixed_defaults(nnom_audio_fixed_settings_t *settings);
/* NULL, or which setting is wrong and what it may be; static text. */
const char *nnom_audio_fixed_fault(const nnom_audio_fixed_settings_t *settings);
/* Bytes of tables that nnom_audio_fixed_make() makes; 0 if a setting is wrong. */
uint32_t nnom_audio_fixed_bytes(const nnom_audio_fixed_settings_t *settings);
/*
 * Makes *audio and its tables in memory: `bytes` bytes of the caller, at an address that fits pointers, alive as long as *audio.
 * Takes libm, and some time. NNOM_NULL; NNOM_BAD_ARGUMENT (nnom_audio_fixed_fault() tells, or the address); NNOM_TOO_SMALL.
 */
nnom_status_t nnom_audio_fixed_make(nnom_audio_t *audio, const nnom_audio_fixed_settings_t *settings, void *memory,
                                    uint32_t bytes);

/* ---- In float ---- */

typedef enum nnom_audio_taper { NNOM_AUDIO_HANN = 0, NNOM_AUDIO_HAMMING = 1 } nnom_audio_taper_t;

/*
 * Pre-emphasis, window, FFT, filter bank, logarithm; then, if cepstra are asked for, their cosine transform (MFCC). For cores with an FPU;
 * others compute the same, slowly. The rows are the same everywhere where the compiler does not contract (-ffp-contract=off, or -std=c99).
 * nnom_audio_float_defaults() fills in 40 channels of log energies; MLPerf Tiny's keyword spotting takes window 480, step 320, lower 20,
 * upper 4000, power 1, cepstra 10.
 */
typedef struct nnom_audio_float_settings {
    nnom_audio_frame_t frame;

    float pre_emphasis;       /* so much of the sample before is subtracted, 0 to 1 */
    nnom_audio_taper_t taper; /* the window */
    bool symmetric;           /* false: periodic, as a spectrum's window is; true: its last sample equals its first */
    float gain;               /* samples are multiplied by it, 2^-40 to 1: 2^-15 makes full scale 1 */
    int32_t power;            /* 1: magnitudes of bins are added up, 2: their squares */
    float epsilon;            /* added to each channel before the logarithm, 1e-30 to 1 */
    float log_scale;          /* times the natural logarithm ... */
    float log_offset;         /* ... and this added */
    int32_t cepstra;          /* 0: channels go out; else the first so many of their cosine transform, up to channels */

    /* float32 goes out as it is; integers as clamp(round(v / scale) + zero_point), nnom_stored() */
    nnom_type_t type; /* NNOM_TYPE_F32, NNOM_TYPE_S8 or NNOM_TYPE_S16 */
    float scale;      /* > 0 */
    int32_t zero_point;
} nnom_audio_float_settings_t;

/* Tables of the float arithmetic. */
typedef struct nnom_audio_float {
    const float *window;    /* [window], times the gain */
    const float *twiddles;  /* [3 n / 4][2], n = 2^fft_bits / 2: exp(-2 pi i k / n) */
    const float *split;     /* [n / 2][2]: exp(-pi i ((k + 1) / n + 1/2)) */
    const uint16_t *widths; /* [channels + 1]: bins between the centres of two triangles */
    const float *weights;   /* [bins]: of the triangle that falls; the next one, that rises, has 1 less that */
    const float *cosines;   /* [columns][channels]; NULL: no cosine transform */
    uint16_t channels;
    uint16_t first_bin;
    uint8_t fft_bits;
    uint8_t power;
    float pre_emphasis;
    float epsilon;
    float log_scale;
    float log_offset;
    float scale;
    int32_t zero_point;
} nnom_audio_float_t;

extern const nnom_audio_arithmetic_t nnom_audio_float_arithmetic;

/* 16 kHz, rows of 480 samples every 320, 40 channels from 20 to 8000 Hz, energies, Hann, gain 2^-15, epsilon 1e-6; out: float32. */
void nnom_audio_float_defaults(nnom_audio_float_settings_t *settings);
/* As for the fixed arithmetic. */
const char *nnom_audio_float_fault(const nnom_audio_float_settings_t *settings);
uint32_t nnom_audio_float_bytes(const nnom_audio_float_settings_t *settings);
nnom_status_t nnom_audio_float_make(nnom_audio_t *audio, const nnom_audio_float_settings_t *settings, void *memory,
                                    uint32_t bytes);

/* ---- As C: hosts only ---- */

/*
 * Writes a front end as C, its tables constant: the source (is_header false), which includes "NAME.h", or that header. write: takes one piece of
 * text, returns 0, or anything else to stop. NNOM_NULL; NNOM_BAD_ARGUMENT unless name is a C identifier of up to 47 characters; NNOM_IO.
 */
nnom_status_t nnom_audio_freeze(const nnom_audio_t *audio, const char *name, bool is_header,
                                int (*write)(void *context, const char *text, size_t bytes), void *context);

#ifdef __cplusplus
}
#endif

#endif
