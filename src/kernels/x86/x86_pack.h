/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What the packers of this folder share: the build side. */
#ifndef NNOM_X86_PACK_H
#define NNOM_X86_PACK_H

#include "../../layers/window_layer.h"
#include "x86.h"

/*
 * The arrays of Conv2D and Dense, of runs of `run` taps, and `scratch` bytes of working memory. NNOM_UNSUPPORTED: too much of either.
 */
nnom_status_t nnom_x86_pack_s8(nnom_conv_layer_t *conv, int32_t run, int64_t scratch);
/* The same for VNNI: quads of taps in blocks of 16 lanes, the bias for inputs that are 128 higher. */
nnom_status_t nnom_x86_pack_quads(nnom_conv_layer_t *conv, int32_t run, int64_t scratch);
/* The same in float. */
nnom_status_t nnom_x86_pack_f32(nnom_conv_layer_t *conv, int64_t scratch);
/* DW_Conv2D in int8. */
nnom_status_t nnom_x86_pack_taps(nnom_conv_layer_t *conv, int64_t scratch);

/* In 16 lanes that unpacking two vectors of 16 makes, the lane of place i: 0 to 3, 8 to 11, 4 to 7, 12 to 15. */
static inline int32_t nnom_x86_unpacked(int32_t i)
{
    return (i & 3) | (i & 4) << 1 | (i & 8) >> 1;
}

#endif
