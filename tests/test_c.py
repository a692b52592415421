# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The C suites of tests/c: on the host as optimised code and under sanitizers, and on emulated boards.

One pytest case for each C case: the program prints "ok suite.case" or "FAIL suite.case: why". Each suite of each
build runs once, when its first case is asked for.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
C_DIR = ROOT / "tests" / "c"
sys.path.insert(0, str(ROOT / "python"))

from nnom import boards  # noqa: E402

SUITES = (
    "readme2019 table2019 gates rows alloc arena errors plan tools limits misuse "
    "api states wide slide audio sensors extremes freeze"
).split()
HOST_ONLY = "freeze"  # needs a full C library
# Configurations of each random test: the emulators run some hundred times slower than the host.
HOST_CASES = {"plain": 200, "san": 60, "clang": 20, "m32": 20, "clang32": 20, "s390x": 3}
# What a variant needs besides the host's gcc, and what runs its programs.
NEEDS = {
    "m32": "/usr/lib32/libc.a",
    "clang": "clang",
    "clang32": "/usr/lib32/libc.a",
    "s390x": "s390x-linux-gnu-gcc",
    "aarch64": "aarch64-linux-gnu-gcc",
}
RUNNERS = {"s390x": ("qemu-s390x",), "aarch64": ("qemu-aarch64",)}
BOARD_CONFIGURATIONS = 10
BOARDS = ("cortex-m3", "cortex-m4", "cortex-m55", "rv32")
# Random layers of each kind that has kernel variants: of each variant 3,000 or more. Recurrent ones have three kinds.
LAYERS = {"conv2d": 3600, "dw_conv2d": 3600, "conv2d_transpose": 3600, "dense": 3600}
LAYERS |= dict.fromkeys(("add", "sub", "mult", "relu6", "sigmoid", "quantize"), 3000)
LAYERS |= dict.fromkeys((f"{scope}{kind}_pool" for kind in ("max", "avg", "sum") for scope in ("", "global_")), 3000)
LAYERS |= dict.fromkeys(("simple_rnn", "gru", "lstm"), 1000)
SEED = os.environ.get("NNOM_TEST_SEED", "1")


def _cases() -> list[str]:
    """Names "suite.case" as the sources list them."""
    layers = re.findall(r"^\s+LAYER\((\w+)\)", (C_DIR / "random_layers.h").read_text(), re.MULTILINE)
    names = [f"rows.{layer}" for layer in layers]
    for suite in SUITES:
        names += [f"{suite}.{case}" for case in re.findall(r"\bTEST\((\w+)\)", (C_DIR / f"test_{suite}.c").read_text())]
    return names


CASES = _cases()
BOARD_CASES = [case for case in CASES if not case.startswith(HOST_ONLY)]


def _board_sources() -> list[Path]:
    source = ROOT / "src"
    paths = [*sorted(C_DIR.glob("*.c")), *sorted(source.rglob("*.c"))]
    return [path for path in paths if HOST_ONLY not in path.name]


def _parse(output: str, exit_code: int) -> dict[str, str]:
    """Result text ("" for passed) by case; "" as a key holds the output's end if the program did not finish."""
    results = {}
    for line in output.splitlines():
        if line.startswith("ok "):
            results[line[3:]] = ""
        elif line.startswith("FAIL "):
            name, _, why = line[5:].partition(": ")
            results[name] = why or line
    if not re.search(r"^\d+ passed, \d+ failed$", output, re.MULTILINE):
        results[""] = f"the program ended with status {exit_code}:\n{output[-3000:]}"
    return results


