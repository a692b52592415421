/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/**
 * Semihosting: the program under emulation uses the files and the console of the host. Works on Arm M-profile and on
 * RISC-V. Paths are relative to the directory in which the emulator was started.
 */
#ifndef SEMIHOST_H
#define SEMIHOST_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    SEMIHOST_READ = 1,  /**< existing file, binary */
    SEMIHOST_WRITE = 5, /**< created or emptied, binary */
    SEMIHOST_APPEND = 9 /**< created or continued, binary */
} semihost_mode_t;

/** Writes a zero-terminated text to the console. */
void semihost_puts(const char *text);

/** @return a handle >= 0 that the caller closes, or -1. The path ":tt" is the console. */
int32_t semihost_open(const char *path, semihost_mode_t mode);

/** Reads up to `size` bytes. @return bytes read (0 at the end of the file), or -1. */
int32_t semihost_read(int32_t handle, void *data, size_t size);

/** Writes all `size` bytes. @return 0, or -1. */
int32_t semihost_write(int32_t handle, const void *data, size_t size);

/** Moves to byte `position` from the start of the file. @return 0, or -1. */
int32_t semihost_seek(int32_t handle, uint32_t position);

/** @return bytes in the file, or -1. */
int32_t semihost_length(int32_t handle);

/** @return 0, or -1. */
int32_t semihost_close(int32_t handle);

/** Copies the program's name and arguments, separated by spaces, into `line` (at least 1 byte, always terminated).
 *  @return 0, or -1 when they do not fit; `line` is then empty. */
int32_t semihost_command_line(char *line, size_t size);

/** Ends the emulator; the low 8 bits of `status` are its exit status. */
void semihost_exit(int status) __attribute__((noreturn));

#endif
