/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Under qemu's -icount one instruction lasts a fixed time, 2^BOARD_ICOUNT_SHIFT ns, so a timer counts instructions.
 * boards.toml gives, as macros, the kind of timer, its address and its clock.
 */
#include "counter.h"

#define PAINT 0x5ac35ac3u

extern uint32_t __stack_bottom[];
extern uint32_t __stack_top[];

#if defined(BOARD_TIMER_DUALTIMER) || defined(BOARD_TIMER_SSECOUNTER)
static volatile uint32_t *timer_register(uint32_t offset)
{
    return (volatile uint32_t *)(BOARD_TIMER_BASE + offset);
}
#endif

#if defined(BOARD_TIMER_DUALTIMER)

enum { LOAD_1 = 0x00, VALUE_1 = 0x04, CONTROL_1 = 0x08, LOAD_2 = 0x20, VALUE_2 = 0x24, CONTROL_2 = 0x28 };
enum { SIZE_32 = 1 << 1, DIVIDE_256 = 2 << 2, PERIODIC = 1 << 6, ENABLE = 1 << 7 };

#define TICK_NS (1000000000u / BOARD_TIMER_HERTZ)

/* Timer 2 starts first: its reading is then never behind timer 1 by more than one of its ticks. */
void board_counter_start(void)
{
    *timer_register(LOAD_2) = UINT32_MAX;
    *timer_register(LOAD_1) = UINT32_MAX;
    *timer_register(CONTROL_2) = ENABLE | PERIODIC | DIVIDE_256 | SIZE_32;
    *timer_register(CONTROL_1) = ENABLE | PERIODIC | SIZE_32;
}

/*
 * Both timers count down. Timer 1 is exact but wraps after 2^32 ticks; timer 2, 256 times slower, tells which of its
 * laps this is: the count is the number nearest to timer 2 whose low 32 bits are those of timer 1.
 * A tick (40 or 50 ns) is shorter than an instruction (64 ns): after n instructions ceil(n * 64 / TICK_NS) ticks have
 * passed, and rounding down on the way back gives n. ticks < 2^40 and TICK_NS < 2^6: the product fits.
 */
uint64_t board_instructions(void)
{
    uint64_t coarse = (uint64_t)(UINT32_MAX - *timer_register(VALUE_2)) << 8;
    uint32_t fine = UINT32_MAX - *timer_register(VALUE_1);
    uint64_t ticks = coarse + (uint64_t)(int64_t)(int32_t)(fine - (uint32_t)coarse);
    return (ticks * TICK_NS) >> BOARD_ICOUNT_SHIFT;
}

#elif defined(BOARD_TIMER_SSECOUNTER)

#if BOARD_TIMER_HERTZ != 32000000 || BOARD_ICOUNT_SHIFT != 6
#error "the conversion below is for 32 MHz and 64 ns per instruction"
#endif

enum { CONTROL = 0x00, COUNT_LOW = 0x08, COUNT_HIGH = 0x0c };

void board_counter_start(void)
{
    *timer_register(CONTROL) = 1;
}

/* After n instructions floor(n * 256 / 125) ticks have passed, so rounding up on the way back gives n.
   ticks < 2^57 for any run that ends: the product fits. */
uint64_t board_instructions(void)
{
    uint32_t high;
    uint32_t low;
    do {
        high = *timer_register(COUNT_HIGH);
        low = *timer_register(COUNT_LOW);
    } while (high != *timer_register(COUNT_HIGH));
    uint64_t ticks = (uint64_t)high << 32 | low;
    return (ticks * 125u + 255u) >> 8;
}

#elif defined(BOARD_TIMER_MINSTRET)

#if BOARD_ICOUNT_SHIFT != 0
#error "qemu's minstret counts nanoseconds: it needs an instruction of 1 ns"
#endif

/* The instruction set named on the command line, rv32imc, does not include the access to CSRs. */
#define ZICSR ".option arch, +zicsr\n"

void board_counter_start(void)
{
    __asm__ volatile(ZICSR "csrw minstret, zero\n csrw minstreth, zero" ::: "memory");
}

uint64_t board_instructions(void)
{
    uint32_t high;
    uint32_t low;
    uint32_t again;
    do {
        __asm__ volatile(ZICSR "csrr %0, minstreth\n csrr %1, minstret\n csrr %2, minstreth"
                         : "=r"(high), "=r"(low), "=r"(again)
                         :
                         : "memory");
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

#else
#error "define BOARD_TIMER_DUALTIMER, BOARD_TIMER_SSECOUNTER or BOARD_TIMER_MINSTRET"
#endif

/* In assembly, so that the stack pointer cannot move between reading it and painting up to it. */
uint32_t __attribute__((noinline)) board_stack_paint(void)
{
    uintptr_t word = (uintptr_t)__stack_bottom;
    uintptr_t sp;
#if defined(__riscv)
    __asm__ volatile("mv %1, sp\n"
                     "1: bgeu %0, %1, 2f\n"
                     "sw %2, 0(%0)\n"
                     "addi %0, %0, 4\n"
                     "j 1b\n"
                     "2:\n"
                     : "+r"(word), "=&r"(sp)
                     : "r"(PAINT)
                     : "memory");
#else
    __asm__ volatile(".syntax unified\n"
                     "mov %1, sp\n"
                     "1: cmp %0, %1\n"
                     "bhs 2f\n"
                     "str %2, [%0]\n"
                     "adds %0, %0, #4\n"
                     "b 1b\n"
                     "2:\n"
                     : "+l"(word), "=&l"(sp)
                     : "l"(PAINT)
                     : "cc", "memory");
#endif
    return (uint32_t)((uintptr_t)__stack_top - sp);
}

uint32_t board_stack_peak(void)
{
    const volatile uint32_t *word = __stack_bottom;
    while (word < __stack_top && *word == PAINT) {
        word++;
    }
    return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)word);
}
