/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <math.h>

#include "../fixed.h"
#include "../float_ops.h"
#include "fpu.h"

nnom_range_t nnom_fpu_inner(const nnom_geometry_t *g, int32_t in_w, int32_t out_w)
{
    const int32_t last = in_w - 1 - (g->kernel_w - 1) * g->dilation_w + g->pad_left;
    nnom_range_t inner = {(g->pad_left + g->stride_w - 1) / g->stride_w, last < 0 ? 0 : last / g->stride_w + 1};
    inner.hi = nnom_min_i32(inner.hi, out_w);
    inner.lo = nnom_min_i32(inner.lo, inner.hi);
    return inner;
}

int32_t nnom_fpu_run_count(const nnom_geometry_t *g, bool split)
{
    return split ? g->kernel_h * g->kernel_w : g->kernel_h;
}

void nnom_fpu_runs_row(nnom_fpu_runs_t *runs, const nnom_rows_t *from, int32_t y)
{
    nnom_window_row(&runs->window, from, y);
    runs->end = runs->first;
}

static void fpu_runs_fill(nnom_fpu_runs_t *runs)
{
    const nnom_window_t *window = &runs->window;
    const nnom_geometry_t *g = window->g;
    const nnom_range_t k = window->columns;
    const uint32_t hop = (uint32_t)(g->dilation_w * window->pixel), length = (uint32_t)runs->length;
    nnom_walk_t walk = window->walk;
    nnom_fpu_run_t *to = runs->first;
    for (int32_t ky = window->rows.lo; ky < window->rows.hi; ky++, nnom_walk_down(&walk)) {
        nnom_fpu_run_t run = {walk.at, 1u + (uint32_t)(ky * g->kernel_w + k.lo) * length};
        for (int32_t kx = k.lo; kx < (runs->split ? k.hi : k.lo + 1); kx++, run.x += hop, run.w += length) {
            *to++ = run;
        }
    }
    runs->lo = k.lo;
    runs->end = to;
}

/* Runs of rows begin with another column: other weights, the inputs follow from the base. */
static void fpu_runs_shift(nnom_fpu_runs_t *runs, int32_t lo)
{
    const uint32_t by = (uint32_t)((lo - runs->lo) * runs->length); /* modulo 2^32 */
    for (nnom_fpu_run_t *run = runs->first; run != runs->end; run++) {
        run->w += by;
    }
    runs->lo = lo;
}

void nnom_fpu_runs_column(nnom_fpu_runs_t *runs, int32_t x, nnom_fpu_task_t *t)
{
    const nnom_window_t *window = &runs->window;
    nnom_window_column(&runs->window, x);
    const nnom_range_t k = window->columns;
    if (k.lo == k.hi || window->rows.lo == window->rows.hi) {
        t->runs = t->runs_end = runs->first; /* loops run at least once */
        t->runs_end++;
        t->n = 0;
        return;
    }
    if (runs->end == runs->first || runs->split) {
        fpu_runs_fill(runs);
    } else if (k.lo != runs->lo) {
        fpu_runs_shift(runs, k.lo);
    }
    t->runs = runs->first;
    t->runs_end = runs->end;
    t->n = (uint32_t)((runs->split ? 1 : k.hi - k.lo) * runs->length);
}

uint32_t nnom_fpu_finish(const nnom_fpu_param_t *p)
{
    return p->act_min_f == 0.0f && p->act_max_f == INFINITY ? NNOM_FPU_RELU : NNOM_FPU_PLAIN;
}

void nnom_fpu_limits(const nnom_fpu_param_t *p, float *row, int32_t n)
{
    if (nnom_fpu_finish(p) == NNOM_FPU_RELU || (p->act_min_f == -INFINITY && p->act_max_f == INFINITY)) {
        return;
    }
    for (int32_t i = 0; i < n; i++) {
        row[i] = nnom_clamp_f32(row[i], p->act_min_f, p->act_max_f);
    }
}