@functools.cache
def _host_program(variant: str, name: str = "test_c") -> Path:
    tools = [NEEDS[variant]] if variant in NEEDS else []
    for tool in [*tools, *RUNNERS.get(variant, ())]:
        if not (shutil.which(tool) or Path(tool).exists()):
            pytest.skip(f"{variant}: {tool} is missing, tools/setup.sh test brings it")
    target = f"build/tests/{variant}/{name}"
    done = subprocess.run(
        ["make", "-s", "-j2", "-f", "tests/c/tests.mk", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / target


@functools.cache
def _host_suite(variant: str, suite: str) -> dict[str, str]:
    program = [*RUNNERS.get(variant, ()), str(_host_program(variant))]
    command = [*program, suite, f"cases={HOST_CASES[variant]}", f"seed={SEED}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return _parse(done.stdout + done.stderr, done.returncode)


@functools.cache
def _board_program(name: str) -> Path:
    board = boards.boards()[name]
    if not shutil.which(board.compiler + "gcc") or not shutil.which(board.emulator):
        pytest.skip(f"{name}: sudo apt-get install {board.compiler_packages} {board.emulator_packages}")
    flags = ("-Wpedantic", "-Werror", "-fno-math-errno", "-ffp-contract=off")
    out = ROOT / "build" / "tests" / name
    includes = [ROOT / "include", ROOT / "port", C_DIR]
    defines = {"NNOM_PORT": '"test_port.h"', "TEST_BOARD": True}
    return boards.build(board, _board_sources(), includes, defines, out, extra_flags=flags)


@functools.cache
def _board_suite(name: str, suite: str) -> dict[str, str]:
    elf = _board_program(name)
    arguments = (suite, f"cases={BOARD_CONFIGURATIONS}", f"seed={SEED}")
    result = boards.run(boards.boards()[name], elf, ROOT, arguments, timeout=300)
    return _parse(result.stdout, result.exit_code)


def _expect(results: dict[str, str], case: str) -> None:
    why = results.get(case, results.get("", "it did not run"))
    assert why == "", why


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("variant", HOST_CASES)
def test_host(variant: str, case: str) -> None:
    _expect(_host_suite(variant, case.split(".")[0]), case)


@pytest.mark.parametrize("kind", LAYERS)
def test_variants(kind: str) -> None:
    """Many layers; weights, inputs, outputs and scratch end before pages that fault, or begin behind them."""
    pages = ["pages=1"] if sys.platform == "linux" else []
    command = [str(_host_program("plain")), f"rows.{kind}", f"cases={LAYERS[kind]}", f"seed={1000 + int(SEED)}", *pages]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    _expect(_parse(done.stdout + done.stderr, done.returncode), f"rows.{kind}")


def test_pages_that_cannot_be_touched() -> None:
    """All other layers between such pages."""
    if sys.platform != "linux":
        pytest.skip("memory is protected by Linux's calls")
    command = [str(_host_program("plain")), "rows", "cases=40", "pages=1", f"seed={SEED}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    results = _parse(done.stdout + done.stderr, done.returncode)
    assert len(results) > 50 and not [f"{case}: {why}" for case, why in results.items() if why]


@pytest.mark.parametrize("kind", ["conv2d", "dw_conv2d", "dense", "dense_by_rows", "add", "sub"])
def test_forms(kind: str) -> None:
    """What runs on a computer without AVX2: the same arrays in C."""
    command = [str(_host_program("forms")), f"rows.{kind}", "cases=200", f"seed={SEED}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    _expect(_parse(done.stdout + done.stderr, done.returncode), f"rows.{kind}")


@pytest.mark.parametrize("core", ["max", "cortex-a53"])
def test_neon(core: str) -> None:
    """The kernels of 64-bit Arm, with and without dot products."""
    program = _host_program("aarch64")
    kinds = [f"rows.{kind}" for kind in ("conv2d", "dw_conv2d", "dense", "dense_by_rows")]
    command = ["qemu-aarch64", "-cpu", core, str(program), *kinds, "cases=40", f"seed={SEED}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    results = _parse(done.stdout + done.stderr, done.returncode)
    assert results == dict.fromkeys(kinds, "")


def test_cmsis_nn() -> None:
    """The adapters of Arm's library, where CMSIS_NN names its folder: the bytes of the plain kernels."""
    if not os.environ.get("CMSIS_NN"):
        pytest.skip("CMSIS_NN is not set: it names the folder of CMSIS-NN's repository")
    command = [str(_host_program("cmsis")), "rows", "cases=100", f"seed={SEED}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    results = _parse(done.stdout + done.stderr, done.returncode)
    assert len(results) > 50 and not [f"{case}: {why}" for case, why in results.items() if why]


def test_shifts_of_2020() -> None:
    """Weights' shifts as NNoM 0.1 to 0.4 stored them."""
    done = subprocess.run([str(_host_program("plain", "shifts2020"))], capture_output=True, text=True, check=False)
    _expect(_parse(done.stdout + done.stderr, done.returncode), "shifts2020.values")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_fast_math_is_refused(compiler: str) -> None:
    """Checks for NaN vanish under it. The rest of what -ffast-math stands for may be had."""
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is missing, tools/setup.sh test brings it")
    command = [compiler, "-std=c99", "-Iinclude", "-Iport", "-fsyntax-only", "src/build/layer.c", "-ffast-math"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "compile without -ffast-math" in done.stderr
    subprocess.run([*command, "-fno-finite-math-only"], cwd=ROOT, check=True)


@pytest.mark.parametrize("case", BOARD_CASES)
@pytest.mark.parametrize("board", BOARDS)
def test_board(board: str, case: str) -> None:
    _expect(_board_suite(board, case.split(".")[0]), case)
