# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What all packages share: the list of files, the version, commands and archives, the model that each of them runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nnom.boards import boards as all_boards
from nnom.boards import build, run
from nnom.projects.templates import fill
from nnom.run_library import link_flags

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "build" / "packages"
TEMPLATES = ROOT / "packages"
PYTHON_TOOLS = OUT / "tools" / "bin"  # of tools/setup.sh packages
HOME = "https://github.com/majianjia/nnom"
PASSED = ("slope: self test passed", "slope: rises")  # what packages/example/main.c prints
OTHERS = ("LICENSE", "COPYING", "COPYING.LESSER", "README.md", "CHANGELOG.md")


class Failed(Exception):
    """A check that did not hold; the text says why."""


class Missing(Exception):
    """A tool that is not on this computer. `command` installs it."""

    def __init__(self, tool: str, command: str) -> None:
        super().__init__(f"{tool} is missing; run: {command}")


@dataclass(frozen=True)
class Result:
    """A line of the table."""

    package: str
    check: str
    passed: bool | None  # None: a tool is missing
    text: str
    seconds: float


def version() -> str:
    """The one in include/nnom_run.h."""
    found = re.search(r'#define NNOM_VERSION "([^"]+)"', (ROOT / "include" / "nnom_run.h").read_text())
    if found is None:
        raise Failed("include/nnom_run.h: no NNOM_VERSION")
    return found[1]


def library(freeze: bool = False) -> list[str]:
    """Every file of src/, include/, port/ that git knows: what all packages hold. freeze: what writes C, too."""
    names = call("git", "ls-files", "src", "include", "port", cwd=ROOT).split()
    return sorted(n for n in names if n.endswith((".c", ".h", ".def")) and (freeze or not n.startswith("src/freeze/")))


def call(*words: object, cwd: Path, env: Mapping[str, str] | None = None, seconds: float = 900) -> str:
    """Both outputs of a command; Failed with their end if it fails."""
    command = [str(w) for w in words]
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MAKEFLAGS", "MFLAGS")} | dict(
        env or {}
    )
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        raise Failed(f"{command[0]} did not end in {seconds:.0f} s") from e
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)[:300]}: status {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def tool(name: str, package: str) -> str:
    """The path of a command, of Debian's or of the Python tools; Missing with what installs it."""
    ours = PYTHON_TOOLS / name
    found = str(ours) if ours.exists() else shutil.which(name)
    if found is None:
        pip = package.startswith("pip:")
        raise Missing(name, "tools/setup.sh packages" if pip else f"sudo apt-get install {package}")
    return found


def values(**more: str) -> dict[str, str]:
    """What every template may ask for."""
    digits = "".join(f"{int(n):02d}" for n in version().split("."))
    return {"version": version(), "home": HOME, "digits": digits[1:], **more}


def template(name: str, to: Path, **more: str) -> Path:
    """A file below packages/, filled."""
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(fill((TEMPLATES / name).read_text(), values(**more), name))
    return to


def fresh(folder: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def lay_out(folder: Path, together: bool = False) -> Path:
    """The library and its licence in a folder; together: headers beside the rooms of src/, as IDEs expect it."""
    for name in (*library(), *OTHERS):
        to = re.sub(r"^(include|port)/", "src/", name) if together else name
        (folder / to).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / to)
    return folder


def example(folder: Path, main: str = "main.c") -> Path:
    """The packages' model, and a main, in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("slope.c", "slope.h", *([main] if main else [])):
        shutil.copy(TEMPLATES / "example" / name, folder / name)
    return folder


def pack(folder: Path, archive: Path) -> Path:
    """A zip of a folder, with times that say nothing: the same bytes each time."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            info.external_attr = (path.stat().st_mode & 0o777) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, path.read_bytes())
    return archive


def unpack(archive: Path, folder: Path) -> Path:
    """All of a zip in an empty folder."""
    fresh(folder)
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    return folder


def check_output(text: str) -> str:
    """The model ran and gave what it should: in one line, or Failed."""
    if not all(line in text for line in PASSED):
        raise Failed(f"expected {' and '.join(PASSED)}, got:\n{text[-1000:]}")
    return "; ".join(line.removeprefix("slope: ") for line in PASSED)


def run_on_board(name: str, archive: Path, includes: list[Path], work: Path) -> str:
    """The packages' model with a library that somebody built for a board, in the emulator."""
    board = all_boards()[name]
    tool(board.compiler + "gcc", board.compiler_packages)
    tool(board.emulator, board.emulator_packages)
    folder = example(fresh(work / "program"))
    sources = [folder / "main.c", folder / "slope.c"]
    elf = build(board, sources, [folder, *includes], {}, work / "elf", "-O2", link_flags(archive))
    return f"{name}: {check_output(run(board, elf, work).stdout)}"
