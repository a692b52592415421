/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Outputs of inputs that lie side by side: of Dense, and of convolutions whose windows do. */
#ifndef NNOM_DSP_DENSE_H
#define NNOM_DSP_DENSE_H

#include "dsp_stream.h"

/* All outputs of p->taps inputs x, of which no more are read: of blocks of eight, and of wide ones of four (wide.h). */
typedef void nnom_dsp_outputs_t(const nnom_dsp_param_t *p, const int8_t *x, int8_t *to, int32_t units);
nnom_dsp_outputs_t nnom_dsp_dense_all, nnom_dsp_dense_all_wide;

#endif
