/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Parameters of operations: const structs that a frozen model writes out as C.
 */
#ifndef NNOM_PARAM_H
#define NNOM_PARAM_H

#include "nnom_program.h"

/*
 * An operation's const struct is written once, as a list, from which come the struct and the table that freeze reads:
 *
 *     #define NNOM_POOL_PARAM(I32, F32, GEOMETRY, ARRAY) GEOMETRY(geometry) I32(act_min) I32(act_max)
 *     NNOM_PARAM_STRUCT(nnom_pool_param, NNOM_POOL_PARAM)        in a header or the layer's file
 *     NNOM_PARAM_FIELDS(nnom_pool_param, NNOM_POOL_PARAM)        in the layer's file: static table nnom_pool_param_fields
 *
 * ARRAY members are `const void *`. What they point to is memory of nnom_layer_alloc(), of which nnom_layer_array() says what it holds,
 * or something that the class knows: nnom_rare_class_t.array.
 */
typedef enum nnom_field_kind {
    NNOM_FIELD_I32,
    NNOM_FIELD_F32,
    NNOM_FIELD_GEOMETRY,
    NNOM_FIELD_ARRAY
} nnom_field_kind_t;

typedef struct nnom_field {
    const char *name;
    nnom_field_kind_t kind;
    size_t offset;
} nnom_field_t;

#define NNOM_MEMBER_I32(name) int32_t name;
#define NNOM_MEMBER_F32(name) float name;
#define NNOM_MEMBER_GEOMETRY(name) nnom_geometry_t name;
#define NNOM_MEMBER_ARRAY(name) const void *name;
#define NNOM_PARAM_STRUCT(tag, LIST)                                                                                   \
    typedef struct tag {                                                                                               \
        LIST(NNOM_MEMBER_I32, NNOM_MEMBER_F32, NNOM_MEMBER_GEOMETRY, NNOM_MEMBER_ARRAY)                                \
    } tag##_t;

#define NNOM_FIELD_ROW(name, kind) {#name, kind, offsetof(nnom_field_owner_t, name)},
#define NNOM_ROW_I32(name) NNOM_FIELD_ROW(name, NNOM_FIELD_I32)
#define NNOM_ROW_F32(name) NNOM_FIELD_ROW(name, NNOM_FIELD_F32)
#define NNOM_ROW_GEOMETRY(name) NNOM_FIELD_ROW(name, NNOM_FIELD_GEOMETRY)
#define NNOM_ROW_ARRAY(name) NNOM_FIELD_ROW(name, NNOM_FIELD_ARRAY)
/* One per file: it names the struct whose offsets the rows take. */
#define NNOM_PARAM_FIELDS(tag, LIST)                                                                                   \
    typedef tag##_t nnom_field_owner_t;                                                                                \
    static const nnom_field_t tag##_fields[] = {                                                                       \
        LIST(NNOM_ROW_I32, NNOM_ROW_F32, NNOM_ROW_GEOMETRY, NNOM_ROW_ARRAY){NULL, NNOM_FIELD_I32, 0}};

#endif
