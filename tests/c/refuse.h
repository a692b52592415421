/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Models that compile must refuse. */
#ifndef REFUSE_H
#define REFUSE_H

#include "harness.h"

/* A new model that prints nothing. */
nnom_model_t quiet_model(void);
/* What compile and the text must say; then the model is gone. */
void expect_refusal(nnom_model_t *m, nnom_status_t status, nnom_status_t expected, const char *text);
/* Input(s), then the layer, named "bad". `what` is printed if it fails. */
void refuse_after(nnom_shape_t s, nnom_layer_t *layer, nnom_status_t expected, const char *what);

/* A layer that gives its input and registers n arrays of constants, up to 8. */
nnom_layer_t *layer_of_arrays(int32_t n);

#define REFUSE(layer, status) refuse_after(shape(8, 8, 3), layer, status, #layer)

#endif
