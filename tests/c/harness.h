/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * What all C tests share. A suite is a list of cases; each prints "ok suite.case" or "FAIL suite.case: why". A case
 * fails by its first CHECK that does not hold, and if it leaves memory of nnom_malloc behind.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nnom.h"
#include "test_port.h"

#ifdef __SANITIZE_ADDRESS__
#define TEST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TEST_ASAN 1
#endif
#endif
#ifndef TEST_ASAN
#define TEST_ASAN 0
#endif

typedef struct test {
    const char *name;
    void (*run)(void);
} test_t;

/* An entry of a suite's list: tests/test_c.py finds the names by this word. */
#define TEST(function)                                                                                                 \
    {                                                                                                                  \
#function, function                                                                                            \
    }

extern const test_t readme2019_tests[], table2019_tests[], gates_tests[], rows_tests[], alloc_tests[], arena_tests[],
    errors_tests[], plan_tests[], tools_tests[], limits_tests[], misuse_tests[], api_tests[], states_tests[],
    wide_tests[], slide_tests[], audio_tests[], sensors_tests[], extremes_tests[], freeze_tests[];

/* True if `condition`; else the running case fails with the text, which is kept if it is the first. */
#define CHECK(condition, ...) test_result((condition) || test_fail(__FILE__, __LINE__, __VA_ARGS__))
static inline bool test_result(bool good)
{
    return good;
}
/* Returns false. */
bool test_fail(const char *file, int line, const char *format, ...);
/* Put before the texts of checks from here on: what is being tried. "" for nothing. */
void test_context(const char *format, ...);
/* True if the running case has failed. */
bool test_failed(void);

/* ---- Random numbers: the same everywhere ---- */

extern uint32_t test_seed;  /* of the command line: seed=N */
extern uint32_t test_cases; /* cases=N: configurations of a random test */

void random_seed(uint32_t seed);
uint32_t random_u32(void);
int32_t random_in(int32_t lo, int32_t hi); /* both included */
bool random_chance(int32_t percent);
float random_float(float lo, float hi);
void random_bytes(void *to, size_t bytes);

/* ---- Memory ---- */

/* Allocation number k from now on fails (1: the next one), and only that; 0: none. Returns how many there were since.
 */
uint32_t heap_fail_at(uint32_t k);
/* True if the failure asked for has happened. */
bool heap_failed(void);
uint32_t heap_blocks(void);
size_t heap_bytes(void);

/* Memory of the tests themselves, never failing, random bytes in it; all of it is freed by forget(). */
void *keep(size_t bytes);
void forget(void);

/* A block of exactly `bytes`, multiple of 16 address: between guards, or under ASan alone. Random bytes in it. */
typedef struct guarded {
    uint8_t *data;
    uint8_t *block;
    size_t bytes;
} guarded_t;
guarded_t guarded_new(size_t bytes);
/* True if the guards are as they were. */
bool guarded_intact(const guarded_t *g);
/* Frees, and returns what guarded_intact() says. */
bool guarded_free(guarded_t *g);

/* ---- Log ---- */

/* What NNoM logged since the last call of log_clear(), up to 16 KB. */
const char *log_text(void);
void log_clear(void);

#endif
