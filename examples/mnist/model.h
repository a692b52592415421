/*
 * Made by NNoM 1.0.0 from a trained model. This file is yours.
 * model.keras, SHA-256 86c9211be5cd0d1321b167592a2e86368898251169ea9a56869e2c67ec5592a6
 * make generate
 *
 *            name                     shape            type     scale          zero point
 * input      digit                    28 x 28 x 1      int8_t   0.00392156886  -128
 * output     softmax                  1 x 1 x 10       int8_t   0.00390625     -128
 */
#ifndef MNIST_MODEL_H
#define MNIST_MODEL_H

#include "nnom_run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the arena. With the model's state, an nnom_instance_t of 40 bytes on a 32-bit core, it is all of its RAM. */
#define MNIST_ARENA_BYTES 3436u
#define MNIST_MACS 699744u
#define MNIST_WEIGHT_BYTES 24114u

#define MNIST_INPUT_H 28
#define MNIST_INPUT_W 28
#define MNIST_INPUT_C 1
#define MNIST_INPUT_COUNT 784
#define MNIST_INPUT_SCALE 0.00392156886f
#define MNIST_INPUT_ZERO_POINT (-128)
/* Where the input goes before each run: [28][28][1]; a run overwrites it. */
int8_t *mnist_input(void);
static inline int8_t *mnist_input_digit(void)
{
    return mnist_input();
}
static inline int8_t mnist_quantize_input(float x)
{
    return (int8_t)nnom_stored(x, MNIST_INPUT_SCALE, MNIST_INPUT_ZERO_POINT, -128, 127);
}
static inline float mnist_dequantize_input(int8_t q)
{
    return nnom_real(q, MNIST_INPUT_SCALE, MNIST_INPUT_ZERO_POINT);
}

#define MNIST_OUTPUT_H 1
#define MNIST_OUTPUT_W 1
#define MNIST_OUTPUT_C 10
#define MNIST_OUTPUT_COUNT 10
#define MNIST_OUTPUT_SCALE 0.00390625f
#define MNIST_OUTPUT_ZERO_POINT (-128)
/* The result of the last run: [1][1][10]. */
const int8_t *mnist_output(void);
static inline const int8_t *mnist_output_softmax(void)
{
    return mnist_output();
}
static inline int8_t mnist_quantize_output(float x)
{
    return (int8_t)nnom_stored(x, MNIST_OUTPUT_SCALE, MNIST_OUTPUT_ZERO_POINT, -128, 127);
}
static inline float mnist_dequantize_output(int8_t q)
{
    return nnom_real(q, MNIST_OUTPUT_SCALE, MNIST_OUTPUT_ZERO_POINT);
}

/* Runs the model once. NNOM_OK always. */
nnom_status_t mnist_run(void);
/* The model, for the calls of nnom_run.h. */
nnom_instance_t *mnist_model(void);
/* Runs a stored input and compares with the stored output: NNOM_OK or NNOM_SELFTEST. */
nnom_status_t mnist_selftest(void);

/* Names, kinds and MACs, for nnom_print_layers() and nnom_profile_print(). The linker drops it where it is not used. */
#define MNIST_NODES 9
extern const nnom_layer_row_t mnist_layers[MNIST_NODES];

#ifdef __cplusplus
}
#endif

#endif
