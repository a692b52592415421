/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "print.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "semihost.h"

#define LINE 128

typedef struct {
    char text[LINE + 1];
    size_t used;
} line_t;

static void flush(line_t *line)
{
    line->text[line->used] = '\0';
    semihost_puts(line->text);
    line->used = 0;
}

static void put_char(line_t *line, char c)
{
    if (line->used == LINE) {
        flush(line);
    }
    line->text[line->used++] = c;
}

static void put_text(line_t *line, const char *text)
{
    while (*text != '\0') {
        put_char(line, *text++);
    }
}

static void put_number(line_t *line, uint64_t value, uint32_t base)
{
    char digits[21]; /* 2^64 - 1 has 20 decimal digits */
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    put_text(line, &digits[at]);
}

static void put_signed(line_t *line, int64_t value)
{
    if (value < 0) {
        put_char(line, '-');
    }
    put_number(line, value < 0 ? 0u - (uint64_t)value : (uint64_t)value, 10);
}

/* `longs` is the number of l before the letter; unsigned long has 32 bits on all boards. */
static uint64_t next_unsigned(va_list *arguments, int longs)
{
    return longs == 2 ? va_arg(*arguments, unsigned long long) : va_arg(*arguments, unsigned long);
}

static int64_t next_signed(va_list *arguments, int longs)
{
    return longs == 2 ? va_arg(*arguments, long long) : va_arg(*arguments, long);
}

static void put_conversion(line_t *line, char letter, int longs, va_list *arguments)
{
    switch (letter) {
    case 'd':
        put_signed(line, longs != 0 ? next_signed(arguments, longs) : va_arg(*arguments, int));
        break;
    case 'u':
    case 'x':
        put_number(line, longs != 0 ? next_unsigned(arguments, longs) : va_arg(*arguments, unsigned),
                   letter == 'x' ? 16 : 10);
        break;
    case 'c':
        put_char(line, (char)va_arg(*arguments, int));
        break;
    case 's':
        put_text(line, va_arg(*arguments, const char *));
        break;
    case '%':
        put_char(line, '%');
        break;
    default:
        put_char(line, '%');
        put_char(line, letter);
        break;
    }
}

void board_printf(const char *format, ...)
{
    line_t line = {.used = 0};
    va_list arguments;
    va_start(arguments, format);
    while (*format != '\0') {
        if (*format != '%') {
            put_char(&line, *format++);
            continue;
        }
        int longs = 0;
        format++;
        while (*format == 'l') {
            longs++;
            format++;
        }
        if (*format != '\0') {
            put_conversion(&line, *format++, longs, &arguments);
        }
    }
    va_end(arguments);
    flush(&line);
}
