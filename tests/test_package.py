# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The package: an sdist that builds, one wheel for every Python 3. `make package-check` is the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nnom.boards import boards

ROOT = Path(__file__).resolve().parent.parent


def call(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False)


def test_package():
    """Both hold every C file; the wheel is built from the sdist alone, is tagged py3-none-PLATFORM, and works."""
    board = boards()["cortex-m4"]
    whole = all(map(shutil.which, (board.compiler + "gcc", board.emulator, "g++")))
    done = call(sys.executable, ROOT / "tools" / "package_check.py", *([] if whole else ["--only-wheel"]))
    assert done.returncode == 0 and "py3-none-" in done.stdout, done.stdout + done.stderr
    assert not whole or "self test passed" in done.stdout


def test_python_m_nnom_without_a_command_prints_the_help():
    done = call(sys.executable, "-m", "nnom")
    assert done.returncode == 0 and "usage: nnom" in done.stdout and "exit codes" in done.stdout and not done.stderr


def test_library_is_where_the_command_says(tmp_path: Path):
    place = call(sys.executable, "-m", "nnom", "library", "-q").stdout.strip()
    assert (Path(place) / "include" / "nnom.h").is_file()
    assert call(sys.executable, "-m", "nnom", "library", "-o", tmp_path / "nnom").returncode == 0
    assert (tmp_path / "nnom" / "include" / "nnom.h").is_file() and list((tmp_path / "nnom" / "src").rglob("*.c"))
    (tmp_path / "file").write_text("")
    done = call(sys.executable, "-m", "nnom", "library", "-o", tmp_path / "file")
    assert done.returncode == 1 and "cannot be copied" in done.stderr and "Traceback" not in done.stderr


def test_single_file_form():
    """nnom.c and nnom.h compile without a warning and run a model. The other packages: make packages."""
    if not shutil.which("clang"):
        pytest.skip("run: sudo apt-get install clang")
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'tools'}{os.pathsep}{ROOT / 'python'}"}
    words = [sys.executable, "-m", "packages", "single", "--json"]
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [row["passed"] for row in json.loads(done.stdout)] == [True, True]


def test_example_of_the_packages(tmp_path: Path):
    """Its files are as its model makes them."""
    folder = ROOT / "packages" / "example"
    for name in ("make.py", "slope.keras"):
        shutil.copy(folder / name, tmp_path / name)
    env = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT / "python")}
    code = "import make, nnom; make.write(make.FOLDER)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all((tmp_path / n).read_text() == (folder / n).read_text() for n in ("slope.c", "slope.h"))
