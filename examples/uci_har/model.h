/*
 * Made by NNoM 1.0.0 from a trained model. This file is yours.
 * model.keras, SHA-256 e838be8e13c5b269282944f2a56147dffe9f21a2bbace1d7d27f7f31ba00dbc7
 * make generate
 *
 *            name                     shape            type     scale          zero point
 * input      motion                   128 x 1 x 9      int8_t   0.0287558977   -35
 * output     softmax                  1 x 1 x 6        int8_t   0.00390625     -128
 */
#ifndef UCI_HAR_MODEL_H
#define UCI_HAR_MODEL_H

#include "nnom_run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the arena. With the model's state, an nnom_instance_t of 40 bytes on a 32-bit core, it is all of its RAM. */
#define UCI_HAR_ARENA_BYTES 1276u
#define UCI_HAR_MACS 116480u
#define UCI_HAR_WEIGHT_BYTES 36182u

#define UCI_HAR_INPUT_H 128
#define UCI_HAR_INPUT_W 1
#define UCI_HAR_INPUT_C 9
#define UCI_HAR_INPUT_COUNT 1152
#define UCI_HAR_INPUT_SCALE 0.0287558977f
#define UCI_HAR_INPUT_ZERO_POINT (-35)
/* Where the input goes before each run: [128][1][9]; a run overwrites it. */
int8_t *uci_har_input(void);
static inline int8_t *uci_har_input_motion(void)
{
    return uci_har_input();
}
static inline int8_t uci_har_quantize_input(float x)
{
    return (int8_t)nnom_stored(x, UCI_HAR_INPUT_SCALE, UCI_HAR_INPUT_ZERO_POINT, -128, 127);
}
static inline float uci_har_dequantize_input(int8_t q)
{
    return nnom_real(q, UCI_HAR_INPUT_SCALE, UCI_HAR_INPUT_ZERO_POINT);
}

#define UCI_HAR_OUTPUT_H 1
#define UCI_HAR_OUTPUT_W 1
#define UCI_HAR_OUTPUT_C 6
#define UCI_HAR_OUTPUT_COUNT 6
#define UCI_HAR_OUTPUT_SCALE 0.00390625f
#define UCI_HAR_OUTPUT_ZERO_POINT (-128)
/* The result of the last run: [1][1][6]. */
const int8_t *uci_har_output(void);
static inline const int8_t *uci_har_output_softmax(void)
{
    return uci_har_output();
}
static inline int8_t uci_har_quantize_output(float x)
{
    return (int8_t)nnom_stored(x, UCI_HAR_OUTPUT_SCALE, UCI_HAR_OUTPUT_ZERO_POINT, -128, 127);
}
static inline float uci_har_dequantize_output(int8_t q)
{
    return nnom_real(q, UCI_HAR_OUTPUT_SCALE, UCI_HAR_OUTPUT_ZERO_POINT);
}

/* Runs the model once. NNOM_OK always. */
nnom_status_t uci_har_run(void);
/* The model, for the calls of nnom_run.h. */
nnom_instance_t *uci_har_model(void);
/* Runs a stored input and compares with the stored output: NNOM_OK or NNOM_SELFTEST. */
nnom_status_t uci_har_selftest(void);

/* Names, kinds and MACs, for nnom_print_layers() and nnom_profile_print(). The linker drops it where it is not used. */
#define UCI_HAR_NODES 5
extern const nnom_layer_row_t uci_har_layers[UCI_HAR_NODES];

#ifdef __cplusplus
}
#endif

#endif
