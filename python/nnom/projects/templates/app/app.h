/* Made by NNoM @@version for the model @@name. This file is yours. */
#ifndef @@{NAME}_APP_H
#define @@{NAME}_APP_H

#include <stdbool.h>

#include "@@{name}.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Reads the sensor, runs the model. *label: the strongest of its @@outputs output values, counted from 0; *thousandths: that value times 1000.
 * NNOM_OK, or what the model said.
 */
nnom_status_t @@{name}_classify(int *label, long *thousandths);

/* The self test, then one classification, as lines of text for `say`. False if the self test fails. */
bool @@{name}_show(void (*say)(const char *line));

#ifdef __cplusplus
}
#endif

#endif
