# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""RAM and flash of the examples, frozen, as linked for a Cortex-M4 with -O2 and with -Os: `make size`.

Each model is linked with a main that runs it once, and compared with the same program whose main does nothing. All that
the model adds is counted: RAM in .data and .bss (input, output and scratch lie in the arena), and flash, parted into
weights (with biases, multipliers and tables), descriptors (the plan) and code (the library, and what it takes from the
C library).
"""

from __future__ import annotations

import argparse
import functools
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import frozen
import heap
from nnom import boards
from nnom.run_library import library_archive, library_sources, link_flags

MAIN = """
#ifdef MODEL
#include "model.h"
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
int main(void)
{
    volatile int8_t *input = JOIN(MODEL, _input)();
    input[0] = 1;
    JOIN(MODEL, _run)();
    return JOIN(MODEL, _output)()[0];
}
#else
int main(void)
{
    return 1;
}
#endif
"""
README_NETWORK = "uci_har"
RAM_TARGET, CODE_TARGET = 2400, 8192


@dataclass(frozen=True)
class Sizes:
    """Bytes that one model adds to a program."""

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


def link(board: boards.Board, out: Path, model: str | None, folder: Path | None, opt: boards.Optimisation) -> Path:
    """The program with a model, or without.

    Both get all of the library: what the linker throws away again still decides which files of the C library it looks
    at, and the start-up code flushes stdio if it is there.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "main.c").write_text(MAIN)
    includes = library_sources()[1]
    library = link_flags(library_archive(board, opt))
    if model is None or folder is None:
        return boards.build(board, [out / "main.c"], includes, {}, out, opt, library)
    files = [out / "main.c", folder / "model.c"]
    return boards.build(board, files, [folder, *includes], {"MODEL": model}, out, opt, library)


@functools.cache
def baseline(board: boards.Board, out: Path, opt: boards.Optimisation) -> Path:
    """The program without a model, built once."""
    return link(board, out, None, None, opt)


def measure(board: boards.Board, name: str, folder: Path, out: Path, opt: boards.Optimisation = "-Os") -> Sizes:
    """Sizes of the frozen model in `folder`, whose C symbols begin with `name`. Builds into `out`."""
    empty = baseline(board, out / "empty", opt)
    full = link(board, out / name, name, folder, opt)
    before, after = boards.size(board, empty), boards.size(board, full)
    known = {symbol.name for symbol in boards.symbols(board, empty)}
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
    return Sizes(arena, state, other, weights, descriptors, flash - weights - descriptors, code)


def print_table(rows: dict[str, tuple[Sizes, str]]) -> None:
    """One line for each example."""
    print(f"{'':18}{'RAM':>8}{'arena':>8}{'state':>8}{'other':>8}   {'code':>8}{'plan':>8}{'weights':>9}   model.c")
    for name, (s, origin) in rows.items():
        ram = f"{s.ram:8}{s.arena:8}{s.state:8}{s.other_ram:8}"
        print(f"{name:18}{ram}   {s.code:8}{s.descriptors:8}{s.weights:9}   {origin}")


def print_symbols(name: str, sizes: Sizes) -> None:
    """What the code consists of."""
    print(f"The code of {name}, {sizes.code} B:")
    for symbol in sizes.symbols:
        print(f"{symbol.size:8} {symbol.name}")
    rest = sizes.code - sum(symbol.size for symbol in sizes.symbols)
    print(f"{rest:8} texts, start values, alignment")


def print_targets(sizes: Sizes) -> None:
    """The goals of this project for the sequential network of NNoM's first README."""
    for what, value, most in (("RAM", sizes.ram, RAM_TARGET), ("code", sizes.code, CODE_TARGET)):
        print(f"{README_NETWORK}: {what} {value} B, {'within' if value <= most else 'OVER'} {most} B")


def main() -> int:
    """Returns 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", nargs="*", default=[])
    parser.add_argument("--board", default="cortex-m4")
    parser.add_argument("--opt", default="-O2,-Os", help="levels of optimisation; the goals are for the last one")
    options = parser.parse_args()
    board = boards.boards()[options.board]
    rows: dict[str, tuple[Sizes, str]] = {}
    for opt in options.opt.split(","):
        rows = measure_all(board, options.examples or frozen.names(), opt)
        print(f"Bytes on {board.name}, {opt}; input, output and scratch lie in the arena; stack not included")
        print_table(rows)
        print()
    if README_NETWORK not in rows:
        return 0
    sizes = rows[README_NETWORK][0]
    print_symbols(README_NETWORK, sizes)
    print()
    print_targets(sizes)
    print()
    small = heap.report(heap.measure(board, frozen.ROOT / "build" / "size" / board.name / "heap"))
    return 0 if sizes.ram <= RAM_TARGET and sizes.code <= CODE_TARGET and small else 1


def measure_all(board: boards.Board, names: list[str], opt: boards.Optimisation) -> dict[str, tuple[Sizes, str]]:
    """Sizes of the examples, and where each model.c comes from."""
    rows = {}
    for name in names:
        folder, origin = frozen.frozen(name)
        rows[name] = measure(board, name, folder, frozen.ROOT / "build" / "size" / board.name / opt, opt), origin
    return rows


if __name__ == "__main__":
    sys.exit(main())
