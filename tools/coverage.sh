#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
#
# Line coverage of src/ by the C suites: tools/coverage.sh [least percent]. Fails below it (95).
# With COVERAGE_PYTEST set ("tests/test_core.py ..."), these Python tests also run, on an instrumented library.
set -eu
cd "$(dirname "$0")/.."
least=${1:-95}
command -v gcovr > /dev/null || { echo "gcovr is missing: sudo apt-get install gcovr" >&2; exit 2; }
make -s -j2 -f tests/c/tests.mk build/tests/gcov/test_c
find build/tests/gcov -name '*.gcda' -exec rm -f {} +
build/tests/gcov/test_c cases=100 | grep -v '^ok '
if [ -n "${COVERAGE_PYTEST:-}" ]; then
    make -s -f tests/c/tests.mk build/tests/gcov/core.so
    # shellcheck disable=SC2086 # a list of files and options
    NNOM_CORE_LIBRARY="$PWD/build/tests/gcov/core.so" "${PYTHON:-python3}" -m pytest -q $COVERAGE_PYTEST
fi
gcovr --root . --filter 'src/' --object-directory build/tests/gcov --fail-under-line "$least" --sort-percentage
