/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Features of sound: streams, memory to the byte, silence and full scale, the same rows on every machine. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "harness.h"
#include "nnom_audio.h"

enum { AUDIO_SAMPLES = 6000, AUDIO_ROWS = 64 };

/* A front end in blocks of just its size. */
typedef struct front {
    nnom_audio_t audio;
    nnom_audio_stream_t stream;
    guarded_t tables;
    guarded_t memory;
} front_t;

static bool front_start(front_t *f)
{
    f->memory = guarded_new(nnom_audio_bytes(&f->audio));
    return CHECK(nnom_audio_start(&f->stream, &f->audio, f->memory.data, nnom_audio_bytes(&f->audio)) == NNOM_OK,
                 "start");
}

static bool front_fixed(front_t *f, const nnom_audio_fixed_settings_t *s)
{
    const uint32_t bytes = nnom_audio_fixed_bytes(s);
    CHECK(bytes > 0, "%s", nnom_audio_fixed_fault(s));
    f->tables = guarded_new(bytes);
    return CHECK(nnom_audio_fixed_make(&f->audio, s, f->tables.data, bytes) == NNOM_OK, "make") && front_start(f);
}

static void front_end(front_t *f)
{
    CHECK(guarded_free(&f->tables), "written beyond the tables");
    CHECK(guarded_free(&f->memory), "written beyond the stream's memory");
}

/* All rows of samples, pushed in pieces up to `piece`; how many. */
static uint32_t front_rows(front_t *f, const int16_t *samples, uint32_t n, uint32_t piece, int16_t *rows)
{
    uint32_t count = 0;
    while (n > 0) {
        const void *row;
        const uint32_t given = piece < n ? piece : n, taken = nnom_audio_push(&f->stream, samples, given, &row);
        samples += taken;
        n -= taken;
        for (uint32_t i = 0; row != NULL && i < f->audio.columns; i++) {
            rows[count * f->audio.columns + i] =
                f->audio.type == NNOM_TYPE_S8 ? ((const int8_t *)row)[i] : ((const int16_t *)row)[i];
        }
        count += row != NULL;
    }
    return count;
}

/* Loud and soft by turns; every value of int16 may be. */
static int16_t *audio_noise(void)
{
    int16_t *x = keep(AUDIO_SAMPLES * sizeof *x);
    for (uint32_t i = 0; i < AUDIO_SAMPLES; i++) {
        x[i] = (int16_t)(uint16_t)random_u32();
        x[i] = (int16_t)(x[i] >> (i / 700 * 3 % 16));
    }
    return x;
}

static uint32_t audio_hash(const int16_t *rows, uint32_t count)
{
    uint32_t h = 2166136261u;
    for (uint32_t i = 0; i < count; i++) {
        h = (h ^ (uint16_t)rows[i]) * 16777619u;
    }
    return h;
}

/* ---- Fixed point ---- */

/* The rows that tests/test_audio.py finds equal to those of TFLite Micro's operators. */
static void fixed_same(void)
{
    static int16_t rows[AUDIO_ROWS * 40];
    nnom_audio_fixed_settings_t s;
    front_t f;
    nnom_audio_fixed_defaults(&s);
    random_seed(1);
    const int16_t *x = audio_noise();
    if (front_fixed(&f, &s)) {
        const uint32_t count = front_rows(&f, x, AUDIO_SAMPLES, AUDIO_SAMPLES, rows);
        CHECK(count == 18, "%u rows", (unsigned)count);
        CHECK(audio_hash(rows, count * 40) == 0x9ea561f3u, "hash %08lx", (unsigned long)audio_hash(rows, count * 40));
        front_end(&f);
    }
}

