/* Made by NNoM. This file is yours. */
#ifndef APP_NNOM_H
#define APP_NNOM_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Call both from main.c, between the USER CODE marks: the self tests, then one round of every model; text by printf. */
bool app_nnom_init(void);
bool app_nnom_process(void);

#ifdef __cplusplus
}
#endif

#endif
