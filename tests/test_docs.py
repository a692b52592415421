# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The documents tell the truth: C in README.md compiles and runs, commands and options exist, links lead somewhere."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import commands
import nnom
import numpy as np
import pytest
from nnom.conversion import convert
from nnom.run_library import library_sources

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "examples" / "basic_motions" / "model.keras"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*/README.md")])
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-g"]
EXAMPLE = re.compile(r"<!-- example: ([^>]+) -->\n```(\w+)\n(.*?)```", re.DOTALL)
COMMANDS = commands.commands()


def examples(document: str) -> dict[str, tuple[str, str]]:
    """Marked code blocks of a document: name -> (language, code)."""
    found = EXAMPLE.findall((ROOT / document).read_text())
    return {name: (language, code) for name, language, code in found}


README = examples("README.md")
PYTHON = examples("docs/python.md")


def compiled(code: str, folder: Path, *more: Path, link: bool = True) -> Path:
    (folder / "main.c").write_text(code)
    includes = [f"-I{path}" for path in (folder, ROOT / "include", ROOT / "port")]
    out = folder / "main"
    if not link:
        command = ["gcc", *STRICT, *includes, "-c", folder / "main.c", "-o", out]
    else:
        core = sorted((ROOT / "src").rglob("*.c"))
        command = ["gcc", *STRICT, *includes, folder / "main.c", *more, *core, "-lm", "-o", out]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def output_of(program: Path) -> str:
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_c_and_python_block_is_marked():
    text = (ROOT / "README.md").read_text()
    assert len(re.findall(r"```(?:c|python)\n", text)) == len(README) >= 4


def test_model_by_hand(tmp_path: Path):
    language, code = README["by hand"]
    assert language == "c"
    last = output_of(compiled(code, tmp_path)).splitlines()[-1]
    assert f"`{last}`" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("compiler", ["g++", "arm-none-eabi-g++"])
@pytest.mark.parametrize("name", ["by hand", "functional"])
def test_models_by_hand_as_cxx(compiler: str, name: str, tmp_path: Path):
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not on this computer")
    (tmp_path / "main.cpp").write_text(README[name][1])
    flags = ["-std=c++11", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}", "-fsyntax-only"]
    done = subprocess.run([compiler, *flags, tmp_path / "main.cpp"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_functional_model_compiles(tmp_path: Path):
    compiled(README["functional"][1], tmp_path, link=False)


def test_frozen_model(tmp_path: Path):
    rng = np.random.default_rng(1)
    convert(MODEL, rng.normal(size=(8, 100, 6)).astype(np.float32), name="har", out=tmp_path)
    values = output_of(compiled(README["frozen"][1], tmp_path, tmp_path / "model.c")).split()
    shares = [int(v) for v in values if v != "%"]
    assert len(shares) == 4 and 95 <= sum(shares) <= 100


def python(code: str, folder: Path) -> str:
    """What a program prints in a folder with a model and random data of its shape."""
    rng = np.random.default_rng(1)
    np.save(folder / "x.npy", rng.normal(size=(8, 100, 6)).astype(np.float32))
    np.save(folder / "y.npy", rng.integers(0, 4, 8))
    shutil.copy(MODEL, folder / "model.keras")
    path = os.pathsep.join([str(ROOT / "python"), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"KERAS_BACKEND": "jax", **os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python(tmp_path: Path):
    printed = python(README["python"][1], tmp_path)
    assert re.search(r"float \d+\.\d%, int8 \d+\.\d%\n\d+ B of RAM", printed)
    assert (tmp_path / "out" / "model.c").exists()


def test_python_page(tmp_path: Path):
    """Its examples are one program; its calls and results have the names that it gives them."""
    text = (ROOT / "docs" / "python.md").read_text()
    assert text.count("```python\n") == len(PYTHON)
    printed = python("\n".join(code for _, code in PYTHON.values()), tmp_path)
    assert "['model.c', 'model.h'] " in printed and "int8 (4, 1, 1, 4) int8" in printed
    assert "DataError calibration data: shape (8, 50, 6)" in printed
    assert (tmp_path / "report.html").exists() and (tmp_path / "out" / "model.h").exists()


def test_python_page_names_every_call_and_argument():
    text = " ".join((ROOT / "docs" / "python.md").read_text().split())
    results = {"BoardRun", "Conversion", "Evaluation", "Inspection", "Overview", "Run", "Validation", "ValueErrors"}
    assert all(name in text for name in results | {"Plan(", "NnomError", "BoardError"})
    for name in ("convert", "evaluate", "evaluate_values", "run", "inspect", "plan", "report", "validate"):
        written = max(re.findall(rf"`{name}\(([^`]*)\)`", text), key=len)  # the table has short forms
        given = [a.split("=")[0].strip() for a in written.split(",") if a.strip() not in ("*", "...")]
        known = list(inspect.signature(getattr(nnom, name)).parameters)
        assert set(given) <= set(known), name
        if "..." not in written and name not in ("inspect", "plan"):
            assert given == [k for k in known if k not in ("stage", "places", "command")], name


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="argparse of another Python prints help in other words")
def test_help_of_the_commands():
    assert (ROOT / "docs" / "commands.md").read_text() == commands.text(), "run: make generate"


def options_of(command: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", commands.help_of(command)))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_options_exist(document: Path):
    """Every line that begins with nnom (or .venv/bin/nnom) in a code block."""
    for block in re.findall(r"```\w*\n(.*?)```", document.read_text(), re.DOTALL):
        for line in re.findall(r"^(?:\$ )?(?:\.venv/bin/)?nnom (.*)$", block, re.MULTILINE):
            words = line.split("#")[0].split()
            assert words[0] in COMMANDS, line
            unknown = {w for w in words if re.match(r"--?[a-z]", w)} - options_of(words[0])
            assert not unknown, f"{line}: {unknown}"


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text() + (ROOT / "tests" / "c" / "tests.mk").read_text()
    for document in DOCUMENTS:
        for target in re.findall(r"(?:`|^ {4})make ([a-z][a-z-]*)", document.read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{document.name}: make {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(document: Path):
    for link in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if "://" not in link:
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_layers_of_the_readme_exist():
    headers = "".join(path.read_text() for path in (ROOT / "include").glob("*.h"))
    table = (ROOT / "README.md").read_text().split("## Layers")[1].split("\n\n")[1]
    for row in table.splitlines()[2:]:
        for name in re.findall(r"`(\w+)", row.split("|")[2]):
            assert re.search(rf"\b{name}\(|^NNOM_SHORT\([^,]+, {name}, ", headers, re.MULTILINE), name


def test_sources_begin_with_their_licence():
    for pattern in ("src/**/*.[ch]", "include/*.h", "port/*.h", "firmware/*.[ch]", "python/**/*.py", "tests/**/*.[ch]"):
        for path in ROOT.glob(pattern):
            text = path.read_text()
            assert not text or "SPDX-License-Identifier: LGPL-3.0-only" in text.splitlines()[0], path


def test_library_needs_no_private_header():
    """A frozen model's includes are those of the README: include/ and port/ (for the library's own files)."""
    files, _ = library_sources()
    assert all(path.exists() for path in files)