static void random_fixed(nnom_audio_fixed_settings_t *s)
{
    nnom_audio_fixed_defaults(s);
    s->frame.window = random_in(16, random_chance(20) ? 2048 : 600);
    s->frame.step = random_in(s->frame.window / 4 + 1, s->frame.window);
    s->frame.channels = random_in(1, 40);
    s->frame.upper = random_float(2000.0f, 7400.0f);
    s->frame.lower = random_float(0.0f, 500.0f);
    s->noise_reduction = random_chance(70);
    s->pcan = s->noise_reduction && random_chance(70);
    s->log = random_chance(70);
    s->smoothing_bits = random_in(0, 16);
    s->gain_bits = random_in(18, 30);
    s->offset = random_float(1.0f, 1000.0f);
    s->log_shift = random_in(0, 10);
    s->cepstra = random_chance(50) ? random_in(0, s->frame.channels) : 0;
    s->type = random_chance(50) ? NNOM_TYPE_S8 : NNOM_TYPE_S16;
    s->multiplier = random_in(1, 8192);
    s->divisor = random_in(1, 65535);
    s->zero_point = random_in(-128, 127);
}

/* Samples may come one by one or all at once; nothing is touched beyond the memory; any sound, any settings: no overflow. */
static void fixed_pieces(void)
{
    for (uint32_t k = 0; k < test_cases / 4 + 2 && !test_failed(); k++) {
        static int16_t rows[2][AUDIO_SAMPLES];
        nnom_audio_fixed_settings_t s;
        front_t f;
        random_seed(test_seed + k);
        random_fixed(&s);
        const uint32_t piece = (uint32_t)random_in(1, 700), n = (uint32_t)s.frame.window + 3u * (uint32_t)s.frame.step;
        const int16_t *x = audio_noise();
        if (n > AUDIO_SAMPLES || nnom_audio_fixed_fault(&s) != NULL || !front_fixed(&f, &s)) {
            continue;
        }
        const uint32_t count = front_rows(&f, x, n, n, rows[0]);
        (void)nnom_audio_start(&f.stream, &f.audio, f.memory.data, nnom_audio_bytes(&f.audio));
        CHECK(front_rows(&f, x, n, piece, rows[1]) == count && count == 4, "%u rows", (unsigned)count);
        CHECK(memcmp(rows[0], rows[1], count * f.audio.columns * sizeof(int16_t)) == 0, "pieces of %u",
              (unsigned)piece);
        front_end(&f);
        forget();
    }
}

/* Silence is 0 in every channel, and full scale is finite: no row leaves what its channels can hold. */
static void fixed_extremes(void)
{
    static int16_t rows[AUDIO_ROWS * 40], x[AUDIO_SAMPLES];
    for (int32_t kind = 0; kind < 5; kind++) {
        nnom_audio_fixed_settings_t s;
        front_t f;
        nnom_audio_fixed_defaults(&s);
        for (int32_t i = 0; i < AUDIO_SAMPLES; i++) {
            const int32_t square = i % (2 * kind + 2) < kind ? INT16_MIN : INT16_MAX;
            x[i] = (int16_t)(kind == 0 ? 0 : kind == 4 ? INT16_MIN : square);
        }
        if (!front_fixed(&f, &s)) {
            return;
        }
        const uint32_t count = front_rows(&f, x, AUDIO_SAMPLES, 100, rows) * 40;
        for (uint32_t i = 0; i < count; i++) {
            CHECK(rows[i] >= 0 && rows[i] < (kind == 0 ? 1 : 1420), "kind %d: %d", (int)kind, rows[i]);
        }
        front_end(&f);
    }
}

