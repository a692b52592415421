/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Reset and traps of the RISC-V board. */
#include <stdint.h>

#include "print.h"
#include "semihost.h"
#include "startup.h"

#define PMP_LOCKED 0x80u /* holds for machine mode too */
#define PMP_POWER_OF_2 0x18u
#define PMP_READ_EXECUTE 0x05u

extern uint32_t __stack_bottom[];
extern const char board_vectors_origin[];

void _start(void);
void board_exception(void);
void board_report(uint32_t cause, uint32_t address, uint32_t value, uint32_t sp);

/* The core starts at the first address of RAM, which is where board.ld puts .vectors. tp: the C library's
   thread-local variables. gp must be set without relaxation, which would use gp. */
void __attribute__((naked, used, section(".vectors"))) _start(void)
{
    __asm__ volatile(".option arch, +zicsr\n"
                     ".option push\n"
                     ".option norelax\n"
                     "la gp, __global_pointer$\n"
                     ".option pop\n"
                     "la sp, __stack_top\n"
                     "la tp, __tls_base\n"
                     "la t0, board_exception\n"
                     "csrw mtvec, t0\n"
                     "tail board_start\n");
}

/* PMP address register of `bytes` (a power of 2) at `base`: bits 2..., with as many ones at the end as the size says. */
static uint32_t pmp_address(uintptr_t base, uint32_t bytes)
{
    return (uint32_t)(base >> 2) | (bytes / 8 - 1);
}

/* Vectors and code are the first 4 MB of memory. */
void board_protect(void)
{
    const uint32_t code = PMP_LOCKED | PMP_POWER_OF_2 | PMP_READ_EXECUTE;
    const uint32_t guard = PMP_LOCKED | PMP_POWER_OF_2;
    uint32_t code_at = pmp_address((uintptr_t)board_vectors_origin, 4u << 20);
    uint32_t guard_at = pmp_address((uintptr_t)__stack_bottom - (1u << 20), 1u << 20);
    __asm__ volatile(".option arch, +zicsr\n"
                     "csrw pmpaddr0, %0\n"
                     "csrw pmpaddr1, %1\n"
                     "csrw pmpcfg0, %2\n"
                     :
                     : "r"(code_at), "r"(guard_at), "r"(guard << 8 | code)
                     : "memory");
}

/* The stack may be what overflowed: report on a fresh one. mtvec wants 4-byte alignment. */
void __attribute__((naked, used, aligned(4))) board_exception(void)
{
    __asm__ volatile(".option arch, +zicsr\n"
                     "csrr a0, mcause\n"
                     "csrr a1, mepc\n"
                     "csrr a2, mtval\n"
                     "mv a3, sp\n"
                     "la sp, __stack_top\n"
                     "call board_report\n");
}

void board_report(uint32_t cause, uint32_t address, uint32_t value, uint32_t sp)
{
    board_printf("error trap, mcause 0x%lx, pc 0x%lx, mtval 0x%lx, sp 0x%lx\n", (unsigned long)cause,
                 (unsigned long)address, (unsigned long)value, (unsigned long)sp);
    semihost_exit(BOARD_EXIT_FAULT);
}
