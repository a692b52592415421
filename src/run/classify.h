/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_CLASSIFY_H
#define NNOM_CLASSIFY_H

#include "nnom_run.h"

/* Elements of output 0, which is no int32; 0: there is none. */
uint32_t nnom_classes(const nnom_instance_t *instance);
/* Score of class i of output 0 as a real number. */
float nnom_class_score(const nnom_instance_t *instance, uint32_t i);

#endif
