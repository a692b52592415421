/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/**
 * Runs a frozen model on a board. NNOM_RUN_MODEL is the model's name (har: har_model() is called), NNOM_RUN_HEADER its
 * header (default "model.h").
 *
 * Reads input.bin: records, each all inputs one after another (a fed model gets its input row by row); writes output.bin
 * the same way; prints
 *     instructions total <n>       the first run, without observer
 *     instructions node <i> <n>    the sum over the steps of node i, in one more run of the first record
 *     stack <bytes>                what the first run used below its caller
 *     runs <N>
 * or "error <text>" and ends with status 1.
 *
 * With NNOM_RUN_MARKS and mark.c the emulator's plugin is told what runs: the first run, and each node in one more run of the first record.
 */
#include "nnom_run.h"

#ifndef NNOM_RUN_MODEL
#error "define NNOM_RUN_MODEL as the model's name"
#endif
#ifndef NNOM_RUN_HEADER
#define NNOM_RUN_HEADER "model.h"
#endif
#include NNOM_RUN_HEADER

#include "counter.h"
#include "mark.h"
#include "print.h"
#include "semihost.h"

#ifndef NNOM_RUN_MAX_NODES
#define NNOM_RUN_MAX_NODES 512
#endif
#ifndef NNOM_RUN_ROW_BYTES /* the longest row of a fed model's input */
#define NNOM_RUN_ROW_BYTES 4096
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define GET_MODEL JOIN(NNOM_RUN_MODEL, _model)

#ifdef NNOM_RUN_MARKS
#define MARK(phase) board_mark(phase)
#else
#define MARK(phase) ((void)(phase))
#endif

enum { RECORD_OK, RECORD_END, RECORD_ERROR };
enum { MARK_NOTHING, MARK_RUN, MARK_NODE };

typedef struct {
    uint64_t total;
    uint32_t stack;
    uint32_t runs;
} result_t;

static int fail(const char *text, const char *detail)
{
    board_printf("error %s%s\n", text, detail);
    return RECORD_ERROR;
}

static uint32_t instructions(void)
{
    return (uint32_t)board_instructions();
}

static int short_file(uint32_t input, uint32_t size, int32_t got)
{
    board_printf("error input.bin: input %lu needs %lu bytes, the file has %ld left: its size must be a multiple of "
                 "the record's "
                 "size\n",
                 (unsigned long)input, (unsigned long)size, (long)got);
    return RECORD_ERROR;
}

static int read_record(nnom_instance_t *m, int32_t file)
{
    for (uint32_t i = 0; i < nnom_input_count(m); i++) {
        uint32_t size = nnom_input_bytes(m, i);
        int32_t got = semihost_read(file, nnom_input_buffer(m, i), size);
        if (got == 0 && i == 0) {
            return RECORD_END;
        }
        if (got < 0 || (uint32_t)got != size) {
            return short_file(i, size, got);
        }
    }
    return RECORD_OK;
}

static int write_record(nnom_instance_t *m, int32_t file)
{
    for (uint32_t i = 0; i < nnom_output_count(m); i++) {
        if (semihost_write(file, nnom_output_buffer(m, i), nnom_output_bytes(m, i)) != 0) {
            return fail("output.bin: cannot write", "");
        }
    }
    return RECORD_OK;
}

/*
 * `row` NULL: the whole run, else one row of a fed model. Stack and instructions cost nothing to measure: done at each run,
 * kept from the first.
 */
static nnom_status_t run_counted(nnom_instance_t *m, const void *row, result_t *result)
{
    uint32_t depth = result->runs == 0 ? board_stack_paint() : 0;
    uint64_t begin = board_instructions();
    MARK(MARK_NOTHING);
    MARK(MARK_NOTHING);
    uint64_t empty = board_instructions() - begin;
    begin = board_instructions();
    MARK(result->runs == 0 ? MARK_RUN : MARK_NOTHING);
    nnom_status_t status = row == NULL ? nnom_run(m) : nnom_feed(m, row, 1);
    MARK(MARK_NOTHING);
    uint64_t total = board_instructions() - begin - empty;
    if (result->runs == 0) {
        uint32_t stack = board_stack_peak() - depth;
        result->stack = stack > result->stack ? stack : result->stack;
        result->total += total;
    }
    return status;
}

/* With NNOM_RUN_SEQUENCE records follow one another, so that states go on; else each begins with the states at the start. */
static void begin_record(nnom_instance_t *m)
{
#ifdef NNOM_RUN_SEQUENCE
    nnom_reset(m);
#else
    nnom_forget(m);
#endif
}

