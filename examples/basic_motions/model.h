/*
 * Made by NNoM 1.0.0 from a trained model. This file is yours.
 * model.keras, SHA-256 d30901394a5b7cab1d2a52b28202a3e41527311e3ef97218ecdc85c7d498a274
 * make generate
 *
 *            name                     shape            type     scale          zero point
 * input      motion                   100 x 1 x 6      int8_t   0.21624501     -8
 * output     softmax                  1 x 1 x 4        int8_t   0.00390625     -128
 */
#ifndef BASIC_MOTIONS_MODEL_H
#define BASIC_MOTIONS_MODEL_H

#include "nnom_run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the arena. With the model's state, an nnom_instance_t of 40 bytes on a 32-bit core, it is all of its RAM. */
#define BASIC_MOTIONS_ARENA_BYTES 868u
#define BASIC_MOTIONS_MACS 90944u
#define BASIC_MOTIONS_WEIGHT_BYTES 12620u

#define BASIC_MOTIONS_INPUT_H 100
#define BASIC_MOTIONS_INPUT_W 1
#define BASIC_MOTIONS_INPUT_C 6
#define BASIC_MOTIONS_INPUT_COUNT 600
#define BASIC_MOTIONS_INPUT_SCALE 0.21624501f
#define BASIC_MOTIONS_INPUT_ZERO_POINT (-8)
/* Where the input goes before each run: [100][1][6]; a run overwrites it. */
int8_t *basic_motions_input(void);
static inline int8_t *basic_motions_input_motion(void)
{
    return basic_motions_input();
}
static inline int8_t basic_motions_quantize_input(float x)
{
    return (int8_t)nnom_stored(x, BASIC_MOTIONS_INPUT_SCALE, BASIC_MOTIONS_INPUT_ZERO_POINT, -128, 127);
}
static inline float basic_motions_dequantize_input(int8_t q)
{
    return nnom_real(q, BASIC_MOTIONS_INPUT_SCALE, BASIC_MOTIONS_INPUT_ZERO_POINT);
}

#define BASIC_MOTIONS_OUTPUT_H 1
#define BASIC_MOTIONS_OUTPUT_W 1
#define BASIC_MOTIONS_OUTPUT_C 4
#define BASIC_MOTIONS_OUTPUT_COUNT 4
#define BASIC_MOTIONS_OUTPUT_SCALE 0.00390625f
#define BASIC_MOTIONS_OUTPUT_ZERO_POINT (-128)
/* The result of the last run: [1][1][4]. */
const int8_t *basic_motions_output(void);
static inline const int8_t *basic_motions_output_softmax(void)
{
    return basic_motions_output();
}
static inline int8_t basic_motions_quantize_output(float x)
{
    return (int8_t)nnom_stored(x, BASIC_MOTIONS_OUTPUT_SCALE, BASIC_MOTIONS_OUTPUT_ZERO_POINT, -128, 127);
}
static inline float basic_motions_dequantize_output(int8_t q)
{
    return nnom_real(q, BASIC_MOTIONS_OUTPUT_SCALE, BASIC_MOTIONS_OUTPUT_ZERO_POINT);
}

/* Runs the model once. NNOM_OK always. */
nnom_status_t basic_motions_run(void);
/* The model, for the calls of nnom_run.h. */
nnom_instance_t *basic_motions_model(void);
/* Runs a stored input and compares with the stored output: NNOM_OK or NNOM_SELFTEST. */
nnom_status_t basic_motions_selftest(void);

/* Names, kinds and MACs, for nnom_print_layers() and nnom_profile_print(). The linker drops it where it is not used. */
#define BASIC_MOTIONS_NODES 7
extern const nnom_layer_row_t basic_motions_layers[BASIC_MOTIONS_NODES];

#ifdef __cplusplus
}
#endif

#endif
