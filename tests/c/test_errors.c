/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "harness.h"

const test_t errors_tests[] = {{NULL, NULL}};