/* Reads a record row by row and feeds it; while the model warms up, more are needed after the last row, too. */
static int feed_record(nnom_instance_t *m, int32_t file, result_t *result)
{
    static uint32_t row[(NNOM_RUN_ROW_BYTES + 3u) / 4u];
    const nnom_tensor_t *input = nnom_input_tensor(m, 0);
    nnom_status_t status = NNOM_MORE;
    if ((uint32_t)input->row_bytes > sizeof row) {
        return fail("a row of the input is too long", ": build with a larger NNOM_RUN_ROW_BYTES");
    }
    begin_record(m);
    for (int32_t y = 0; y < input->shape.h && status == NNOM_MORE; y++) {
        int32_t got = semihost_read(file, row, (uint32_t)input->row_bytes);
        if (got == 0 && y == 0) {
            return RECORD_END;
        }
        if (got != input->row_bytes) {
            return short_file(0, (uint32_t)input->row_bytes, got);
        }
        status = run_counted(m, row, result);
    }
    return status == NNOM_OK || status == NNOM_MORE ? RECORD_OK : fail("nnom_feed: ", nnom_status_text(status));
}

/* Reads a record and runs it; RECORD_END: there was none. */
static int run_record(nnom_instance_t *m, int32_t file, result_t *result)
{
    if (m->program->fed != 0) {
        return feed_record(m, file, result);
    }
    begin_record(m);
    int state = read_record(m, file);
    if (state != RECORD_OK) {
        return state;
    }
    nnom_status_t status = run_counted(m, NULL, result);
    return status == NNOM_OK ? RECORD_OK : fail("nnom_run: ", nnom_status_text(status));
}

static int run_file(nnom_instance_t *m, int32_t in, int32_t out, result_t *result)
{
    int state;
    while ((state = run_record(m, in, result)) == RECORD_OK) {
        result->runs++;
        state = write_record(m, out);
        if (state != RECORD_OK) {
            return state;
        }
    }
    if (state == RECORD_END && result->runs == 0) {
        return fail("input.bin is empty", "");
    }
    return state == RECORD_END ? RECORD_OK : state;
}

/* Under the observer that is set. */
static int run_first_again(nnom_instance_t *m, int32_t in)
{
    result_t unused = {0, 0, 1};
    int state = semihost_seek(in, 0) == 0 ? run_record(m, in, &unused) : RECORD_END;
    nnom_set_observer(m, NULL, NULL);
    return state == RECORD_END ? fail("input.bin: cannot read the first record again", "") : state;
}

#ifdef NNOM_RUN_MARKS
static void mark_node(void *context, const nnom_instance_t *m, uint32_t node, nnom_event_t event)
{
    (void)context;
    (void)m;
    board_mark(event == NNOM_EVENT_BEGIN ? MARK_NODE + node : MARK_NOTHING);
}
#endif

/* Last, because more runs would disturb the outputs of a model that keeps state. */
static int profile_first(nnom_instance_t *m, int32_t in, uint64_t *ticks)
{
    nnom_profile_t profile;
    nnom_profile_start(&profile, m, ticks, instructions);
    int state = run_first_again(m, in);
#ifdef NNOM_RUN_MARKS
    if (state == RECORD_OK) {
        nnom_set_observer(m, mark_node, NULL);
        state = run_first_again(m, in);
    }
#endif
    return state;
}

static void print_result(const nnom_instance_t *m, const result_t *result, const uint64_t *ticks)
{
    board_printf("instructions total %llu\n", (unsigned long long)result->total);
    for (uint32_t i = 0; i < nnom_node_count(m); i++) {
        board_printf("instructions node %lu %llu\n", (unsigned long)i, (unsigned long long)ticks[i]);
    }
    board_printf("stack %lu\n", (unsigned long)result->stack);
    board_printf("runs %lu\n", (unsigned long)result->runs);
}

static int run_all(nnom_instance_t *m)
{
    static uint64_t ticks[NNOM_RUN_MAX_NODES];
    result_t result = {0, 0, 0};
    int32_t in = semihost_open("input.bin", SEMIHOST_READ);
    if (in < 0) {
        return fail("input.bin: cannot open; put it into the directory in which the emulator is started", "");
    }
    int32_t out = semihost_open("output.bin", SEMIHOST_WRITE);
    if (out < 0) {
        return fail("output.bin: cannot create", "");
    }
    nnom_forget(m); /* states begin once: not part of a run, and not counted */
    int state = run_file(m, in, out, &result);
    if (state == RECORD_OK) {
        state = profile_first(m, in, ticks);
    }
    if (semihost_close(out) != 0 && state == RECORD_OK) {
        state = fail("output.bin: cannot close", "");
    }
    (void)semihost_close(in);
    if (state == RECORD_OK) {
        print_result(m, &result, ticks);
    }
    return state;
}

int main(void)
{
    nnom_instance_t *m = GET_MODEL();
    if (m == NULL) {
        return fail("no model", "") != RECORD_OK;
    }
    if (nnom_node_count(m) > NNOM_RUN_MAX_NODES) {
        return fail("too many nodes: build with a larger NNOM_RUN_MAX_NODES", "") != RECORD_OK;
    }
    return run_all(m) == RECORD_OK ? 0 : 1;
}
