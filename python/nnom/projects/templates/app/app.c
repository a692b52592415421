/* Made by NNoM @@version for the model @@name. This file is yours: your sensor goes into @@{name}_sensor(). */
#include "@@{name}_app.h"

#include <stdio.h>

@@sensors
nnom_status_t @@{name}_classify(int *label, long *thousandths)
{
@@fill
    const @@output_type *output = @@{name}_output();
    int best = 0;
    for (int i = 1; i < @@{NAME}_OUTPUT_COUNT; i++) {
        best = output[i] > output[best] ? i : best;
    }
    *label = best;
    *thousandths = (long)(1000.0f * @@output_value);
    return NNOM_OK;
}

bool @@{name}_show(void (*say)(const char *line))
{
    char line[96];
    if (@@{name}_selftest() != NNOM_OK) {
        say("@@name: self test failed: this build does not compute what the converter computed");
        return false;
    }
    say("@@name: self test passed");
@@forget    int label = 0;
    long thousandths = 0;
    const nnom_status_t status = @@{name}_classify(&label, &thousandths);
    if (status != NNOM_OK) {
        (void)snprintf(line, sizeof line, "@@name: status %d", (int)status);
    } else {
        (void)snprintf(line, sizeof line, "@@name: class %d, %ld/1000", label, thousandths);
    }
    say(line);
    return status == NNOM_OK;
}
