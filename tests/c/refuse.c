/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "refuse.h"

#include <string.h>

void expect_refusal(nnom_model_t *m, nnom_status_t status, nnom_status_t expected, const char *text)
{
    CHECK(status == expected, "status %d (%s), expected %d", (int)status, model_error_text(m), (int)expected);
    CHECK(strstr(model_error_text(m), text) != NULL, "text '%s' without '%s'", model_error_text(m), text);
    CHECK(model_run(m) == NNOM_NOT_COMPILED, "it runs");
    CHECK(nnom_input_buffer(&m->instance, 0) == NULL && nnom_output_tensor(&m->instance, 0) == NULL &&
              nnom_node_count(&m->instance) == 0,
          "half compiled");
    model_delete(m);
    test_context("%s", "");
}

nnom_model_t quiet_model(void)
{
    nnom_model_t m;
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    return m;
}

void refuse_after(nnom_shape_t s, nnom_layer_t *layer, nnom_status_t expected, const char *what)
{
    nnom_model_t m = quiet_model();
    test_context("%s:", what);
    (void)m.add(&m, Input(s, NULL));
    (void)m.add(&m, nnom_layer_set_name(layer, "bad"));
    expect_refusal(&m, sequential_compile(&m), expected, "layer 'bad'");
}
