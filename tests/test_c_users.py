# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The library in programs as users write them: C++ around a converted model, C libraries with names beyond ISO C."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
INCLUDES = [f"-I{ROOT / folder}" for folder in ("include", "port")]
SOURCES = sorted((ROOT / "src").rglob("*.c"))

# An application that has the names of layers and values for itself, with two converted models.
CXX_MAIN = """
#include "basic_motions/model.h"
#include "mnist/model.h"

class Add { public: int x; };
class Output { public: Add a; };
struct Slice { int from, to; };
enum { Pad = 3 };
extern "C" int kernel(int x);
extern "C" int shape(const Slice &slice);
extern "C" int kernel(int x) { return x + Pad; }
extern "C" int shape(const Slice &slice) { return slice.to - slice.from; }

int main()
{
    const Output output = {{1}};
    const Slice slice = {1, 5};
    if (basic_motions_selftest() != NNOM_OK || mnist_selftest() != NNOM_OK) {
        return 1;
    }
    basic_motions_input()[0] = 1;
    if (basic_motions_run() != NNOM_OK || basic_motions_output() == nullptr) {
        return 2;
    }
    return kernel(output.a.x) == shape(slice) ? 0 : 3;
}
"""

# The builder in such an application.
CXX_BUILDER = """
#define NNOM_NO_SHORT_NAMES
#include "nnom.h"

class Add { public: int x; };
struct Slice { int from, to; };
enum { Pad = 3, PADDING_SAME = 4 };
extern "C" int shape(const Slice &slice);
extern "C" int shape(const Slice &slice) { return slice.to - slice.from; }

int main()
{
    int8_t in[4] = {1, -2, 3, -4}, out[4];
    const Slice slice = {Pad, PADDING_SAME};
    const Add add = {shape(slice)};
    nnom_model_t model;
    nnom_new_model(&model);
    nnom_set_verbose(&model, false);
    nnom_layer_t *input = nnom_input_3(nnom_make_shape(1, 1, 4), nnom_make_qformat(7, 0), in);
    nnom_layer_t *x = model.hook(nnom_relu(), input);
    x = model.hook(nnom_output_2(nnom_make_shape(1, 1, 4), out), model.merge(nnom_add(0), x, input));
    if (nnom_model_compile(&model, input, x) != NNOM_OK || nnom_run(&model.instance) != NNOM_OK) {
        return 1;
    }
    nnom_model_delete(&model);
    return add.x == 1 && out[0] == 2 && out[1] == -2 && out[2] == 6 && out[3] == -4 ? 0 : 2;
}
"""

CXX = ["-std=c++11", "-pedantic-errors", "-Wall", "-Wextra", "-Wshadow", "-Werror"]

