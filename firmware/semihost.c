/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "semihost.h"

#include <string.h>

/* Numbers from Arm's "Semihosting for AArch32 and AArch64"; RISC-V uses the same. */
enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_SEEK = 0x0a,
    SYS_FLEN = 0x0c,
    SYS_GET_CMDLINE = 0x15,
    SYS_EXIT_EXTENDED = 0x20
};

#define STOPPED_APPLICATION_EXIT 0x20026u

/* The host reads and writes memory behind the compiler's back, hence the "memory" clobber. */
#if defined(__arm__)
static int32_t host_call(uint32_t operation, uintptr_t argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}
#elif defined(__riscv)
/* The three instructions must be uncompressed and in one page; aligning to 16 bytes keeps them together. */
static int32_t __attribute__((noinline)) host_call(uint32_t operation, uintptr_t argument)
{
    register uint32_t a0 __asm__("a0") = operation;
    register uintptr_t a1 __asm__("a1") = argument;
    __asm__ volatile(".option push\n"
                     ".option norvc\n"
                     ".balign 16\n"
                     "slli zero, zero, 0x1f\n"
                     "ebreak\n"
                     "srai zero, zero, 7\n"
                     ".option pop\n"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return (int32_t)a0;
}
#else
#error "semihost.c knows Arm M-profile and RISC-V"
#endif

void semihost_puts(const char *text)
{
    (void)host_call(SYS_WRITE0, (uintptr_t)text);
}

int32_t semihost_open(const char *path, semihost_mode_t mode)
{
    const uintptr_t block[3] = {(uintptr_t)path, (uintptr_t)mode, strlen(path)};
    int32_t handle = host_call(SYS_OPEN, (uintptr_t)block);
    /* qemu 7.2 opens a file for appending at its start, so go to the end. */
    if (handle >= 0 && mode == SEMIHOST_APPEND) {
        (void)semihost_seek(handle, (uint32_t)semihost_length(handle));
    }
    return handle;
}

int32_t semihost_read(int32_t handle, void *data, size_t size)
{
    const uintptr_t block[3] = {(uintptr_t)handle, (uintptr_t)data, size};
    int32_t missing = host_call(SYS_READ, (uintptr_t)block);
    if (missing < 0 || (size_t)missing > size) {
        return -1;
    }
    return (int32_t)(size - (size_t)missing);
}

int32_t semihost_write(int32_t handle, const void *data, size_t size)
{
    const uintptr_t block[3] = {(uintptr_t)handle, (uintptr_t)data, size};
    return host_call(SYS_WRITE, (uintptr_t)block) == 0 ? 0 : -1;
}

int32_t semihost_seek(int32_t handle, uint32_t position)
{
    const uintptr_t block[2] = {(uintptr_t)handle, position};
    return host_call(SYS_SEEK, (uintptr_t)block) == 0 ? 0 : -1;
}

int32_t semihost_length(int32_t handle)
{
    const uintptr_t block[1] = {(uintptr_t)handle};
    return host_call(SYS_FLEN, (uintptr_t)block);
}

int32_t semihost_close(int32_t handle)
{
    const uintptr_t block[1] = {(uintptr_t)handle};
    return host_call(SYS_CLOSE, (uintptr_t)block) == 0 ? 0 : -1;
}

int32_t semihost_command_line(char *line, size_t size)
{
    uintptr_t block[2] = {(uintptr_t)line, size};
    if (host_call(SYS_GET_CMDLINE, (uintptr_t)block) != 0 || block[1] >= size) {
        line[0] = '\0';
        return -1;
    }
    line[block[1]] = '\0';
    return 0;
}

void semihost_exit(int status)
{
    const uintptr_t block[2] = {STOPPED_APPLICATION_EXIT, (uintptr_t)(status & 0xff)};
    for (;;) {
        (void)host_call(SYS_EXIT_EXTENDED, (uintptr_t)block);
    }
}
