# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
#
# The C tests of the core: included by the main Makefile, or alone: make -f tests/c/tests.mk test-c
#
#   test-c        builds the core and its tests twice, as firmware would (-O2) and with sanitizers, and runs both
#   check-clang   compiles core and tests with clang's warnings as errors

TEST_C_DIR := tests/c
TEST_C_OUT := build/tests
TEST_C_SOURCES := $(wildcard $(TEST_C_DIR)/*.c) $(wildcard src/*/*.c src/*/*/*.c)
TEST_C_FLAGS := -std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror -g1 -fno-math-errno -ffp-contract=off -MMD -MP \
	-Iinclude -Iport -I$(TEST_C_DIR) -DNNOM_PORT='"test_port.h"'
TEST_C_plain := -O2
TEST_C_san := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# Undefined behaviour alone, of the core as the Python package loads it; a float that does not fit its integer is some, too.
TEST_C_ub := -O1 -fPIC -fsanitize=undefined,float-cast-overflow -fno-sanitize-recover=all
# Other compilers and machines: clang, 32 bits, and a big-endian one under emulation.
TEST_C_clang := -O1 -fsanitize=undefined -fno-sanitize-recover=all
TEST_C_m32 := -O2 -m32
# Without SSE2 floats are computed on the x87: what a Dense sums up stays in 80 bits over all rows, but goes through memory
# between ranges of rows, which C99 allows (FLT_EVAL_METHOD 2). Floats then differ in the last bit; int8 does not.
TEST_C_clang32 := -O2 -m32 -msse2
TEST_C_aarch64 := -O2 -static
TEST_C_CC_aarch64 := aarch64-linux-gnu-gcc
TEST_C_s390x := -O1 -static
TEST_C_CC_clang := clang
TEST_C_CC_clang32 := clang
TEST_C_CC_s390x := s390x-linux-gnu-gcc
# The C forms of the kernels for computers.
TEST_C_forms := -O2 -DNNOM_PLAIN_C
TEST_C_gcov := -O0 --coverage -fPIC

# With CMSIS_NN=path, the folder of Arm's library: its adapters, too. The library itself has warnings.
TEST_C_cmsis := -O2 -DNNOM_CMSIS_NN -isystem $(CMSIS_NN)/Include
TEST_C_CMSIS := $(filter-out %_f16.c %_f32.c %_flt.c,$(if $(CMSIS_NN),$(wildcard $(CMSIS_NN)/Source/*Functions/*.c)))
TEST_C_CMSIS_OBJECTS := $(patsubst $(CMSIS_NN)/%.c,$(TEST_C_OUT)/cmsis/CMSIS-NN/%.o,$(TEST_C_CMSIS))
$(TEST_C_OUT)/cmsis/test_c: $(TEST_C_CMSIS_OBJECTS)
$(TEST_C_CMSIS_OBJECTS): $(TEST_C_OUT)/cmsis/CMSIS-NN/%.o: $(CMSIS_NN)/%.c
	@mkdir -p $(@D)
	$(CC) -O2 -I$(CMSIS_NN)/Include -c $< -o $@

.PHONY: test-c check-clang

test-c: $(TEST_C_OUT)/plain/test_c $(TEST_C_OUT)/san/test_c $(TEST_C_OUT)/plain/shifts2020
	$(TEST_C_OUT)/plain/test_c
	$(TEST_C_OUT)/plain/shifts2020
	$(TEST_C_OUT)/san/test_c cases=60

check-clang:
	@for source in $(TEST_C_SOURCES) $(wildcard $(TEST_C_DIR)/alone/*.c); do \
		clang $(filter-out -MMD -MP,$(TEST_C_FLAGS)) -fsyntax-only $$source || exit 1; \
	done

# $(1): a variant, of which TEST_C_$(1) holds the options
define TEST_C_VARIANT
TEST_C_$(1)_OBJECTS := $$(TEST_C_SOURCES:%.c=$$(TEST_C_OUT)/$(1)/%.o)
$$(TEST_C_OUT)/$(1)/test_c: $$(TEST_C_$(1)_OBJECTS)
	$$(or $$(TEST_C_CC_$(1)),$$(CC)) $$(TEST_C_$(1)) $$^ -lm -o $$@
$$(TEST_C_$(1)_OBJECTS): $$(TEST_C_OUT)/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(or $$(TEST_C_CC_$(1)),$$(CC)) $$(TEST_C_FLAGS) $$(TEST_C_$(1)) -c $$< -o $$@
-include $$(TEST_C_$(1)_OBJECTS:.o=.d)
endef
$(foreach variant,plain san ub clang m32 clang32 s390x gcov cmsis forms aarch64,$(eval $(call TEST_C_VARIANT,$(variant))))

# The core's other reading of `shift`, fixed when quant.c is compiled.
$(TEST_C_OUT)/plain/shifts2020: $(TEST_C_DIR)/alone/main.c $(TEST_C_DIR)/alone/port.c src/build/quant.c \
		$(filter-out %/build/quant.o,$(filter $(TEST_C_OUT)/plain/src/%,$(TEST_C_plain_OBJECTS)))
	$(CC) $(filter-out -MMD -MP,$(TEST_C_FLAGS)) $(TEST_C_plain) -DNNOM_SHIFTS_2020 $^ -lm -o $@

# Instrumented cores as the Python package loads them (tools/coverage.sh, tests/test_requantise.py), with the C library's heap.
$(TEST_C_OUT)/%/core.so: $(TEST_C_DIR)/alone/port.c
	$(CC) $(filter-out -MMD -MP,$(TEST_C_FLAGS)) $(TEST_C_$*) -shared $^ -lm -o $@
$(foreach variant,ub gcov,$(eval $(TEST_C_OUT)/$(variant)/core.so: \
	$(filter $(TEST_C_OUT)/$(variant)/src/%,$(TEST_C_$(variant)_OBJECTS))))
