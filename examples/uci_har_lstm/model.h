/*
 * Made by NNoM 1.0.0 from a trained model. This file is yours.
 * model.keras, SHA-256 7c79520654fa75a01e40f4fab4bb24844f3a441d8c02ea06522539f096b878dc
 * make generate
 *
 *            name                     shape            type     scale          zero point
 * input      motion                   128 x 1 x 9      int8_t   0.01910441     -3
 * output     softmax                  1 x 1 x 6        int8_t   0.00390625     -128
 */
#ifndef UCI_HAR_LSTM_MODEL_H
#define UCI_HAR_LSTM_MODEL_H

#include "nnom_run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the arena. With the model's state, an nnom_instance_t of 40 bytes on a 32-bit core, it is all of its RAM. */
#define UCI_HAR_LSTM_ARENA_BYTES 552u
#define UCI_HAR_LSTM_MACS 282864u
#define UCI_HAR_LSTM_WEIGHT_BYTES 6246u

#define UCI_HAR_LSTM_INPUT_H 128
#define UCI_HAR_LSTM_INPUT_W 1
#define UCI_HAR_LSTM_INPUT_C 9
#define UCI_HAR_LSTM_INPUT_COUNT 1152
#define UCI_HAR_LSTM_INPUT_SCALE 0.01910441f
#define UCI_HAR_LSTM_INPUT_ZERO_POINT (-3)
/* Takes n rows of [1][9] as they come: NNOM_MORE, or NNOM_OK when the output is complete (nnom_run.h). */
nnom_status_t uci_har_lstm_feed(const int8_t *rows, uint32_t n);
/* Before the next input: its first row comes next. */
void uci_har_lstm_reset(void);
static inline int8_t uci_har_lstm_quantize_input(float x)
{
    return (int8_t)nnom_stored(x, UCI_HAR_LSTM_INPUT_SCALE, UCI_HAR_LSTM_INPUT_ZERO_POINT, -128, 127);
}
static inline float uci_har_lstm_dequantize_input(int8_t q)
{
    return nnom_real(q, UCI_HAR_LSTM_INPUT_SCALE, UCI_HAR_LSTM_INPUT_ZERO_POINT);
}

#define UCI_HAR_LSTM_OUTPUT_H 1
#define UCI_HAR_LSTM_OUTPUT_W 1
#define UCI_HAR_LSTM_OUTPUT_C 6
#define UCI_HAR_LSTM_OUTPUT_COUNT 6
#define UCI_HAR_LSTM_OUTPUT_SCALE 0.00390625f
#define UCI_HAR_LSTM_OUTPUT_ZERO_POINT (-128)
/* The result of the last run: [1][1][6]. */
const int8_t *uci_har_lstm_output(void);
static inline const int8_t *uci_har_lstm_output_softmax(void)
{
    return uci_har_lstm_output();
}
static inline int8_t uci_har_lstm_quantize_output(float x)
{
    return (int8_t)nnom_stored(x, UCI_HAR_LSTM_OUTPUT_SCALE, UCI_HAR_LSTM_OUTPUT_ZERO_POINT, -128, 127);
}
static inline float uci_har_lstm_dequantize_output(int8_t q)
{
    return nnom_real(q, UCI_HAR_LSTM_OUTPUT_SCALE, UCI_HAR_LSTM_OUTPUT_ZERO_POINT);
}
/* The model, for the calls of nnom_run.h. */
nnom_instance_t *uci_har_lstm_model(void);
/* Runs a stored input and compares with the stored output: NNOM_OK or NNOM_SELFTEST. */
nnom_status_t uci_har_lstm_selftest(void);

/* Names, kinds and MACs, for nnom_print_layers() and nnom_profile_print(). The linker drops it where it is not used. */
#define UCI_HAR_LSTM_NODES 5
extern const nnom_layer_row_t uci_har_lstm_layers[UCI_HAR_LSTM_NODES];

#ifdef __cplusplus
}
#endif

#endif
