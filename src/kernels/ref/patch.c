/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "patch.h"

#include <string.h>

nnom_patches_t nnom_patches(const nnom_call_t *call, const nnom_geometry_t *g)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_patches_t patches = {nnom_window(call, g), nnom_call_input_rows(call, 0), nnom_call_scratch(call),
                                    in->type == NNOM_TYPE_S8 ? in->zero_point : 0};
    return patches;
}

void nnom_patches_row(nnom_patches_t *patches, int32_t y)
{
    nnom_window_row(&patches->window, &patches->from, y);
}

static uint8_t *patch_fill(const nnom_patches_t *patches, uint8_t *to, int32_t pixels)
{
    const size_t bytes = (size_t)pixels * (size_t)patches->window.pixel;
    memset(to, patches->padding, bytes);
    return to + bytes;
}

static uint8_t *copy(uint8_t *to, const uint8_t *from, size_t bytes)
{
    memcpy(to, from, bytes);
    return to + bytes;
}

/* One kernel row that is inside the input; `row` is its pixel 0. */
static uint8_t *gather_row(const nnom_patches_t *patches, const uint8_t *row, uint8_t *to)
{
    const nnom_window_t *window = &patches->window;
    const nnom_geometry_t *g = window->g;
    const size_t pixel = (size_t)window->pixel;
    const nnom_range_t k = window->columns;
    if (k.lo == k.hi) {
        return patch_fill(patches, to, g->kernel_w);
    }
    const uint8_t *from = row + (size_t)(window->left + k.lo * g->dilation_w) * pixel;
    to = patch_fill(patches, to, k.lo);
    if (g->dilation_w == 1) {
        to = copy(to, from, (size_t)(k.hi - k.lo) * pixel);
    } else {
        for (int32_t i = k.lo; i < k.hi; i++, from += (size_t)g->dilation_w * pixel) {
            to = copy(to, from, pixel);
        }
    }
    return patch_fill(patches, to, g->kernel_w - k.hi);
}

/* All columns of the window are in the input and lie side by side. */
static bool full_width(const nnom_window_t *window)
{
    const nnom_geometry_t *g = window->g;
    return window->columns.hi - window->columns.lo == g->kernel_w && (g->dilation_w == 1 || g->kernel_w == 1);
}

/* The window is as wide as the input, so that its rows follow each other without a gap, as far as the ring's end. */
static bool rows_join(const nnom_window_t *window)
{
    const nnom_geometry_t *g = window->g;
    return g->dilation_h == 1 && g->kernel_w == window->in.w && full_width(window);
}

/* All taps are in the input, one after the other: a row of them, or whole rows that do not pass the ring's end. */
static bool contiguous(const nnom_patches_t *patches)
{
    const nnom_window_t *window = &patches->window;
    const nnom_geometry_t *g = window->g;
    if (window->rows.hi - window->rows.lo < g->kernel_h || !full_width(window)) {
        return false;
    }
    const uint32_t bytes = (uint32_t)g->kernel_h * (uint32_t)patches->from.row_bytes;
    return g->kernel_h == 1 || (rows_join(window) && window->walk.at + bytes <= window->walk.ring);
}

/* The rows of a window that join: to the ring's end, then on from its beginning. */
static uint8_t *gather_joined(const nnom_patches_t *patches, uint8_t *to)
{
    const nnom_window_t *window = &patches->window;
    const uint32_t bytes = (uint32_t)(window->rows.hi - window->rows.lo) * (uint32_t)patches->from.row_bytes;
    const uint32_t left = window->walk.ring - window->walk.at;
    const uint32_t first = bytes < left ? bytes : left;
    to = copy(to, nnom_walk_row(&window->walk), first);
    return copy(to, window->walk.data, bytes - first);
}

static uint8_t *gather_rows(const nnom_patches_t *patches, uint8_t *to)
{
    const nnom_window_t *window = &patches->window;
    if (window->rows.lo < window->rows.hi && rows_join(window)) {
        return gather_joined(patches, to);
    }
    nnom_walk_t walk = window->walk;
    for (int32_t k = window->rows.lo; k < window->rows.hi; k++, nnom_walk_down(&walk)) {
        to = gather_row(patches, nnom_walk_row(&walk), to);
    }
    return to;
}

const void *nnom_patch_in_place(nnom_patches_t *patches, int32_t x)
{
    nnom_window_t *window = &patches->window;
    nnom_window_column(window, x);
    return contiguous(patches) ? nnom_walk_row(&window->walk) + (size_t)window->left * (size_t)window->pixel : NULL;
}

const void *nnom_patch(nnom_patches_t *patches, int32_t x)
{
    const nnom_window_t *window = &patches->window;
    const nnom_geometry_t *g = window->g;
    const void *place = nnom_patch_in_place(patches, x);
    if (place != NULL) {
        return place;
    }
    uint8_t *to = patch_fill(patches, patches->scratch, window->rows.lo * g->kernel_w);
    to = gather_rows(patches, to);
    patch_fill(patches, to, (g->kernel_h - window->rows.hi) * g->kernel_w);
    return patches->scratch;
}
