/* Made by NNoM 1.0.0: a front end for sound. This file is yours. */
#ifndef EARS_H
#define EARS_H

#include "nnom_audio.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EARS_WINDOW 480  /* samples of a row */
#define EARS_STEP 320    /* samples from a row to the next */
#define EARS_COLUMNS 40 /* numbers of a row: int8_t */
#define EARS_BYTES 2344 /* of a stream's memory */

extern const nnom_audio_t ears;

#ifdef __cplusplus
}
#endif

#endif
