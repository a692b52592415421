/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "startup.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "counter.h"
#include "semihost.h"

#define LINE_BYTES 256
#define ARGUMENTS 16

typedef void (*initialiser_t)(void);

/* Set by board.ld, all aligned to 8 bytes. */
extern uint32_t __data_start[];
extern uint32_t __data_end[];
extern const uint32_t __data_load[];
extern uint32_t __bss_start[];
extern uint32_t __bss_end[];
extern const initialiser_t __init_array_start[];
extern const initialiser_t __init_array_end[];

extern int main(int argc, char **argv);

/* Weak: flushed if the program uses stdio, not linked otherwise. */
#pragma weak fflush

/* volatile: the compiler must not turn the loops into memcpy and memset, which start-up must not depend on. */
static void fill_memory(void)
{
    const uint32_t *from = __data_load;
    for (volatile uint32_t *to = __data_start; to < __data_end; to++) {
        *to = *from++;
    }
    for (volatile uint32_t *to = __bss_start; to < __bss_end; to++) {
        *to = 0;
    }
}

/* Cuts `line` at its spaces. argv has ARGUMENTS + 1 entries; the last used one is followed by NULL. */
static int split(char *line, char **argv)
{
    int argc = 0;
    while (*line != '\0' && argc < ARGUMENTS) {
        argv[argc++] = line;
        while (*line != '\0' && *line != ' ') {
            line++;
        }
        while (*line == ' ') {
            *line++ = '\0';
        }
    }
    argv[argc] = NULL;
    return argc;
}

void board_start(void)
{
    char line[LINE_BYTES];
    char *argv[ARGUMENTS + 1];

    fill_memory();
    board_protect();
    board_counter_start();
    (void)board_stack_paint();
    for (const initialiser_t *call = __init_array_start; call < __init_array_end; call++) {
        (*call)();
    }
    (void)semihost_command_line(line, sizeof line);
    int status = main(split(line, argv), argv);
    if (fflush != NULL) {
        (void)fflush(NULL);
    }
    semihost_exit(status);
}
