# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
#
# The front door. Each target brings what it needs (tools/setup.sh): Debian packages if make runs as root, else it prints
# the command that installs them; Python packages go into .venv.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON := .venv/bin/python
# Scripts of this repository are started as `make` does: without a terminal, and with readable output in a log.
export PYTHONUNBUFFERED := 1
export KERAS_BACKEND := jax

CORE_SOURCES := $(shell find src -name '*.[ch]' -o -name '*.def') $(wildcard include/*.h port/*.h)
EXAMPLES := $(patsubst examples/%/model.keras,%,$(wildcard examples/*/model.keras))

.PHONY: help demo test bench bench-kernels bench-host bench-diff bench-plan conformance ram size format lint examples generate house package-check packages clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: build/.core-demo ## convert a network, run it on the host and on an emulated Cortex-M4
	@$(PYTHON) examples/basic_motions/demo.py

test: build/.core-test ## all tests; the last line is "N passed, N failed"
	@$(PYTHON) tools/run_tests.py

bench: build/.core-test ## accuracy; instructions, cycles, flash and RAM on all emulated cores, as tables in docs/
	@$(PYTHON) bench/accuracy.py --write docs/accuracy.md
	@$(PYTHON) bench/instructions.py --layers --write docs/instructions.md
	@$(PYTHON) bench/performance.py --write docs/performance.md
	@$(PYTHON) bench/keywords.py --write docs/keywords.md

bench-host: build/.core-test ## time of one inference on this computer beside LiteRT's; docs/host.md
	@$(PYTHON) bench/host.py --write

bench-kernels: build/.core-test ## instructions of every kernel variant, per MAC and output, on layers of real shapes
	@$(PYTHON) bench/kernels.py

bench-diff: build/.core-test ## what a change costs against bench/baseline.json: instructions and bytes of all models on all cores
	@$(PYTHON) bench/difference.py

bench-plan: build/.core-test ## what the planner estimates against what is executed, for every plan; docs/plan_cost.md
	@$(PYTHON) bench/plan_cost.py --write docs/plan_cost.md

conformance: build/.core-test ## real models, random models and graphs against LiteRT's reference kernels; docs/conformance.md
	@$(PYTHON) bench/conformance.py --write docs/conformance.md
	@NNOM_CASES=90 NNOM_GRAPHS=600 NNOM_ROLLING=2000 $(PYTHON) -m pytest -q tests/test_operators.py tests/test_rolling.py

ram: build/.core-test ## RAM of whole, rolling and fed execution, as tables in docs/
	@$(PYTHON) bench/ram.py --write docs/RAM.md

size: build/.core-test ## RAM and flash of the examples on a Cortex-M4, heap of networks built by hand; docs/size.md: all cores
	@$(PYTHON) tools/size.py
	@$(PYTHON) tools/size.py --table docs/size.md

house: build/.core-test ## files, lines and functions by folder; includes against the way of the data
	@$(PYTHON) tools/house.py

examples: build/.core-demo ## convert every example and run its main.c on the host and on an emulated Cortex-M4
	@$(PYTHON) tools/run_examples.py $(EXAMPLES)

generate: build/.core-test ## what is made and committed: docs/commands.md, examples/*/model.c
	@$(PYTHON) tools/commands.py
	@$(PYTHON) tools/run_examples.py --write

package-check: build/.core-test ## sdist, wheel, an empty environment: convert, run on a board, compile as C++
	@$(PYTHON) tools/package_check.py

packages: build/.core-packages ## the library for Arduino, PlatformIO, ESP-IDF, ...: made, checked, run; some: ONLY="single arduino"
	@PYTHONPATH=tools $(PYTHON) -m packages $(ONLY)

format: build/.setup-format ## format C and Python
	@sh tools/format_c.sh -i
	@.venv/bin/ruff format --quiet .
	@.venv/bin/ruff check --quiet --fix .

lint: build/.core-test ## warnings of gcc and clang, format, and findings of ruff and mypy
	@$(PYTHON) tools/run_tests.py --only compile,format,ruff,mypy

clean: ## remove what was built; .venv stays
	rm -rf build python/nnom/_core*.so python/*.egg-info

# ---- Setting up: again when the lists of packages change ----

build/.setup-%: tools/setup.sh pyproject.toml setup.py
	@tools/setup.sh $*

# The C core inside the package: built by pip while setting up, and anew when its sources are newer.
build/.core-%: build/.setup-% $(CORE_SOURCES)
	@$(MAKE) -s build/.core
	@touch $@

build/.core: $(CORE_SOURCES)
	@echo "Building the C core"
	@PYTHONWARNINGS=ignore $(PYTHON) setup.py -q build_ext --inplace --force
	@touch $@

.PRECIOUS: build/.setup-% build/.core-%

-include tests/c/tests.mk