/* One row of a plain front end beside sums in double: window, transform, bank, root, logarithm. */
static double fixed_expected(const int16_t *x, int32_t channel)
{
    static const double pi = 3.14159265358979323846;
    const double low = 1127.0 * log(1.0 + 125.0 / 700.0), high = 1127.0 * log(1.0 + 7500.0 / 700.0);
    const double spacing = (high - low) / 41.0, centre = low + spacing * (channel + 1);
    double sum = 0.0;
    for (int32_t bin = 5; bin < 256; bin++) {
        const double mel = 1127.0 * log(1.0 + bin * 31.25 / 700.0), away = fabs(mel - centre) / spacing;
        double re = 0.0, im = 0.0;
        for (int32_t i = 0; away < 1.0 && i < 480; i++) {
            const double y = x[i] * (0.5 - 0.5 * cos(2.0 * pi * (i + 0.5) / 480.0)) / 512.0;
            re += y * cos(2.0 * pi * bin * i / 512.0);
            im -= y * sin(2.0 * pi * bin * i / 512.0);
        }
        sum += away < 1.0 ? (re * re + im * im) * 4096.0 * (1.0 - away) : 0.0;
    }
    return 64.0 * log(8.0 * sqrt(sum));
}

static void fixed_double(void)
{
    static int16_t rows[40];
    nnom_audio_fixed_settings_t s;
    front_t f;
    nnom_audio_fixed_defaults(&s);
    s.noise_reduction = s.pcan = false;
    random_seed(test_seed);
    const int16_t *x = audio_noise();
    if (front_fixed(&f, &s)) {
        (void)front_rows(&f, x, 480, 480, rows);
        for (int32_t i = 0; i < 40; i += 3) {
            const double expected = fixed_expected(x, i);
            CHECK(fabs(rows[i] - expected) < 2.0, "channel %d: %d, not %d", (int)i, rows[i], (int)expected);
        }
        front_end(&f);
    }
}

/* ---- Float ---- */

static bool front_float(front_t *f, const nnom_audio_float_settings_t *s)
{
    const uint32_t bytes = nnom_audio_float_bytes(s);
    CHECK(bytes > 0, "%s", nnom_audio_float_fault(s));
    f->tables = guarded_new(bytes);
    return CHECK(nnom_audio_float_make(&f->audio, s, f->tables.data, bytes) == NNOM_OK, "make") && front_start(f);
}

/* log, of what the settings ask for, of channel `channel` of the row that begins at x; before: the sample before it. */
static double float_expected(const nnom_audio_float_settings_t *s, const int16_t *x, double before, int32_t channel)
{
    const double low = 1127.0 * log(1.0 + s->frame.lower / 700.0), high = 1127.0 * log(1.0 + s->frame.upper / 700.0);
    const double spacing = (high - low) / (s->frame.channels + 1), centre = low + spacing * (channel + 1);
    const double mean = s->taper == NNOM_AUDIO_HANN ? 0.5 : 0.54, turn = 2.0 * acos(-1.0);
    int32_t length = 16;
    while (length < s->frame.window) {
        length *= 2;
    }
    double sum = s->epsilon;
    for (int32_t bin = 1; bin < length / 2; bin++) {
        const double mel = 1127.0 * log(1.0 + bin * (double)s->frame.rate / length / 700.0);
        const double away = fabs(mel - centre) / spacing;
        double re = 0.0, im = 0.0;
        for (int32_t i = 0; away < 1.0 && i < s->frame.window; i++) {
            const double old = i == 0 ? before : x[i - 1];
            const double taper = mean - (1.0 - mean) * cos(turn * i / (s->frame.window - (s->symmetric ? 1 : 0)));
            const double y = (x[i] - (double)s->pre_emphasis * old) * taper * (double)s->gain;
            re += y * cos(turn * bin * i / length);
            im -= y * sin(turn * bin * i / length);
        }
        const double energy = re * re + im * im;
        sum += away < 1.0 ? (s->power == 2 ? energy : sqrt(energy)) * (1.0 - away) : 0.0;
    }
    return log(sum) * (double)s->log_scale + (double)s->log_offset;
}

