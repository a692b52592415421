/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "harness.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"

enum { TEXT_BYTES = 400, MAX_BLOCKS = 4096, LOG_BYTES = 16384, GUARD = 16, GUARD_BYTE = 0xC3 };

uint32_t test_seed = 1;
uint32_t test_cases = 200;

/* ---- Cases ---- */

static char failure[TEXT_BYTES];
static char context[TEXT_BYTES / 2];

void test_context(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
}

bool test_failed(void)
{
    return failure[0] != '\0';
}

bool test_fail(const char *file, int line, const char *format, ...)
{
    if (test_failed()) {
        return false;
    }
    const char *base = strrchr(file, '/');
    const int n = snprintf(failure, sizeof failure, "%s:%d: %s ", base != NULL ? base + 1 : file, line, context);
    if (n > 0 && (size_t)n < sizeof failure) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(failure + n, sizeof failure - (size_t)n, format, arguments);
        va_end(arguments);
    }
    return false;
}

/* ---- Random numbers ---- */

static uint64_t random_state = 88172645463325252u;

void random_seed(uint32_t seed)
{
    random_state = 88172645463325252u ^ ((uint64_t)seed * 0x9E3779B97F4A7C15u);
    for (int i = 0; i < 8; i++) {
        (void)random_u32();
    }
}

uint32_t random_u32(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32);
}

int32_t random_in(int32_t lo, int32_t hi)
{
    return lo + (int32_t)(random_u32() % (uint32_t)(hi - lo + 1));
}

bool random_chance(int32_t percent)
{
    return random_in(0, 99) < percent;
}

float random_float(float lo, float hi)
{
    return lo + (hi - lo) * (float)(random_u32() >> 8) / 16777216.0f;
}

void random_bytes(void *to, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        ((uint8_t *)to)[i] = (uint8_t)random_u32();
    }
}

/* ---- The heap of NNoM ---- */

typedef struct block {
    void *memory;
    size_t bytes;
} block_t;

static block_t blocks[MAX_BLOCKS];
static uint32_t block_count;
static uint32_t allocations; /* since heap_fail_at() */
static uint32_t failing;
static bool has_failed;

uint32_t heap_fail_at(uint32_t k)
{
    const uint32_t since = allocations;
    allocations = 0;
    failing = k;
    has_failed = false;
    return since;
}

bool heap_failed(void)
{
    return has_failed;
}

uint32_t heap_blocks(void)
{
    return block_count;
}

size_t heap_bytes(void)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < block_count; i++) {
        bytes += blocks[i].bytes;
    }
    return bytes;
}

void *test_malloc(size_t bytes)
{
    allocations++;
    if (failing != 0 && allocations == failing) {
        has_failed = true;
        return NULL;
    }
    void *memory = block_count < MAX_BLOCKS ? pages_malloc(bytes) : NULL;
    if (memory != NULL) {
        memset(memory, 0xCD, bytes);
        const block_t block = {memory, bytes};
        blocks[block_count++] = block;
    }
    return memory;
}

void test_free(void *memory)
{
    uint32_t i = block_count;
    while (i > 0 && blocks[i - 1].memory != memory) {
        i--;
    }
    if (CHECK(i > 0, "a block was freed that is not allocated")) {
        memset(memory, 0xDD, blocks[i - 1].bytes);
        blocks[i - 1] = blocks[--block_count];
        pages_free(memory);
    }
}

uint32_t test_clock(void)
{
    static uint32_t now = 4294967200u; /* wraps soon */
    return now += 7;
}

/* ---- The log of NNoM ---- */

static char log_bytes[LOG_BYTES];
static size_t log_length;

void test_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(log_bytes + log_length, sizeof log_bytes - log_length, format, arguments);
    va_end(arguments);
    if (n > 0) {
        log_length += (size_t)n < sizeof log_bytes - log_length ? (size_t)n : sizeof log_bytes - log_length - 1;
    }
}

const char *log_text(void)
{
    return log_bytes;
}

void log_clear(void)
{
    log_length = 0;
    log_bytes[0] = '\0';
}

/* ---- Memory of the tests ---- */

typedef struct kept {
    struct kept *next;
    void *memory;
} kept_t;

static kept_t *all_kept;

static void *must_malloc(size_t bytes)
{
    void *memory = pages_malloc(bytes > 0 ? bytes : 1);
    if (memory == NULL) {
        (void)printf("FAIL harness: no memory for %lu bytes\n", (unsigned long)bytes);
        exit(2);
    }
    return memory;
}

void *keep(size_t bytes)
{
    kept_t *kept = must_malloc(sizeof *kept);
    kept->memory = must_malloc(bytes);
    kept->next = all_kept;
    all_kept = kept;
    random_bytes(kept->memory, bytes);
    return kept->memory;
}

void forget(void)
{
    while (all_kept != NULL) {
        kept_t *next = all_kept->next;
        pages_free(all_kept->memory);
        pages_free(all_kept);
        all_kept = next;
    }
}

