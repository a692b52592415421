# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The library as others embed it: installed by CMake, found by find_package and pkg-config, with a port of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(
    not (shutil.which("cmake") and shutil.which("pkg-config")), reason="run: sudo apt-get install cmake pkg-config"
)

MAIN = """
#include <stdio.h>
#include "nnom.h"

int main(void)
{
    int8_t in[8] = {1, -2, 3, -4, 5, -6, 7, -8}, out[8];
    nnom_model_t model;
    new_model(&model);
    nnom_set_verbose(&model, false);
    model.add(&model, Input(shape(1, 1, 8), qformat(7, 0), in));
    model.add(&model, ReLU());
    model.add(&model, Output(shape(1, 1, 8), qformat(7, 0), out));
    if (sequential_compile(&model) != NNOM_OK || model_run(&model) != NNOM_OK) {
        return 1;
    }
    for (int i = 0; i < 8; i++) {
        printf("%d ", out[i]);
    }
    model_delete(&model);
    return 0;
}
"""

PROJECT = """
cmake_minimum_required(VERSION 3.16)
project(consumer C)
find_package(nnom 1 REQUIRED)
add_executable(consumer main.c)
target_link_libraries(consumer nnom::nnom)
"""

PORT = """
#include <stdlib.h>
void *counted(size_t bytes);
#define nnom_malloc(bytes) counted(bytes)
"""

COUNTED = """
#include <stdio.h>
#include <stdlib.h>
void *counted(size_t bytes);
void *counted(size_t bytes) { printf("c"); return malloc(bytes); }
"""


def call(*command: object, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def install(build: Path, prefix: Path, *options: str) -> None:
    call("cmake", "-S", ROOT, "-B", build, f"-DCMAKE_INSTALL_PREFIX={prefix}", "-DCMAKE_C_FLAGS=-Og", *options)
    call("cmake", "--build", build, "-j", "2")
    call("cmake", "--install", build)


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    base = tmp_path_factory.mktemp("cmake")
    install(base / "build", base / "prefix")
    (base / "main.c").write_text(MAIN)
    return base


def test_find_package(installed: Path):
    (installed / "CMakeLists.txt").write_text(PROJECT)
    call("cmake", "-S", installed, "-B", installed / "consumer", f"-DCMAKE_PREFIX_PATH={installed / 'prefix'}")
    call("cmake", "--build", installed / "consumer")
    assert call(installed / "consumer" / "consumer").split() == "1 0 3 0 5 0 7 0".split()


def test_pkg_config(installed: Path):
    folder = next((installed / "prefix").rglob("pkgconfig"))
    flags = call("pkg-config", "--cflags", "--libs", "nnom", PKG_CONFIG_PATH=str(folder)).split()
    program = installed / "by_pkg_config"
    call("gcc", "-std=c99", installed / "main.c", *flags, "-o", program)
    assert call(program).split() == "1 0 3 0 5 0 7 0".split()


def test_version_is_one(installed: Path):
    folder = next((installed / "prefix").rglob("pkgconfig"))
    version = call("pkg-config", "--modversion", "nnom", PKG_CONFIG_PATH=str(folder)).strip()
    import nnom

    assert version == nnom.__version__
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text()


def test_own_port(tmp_path: Path):
    (tmp_path / "my_port.h").write_text(PORT)
    (tmp_path / "main.c").write_text(MAIN)
    (tmp_path / "counted.c").write_text(COUNTED)
    install(tmp_path / "build", tmp_path / "prefix", f"-DNNOM_PORT={tmp_path / 'my_port.h'}")
    library = next((tmp_path / "prefix").rglob("libnnom.a"))
    include = tmp_path / "prefix" / "include"
    sources = [tmp_path / "main.c", tmp_path / "counted.c"]
    call("gcc", "-std=c99", f"-I{include}", *sources, library, "-lm", "-o", tmp_path / "main")
    assert call(tmp_path / "main").startswith("ccc")


@pytest.mark.parametrize(("options", "expected"), [((), "-O2"), (("-DCMAKE_C_FLAGS=-Os",), "-Os")])
def test_optimises_unless_told_otherwise(tmp_path: Path, options: tuple[str, ...], expected: str):
    """Without a build type CMake compiles without -O: four times the instructions."""
    call("cmake", "-S", ROOT, "-B", tmp_path, "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", *options)
    words = (tmp_path / "compile_commands.json").read_text().replace('"', " ").split()
    assert {word for word in words if word.startswith("-O")} == {expected}
