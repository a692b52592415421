/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Sliding normalisation of sensors: against sums made anew, memory to the byte, the limits of int16, what is refused. */
#include <math.h>
#include <string.h>

#include "harness.h"
#include "nnom_sensors.h"

enum { SENSOR_ROWS = 150, SENSOR_CHANNELS = 6 };

static const nnom_normaliser_settings_t plain = {
    .channels = 3, .window = 4, .deviation = true, .least = 1.0f, .type = NNOM_TYPE_F32, .scale = 1.0f};

static void random_settings(nnom_normaliser_settings_t *s)
{
    *s = plain;
    s->channels = random_in(1, SENSOR_CHANNELS);
    s->window = random_chance(20) ? 1 : random_in(1, 60);
    s->deviation = random_chance(70);
    s->least = random_float(0.1f, 100.0f);
}

/* Row y's channel c from the rows of its window. */
static double sensor_expected(const nnom_normaliser_settings_t *s, const int16_t *rows, int32_t y, int32_t c)
{
    const int32_t first = y < s->window ? 0 : y - s->window + 1, count = y - first + 1;
    double sum = 0.0, squares = 0.0;
    for (int32_t i = first; i <= y; i++) {
        const double x = rows[i * s->channels + c];
        sum += x / count;
        squares += x * x / count;
    }
    const double deviation = sqrt(squares - sum * sum > 0.0 ? squares - sum * sum : 0.0);
    const double away = rows[y * s->channels + c] - sum;
    return s->deviation ? away / (deviation > (double)s->least ? deviation : (double)s->least) : away;
}

static void normalises(void)
{
    for (uint32_t k = 0; k < test_cases / 4 + 5 && !test_failed(); k++) {
        static int16_t rows[SENSOR_ROWS * SENSOR_CHANNELS];
        nnom_normaliser_settings_t s;
        nnom_normaliser_t n;
        random_seed(test_seed + k);
        random_settings(&s);
        for (uint32_t i = 0; i < SENSOR_ROWS * SENSOR_CHANNELS; i++) {
            const bool edge = random_chance(20);
            rows[i] = (int16_t)(edge ? (random_chance(50) ? INT16_MIN : INT16_MAX) : random_in(-3000, 3000));
        }
        guarded_t memory = guarded_new(nnom_normaliser_bytes(&s));
        CHECK(nnom_normaliser_start(&n, &s, memory.data, (uint32_t)memory.bytes) == NNOM_OK, "start");
        for (int32_t y = 0; y < SENSOR_ROWS; y++) {
            const float *out = nnom_normaliser_push(&n, rows + y * s.channels);
            for (int32_t c = 0; c < s.channels; c++) {
                const double miss = (double)out[c] - sensor_expected(&s, rows, y, c);
                CHECK(fabs(miss) <= 1e-3 + 1e-6 * fabs((double)out[c]), "row %d: off by %d / 10^6", (int)y,
                      (int)(miss * 1e6));
            }
        }
        CHECK(guarded_free(&memory), "written beyond the memory");
    }
}

/* The largest window there is, all at a limit: sums are at theirs. */
static void normaliser_limits(void)
{
    nnom_normaliser_settings_t s = plain;
    nnom_normaliser_t n;
    s.channels = 1;
    s.window = 65535;
    s.type = NNOM_TYPE_S8;
    s.zero_point = 5;
    uint64_t *memory = keep(nnom_normaliser_bytes(&s));
    CHECK(nnom_normaliser_start(&n, &s, memory, nnom_normaliser_bytes(&s)) == NNOM_OK, "start");
    const int16_t low = INT16_MIN, high = INT16_MAX;
    for (int32_t i = 0; i < 65536; i++) {
        const int8_t *out = nnom_normaliser_push(&n, &low);
        CHECK(out[0] == 5, "a channel at rest: %d", out[0]);
    }
    CHECK(((const int8_t *)nnom_normaliser_push(&n, &high))[0] == 127, "the first step saturates");
}

static void normaliser_refused(void)
{
    nnom_normaliser_settings_t s = plain;
    nnom_normaliser_t n;
    const uint32_t bytes = nnom_normaliser_bytes(&s);
    uint8_t *memory = keep(bytes + 8);
    CHECK(bytes == NNOM_NORMALISER_BYTES(3u, 4u), "%u bytes", (unsigned)bytes);
    CHECK(nnom_normaliser_start(NULL, &s, memory, bytes) == NNOM_NULL, "no normaliser");
    CHECK(nnom_normaliser_start(&n, NULL, memory, bytes) == NNOM_NULL, "no settings");
    CHECK(nnom_normaliser_start(&n, &s, NULL, bytes) == NNOM_NULL, "no memory");
    CHECK(nnom_normaliser_start(&n, &s, memory + 4, bytes) == NNOM_BAD_ARGUMENT, "an address between");
    CHECK(nnom_normaliser_start(&n, &s, memory, bytes - 1) == NNOM_TOO_SMALL, "a byte too few");
    CHECK(nnom_normaliser_bytes(NULL) == 0, "NULL has a size");
    s.window = 0;
    CHECK(strcmp(nnom_normaliser_fault(&s), "window: 1 to 65535 rows") == 0, "%s", nnom_normaliser_fault(&s));
    CHECK(nnom_normaliser_start(&n, &s, memory, bytes) == NNOM_BAD_ARGUMENT && nnom_normaliser_bytes(&s) == 0,
          "no window");
}

const test_t sensors_tests[] = {TEST(normalises), TEST(normaliser_limits), TEST(normaliser_refused), {NULL, NULL}};
