/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Float layers on cores with an FPU: their parameters, and windows as the loops take them. */
#ifndef NNOM_FPU_H
#define NNOM_FPU_H

#include "../kernels.h"
#include "../ref/window.h"
#include "fpu_loops.h"

/* stream: blocks of outputs (nnom_fpu_task_t), of eight channels each; the last one as nnom_fpu_layout_t tells. */
#define NNOM_FPU_PARAM(I32, F32, GEOMETRY, ARRAY) GEOMETRY(geometry) F32(act_min_f) F32(act_max_f) ARRAY(stream)
NNOM_PARAM_STRUCT(nnom_fpu_param, NNOM_FPU_PARAM)

/* Conv2D and Dense: `eights` whole blocks, then one of `width` outputs (8 or 4), of which `rest` > 0 are there; 0: no such block. */
typedef struct nnom_fpu_layout {
    int32_t eights;
    int32_t rest;
    int32_t width;
} nnom_fpu_layout_t;

static inline nnom_fpu_layout_t nnom_fpu_layout(int32_t channels)
{
    const int32_t rest = channels % 8;
    const nnom_fpu_layout_t layout = {channels / 8, rest, rest == 0 ? 0 : (rest <= 4 ? 4 : 8)};
    return layout;
}

/* Columns of the output whose windows lie within the input's columns. */
nnom_range_t nnom_fpu_inner(const nnom_geometry_t *g, int32_t in_w, int32_t out_w);

/* The runs of the windows of an output row, for one column after another. */
typedef struct nnom_fpu_runs {
    nnom_window_t window;
    nnom_fpu_run_t *first, *end; /* scratch: nnom_fpu_run_count(); none, before the first column of a row */
    int32_t lo;                  /* column of the kernel with which they begin */
    int32_t length;              /* taps of a column: channels, or 1 */
    bool split;                  /* a run for each column, else one for each row */
} nnom_fpu_runs_t;

int32_t nnom_fpu_run_count(const nnom_geometry_t *g, bool split);
void nnom_fpu_runs_row(nnom_fpu_runs_t *runs, const nnom_rows_t *from, int32_t y);
/* Gives a task the runs of output column x and their number of taps, which is 0 where the window lies in the padding. */
void nnom_fpu_runs_column(nnom_fpu_runs_t *runs, int32_t x, nnom_fpu_task_t *t);

/* Where the first column of a window begins that lies in the input. */
static inline const float *nnom_fpu_base(const nnom_window_t *window)
{
    if (window->rows.lo == window->rows.hi) {
        return nnom_fpu_zeros; /* nothing will be read */
    }
    const int32_t column = window->left + window->columns.lo * window->g->dilation_w;
    return (const float *)(const void *)window->walk.data + column * window->in.c;
}

/* What the loops do with sums, and what is left for nnom_fpu_limits(): values of the outputs. */
uint32_t nnom_fpu_finish(const nnom_fpu_param_t *p);
void nnom_fpu_limits(const nnom_fpu_param_t *p, float *row, int32_t n);

#endif