/* Of either side: ASan and pages tell themselves. */
static size_t guard_bytes(void)
{
    return TEST_ASAN || pages_on() ? 0 : GUARD;
}

guarded_t guarded_new(size_t bytes)
{
    const size_t guard = guard_bytes();
    guarded_t g = {NULL, must_malloc(bytes + 2 * guard), bytes};
    memset(g.block, GUARD_BYTE, bytes + 2 * guard);
    g.data = g.block + guard;
    random_bytes(g.data, bytes);
    return g;
}

bool guarded_intact(const guarded_t *g)
{
    bool intact = true;
    for (size_t i = 0; i < guard_bytes(); i++) {
        intact = intact && g->block[i] == GUARD_BYTE && g->data[g->bytes + i] == GUARD_BYTE;
    }
    return intact;
}

bool guarded_free(guarded_t *g)
{
    const bool intact = guarded_intact(g);
    pages_free(g->block);
    g->block = NULL;
    g->data = NULL;
    return intact;
}

/* ---- Running ---- */

typedef struct suite {
    const char *name;
    const test_t *tests;
} suite_t;

static const char *running_suite, *running_test;

/* A page that cannot be touched was: the rest of the program does not run. */
static void on_fault(int number)
{
    (void)signal(number, SIG_DFL);
    (void)printf("FAIL %s.%s: %s memory beyond a block was touched\n", running_suite, running_test, context);
    (void)fflush(stdout);
    _Exit(1);
}

static bool run_test(const suite_t *suite, const test_t *test)
{
    running_suite = suite->name;
    running_test = test->name;
    failure[0] = '\0';
    context[0] = '\0';
    log_clear();
    random_seed(test_seed);
    (void)heap_fail_at(0);
    const uint32_t before = heap_blocks();
    test->run();
    forget();
    test_context("%s", "");
    CHECK(heap_blocks() == before, "%ld blocks leaked", (long)heap_blocks() - (long)before);
    if (test_failed()) {
        (void)printf("FAIL %s.%s: %s\n", suite->name, test->name, failure);
    } else {
        (void)printf("ok %s.%s\n", suite->name, test->name);
    }
    return !test_failed();
}

/* True if `argument` is "suite" or "suite.case". */
static bool names(const char *argument, const suite_t *suite, const test_t *test)
{
    const size_t n = strlen(suite->name);
    if (strncmp(argument, suite->name, n) != 0) {
        return false;
    }
    return argument[n] == '\0' || (argument[n] == '.' && strcmp(argument + n + 1, test->name) == 0);
}

static bool chosen(int argc, char **argv, const suite_t *suite, const test_t *test)
{
    bool any = false;
    for (int i = 1; i < argc; i++) {
        if (strchr(argv[i], '=') == NULL) {
            any = true;
            if (names(argv[i], suite, test)) {
                return true;
            }
        }
    }
    return !any;
}

static void read_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "seed=", 5) == 0) {
            test_seed = (uint32_t)strtoul(argv[i] + 5, NULL, 10);
        }
        if (strncmp(argv[i], "cases=", 6) == 0) {
            test_cases = (uint32_t)strtoul(argv[i] + 6, NULL, 10);
        }
        if (strcmp(argv[i], "pages=1") == 0 && !pages_begin()) {
            (void)printf("FAIL harness: there are no pages here that cannot be touched\n");
            exit(2);
        }
    }
    if (pages_on()) {
        (void)signal(SIGSEGV, on_fault);
    }
}

/* tests [suite | suite.case ...] [seed=N] [cases=N] [pages=1] */
int main(int argc, char **argv)
{
    static const suite_t suites[] = {
        {"readme2019", readme2019_tests}, {"table2019", table2019_tests},
        {"gates", gates_tests},           {"rows", rows_tests},
        {"alloc", alloc_tests},           {"arena", arena_tests},
        {"errors", errors_tests},         {"plan", plan_tests},
        {"tools", tools_tests},           {"limits", limits_tests},
        {"misuse", misuse_tests},         {"api", api_tests},
        {"states", states_tests},         {"wide", wide_tests},
        {"slide", slide_tests},           {"audio", audio_tests},
        {"sensors", sensors_tests},       {"extremes", extremes_tests},
#ifndef TEST_BOARD
        {"freeze", freeze_tests}, /* freezing needs a full C library */
#endif
    };
    uint32_t passed = 0, failed = 0;
    read_options(argc, argv);
    for (size_t s = 0; s < sizeof suites / sizeof suites[0]; s++) {
        for (const test_t *test = suites[s].tests; test->name != NULL; test++) {
            if (chosen(argc, argv, &suites[s], test)) {
                const bool good = run_test(&suites[s], test);
                passed += good;
                failed += !good;
                (void)fflush(stdout);
            }
        }
    }
    (void)printf("%lu passed, %lu failed\n", (unsigned long)passed, (unsigned long)failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
