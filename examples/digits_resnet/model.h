/*
 * Made by NNoM 1.0.0 from a trained model. This file is yours.
 * model.keras, SHA-256 4dddff92a20c6f43c5a2de58c4a7b415e9c49b9f1756a3e582dcd5ea1b7d9bf4
 * make generate
 *
 *            name                     shape            type     scale          zero point
 * input      digit                    8 x 8 x 1        int8_t   0.00392156886  -128
 * output     softmax                  1 x 1 x 10       int8_t   0.00390625     -128
 */
#ifndef DIGITS_RESNET_MODEL_H
#define DIGITS_RESNET_MODEL_H

#include "nnom_run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the arena. With the model's state, an nnom_instance_t of 40 bytes on a 32-bit core, it is all of its RAM. */
#define DIGITS_RESNET_ARENA_BYTES 3492u
#define DIGITS_RESNET_MACS 821056u
#define DIGITS_RESNET_WEIGHT_BYTES 30836u

#define DIGITS_RESNET_INPUT_H 8
#define DIGITS_RESNET_INPUT_W 8
#define DIGITS_RESNET_INPUT_C 1
#define DIGITS_RESNET_INPUT_COUNT 64
#define DIGITS_RESNET_INPUT_SCALE 0.00392156886f
#define DIGITS_RESNET_INPUT_ZERO_POINT (-128)
/* Where the input goes before each run: [8][8][1]; a run overwrites it. */
int8_t *digits_resnet_input(void);
static inline int8_t *digits_resnet_input_digit(void)
{
    return digits_resnet_input();
}
static inline int8_t digits_resnet_quantize_input(float x)
{
    return (int8_t)nnom_stored(x, DIGITS_RESNET_INPUT_SCALE, DIGITS_RESNET_INPUT_ZERO_POINT, -128, 127);
}
static inline float digits_resnet_dequantize_input(int8_t q)
{
    return nnom_real(q, DIGITS_RESNET_INPUT_SCALE, DIGITS_RESNET_INPUT_ZERO_POINT);
}

#define DIGITS_RESNET_OUTPUT_H 1
#define DIGITS_RESNET_OUTPUT_W 1
#define DIGITS_RESNET_OUTPUT_C 10
#define DIGITS_RESNET_OUTPUT_COUNT 10
#define DIGITS_RESNET_OUTPUT_SCALE 0.00390625f
#define DIGITS_RESNET_OUTPUT_ZERO_POINT (-128)
/* The result of the last run: [1][1][10]. */
const int8_t *digits_resnet_output(void);
static inline const int8_t *digits_resnet_output_softmax(void)
{
    return digits_resnet_output();
}
static inline int8_t digits_resnet_quantize_output(float x)
{
    return (int8_t)nnom_stored(x, DIGITS_RESNET_OUTPUT_SCALE, DIGITS_RESNET_OUTPUT_ZERO_POINT, -128, 127);
}
static inline float digits_resnet_dequantize_output(int8_t q)
{
    return nnom_real(q, DIGITS_RESNET_OUTPUT_SCALE, DIGITS_RESNET_OUTPUT_ZERO_POINT);
}

/* Runs the model once. NNOM_OK always. */
nnom_status_t digits_resnet_run(void);
/* The model, for the calls of nnom_run.h. */
nnom_instance_t *digits_resnet_model(void);
/* Runs a stored input and compares with the stored output: NNOM_OK or NNOM_SELFTEST. */
nnom_status_t digits_resnet_selftest(void);

/* Names, kinds and MACs, for nnom_print_layers() and nnom_profile_print(). The linker drops it where it is not used. */
#define DIGITS_RESNET_NODES 18
extern const nnom_layer_row_t digits_resnet_layers[DIGITS_RESNET_NODES];

#ifdef __cplusplus
}
#endif

#endif
