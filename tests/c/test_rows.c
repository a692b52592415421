/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Every layer computes ranges of rows from rings as it computes all rows at once. Replay of one configuration: the failure's
 * seed, as in `tests rows.conv2d seed=17 cases=1`.
 */
#include "random_layers.h"

#include <string.h>

#include "separate.h"

enum { TRIES = 40 };

/* False if compile refused what came out. */
static bool one_configuration(maker_t make)
{
    nnom_model_t m;
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    const nnom_status_t status = model_compile(&m, make(&m), NULL);
    if (status == NNOM_OK) {
        separate_t s = separate_new(&m);
        for (uint32_t n = 0; n < nnom_node_count(&m); n++) {
            check_rows(&s, n);
            check_overlap(&s, n);
        }
        check_model_run(&s);
        separate_free(&s);
    } else {
        const bool expected = status == NNOM_BAD_SHAPE || status == NNOM_BAD_ARGUMENT || status == NNOM_BAD_QUANT ||
                              status == NNOM_OVERFLOW;
        CHECK(expected && strstr(model_error_text(&m), "layer '") != NULL, "status %d, text '%s'", (int)status,
              model_error_text(&m));
    }
    model_delete(&m);
    forget();
    return status == NNOM_OK;
}

static void rows_of(maker_t make)
{
    uint32_t good = 0, tries = 0;
    for (; good < test_cases && tries < TRIES * test_cases && !test_failed(); tries++) {
        test_context("seed=%lu:", (unsigned long)(test_seed + tries));
        random_seed(test_seed + tries);
        good += one_configuration(make);
    }
    test_context("%s", "");
    CHECK(good == test_cases, "%lu of %lu configurations compile", (unsigned long)good, (unsigned long)tries);
}

#define ROWS_CASE(kind)                                                                                                \
    static void rows_of_##kind(void)                                                                                   \
    {                                                                                                                  \
        rows_of(make_##kind);                                                                                          \
    }
RANDOM_LAYERS(ROWS_CASE)

#define ROWS_ENTRY(kind) {#kind, rows_of_##kind},
const test_t rows_tests[] = {RANDOM_LAYERS(ROWS_ENTRY){NULL, NULL}};
