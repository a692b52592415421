/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Functions of one byte as a table. */
#ifndef NNOM_TABLE_H
#define NNOM_TABLE_H

#include "param.h"

/* table: int8 [256], indexed by the int8 input + 128; NULL in float models, where alpha is the function's parameter. */
#define NNOM_MAP_PARAM(I32, F32, GEOMETRY, ARRAY) F32(alpha) ARRAY(table)
NNOM_PARAM_STRUCT(nnom_map_param, NNOM_MAP_PARAM)

enum { NNOM_TABLE_SIZE = 256 };

#endif