static void random_float_settings(nnom_audio_float_settings_t *s)
{
    nnom_audio_float_defaults(s);
    s->frame.window = random_in(16, 400);
    s->frame.step = random_in(s->frame.window / 4 + 1, s->frame.window);
    s->frame.channels = random_in(1, 20);
    s->frame.lower = random_float(0.0f, 500.0f);
    s->frame.upper = random_chance(30) ? 8000.0f : random_float(2000.0f, 7900.0f);
    s->pre_emphasis = random_chance(50) ? random_float(0.0f, 1.0f) : 0.0f;
    s->taper = random_chance(50) ? NNOM_AUDIO_HANN : NNOM_AUDIO_HAMMING;
    s->symmetric = random_chance(50);
    s->power = random_in(1, 2);
    s->log_scale = random_float(0.1f, 10.0f);
    s->log_offset = random_float(-10.0f, 10.0f);
}

/* Two rows beside sums in double. */
static void float_double(void)
{
    for (uint32_t k = 0; k < test_cases / 10 + 2 && !test_failed(); k++) {
        static int16_t none[AUDIO_ROWS];
        nnom_audio_float_settings_t s;
        front_t f;
        random_seed(test_seed + k);
        random_float_settings(&s);
        const int16_t *x = audio_noise();
        if (!front_float(&f, &s)) {
            return;
        }
        f.audio.columns = 0; /* front_rows() stores integers */
        const uint32_t step = (uint32_t)s.frame.step;
        (void)front_rows(&f, x, f.audio.window + step, 100, none);
        for (int32_t i = 0; i < s.frame.channels; i += 5) {
            const double expected = float_expected(&s, x + step, x[step - 1], i);
            CHECK(fabs(((const float *)f.stream.work)[1 + i] - expected) < 2e-3 * (double)s.log_scale,
                  "channel %d: off by %d / 1000", (int)i,
                  (int)(1000.0 * (((const float *)f.stream.work)[1 + i] - expected)));
        }
        front_end(&f);
        forget();
    }
}

/* The same floats on every machine that computes in float. */
static void float_same(void)
{
    static int16_t rows[AUDIO_ROWS * 10];
    nnom_audio_float_settings_t s;
    front_t f;
    nnom_audio_float_defaults(&s);
    s.frame.upper = 4000.0f;
    s.power = 1;
    s.cepstra = 10;
    s.type = NNOM_TYPE_S16;
    s.scale = 1.0f / 256.0f;
    random_seed(1);
    const int16_t *x = audio_noise();
    if (front_float(&f, &s)) {
        const uint32_t count = front_rows(&f, x, AUDIO_SAMPLES, 77, rows);
        const uint32_t hash = audio_hash(rows, count * 10);
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0
        CHECK(count == 18 && hash == 0x5b120db6u, "hash %08lx", (unsigned long)hash);
#else
        CHECK(count == 18 && hash != 0, "%u rows", (unsigned)count);
#endif
        front_end(&f);
    }
}

/* Silence is the logarithm of epsilon; full scale is finite; int8 saturates. */
static void float_extremes(void)
{
    static int16_t rows[AUDIO_ROWS * 40], x[AUDIO_SAMPLES];
    for (int32_t kind = 0; kind < 4; kind++) {
        nnom_audio_float_settings_t s;
        front_t f;
        nnom_audio_float_defaults(&s);
        s.gain = kind == 3 ? 1.0f : s.gain;
        s.type = NNOM_TYPE_S8;
        s.scale = 0.125f;
        for (int32_t i = 0; i < AUDIO_SAMPLES; i++) {
            x[i] = (int16_t)(kind == 0 ? 0 : i / kind % 2 == 0 ? INT16_MIN : INT16_MAX);
        }
        if (!front_float(&f, &s)) {
            return;
        }
        const uint32_t count = front_rows(&f, x, AUDIO_SAMPLES, 100, rows) * 40;
        for (uint32_t i = 0; kind == 0 && i < count; i++) {
            CHECK(rows[i] == -111, "silence: %d", rows[i]); /* 8 ln(1e-6) */
        }
        CHECK(kind != 3 || rows[39] == 127, "full scale at gain 1: %d", rows[39]);
        front_end(&f);
    }
}

/* ---- What is refused ---- */

