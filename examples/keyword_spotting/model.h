/*
 * Made by NNoM 1.0.0 from a trained model. This file is yours.
 * model.keras, SHA-256 b0d1fad85e817720966de4cd41603630691ded0bec4d6b248dcb79e5d7365dcb
 * make generate
 *
 *            name                     shape            type     scale          zero point
 * input      rows                     49 x 1 x 40      int8_t   0.0102175241   -128
 * output     softmax                  1 x 1 x 4        int8_t   0.00390625     -128
 */
#ifndef KEYWORD_SPOTTING_MODEL_H
#define KEYWORD_SPOTTING_MODEL_H

#include "nnom_run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the arena. With the model's state, an nnom_instance_t of 40 bytes on a 32-bit core, it is all of its RAM. */
#define KEYWORD_SPOTTING_ARENA_BYTES 564u
#define KEYWORD_SPOTTING_MACS 82656u
#define KEYWORD_SPOTTING_WEIGHT_BYTES 7428u

#define KEYWORD_SPOTTING_INPUT_H 49
#define KEYWORD_SPOTTING_INPUT_W 1
#define KEYWORD_SPOTTING_INPUT_C 40
#define KEYWORD_SPOTTING_INPUT_COUNT 1960
#define KEYWORD_SPOTTING_INPUT_SCALE 0.0102175241f
#define KEYWORD_SPOTTING_INPUT_ZERO_POINT (-128)
/* Takes n rows of [1][40] as they come: NNOM_MORE, or NNOM_OK when the output is complete (nnom_run.h). */
nnom_status_t keyword_spotting_feed(const int8_t *rows, uint32_t n);
/* Before the next input: its first row comes next. */
void keyword_spotting_reset(void);
static inline int8_t keyword_spotting_quantize_input(float x)
{
    return (int8_t)nnom_stored(x, KEYWORD_SPOTTING_INPUT_SCALE, KEYWORD_SPOTTING_INPUT_ZERO_POINT, -128, 127);
}
static inline float keyword_spotting_dequantize_input(int8_t q)
{
    return nnom_real(q, KEYWORD_SPOTTING_INPUT_SCALE, KEYWORD_SPOTTING_INPUT_ZERO_POINT);
}

#define KEYWORD_SPOTTING_OUTPUT_H 1
#define KEYWORD_SPOTTING_OUTPUT_W 1
#define KEYWORD_SPOTTING_OUTPUT_C 4
#define KEYWORD_SPOTTING_OUTPUT_COUNT 4
#define KEYWORD_SPOTTING_OUTPUT_SCALE 0.00390625f
#define KEYWORD_SPOTTING_OUTPUT_ZERO_POINT (-128)
/* The result of the last run: [1][1][4]. */
const int8_t *keyword_spotting_output(void);
static inline const int8_t *keyword_spotting_output_softmax(void)
{
    return keyword_spotting_output();
}
static inline int8_t keyword_spotting_quantize_output(float x)
{
    return (int8_t)nnom_stored(x, KEYWORD_SPOTTING_OUTPUT_SCALE, KEYWORD_SPOTTING_OUTPUT_ZERO_POINT, -128, 127);
}
static inline float keyword_spotting_dequantize_output(int8_t q)
{
    return nnom_real(q, KEYWORD_SPOTTING_OUTPUT_SCALE, KEYWORD_SPOTTING_OUTPUT_ZERO_POINT);
}
/* The model, for the calls of nnom_run.h. */
nnom_instance_t *keyword_spotting_model(void);
/* Runs a stored input and compares with the stored output: NNOM_OK or NNOM_SELFTEST. */
nnom_status_t keyword_spotting_selftest(void);

/* Names, kinds and MACs, for nnom_print_layers() and nnom_profile_print(). The linker drops it where it is not used. */
#define KEYWORD_SPOTTING_NODES 6
extern const nnom_layer_row_t keyword_spotting_layers[KEYWORD_SPOTTING_NODES];

#ifdef __cplusplus
}
#endif

#endif
