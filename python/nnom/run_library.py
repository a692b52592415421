# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The C library compiled for a board, once: an archive in the user's cache, named by everything that goes into it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import boards
from .errors import NnomError, ToolError

_FLAGS = ("-std=c99", "-ffunction-sections", "-fdata-sections", "-g1")
LIBRARY_FOLDERS = ("include", "port", "src")
LICENCES = ("LICENSE", "COPYING", "COPYING.LESSER")  # that go with every copy
_KEPT = 40  # archives in the cache


def library_root() -> Path:
    """The folder that holds include/, port/ and src/: the repository, or the installed package's."""
    return boards.firmware_dir().parent


def copy_library(folder: Path) -> Path:
    """Copies include/, port/, src/ and the licence into a folder, made if missing. NnomError if that cannot be."""
    try:
        for name in LIBRARY_FOLDERS:
            shutil.copytree(library_root() / name, folder / name, dirs_exist_ok=True)
        for name in LICENCES:
            shutil.copy(library_root() / name, folder / name)
    except (OSError, shutil.Error) as e:
        raise NnomError(f"{folder}: the library cannot be copied there: {e}") from e
    return folder


def _cmsis_nn() -> Path | None:
    """The folder of Arm's library whose adapters are compiled as well: $CMSIS_NN."""
    path = os.environ.get("CMSIS_NN")
    if path and not (Path(path) / "Include" / "arm_nnfunctions.h").is_file():
        raise ToolError(
            f"CMSIS_NN={path}: no Include/arm_nnfunctions.h in it; give the folder of CMSIS-NN's repository"
        )
    return Path(path) if path else None


def library_sources() -> tuple[list[Path], list[Path]]:
    """(C files of the library, folders of headers). The linker drops what a frozen model does not use."""
    root = library_root()
    files = [f for f in sorted((root / "src").rglob("*.c")) if not f.name.startswith("freeze")]
    if len(files) < 4:
        raise ToolError(f"{root}: the C sources of the library are missing; reinstall nnom")
    includes = [root / "include", root / "port", *sorted(f for f in (root / "src").rglob("*") if f.is_dir())]
    if (theirs := _cmsis_nn()) is not None:
        found = sorted(theirs.glob("Source/*Functions/*.c"))
        files += [f for f in found if not f.stem.endswith(("_f16", "_f32", "_flt"))]
        includes.append(theirs / "Include")
    return files, includes


def library_archive(board: boards.Board, opt: str) -> Path:
    """The library for a board at an optimisation level, compiled if the cache does not have it.

    Raises boards.BoardError if the compiler is missing, ToolError if it fails.
    """
    compiler = boards._board_tool(board, "gcc")
    flags = [*board.cpu, *board.libc, opt, *_FLAGS, *(["-DNNOM_CMSIS_NN"] if _cmsis_nn() else [])]
    folder = cache_folder()
    archive = folder / f"libnnom-{board.name}-{_digest(compiler, flags)}.a"
    if archive.is_file():
        os.utime(archive)
        return archive
    with tempfile.TemporaryDirectory(prefix="nnom-") as work:
        part = _compile(board, compiler, flags, Path(work))
        done = folder / f".{archive.name}.{os.getpid()}"
        done.write_bytes(part.read_bytes())
        done.replace(archive)
    _forget(folder)
    return archive


def link_flags(archive: Path) -> list[str]:
    """What makes the linker search the whole archive, wherever it stands; unused sections are dropped."""
    return [f"-Wl,--whole-archive,{archive},--no-whole-archive"]


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/nnom or ~/.cache/nnom; a folder of temporary files if that cannot be written."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for folder in (base / "nnom", Path(tempfile.gettempdir()) / f"nnom-{os.getuid()}"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid() and "," not in str(folder):
            return folder
    raise ToolError(f"{base}: cannot be written; set XDG_CACHE_HOME to a folder of yours")


def _digest(compiler: str, flags: list[str]) -> str:
    files, includes = library_sources()
    headers = sorted({h for folder in includes for h in folder.rglob("*") if h.suffix in (".h", ".def")})
    state = hashlib.sha256(repr((compiler, os.stat(compiler).st_mtime_ns, flags)).encode())
    for file in (*files, *headers):
        state.update(f"{file}\0".encode() + file.read_bytes() + b"\0")
    return state.hexdigest()[:24]


def _compile(board: boards.Board, compiler: str, flags: list[str], work: Path) -> Path:
    files, includes = library_sources()
    include_flags = [f"-I{folder}" for folder in includes]
    objects = [work / f"{i:03d}_{file.stem}.o" for i, file in enumerate(files)]
    commands = [
        [compiler, *flags, *include_flags, "-c", str(file), "-o", str(target)]
        for file, target in zip(files, objects, strict=True)
    ]
    with ThreadPoolExecutor(boards.JOBS) as pool:
        list(pool.map(_call, commands))
    archive = work / "library.a"
    _call([boards._board_tool(board, "ar"), "rcs", str(archive), *map(str, objects)])
    return archive


def _call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ToolError(f"{' '.join(command[:1])} failed on the library:\n{done.stdout}{done.stderr}")


def _forget(folder: Path) -> None:
    """Removes the archives that were not used for longest."""
    archives = sorted(folder.glob("libnnom-*.a"), key=lambda f: f.stat().st_mtime, reverse=True)
    for old in archives[_KEPT:]:
        old.unlink(missing_ok=True)
