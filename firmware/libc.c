/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What the C library asks of a system, so that printf and malloc work. The linker drops what a program does not use. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "semihost.h"

extern char __heap_start[];
extern char __heap_end[];

void *_sbrk(ptrdiff_t bytes);
void _exit(int status) __attribute__((noreturn));

/* The heap is the RAM behind .bss. */
void *_sbrk(ptrdiff_t bytes)
{
    static char *top = __heap_start;
    char *block = top;
    if (bytes > __heap_end - top || bytes < __heap_start - top) {
        errno = ENOMEM;
        return (void *)UINTPTR_MAX;
    }
    top += bytes;
    return block;
}

void _exit(int status)
{
    semihost_exit(status);
}

/* Handle of the console, opened at the first use. */
static int32_t console(void)
{
    static int32_t handle = -1;
    if (handle < 0) {
        handle = semihost_open(":tt", SEMIHOST_WRITE);
    }
    return handle;
}

#if defined(__PICOLIBC__)

void *sbrk(ptrdiff_t bytes);

void *sbrk(ptrdiff_t bytes)
{
    return _sbrk(bytes);
}

static int put(char c, FILE *file)
{
    (void)file;
    return semihost_write(console(), &c, 1) == 0 ? 0 : EOF;
}

static FILE console_file = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdout = &console_file;
FILE *const stderr = &console_file;

#else

#include <sys/stat.h>

int _write(int file, const char *data, int size);
int _read(int file, char *data, int size);
int _close(int file);
int _fstat(int file, struct stat *status);
int _isatty(int file);
off_t _lseek(int file, off_t offset, int whence);
int _getpid(void);
int _kill(int pid, int signal);

/* stdio reaches the console only; files are opened with semihost_open. */
int _write(int file, const char *data, int size)
{
    (void)file;
    return semihost_write(console(), data, (size_t)size) == 0 ? size : -1;
}

int _read(int file, char *data, int size)
{
    (void)file;
    (void)data;
    (void)size;
    return 0;
}

int _close(int file)
{
    (void)file;
    return 0;
}

int _fstat(int file, struct stat *status)
{
    (void)file;
    status->st_mode = S_IFCHR;
    return 0;
}

int _isatty(int file)
{
    (void)file;
    return 1;
}

off_t _lseek(int file, off_t offset, int whence)
{
    (void)file;
    (void)offset;
    (void)whence;
    return 0;
}

int _getpid(void)
{
    return 1;
}

int _kill(int pid, int signal)
{
    (void)pid;
    (void)signal;
    errno = EINVAL;
    return -1;
}

#endif
