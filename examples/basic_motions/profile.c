/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The layers of the frozen network and where the time goes, on the device: cycles by the counter of a Cortex-M3, M4, M7, M33 or
 * M55 (its debug unit, DWT; Cortex-M0 has none: take a timer). On other processors the port's microseconds (nnom_port.h).
 */
#include <stdio.h>

#include "model.h"

#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && !defined(__ARM_ARCH_6M__)

#define DEMCR (*(volatile uint32_t *)0xE000EDFCu)      /* bit 24: the debug unit is on */
#define DWT_CTRL (*(volatile uint32_t *)0xE0001000u)   /* bit 0: count */
#define DWT_CYCCNT (*(volatile uint32_t *)0xE0001004u) /* cycles of the core, wraps at 2^32 */

static uint32_t cycles(void)
{
    return DWT_CYCCNT;
}

static nnom_clock_t start_clock(void)
{
    DEMCR |= 1u << 24;
    DWT_CYCCNT = 0;
    DWT_CTRL |= 1u;
    return cycles;
}

#else

static nnom_clock_t start_clock(void)
{
    return NULL;
}

#endif

int main(void)
{
    static uint64_t ticks[BASIC_MOTIONS_NODES];
    nnom_profile_t profile;
    nnom_instance_t *model = basic_motions_model();
    nnom_print_layers(model, basic_motions_layers);
    for (int i = 0; i < BASIC_MOTIONS_INPUT_COUNT; i++) {
        basic_motions_input()[i] = basic_motions_quantize_input(0.0f);
    }
    nnom_profile_start(&profile, model, ticks, start_clock());
    const nnom_status_t status = basic_motions_run();
    nnom_set_observer(model, NULL, NULL);
    nnom_profile_print(&profile, model, basic_motions_layers);
    return status == NNOM_OK ? 0 : 1;
}
