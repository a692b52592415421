/* Made by NNoM @@version for the model @@name. This file is yours. What the web page calls: real numbers in, real numbers out. */
#include "@@{name}.h"

#ifdef __wasm__
#define WEB_EXPORT(name) __attribute__((export_name(name)))
#else
#define WEB_EXPORT(name)
#endif

@@buffers
static float @@{name}_web_result[@@{NAME}_OUTPUT_COUNT];

float *@@{name}_web_outputs(void);
int @@{name}_web_run(void);
int @@{name}_web_selftest(void);
const void *@@{name}_web_bytes(void);

/* The output's values after a run. */
WEB_EXPORT("@@{name}_outputs") float *@@{name}_web_outputs(void)
{
    return @@{name}_web_result;
}

/* The output as it is stored. */
WEB_EXPORT("@@{name}_bytes") const void *@@{name}_web_bytes(void)
{
    return @@{name}_output();
}

/* 0, or what the model says. */
WEB_EXPORT("@@{name}_selftest") int @@{name}_web_selftest(void)
{
    return @@{name}_selftest();
}

static float @@{name}_web_value(int i)
{
    const @@output_type *output = @@{name}_output();
    return @@output_value;
}

static nnom_status_t @@{name}_web_compute(void)
{
@@fill
    return NNOM_OK;
}

/* Runs the model over the inputs: 0, or what the model says. */
WEB_EXPORT("@@{name}_run") int @@{name}_web_run(void)
{
    const nnom_status_t status = @@{name}_web_compute();
    for (int i = 0; i < @@{NAME}_OUTPUT_COUNT; i++) {
        @@{name}_web_result[i] = @@{name}_web_value(i);
    }
    return status;
}
