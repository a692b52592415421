/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Vector table, reset and faults of the Cortex-M boards. */
#include <stdint.h>

#include "print.h"
#include "semihost.h"
#include "startup.h"

#define CFSR (*(volatile uint32_t *)0xe000ed28u)
#define HFSR (*(volatile uint32_t *)0xe000ed2cu)

#define MPU_CTRL (*(volatile uint32_t *)0xe000ed94u)
#define MPU_RNR (*(volatile uint32_t *)0xe000ed98u)
#define MPU_RBAR (*(volatile uint32_t *)0xe000ed9cu)
#define MPU_RASR (*(volatile uint32_t *)0xe000eda0u) /* Armv7-M */
#define MPU_RLAR (*(volatile uint32_t *)0xe000eda0u) /* Armv8-M */
#define MPU_MAIR0 (*(volatile uint32_t *)0xe000edc0u)

typedef void (*handler_t)(void);

/* Set by board.ld or by the linker's command line; the addresses are the values. */
extern uint32_t __stack_bottom[];
extern uint32_t __stack_top[];
extern const char board_vectors_origin[];
extern const char board_code_origin[];
extern const char board_code_length[];

void _start(void);
void board_exception(void);
void board_report(const uint32_t *frame, uint32_t exception);

typedef struct {
    uint32_t *stack;
    handler_t handlers[15]; /* exceptions 1 to 15; no interrupt is ever enabled */
} vectors_t;

const vectors_t board_vectors __attribute__((section(".vectors"), used)) = {
    __stack_top,
    {_start, board_exception, board_exception, board_exception, board_exception, board_exception, board_exception,
     board_exception, board_exception, board_exception, board_exception, board_exception, board_exception,
     board_exception, board_exception},
};

/* clang-format off */
/*
 * Assembly, because C code may use FPU or vector registers anywhere once the compiler is allowed to.
 * FPU and Helium: full access to coprocessors 10 and 11 (CPACR). Armv6-M: unaligned accesses fault there, so make the
 * Armv7-M core that stands in do the same (CCR.UNALIGN_TRP).
 */
void __attribute__((naked)) _start(void)
{
    __asm__ volatile(
        ".syntax unified\n"
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
        "ldr r0, =0xe000ed88\n"
        "ldr r1, [r0]\n"
        "ldr r2, =0x00f00000\n"
        "orrs r1, r2\n"
        "str r1, [r0]\n"
#endif
#if __ARM_ARCH == 6
        "ldr r0, =0xe000ed14\n"
        "ldr r1, [r0]\n"
        "movs r2, #8\n"
        "orrs r1, r2\n"
        "str r1, [r0]\n"
#endif
        "dsb\n"
        "isb\n"
        "bl board_start\n"
        ".ltorg\n");
}
/* clang-format on */

enum { MPU_ENABLE = 1, MPU_DEFAULT_MAP = 4, REGION_ENABLE = 1 };

#if __ARM_ARCH >= 8

/* Region 0: code, read-only. Below the stack there is nothing mapped on these machines. */
void board_protect(void)
{
    uintptr_t code = (uintptr_t)board_code_origin;
    uintptr_t last = code + (uintptr_t)board_code_length - 32;
    MPU_MAIR0 = 0x44; /* attribute 0: normal memory, not cached */
    MPU_RNR = 0;
    MPU_RBAR = code | 2u << 1; /* privileged read-only */
    MPU_RLAR = last | REGION_ENABLE;
    MPU_CTRL = MPU_ENABLE | MPU_DEFAULT_MAP;
    __asm__ volatile("dsb\n isb" ::: "memory");
}

#else

/* `log2_bytes`: the region's size; its base is a multiple of the size. `access`: 0 none, 6 read-only. */
static void region(uint32_t number, uintptr_t base, uint32_t log2_bytes, uint32_t access)
{
    MPU_RNR = number;
    MPU_RBAR = base;
    MPU_RASR = access << 24 | 1u << 17 | (log2_bytes - 1) << 1 | REGION_ENABLE;
}

/* Vectors and code are the first 4 MB of memory on all these machines. */
void board_protect(void)
{
    region(0, (uintptr_t)board_vectors_origin, 22, 6);
    region(1, (uintptr_t)__stack_bottom - (1u << 20), 20, 0);
    MPU_CTRL = MPU_ENABLE | MPU_DEFAULT_MAP;
    __asm__ volatile("dsb\n isb" ::: "memory");
}

#endif

/* The stack may be what overflowed: report on a fresh one. */
void __attribute__((naked)) board_exception(void)
{
    __asm__ volatile("mrs r0, msp\n"
                     "mrs r1, ipsr\n"
                     "ldr r2, =__stack_top\n"
                     "mov sp, r2\n"
                     "bl board_report\n"
                     ".ltorg\n");
}

void board_report(const uint32_t *frame, uint32_t exception)
{
    static const char *const names[] = {"NMI", "HardFault", "MemManage", "BusFault", "UsageFault", "SecureFault"};
    const char *name = exception >= 2 && exception <= 7 ? names[exception - 2] : "unexpected exception";
    int frame_in_stack =
        (uintptr_t)frame >= (uintptr_t)__stack_bottom && (uintptr_t)frame <= (uintptr_t)__stack_top - 8 * sizeof *frame;

    board_printf("error %s (exception %lu), cfsr 0x%lx, hfsr 0x%lx", name, (unsigned long)exception,
                 (unsigned long)CFSR, (unsigned long)HFSR);
    if (frame_in_stack) {
        board_printf(", pc 0x%lx, lr 0x%lx\n", (unsigned long)frame[6], (unsigned long)frame[5]);
    } else {
        board_printf(", stack overflow: sp 0x%lx\n", (unsigned long)(uintptr_t)frame);
    }
    semihost_exit(BOARD_EXIT_FAULT);
}