static void float_refused(void)
{
    nnom_audio_float_settings_t s;
    nnom_audio_t audio;
    nnom_audio_float_defaults(&s);
    const uint32_t bytes = nnom_audio_float_bytes(&s);
    uint8_t *memory = keep(bytes + 8);
    CHECK(nnom_audio_float_make(NULL, &s, memory, bytes) == NNOM_NULL, "no front end");
    CHECK(nnom_audio_float_make(&audio, NULL, memory, bytes) == NNOM_NULL, "no settings");
    CHECK(nnom_audio_float_make(&audio, &s, NULL, bytes) == NNOM_NULL, "no memory");
    CHECK(nnom_audio_float_make(&audio, &s, memory + 1, bytes) == NNOM_BAD_ARGUMENT, "an odd address");
    CHECK(nnom_audio_float_make(&audio, &s, memory, bytes - 1) == NNOM_TOO_SMALL, "a byte too few");
    CHECK(nnom_audio_float_bytes(NULL) == 0, "NULL has a size");
    s.epsilon = 0.0f;
    CHECK(strcmp(nnom_audio_float_fault(&s), "epsilon: 1e-30 to 1") == 0, "%s", nnom_audio_float_fault(&s));
    CHECK(nnom_audio_float_make(&audio, &s, memory, bytes) == NNOM_BAD_ARGUMENT, "no epsilon");
}

static void fixed_refused(void)
{
    nnom_audio_fixed_settings_t s;
    nnom_audio_t audio;
    nnom_audio_stream_t stream;
    nnom_audio_fixed_defaults(&s);
    const uint32_t bytes = nnom_audio_fixed_bytes(&s);
    uint8_t *memory = keep(bytes + 8), *place = keep(4096);
    CHECK(nnom_audio_fixed_make(NULL, &s, memory, bytes) == NNOM_NULL, "no front end");
    CHECK(nnom_audio_fixed_make(&audio, NULL, memory, bytes) == NNOM_NULL, "no settings");
    CHECK(nnom_audio_fixed_make(&audio, &s, NULL, bytes) == NNOM_NULL, "no memory");
    CHECK(nnom_audio_fixed_make(&audio, &s, memory + 1, bytes) == NNOM_BAD_ARGUMENT, "an odd address");
    CHECK(nnom_audio_fixed_make(&audio, &s, memory, bytes - 1) == NNOM_TOO_SMALL, "a byte too few");
    CHECK(nnom_audio_fixed_make(&audio, &s, memory, bytes) == NNOM_OK, "make");
    CHECK(nnom_audio_start(NULL, &audio, place, 4096) == NNOM_NULL, "no stream");
    CHECK(nnom_audio_start(&stream, NULL, place, 4096) == NNOM_NULL, "no front end");
    CHECK(nnom_audio_start(&stream, &audio, NULL, 4096) == NNOM_NULL, "no memory");
    CHECK(nnom_audio_start(&stream, &audio, place + 2, 4000) == NNOM_BAD_ARGUMENT, "an odd address");
    CHECK(nnom_audio_start(&stream, &audio, place, nnom_audio_bytes(&audio) - 1) == NNOM_TOO_SMALL, "a byte too few");
    CHECK(nnom_audio_bytes(NULL) == 0 && nnom_audio_fixed_bytes(NULL) == 0, "NULL has a size");
    s.frame.step = s.frame.window + 1;
    CHECK(strcmp(nnom_audio_fixed_fault(&s), "step: 1 to window samples") == 0, "%s", nnom_audio_fixed_fault(&s));
    CHECK(nnom_audio_fixed_bytes(&s) == 0 && nnom_audio_fixed_make(&audio, &s, memory, bytes) == NNOM_BAD_ARGUMENT,
          "a wrong step");
}

const test_t audio_tests[] = {TEST(fixed_same),    TEST(fixed_pieces), TEST(fixed_extremes), TEST(fixed_double),
                              TEST(fixed_refused), TEST(float_double), TEST(float_same),     TEST(float_extremes),
                              TEST(float_refused), {NULL, NULL}};
