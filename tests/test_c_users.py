# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The library in programs as users write them: C++ around a converted model, C libraries with names beyond ISO C."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
INCLUDES = [f"-I{ROOT / folder}" for folder in ("include", "port")]
SOURCES = sorted((ROOT / "src").rglob("*.c"))

CXX_MAIN = """
#include "model.h"
int main()
{
    if (basic_motions_selftest() != NNOM_OK) {
        return 1;
    }
    basic_motions_input()[0] = 1;
    return basic_motions_run() == NNOM_OK && basic_motions_output() != nullptr ? 0 : 2;
}
"""

# Functions that avr-libc declares in <math.h> and <string.h> whatever the standard asked for.
AVR_NAMES = """
double square(double x); float squaref(float x); int isfinitef(float x); double hypot(double x, double y);
void *memccpy(void *to, const void *from, int c, unsigned long n); char *strrev(char *s); char *strlwr(char *s);
char *strsep(char **s, const char *delimiter);
"""


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_converted_model_links_with_cxx(tmp_path: Path) -> None:
    """model.c compiled as C, model.h included by C++."""
    main = tmp_path / "main.cpp"
    main.write_text(CXX_MAIN)
    model = ROOT / "examples" / "basic_motions"
    _run(["gcc", "-std=c99", "-O1", *INCLUDES, "-c", str(model / "model.c"), "-o", str(tmp_path / "model.o")])
    objects = tmp_path / "objects"
    objects.mkdir()
    command = ["gcc", "-std=c99", "-O0", *INCLUDES, "-c", *map(str, SOURCES)]
    done = subprocess.run(command, cwd=objects, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    program = tmp_path / "program"
    cxx = ["g++", "-std=c++11", "-Wall", "-Wextra", "-Werror", *INCLUDES, f"-I{model}", str(main)]
    _run([*cxx, str(tmp_path / "model.o"), *map(str, sorted(objects.glob("*.o"))), "-lm", "-o", str(program)])
    _run([str(program)])


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_no_name_of_a_c_library(compiler: str, tmp_path: Path) -> None:
    """No private name is one that a C library declares beyond ISO C; `square` was one of avr-libc's."""
    names = tmp_path / "names.h"
    names.write_text(AVR_NAMES)
    headers = ("math.h", "string.h", "strings.h", "stdlib.h", "stdio.h", "unistd.h", "ctype.h", "search.h")
    extra = [argument for header in headers for argument in ("-include", header)]
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", *extra]
    _run([compiler, *flags, "-include", str(names), *INCLUDES, "-fsyntax-only", *map(str, SOURCES)])
