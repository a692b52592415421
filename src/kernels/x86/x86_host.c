/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../../build/builder.h"
#include "x86_vnni.h"

uint32_t nnom_host_target(void)
{
#if NNOM_X86
    if (nnom_has_avx2() && nnom_has_vnni()) {
        return NNOM_TARGET_AVX2 | NNOM_TARGET_VNNI;
    }
    if (nnom_has_avx2()) {
        return NNOM_TARGET_AVX2;
    }
#endif
#ifdef __aarch64__
    return NNOM_TARGET_NEON;
#else
    return NNOM_TARGET_PLAIN;
#endif
}
