/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * A plugin of qemu that counts what a board executes, by block of instructions and by phase of the program:
 *
 *     qemu-system-arm ... -plugin tally.so,out=FILE,mark=ADDRESS:SIZE,marks=ADDRESS:COUNT,flash=ADDRESS:SIZE
 *
 * mark: the code of board_mark(); marks: its array. A store of that function to marks[p] begins phase p. Phase 0 is not counted.
 * flash: reads there are counted, too, one for each FLASH_LINE that is not the one read before.
 * FILE gets, when the emulator ends, lines of decimal numbers:
 *
 *     block <phase> <address> <instructions in it> <executions> <executions that went on elsewhere than behind it>
 *     flash <phase> <address of the instruction that reads> <lines read>
 *
 * A block that was translated twice has two lines. qemu does not package the header of its plugins, so what is used of
 * it is declared here; QEMU_PLUGIN_API is the number of its interface, 1 before qemu 9, then 2.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef QEMU_PLUGIN_API
#define QEMU_PLUGIN_API 1
#endif
#define EXPORTED __attribute__((visibility("default")))

/* ---- qemu's interface ---- */

struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { NO_REGISTERS = 0 };
enum { MEMORY_READ = 1, MEMORY_WRITE = 2 };

typedef void (*on_translation_t)(uint64_t id, struct qemu_plugin_tb *block);
typedef void (*on_block_t)(unsigned int cpu, void *user);
typedef void (*on_memory_t)(unsigned int cpu, uint32_t info, uint64_t address, void *user);
typedef void (*on_exit_t)(uint64_t id, void *user);

extern void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, on_translation_t call);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, on_block_t call, int registers,
                                                 void *user);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *instruction, on_memory_t call, int registers,
                                             int direction, void *user);
extern void qemu_plugin_register_atexit_cb(uint64_t id, on_exit_t call, void *user);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t i);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);

EXPORTED extern int qemu_plugin_version;
int qemu_plugin_version = QEMU_PLUGIN_API;
EXPORTED int qemu_plugin_install(uint64_t id, const void *info, int count, char **arguments);

/* ---- What is counted ---- */

enum { FLASH_LINE = 8 };

typedef struct {
    uint64_t first;
    uint64_t size;
} range_t;

/* A translated block, or one instruction that reads memory. Lives until the emulator ends. */
typedef struct counted {
    struct counted *next;
    uint64_t address;
    uint64_t end;  /* address behind it */
    uint64_t size; /* instructions; of a reader 0 */
    uint64_t *runs;
    uint64_t *jumps;
} counted_t;

static struct {
    range_t mark, marks, flash;
    const char *path;
    counted_t *all;
    counted_t *before; /* the block executed last */
    uint64_t phase;
    uint64_t line; /* of flash, read last */
} tally;

static bool range_holds(const range_t *range, uint64_t address)
{
    return address - range->first < range->size;
}

/* NULL when memory is short: then the file that Python expects is not written. */
static counted_t *counted_new(uint64_t address, uint64_t end, uint64_t size)
{
    counted_t *made = calloc(1, sizeof *made);
    uint64_t *counts = calloc((size_t)tally.marks.size * 2, sizeof *counts);
    if (made == NULL || counts == NULL) {
        fprintf(stderr, "tally: out of memory\n");
        exit(1);
    }
    *made = (counted_t){tally.all, address, end, size, counts, counts + tally.marks.size};
    tally.all = made;
    return made;
}

static void on_block(unsigned int cpu, void *user)
{
    counted_t *block = user;
    (void)cpu;
    if (tally.before != NULL && tally.before->end != block->address) {
        tally.before->jumps[tally.phase]++;
    }
    tally.before = block;
    block->runs[tally.phase]++;
}

static void on_read(unsigned int cpu, uint32_t info, uint64_t address, void *user)
{
    counted_t *reader = user;
    (void)cpu;
    (void)info;
    if (tally.phase != 0 && range_holds(&tally.flash, address) && address / FLASH_LINE != tally.line) {
        tally.line = address / FLASH_LINE;
        reader->runs[tally.phase]++;
    }
}

static void on_mark(unsigned int cpu, uint32_t info, uint64_t address, void *user)
{
    (void)cpu;
    (void)info;
    (void)user;
    if (range_holds(&tally.marks, address)) {
        tally.phase = address - tally.marks.first;
    }
}

static void on_translation(uint64_t id, struct qemu_plugin_tb *block)
{
    const size_t size = qemu_plugin_tb_n_insns(block);
    uint64_t end = qemu_plugin_tb_vaddr(block);
    (void)id;
    for (size_t i = 0; i < size; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        const uint64_t address = qemu_plugin_insn_vaddr(instruction);
        end = address + qemu_plugin_insn_size(instruction);
        if (range_holds(&tally.mark, address)) {
            qemu_plugin_register_vcpu_mem_cb(instruction, on_mark, NO_REGISTERS, MEMORY_WRITE, NULL);
        } else {
            counted_t *reader = counted_new(address, end, 0);
            qemu_plugin_register_vcpu_mem_cb(instruction, on_read, NO_REGISTERS, MEMORY_READ, reader);
        }
    }
    counted_t *made = counted_new(qemu_plugin_tb_vaddr(block), end, size);
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, NO_REGISTERS, made);
}

/* ---- Begin and end ---- */

static void write_counts(FILE *out, const counted_t *counted)
{
    for (uint64_t p = 1; p < tally.marks.size; p++) {
        if (counted->runs[p] != 0 && counted->size != 0) {
            fprintf(out, "block %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", p, counted->address,
                    counted->size, counted->runs[p], counted->jumps[p]);
        } else if (counted->runs[p] != 0) {
            fprintf(out, "flash %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", p, counted->address, counted->runs[p]);
        }
    }
}

static void on_exit_of_emulator(uint64_t id, void *user)
{
    FILE *out = fopen(tally.path, "w");
    (void)id;
    (void)user;
    if (out == NULL) {
        fprintf(stderr, "tally: %s: cannot be written\n", tally.path);
        return;
    }
    for (const counted_t *counted = tally.all; counted != NULL; counted = counted->next) {
        write_counts(out, counted);
    }
    fprintf(out, "end\n");
    fclose(out);
}

/* "ADDRESS:SIZE", both as C writes numbers. */
static bool range_read(const char *text, range_t *range)
{
    char *rest;
    range->first = strtoull(text, &rest, 0);
    if (*rest != ':') {
        return false;
    }
    range->size = strtoull(rest + 1, &rest, 0);
    return *rest == '\0';
}

static bool option_read(const char *text)
{
    if (strncmp(text, "out=", 4) == 0) {
        tally.path = strdup(text + 4);
        return tally.path != NULL;
    }
    return (strncmp(text, "mark=", 5) == 0 && range_read(text + 5, &tally.mark)) ||
           (strncmp(text, "marks=", 6) == 0 && range_read(text + 6, &tally.marks)) ||
           (strncmp(text, "flash=", 6) == 0 && range_read(text + 6, &tally.flash));
}

int qemu_plugin_install(uint64_t id, const void *info, int count, char **arguments)
{
    (void)info;
    for (int i = 0; i < count; i++) {
        if (!option_read(arguments[i])) {
            fprintf(stderr, "tally: %s: not an option\n", arguments[i]);
            return -1;
        }
    }
    if (tally.path == NULL || tally.marks.size == 0) {
        fprintf(stderr, "tally: out= and marks= are needed\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit_of_emulator, NULL);
    return 0;
}
