/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Functions of Thumb instructions inside C files, so that a build needs no .S; each has a section of its own, as -ffunction-sections gives C. */
#ifndef NNOM_ASSEMBLY_H
#define NNOM_ASSEMBLY_H

/* clang-format off */
#define TEXT(line) line "\n"

#define NNOM_ASSEMBLY(name)                                                                                            \
    TEXT(".section .text." name ", \"ax\", %progbits") TEXT(".syntax unified") TEXT(".thumb") TEXT(".p2align 2")       \
    TEXT(".global " name) TEXT(".type " name ", %function") TEXT(".thumb_func") TEXT(name ":")
#define NNOM_ASSEMBLY_END(name) TEXT(".size " name ", . - " name) TEXT(".text")
/* clang-format on */

#endif
