# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Builds each example's main.c with its frozen model, runs it on this computer and on an emulated board, and compares.

make examples                                  all of them
tools/run_examples.py uci_har --board rv32         one, on another board
tools/run_examples.py --write                      converts them anew and replaces the committed model.c and model.h
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import frozen
from nnom import boards
from nnom.conversion import write_c
from nnom.run_library import library_archive, library_sources, link_flags

HOST_FLAGS = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")


def host_library() -> Path:
    """What a frozen model may need of the library, for this computer; made anew when a source is newer."""
    sources, includes = library_sources()
    archive = frozen.BUILD / "libnnom.a"
    read = [*sources, *(header for folder in includes for header in folder.rglob("*.[h]"))]
    if archive.exists() and archive.stat().st_mtime > max(path.stat().st_mtime for path in read):
        return archive
    with tempfile.TemporaryDirectory() as text:
        flags = [*HOST_FLAGS, "-ffp-contract=off", "-ffunction-sections", "-fdata-sections"]
        command = ["gcc", *flags, *(f"-I{folder}" for folder in includes), "-c", *map(str, sources)]
        subprocess.run(command, cwd=text, check=True)
        frozen.BUILD.mkdir(parents=True, exist_ok=True)
        part = Path(text) / "libnnom.a"
        subprocess.run(["ar", "rcs", str(part), *map(str, Path(text).glob("*.o"))], check=True)
        shutil.copy(part, archive)
    return archive


def host_program(name: str, folder: Path) -> Path:
    """The example built for this computer."""
    program = frozen.BUILD / name / "main"
    program.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", *HOST_FLAGS, *(f"-I{path}" for path in (folder, *library_sources()[1]))]
    command += [*map(str, frozen.sources(name, folder)), "-Wl,--gc-sections"]
    subprocess.run([*command, str(host_library()), "-lm", "-o", str(program)], check=True)
    return program


def board_program(name: str, folder: Path, board: boards.Board) -> Path:
    """The example built for a board."""
    includes = [folder, *library_sources()[1]]
    out = frozen.BUILD / name / board.name
    sources = frozen.sources(name, folder)
    return boards.build(board, sources, includes, {}, out, "-O2", link_flags(library_archive(board, "-O2")))


def run_example(name: str, board: boards.Board) -> bool:
    """True if the example ends well on both and prints the same."""
    folder, origin = frozen.frozen(name)
    print(f"{name} ({origin})", flush=True)
    host = subprocess.run([str(host_program(name, folder))], capture_output=True, text=True, check=False)
    emulated = boards.run(board, board_program(name, folder, board), cwd=frozen.BUILD / name)
    print("".join(f"    {line}\n" for line in host.stdout.splitlines()), end="")
    good = host.returncode == 0 and emulated.exit_code == 0 and host.stdout == emulated.stdout
    print(f"    {board.name}: {'the same' if good else f'DIFFERENT, status {emulated.exit_code}:'}", flush=True)
    if not good:
        print(emulated.stdout)
    return good


def write(name: str) -> None:
    """Replaces the committed C of an example."""
    made, real = frozen.conversion(name)
    if not real:
        sys.exit(f"{name}: its data set is not on this computer (examples/{name}/README.md), so model.c stays as it is")
    paths = write_c(frozen.EXAMPLES / name, made.source, made.header)
    for file, text in frozen.front_end(name, made).items():
        paths.append(frozen.EXAMPLES / name / file)
        paths[-1].write_text(text)
    for path in paths:
        print(f"{path}: {path.stat().st_size} B")


def main() -> int:
    """Returns 1 if an example fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", nargs="*", default=[])
    parser.add_argument("--board", default="cortex-m4")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    names = options.examples or frozen.names()
    if options.write:
        for name in names:
            write(name)
        return 0
    board = boards.boards()[options.board]
    return 0 if all([run_example(name, board) for name in names]) else 1


if __name__ == "__main__":
    sys.exit(main())
