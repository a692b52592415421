# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The package as its users get it: `make package-check`.

sdist -> wheel -> an empty environment -> convert an example's model -> run it on an emulated board -> compile it as C++
with the library that the wheel brings. Everything happens in build/package; nothing of the repository is in reach of
the installed package. `--only-wheel` stops after the wheel's name and contents are checked.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "package"
EXAMPLE = ROOT / "examples" / "basic_motions" / "model.keras"
BOARD = "cortex-m4"
C_FOLDERS = ("src", "include", "port", "firmware")
MAIN = """
#include <cstdio>
#include "model.h"

int main()
{
    std::printf("%s\\n", motions_selftest() == NNOM_OK ? "self test passed" : "self test FAILED");
    return motions_run() != NNOM_OK;
}
"""
DATA = """
import numpy as np
np.save("x.npy", np.random.default_rng(1).normal(size=(32, 100, 6)).astype(np.float32))
"""


def call(*command: str | Path, cwd: Path = OUT) -> str:
    """Standard output of a command; SystemExit with all its text if it fails."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "NNOM_CORE_LIBRARY")}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"package-check: {' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


def c_files() -> set[str]:
    """All C files, headers and descriptions that git knows in the folders that the package brings."""
    names = call("git", "ls-files", *C_FOLDERS, cwd=ROOT).split()
    return set(names)


def check(condition: bool, text: str) -> None:
    """SystemExit if a condition does not hold."""
    if not condition:
        raise SystemExit(f"package-check: {text}")


def make_tools() -> Path:
    """An environment with pip and what builds: the Python in it."""
    python = OUT / "tools" / "bin" / "python"
    if not python.exists():
        call(sys.executable, "-m", "venv", OUT / "tools")
        call(python, "-m", "pip", "-q", "--disable-pip-version-check", "install", "setuptools>=70.1")
    return python


def make_sdist(python: Path) -> Path:
    """The sdist, holding every C file."""
    code = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"
    name = call(python, "-W", "ignore", "-c", code, OUT, cwd=ROOT).split()[-1]
    with tarfile.open(OUT / name) as archive:
        names = {member.partition("/")[2] for member in archive.getnames()}
    missing = sorted(c_files() - names)
    check(not missing, f"{name} lacks {', '.join(missing[:5])}")
    return OUT / name


def make_wheel(python: Path, sdist: Path) -> Path:
    """The wheel built from the sdist alone: for any Python 3 of this platform, with the core and all C files."""
    options = ("-q", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "-w", OUT)
    call(python, "-m", "pip", "wheel", *options, sdist)
    (wheel,) = OUT.glob("*.whl")
    check("-py3-none-" in wheel.name and "-any" not in wheel.name, f"{wheel.name}: expected the tag py3-none-PLATFORM")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    missing = sorted({f"nnom/_c/{name}" for name in c_files()} - names)
    check(not missing, f"{wheel.name} lacks {', '.join(missing[:5])}")
    check("nnom/_core.so" in names, f"{wheel.name} lacks the core")
    return wheel


def install(wheel: Path) -> Path:
    """A new environment with the wheel and what it asks for: the folder of its commands."""
    call(sys.executable, "-m", "venv", OUT / "env")
    commands = OUT / "env" / "bin"
    call(commands / "python", "-m", "pip", "-q", "--disable-pip-version-check", "install", wheel)
    return commands


def use(commands: Path) -> str:
    """Convert, run on a board, compile as C++, in a folder of its own."""
    work = OUT / "work"
    work.mkdir()
    shutil.copy(EXAMPLE, work / "model.keras")
    call(commands / "python", "-c", DATA, cwd=work)
    calibration = ("model.keras", "--calibration", "x.npy")
    call(commands / "nnom", "convert", *calibration, "--name", "motions", "-o", "out", cwd=work)
    text = call(commands / "python", "-m", "nnom", "run", *calibration, "--board", BOARD, "--input", "x.npy", cwd=work)
    check(f"outputs of {BOARD} and host: identical" in text, text)
    call(commands / "nnom", "library", "-o", "nnom", cwd=work)
    return compile_as_cxx(work)


def compile_as_cxx(work: Path) -> str:
    """The library and the model in C, the program in C++; what it says."""
    includes = ("-Innom/include", "-Innom/port", "-Iout")
    flags = ("-O2", "-ffunction-sections", "-fdata-sections", *includes)
    sources = sorted((work / "nnom" / "src").rglob("*.c"))
    (work / "main.cpp").write_text(MAIN)
    (work / "objects").mkdir()
    for k, source in enumerate([work / "out" / "model.c", *sources]):
        call("gcc", "-std=c99", *flags, "-c", source, "-o", f"objects/{k:03d}_{source.stem}.o", cwd=work)
    call("g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", *flags, "-c", "main.cpp", cwd=work)
    objects = sorted((work / "objects").glob("*.o"))
    call("g++", "-Wl,--gc-sections", "main.o", *objects, "-lm", "-o", "main", cwd=work)
    return call(work / "main", cwd=work).strip()


def main() -> int:
    """Says each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only-wheel", action="store_true", help="stop when the wheel is built and checked")
    only_wheel = parser.parse_args().only_wheel
    OUT.mkdir(parents=True, exist_ok=True)
    for old in (*OUT.glob("*.whl"), *OUT.glob("*.tar.gz")):
        old.unlink()
    for old in ("env", "work"):
        shutil.rmtree(OUT / old, ignore_errors=True)
    python = make_tools()
    sdist = make_sdist(python)
    print(f"sdist  {sdist.name}: {sdist.stat().st_size:,} B, every C file is in it", flush=True)
    wheel = make_wheel(python, sdist)
    print(f"wheel  {wheel.name}: {wheel.stat().st_size:,} B, from the sdist alone", flush=True)
    if only_wheel:
        return 0
    commands = install(wheel)
    print("installed in an empty environment", flush=True)
    print(f"converted, run on {BOARD} with identical bytes, compiled as C++: {use(commands)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
