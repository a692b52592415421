/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Proves a board: tests/test_boards.py runs it and checks every line. The argument "fault" or "overflow" crashes it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counter.h"
#include "print.h"
#include "semihost.h"

int main(int argc, char **argv);

#define LOOPS 1000000u

/* 2 instructions per round. */
static void __attribute__((noinline)) count_down(uint32_t rounds)
{
#if defined(__riscv)
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(rounds));
#else
    __asm__ volatile(".syntax unified\n1: subs %0, %0, #1\n bne 1b" : "+l"(rounds) : : "cc");
#endif
}

static void __attribute__((noinline)) one_nop(void)
{
    __asm__ volatile("nop");
}

static void __attribute__((noinline)) two_nops(void)
{
    __asm__ volatile("nop\n nop");
}

static uint32_t __attribute__((noinline)) cost(void (*function)(void))
{
    uint64_t begin = board_instructions();
    function();
    return (uint32_t)(board_instructions() - begin);
}

static uint32_t __attribute__((noinline)) loop_cost(uint32_t rounds)
{
    uint64_t begin = board_instructions();
    count_down(rounds);
    return (uint32_t)(board_instructions() - begin);
}

static void test_counter(void)
{
    uint64_t first = board_instructions();
    uint64_t second = board_instructions();
    board_printf("counter cost %lu\n", (unsigned long)(second - first));
    board_printf("counter loop %lu\n", (unsigned long)(loop_cost(LOOPS + 1) - loop_cost(1)));
    board_printf("counter one %lu\n", (unsigned long)(cost(two_nops) - cost(one_nop)));
}

static void __attribute__((noinline)) use_stack(uint32_t bytes)
{
    volatile char block[4096];
    for (uint32_t i = 0; i < bytes; i++) {
        block[sizeof block - 1 - i] = (char)i;
    }
}

static void test_stack(void)
{
    uint32_t depth = board_stack_paint();
    use_stack(sizeof(char[4096]));
    uint32_t peak = board_stack_peak();
    board_printf("stack depth_ok %d used %lu\n", depth > 0 && depth < 2048, (unsigned long)(peak - depth));
}

/* Copies input.bin reversed to output.bin, in two writes with an append. */
static int test_files(void)
{
    char data[64];
    int32_t in = semihost_open("input.bin", SEMIHOST_READ);
    if (in < 0) {
        board_printf("error cannot open input.bin\n");
        return 1;
    }
    int32_t length = semihost_length(in);
    int32_t got = semihost_read(in, data, sizeof data);
    int32_t end = semihost_read(in, data, sizeof data);
    int bad = semihost_seek(in, 1) != 0 || semihost_read(in, data, 1) != 1;
    char second = data[0];
    bad |= semihost_seek(in, 0) != 0 || semihost_read(in, data, sizeof data) != got || semihost_close(in) != 0;
    bad |= got < 2 || second != data[1] || end != 0;
    for (int32_t i = 0; !bad && i < got / 2; i++) {
        char swap = data[i];
        data[i] = data[got - 1 - i];
        data[got - 1 - i] = swap;
    }
    int32_t out = semihost_open("output.bin", SEMIHOST_WRITE);
    bad |= semihost_write(out, data, 1) != 0 || semihost_close(out) != 0;
    out = semihost_open("output.bin", SEMIHOST_APPEND);
    bad |= semihost_write(out, data + 1, (size_t)got - 1) != 0 || semihost_close(out) != 0;
    board_printf("file length %ld read %ld %s\n", (long)length, (long)got, bad ? "bad" : "ok");
    board_printf("file missing %ld\n", (long)semihost_open("no/such/file", SEMIHOST_READ));
    return bad;
}

/* One part in a thousand: libraries and FPUs may differ in the last bits. */
static int32_t thousandth(float value)
{
    return (int32_t)lroundf(value * 1000.0f);
}

static void test_maths(void)
{
    volatile float one = 1.0f;
    volatile float big = 1000.0f;
    board_printf("maths exp %ld tanh %ld sqrt %ld inf %d\n", (long)thousandth(expf(one)), (long)thousandth(tanhf(one)),
                 (long)thousandth(sqrtf(2.0f * one)), isinf(expf(big)) != 0);
}

static int test_libc(void)
{
    static uint8_t zero[8];
    static uint8_t filled[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    char *block = malloc(1000);
    if (block == NULL) {
        board_printf("error malloc\n");
        return 1;
    }
    memset(block, 7, 1000);
    memcpy(block, filled, sizeof filled);
    printf("printf %d %s %ld\n", block[2] + block[999], "text", 123456789L);
    free(block);
    board_printf("libc bss %d data %d\n", zero[0] | zero[7], filled[7]);
    board_printf("print %d %u %lx %llu %s%c%%\n", -5, 5u, 0xabcdeful, 12345678901234ull, "s", 'c');
    return 0;
}

/* Writes to code, which the memory protection forbids. */
static void __attribute__((noinline)) crash(void)
{
    uint32_t *volatile code = (uint32_t *)((uintptr_t)main & ~(uintptr_t)3);
    *(volatile uint32_t *)code = 1;
}

/* 256 bytes and more per level: 1000 levels are four times the stack. */
static uint32_t __attribute__((noinline)) dig(uint32_t levels)
{
    volatile uint32_t here[64];
    here[0] = levels;
    return levels == 0 ? 0 : dig(levels - 1) + here[0];
}

/* 6e9 instructions, more than 32 bits: run by hand, it takes half a minute. */
static void test_long(void)
{
    uint64_t begin = board_instructions();
    for (int i = 0; i < 6; i++) {
        count_down(500000000u);
    }
    board_printf("long %llu\n", (unsigned long long)(board_instructions() - begin));
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "fault") == 0) {
        crash();
    }
    if (argc > 1 && strcmp(argv[1], "overflow") == 0) {
        return (int)dig(1000);
    }
    if (argc > 1 && strcmp(argv[1], "long") == 0) {
        test_long();
        return 0;
    }
    board_printf("hello %s argc %d last %s\n", BOARD_NAME, argc, argc > 1 ? argv[argc - 1] : "none");
    test_counter();
    test_stack();
    test_maths();
    int failed = test_libc() | test_files();
    board_printf("total %llu\n", (unsigned long long)board_instructions());
    return failed ? 1 : 42;
}
