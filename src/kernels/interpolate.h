/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Functions of int16 by a table: 513 values at every 128th number from -2^15 to 2^15, straight lines between them. */
#ifndef NNOM_INTERPOLATE_H
#define NNOM_INTERPOLATE_H

#include "fixed.h"

enum { NNOM_TABLE_S16 = 513 };

static inline int16_t nnom_interpolate(const int16_t *table, int16_t x)
{
    const int16_t *at = table + ((x + 32768) >> 7);
    const int32_t slope = at[1] - at[0], part = (x + 32768) & 127;
    return (int16_t)(at[0] + ((slope * part + 64) >> 7)); /* between the two */
}

#endif
