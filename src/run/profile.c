/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Where the time goes, node by node. */
#include "nnom_run.h"

#include "nnom_port.h"

static uint32_t now(const nnom_profile_t *profile)
{
    return profile->clock != NULL ? profile->clock() : (uint32_t)nnom_us_get();
}

/* The clock is read last at the beginning and first at the end: the work of this function stays outside. */
static void add_up(void *context, const nnom_instance_t *instance, uint32_t node, nnom_event_t event)
{
    nnom_profile_t *profile = context;
    (void)instance;
    if (event == NNOM_EVENT_END) {
        const uint32_t passed = now(profile) - profile->begin;
        profile->ticks[node] += passed > profile->overhead ? passed - profile->overhead : 0;
    } else {
        profile->begin = now(profile);
    }
}

/* A step without work, called as a run does: through a pointer that the compiler cannot see through. */
static uint32_t empty_step(nnom_profile_t *profile, const nnom_instance_t *instance)
{
    nnom_observer_t volatile observer = add_up;
    const nnom_observer_t call = observer;
    call(profile, instance, 0, NNOM_EVENT_BEGIN);
    call(profile, instance, 0, NNOM_EVENT_END);
    const uint32_t passed = (uint32_t)profile->ticks[0];
    profile->ticks[0] = 0;
    return passed;
}

void nnom_profile_start(nnom_profile_t *profile, nnom_instance_t *instance, uint64_t *ticks, nnom_clock_t clock)
{
    const uint32_t count = nnom_node_count(instance);
    if (count == 0 || profile == NULL || ticks == NULL) {
        return;
    }
    for (uint32_t n = 0; n < count; n++) {
        ticks[n] = 0;
    }
    profile->clock = clock;
    profile->ticks = ticks;
    profile->overhead = 0;
    profile->overhead = clock != NULL ? empty_step(profile, instance) : 0;
    nnom_set_observer(instance, add_up, profile);
}
