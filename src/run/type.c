/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "type.h"

const nnom_type_facts_t *nnom_type_facts(nnom_type_t type)
{
#define TYPE_ROW(name, value, c_type, bytes, least, most, quantised)                                                   \
    case (value): {                                                                                                    \
        static const nnom_type_facts_t facts = {#name, #c_type, (bytes), (least), (most), (quantised)};                \
        return &facts;                                                                                                 \
    }
    static const nnom_type_facts_t unknown = {"?", "?", 0, 0, 0, false};
    switch ((int)type) {
        NNOM_TYPES(TYPE_ROW)
    default:
        return &unknown;
    }
#undef TYPE_ROW
}

int32_t nnom_type_load(nnom_type_t type, const void *x)
{
    if (type == NNOM_TYPE_S16) {
        return *(const int16_t *)x;
    }
    return type == NNOM_TYPE_U8 ? (int32_t) * (const uint8_t *)x : (int32_t) * (const int8_t *)x;
}

void nnom_type_store(nnom_type_t type, void *to, int32_t x)
{
    const nnom_type_facts_t *facts = nnom_type_facts(type);
    const int32_t y = x < facts->least ? facts->least : (x > facts->most ? facts->most : x);
    if (type == NNOM_TYPE_S16) {
        *(int16_t *)to = (int16_t)y;
    } else if (type == NNOM_TYPE_U8) {
        *(uint8_t *)to = (uint8_t)y;
    } else {
        *(int8_t *)to = (int8_t)y;
    }
}
