/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "nnom_run.h"

const char *nnom_status_text(nnom_status_t status)
{
    switch (status) {
#define NNOM_STATUS_CASE(name, value, text)                                                                            \
    case name:                                                                                                         \
        return text;
        NNOM_STATUS_LIST(NNOM_STATUS_CASE)
#undef NNOM_STATUS_CASE
    default:
        return "unknown status";
    }
}