# Functions that avr-libc declares in <math.h> and <string.h> whatever the standard asked for.
AVR_NAMES = """
double square(double x); float squaref(float x); int isfinitef(float x); double hypot(double x, double y);
void *memccpy(void *to, const void *from, int c, unsigned long n); char *strrev(char *s); char *strlwr(char *s);
char *strsep(char **s, const char *delimiter);
"""


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the whole library's objects."""
    folder = tmp_path_factory.mktemp("objects")
    command = ["gcc", "-std=c99", "-O1", *INCLUDES, "-c", *map(str, SOURCES)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def _model(name: str, folder: Path) -> Path:
    """model.c of an example, compiled as C."""
    out = folder / f"{name}.o"
    source = ROOT / "examples" / name / "model.c"
    _run(["gcc", "-std=c99", "-O1", *INCLUDES, "-c", str(source), "-o", str(out)])
    return out


@pytest.mark.parametrize("builder", [False, True])
def test_cxx_application_with_names_of_its_own(builder: bool, objects: Path, tmp_path: Path) -> None:
    """Neither the headers nor the library's symbols meet the application's names."""
    main = tmp_path / "main.cpp"
    main.write_text(CXX_BUILDER if builder else CXX_MAIN)
    models = [] if builder else [_model(name, tmp_path) for name in ("basic_motions", "mnist")]
    program = tmp_path / "program"
    parts = [main, *models, *sorted(objects.glob("*.o"))]
    _run(["g++", *CXX, *INCLUDES, f"-I{ROOT / 'examples'}", *map(str, parts), "-lm", "-o", str(program)])
    _run([str(program)])


@pytest.mark.parametrize("compiler", ["arm-none-eabi-g++", "clang++"])
def test_cxx_application_with_other_compilers(compiler: str, tmp_path: Path) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not on this computer")
    for text in (CXX_MAIN, CXX_BUILDER):
        main = tmp_path / "main.cpp"
        main.write_text(text)
        _run([compiler, *CXX, *INCLUDES, f"-I{ROOT / 'examples'}", "-fsyntax-only", str(main)])


def test_names_have_the_prefix(objects: Path, tmp_path: Path) -> None:
    """All that the linker sees, and all that the headers define without the short names."""
    symbols = subprocess.run(
        ["nm", "-g", "--defined-only", *objects.glob("*.o")], capture_output=True, text=True, check=True
    )
    defined = re.findall(r"^[0-9a-f]+ [A-Z] (\w+)$", symbols.stdout, re.MULTILINE)
    assert len(defined) > 100 and not [name for name in defined if not name.startswith("nnom_")]
    empty, full = tmp_path / "empty.c", tmp_path / "full.c"
    empty.write_text("#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n")
    full.write_text('#define NNOM_NO_SHORT_NAMES\n#include "nnom.h"\n')
    macros, functions = [], []
    for source in (empty, full):
        listed = tmp_path / "functions"
        _run(["gcc", "-std=c99", *INCLUDES, "-fsyntax-only", "-aux-info", str(listed), str(source)])
        functions.append(set(re.findall(r"(\w+) \(", re.sub(r"/\*.*?\*/", "", listed.read_text()))))
        dump = subprocess.run(
            ["gcc", "-std=c99", "-dM", "-E", *INCLUDES, source], capture_output=True, text=True, check=True
        )
        macros.append(set(re.findall(r"^#define (\w+)", dump.stdout, re.MULTILINE)))
    names = (macros[1] - macros[0]) | (functions[1] - functions[0])
    assert len(names) > 150 and not [name for name in names if not name.lower().startswith("nnom_")]


# ---- Of another version of the library ----


def test_model_of_another_abi_does_not_compile(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "basic_motions" / "model.c").read_text()
    found = re.search(r"#if NNOM_PROGRAM_ABI != (\d+)\n", text)
    assert found
    older = tmp_path / "model.c"
    older.write_text(text.replace(found[0], f"#if NNOM_PROGRAM_ABI != {int(found[1]) - 1}\n"))
    includes = [*INCLUDES, f"-I{ROOT / 'examples' / 'basic_motions'}"]
    done = subprocess.run(
        ["gcc", *includes, "-c", str(older), "-o", "x.o"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0 and "convert the model again" in done.stderr


def test_model_of_another_abi_does_not_link(objects: Path, tmp_path: Path) -> None:
    """A model compiled with the headers of one version, a library of the next."""
    number = int(re.findall(r"NNOM_PROGRAM_ABI (\d+)", (ROOT / "include" / "nnom_program.h").read_text())[0])
    shutil.copytree(ROOT / "include", tmp_path / "include")
    header = tmp_path / "include" / "nnom_program.h"
    text = header.read_text().replace(f"NNOM_PROGRAM_ABI {number}\n", f"NNOM_PROGRAM_ABI {number + 1}\n")
    header.write_text(text.replace(f"nnom_program_abi_{number}\n", f"nnom_program_abi_{number + 1}\n"))
    _run(
        [
            "gcc",
            "-std=c99",
            f"-I{tmp_path / 'include'}",
            *INCLUDES,
            "-c",
            "src/run/run.c",
            "-o",
            str(tmp_path / "run.o"),
        ]
    )
    main = tmp_path / "main.c"
    main.write_text('#include "basic_motions/model.h"\nint main(void) { return basic_motions_selftest(); }\n')
    model, others = _model("basic_motions", tmp_path), [path for path in objects.glob("*.o") if path.name != "run.o"]
    for run, links in ((objects / "run.o", True), (tmp_path / "run.o", False)):
        command = [
            "gcc",
            *INCLUDES,
            f"-I{ROOT / 'examples'}",
            main,
            model,
            run,
            *others,
            "-lm",
            "-o",
            tmp_path / "program",
        ]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == links, done.stderr
    assert f"nnom_program_abi_{number}" in done.stderr


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_no_name_of_a_c_library(compiler: str, tmp_path: Path) -> None:
    """No private name is one that a C library declares beyond ISO C; `square` was one of avr-libc's."""
    names = tmp_path / "names.h"
    names.write_text(AVR_NAMES)
    headers = ("math.h", "string.h", "strings.h", "stdlib.h", "stdio.h", "unistd.h", "ctype.h", "search.h")
    extra = [argument for header in headers for argument in ("-include", header)]
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", *extra]
    _run([compiler, *flags, "-include", str(names), *INCLUDES, "-fsyntax-only", *map(str, SOURCES)])
