/*
 * Made by NNoM 1.0.0 from a trained model. This file is yours.
 * slope.keras, SHA-256 9997030c68b87c2e13503a37930b9b640d3c97b3939aff86b7964f718d8e29cf
 * packages/example/make.py
 *
 *            name                     shape            type     scale          zero point
 * input      signal                   16 x 1 x 1       int8_t   0.0076590227   -1
 * output     which                    1 x 1 x 3        int8_t   0.00390625     -128
 */
#ifndef SLOPE_MODEL_H
#define SLOPE_MODEL_H

#include "nnom_run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the arena. With the model's state, an nnom_instance_t of 40 bytes on a 32-bit core, it is all of its RAM. */
#define SLOPE_ARENA_BYTES 32u
#define SLOPE_MACS 90u
#define SLOPE_WEIGHT_BYTES 57u

#define SLOPE_INPUT_H 16
#define SLOPE_INPUT_W 1
#define SLOPE_INPUT_C 1
#define SLOPE_INPUT_COUNT 16
#define SLOPE_INPUT_SCALE 0.0076590227f
#define SLOPE_INPUT_ZERO_POINT (-1)
/* Where the input goes before each run: [16][1][1]; a run overwrites it. */
int8_t *slope_input(void);
static inline int8_t *slope_input_signal(void)
{
    return slope_input();
}
static inline int8_t slope_quantize_input(float x)
{
    return (int8_t)nnom_stored(x, SLOPE_INPUT_SCALE, SLOPE_INPUT_ZERO_POINT, -128, 127);
}
static inline float slope_dequantize_input(int8_t q)
{
    return nnom_real(q, SLOPE_INPUT_SCALE, SLOPE_INPUT_ZERO_POINT);
}

#define SLOPE_OUTPUT_H 1
#define SLOPE_OUTPUT_W 1
#define SLOPE_OUTPUT_C 3
#define SLOPE_OUTPUT_COUNT 3
#define SLOPE_OUTPUT_SCALE 0.00390625f
#define SLOPE_OUTPUT_ZERO_POINT (-128)
/* The result of the last run: [1][1][3]. */
const int8_t *slope_output(void);
static inline const int8_t *slope_output_which(void)
{
    return slope_output();
}
static inline int8_t slope_quantize_output(float x)
{
    return (int8_t)nnom_stored(x, SLOPE_OUTPUT_SCALE, SLOPE_OUTPUT_ZERO_POINT, -128, 127);
}
static inline float slope_dequantize_output(int8_t q)
{
    return nnom_real(q, SLOPE_OUTPUT_SCALE, SLOPE_OUTPUT_ZERO_POINT);
}

/* Runs the model once. NNOM_OK always. */
nnom_status_t slope_run(void);
/* The model, for the calls of nnom_run.h. */
nnom_instance_t *slope_model(void);
/* Runs a stored input and compares with the stored output: NNOM_OK or NNOM_SELFTEST. */
nnom_status_t slope_selftest(void);

/* Names, kinds and MACs, for nnom_print_layers() and nnom_profile_print(). The linker drops it where it is not used. */
#define SLOPE_NODES 4
extern const nnom_layer_row_t slope_layers[SLOPE_NODES];

#ifdef __cplusplus
}
#endif

#endif
