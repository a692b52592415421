/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Which form of the loops of pairs.h a core takes. */
#ifndef NNOM_PAIRS_TEXT_H
#define NNOM_PAIRS_TEXT_H

#include "../assembly.h"

#if defined(__GNUC__) && defined(__thumb__) && defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
#ifdef __thumb2__
#define NNOM_PAIRS_V7M
#else
#define NNOM_PAIRS_V6M
#endif
#else
#define NNOM_PAIRS_C
#endif

#endif
