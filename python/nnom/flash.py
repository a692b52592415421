# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Flash and RAM that a frozen model adds to a program: code, plan and weights apart.

The model is linked with a main that runs it once, and compared with the same program whose main does nothing.
"""

from __future__ import annotations

import functools
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import boards
from .core import CoreModel
from .run_library import library_archive, library_sources, link_flags

_MAIN = """
#ifdef MODEL
#include "model.h"
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
int main(void)
{
#ifdef FED
    static const int32_t rows[1] = {1};
    JOIN(MODEL, _feed)((const void *)rows, 1);
#else
    *(volatile int8_t *)JOIN(MODEL, _input)() = 1;
    JOIN(MODEL, _run)();
#endif
    return *(const volatile int8_t *)JOIN(MODEL, _output)();
}
#else
int main(void)
{
    return 1;
}
#endif
"""
_NAME = "net"


@dataclass(frozen=True)
class Flash:
    """Bytes that one model adds to a program.

    weights: with biases, multipliers, tables and constants. descriptors: the plan. code: the library's, and what it
    takes from the C library. symbols: of the code.
    """

    arena: int
    state: int
    other_ram: int
    weights: int
    descriptors: int
    code: int
    symbols: list[boards.Symbol]

    @property
    def ram(self) -> int:
        """All RAM, without stack."""
        return self.arena + self.state + self.other_ram


def measure_flash(core: CoreModel, board: boards.Board, folder: Path, opt: boards.Optimisation) -> Flash:
    """Of a compiled model; builds into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    source, header = core.freeze(_NAME)
    (folder / "model.c").write_text(source)
    (folder / "model.h").write_text(header)
    return measure_frozen(board, _NAME, folder, folder / "build", opt)


def measure_frozen(board: boards.Board, name: str, folder: Path, out: Path, opt: boards.Optimisation = "-Os") -> Flash:
    """Of the frozen model in `folder`, whose C symbols begin with `name`. Builds into `out`."""
    before, known = _empty(board, opt)
    full = _link(board, out, name, folder, opt)
    after = boards.size(board, full)
    added = [symbol for symbol in boards.symbols(board, full) if symbol.name not in known]
    sizes = {symbol.name: symbol.size for symbol in added}
    arrays = re.compile(rf"{name}_(n\d+_a\d+|t\d+)")
    tables = re.compile(rf"{name}_(n\d+(_in)?|tensors|nodes|inputs|outputs|program)")
    weights = sum(s.size for s in added if arrays.fullmatch(s.name))
    descriptors = sum(s.size for s in added if tables.fullmatch(s.name))
    arena, state = sizes[f"{name}_arena"], sizes.get(f"{name}_instance", 0)
    ram = after.data + after.bss - before.data - before.bss
    flash = after.text + after.data - before.text - before.data
    code = [s for s in added if s.kind == "text" and not arrays.fullmatch(s.name) and not tables.fullmatch(s.name)]
    other = max(ram - arena - state, 0)  # below 0: the empty program had gaps of alignment that the model fills
    return Flash(arena, state, other, weights, descriptors, flash - weights - descriptors, code)


@functools.cache
def _empty(board_key: boards.Board, opt: boards.Optimisation) -> tuple[boards.Sections, frozenset[str]]:
    """Sections and names of the program without a model."""
    with tempfile.TemporaryDirectory(prefix="nnom-") as text:
        elf = _link(board_key, Path(text), None, None, opt)
        return boards.size(board_key, elf), frozenset(s.name for s in boards.symbols(board_key, elf))


def _link(board: boards.Board, out: Path, model: str | None, folder: Path | None, opt: boards.Optimisation) -> Path:
    """The program with a model, or without.

    Both get all of the library: what the linker throws away again still decides which files of the C library it looks
    at, and the start-up code flushes stdio if it is there.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "main.c").write_text(_MAIN)
    includes = library_sources()[1]
    library = link_flags(library_archive(board, opt))
    if model is None or folder is None:
        return boards.build(board, [out / "main.c"], includes, {}, out, opt, library)
    files = [out / "main.c", folder / "model.c"]
    defines = {"MODEL": model, "FED": f"{model}_feed(" in (folder / "model.h").read_text()}
    return boards.build(board, files, [folder, *includes], defines, out, opt, library)
