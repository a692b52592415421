/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "mve_columns.h"

nnom_mve_columns_t nnom_mve_columns(const nnom_window_t *window, int32_t padding)
{
    const int32_t channels = window->in.c, pitch = window->g->kernel_h * channels;
    nnom_mve_columns_t c = {.window = window, .channels = channels, .pitch = pitch, .padding = padding};
    if (channels >= 16 || (16 / channels - 1) * pitch + channels > 256) {
        return c; /* offsets are bytes */
    }
    int8_t offsets[16] = {0};
    c.together = 16 / channels;
    for (int32_t i = 0, at = 0; i < c.together; i++) {
        for (int32_t k = 0; k < channels; k++) {
            offsets[at++] = (int8_t)(uint8_t)(i * pitch + k);
        }
    }
    c.offsets = nnom_vldrb(offsets);
    return c;
}

/* A row of `columns` pixels into as many columns. */
static void mve_columns_row(const nnom_mve_columns_t *c, const int8_t *from, int32_t columns, int8_t *to)
{
    const int32_t n = c->channels;
    if (n == 16) {
        for (int32_t i = 0; i < columns; i++, from += n, to += c->pitch) {
            nnom_vstrb(to, nnom_vldrb(from));
        }
    } else if (c->together == 0) {
        for (int32_t i = 0; i < columns; i++, from += n, to += c->pitch) {
            nnom_mve_copy(to, from, n);
        }
    } else {
        const int32_t bytes = c->together * n, step = c->together * c->pitch;
        const int32_t vectors = columns / c->together, rest = (columns - vectors * c->together) * n;
        nnom_mve_spread(to, from, vectors, bytes, step, c->offsets);
        if (rest > 0) {
            nnom_mve_spread(to + vectors * step, from + vectors * bytes, 1, rest, 0, c->offsets);
        }
    }
}

void nnom_mve_columns_fill(const nnom_mve_columns_t *c, int32_t at, int32_t n, int8_t *to)
{
    const nnom_window_t *window = c->window;
    const nnom_range_t inside = nnom_clip(at, 1, n, window->in.w), rows = window->rows;
    const int32_t columns = inside.hi - inside.lo;
    if (columns < n || rows.hi - rows.lo < window->g->kernel_h) {
        nnom_mve_fill(to, c->padding, n * c->pitch);
    }
    if (columns == 0) {
        return;
    }
    const int32_t first = (at + inside.lo) * c->channels;
    nnom_walk_t walk = window->walk;
    to += inside.lo * c->pitch + rows.lo * c->channels;
    for (int32_t k = rows.lo; k < rows.hi; k++, to += c->channels, nnom_walk_down(&walk)) {
        mve_columns_row(c, (const int8_t *)nnom_walk_row(&walk) + first, columns, to);
    }
}
