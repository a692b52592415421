# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""RAM and flash of the examples, frozen, as linked for a Cortex-M4 with -O2 and with -Os: `make size`.

Each model is linked with a main that runs it once, and compared with the same program whose main does nothing. All that
the model adds is counted: RAM in .data and .bss (input, output and scratch lie in the arena), and flash, parted into
weights (with biases, multipliers and tables), descriptors (the plan) and code (the library, and what it takes from the
C library).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import frozen
import heap
import size_table
from nnom import boards
from nnom.flash import Flash, measure_frozen

README_NETWORK = "uci_har"
RAM_TARGET, CODE_TARGET = 2400, 8192


def print_table(rows: dict[str, tuple[Flash, str]]) -> None:
    """One line for each example."""
    print(f"{'':18}{'RAM':>8}{'arena':>8}{'state':>8}{'other':>8}   {'code':>8}{'plan':>8}{'weights':>9}   model.c")
    for name, (s, origin) in rows.items():
        ram = f"{s.ram:8}{s.arena:8}{s.state:8}{s.other_ram:8}"
        print(f"{name:18}{ram}   {s.code:8}{s.descriptors:8}{s.weights:9}   {origin}")


def print_symbols(name: str, sizes: Flash) -> None:
    """What the code consists of."""
    print(f"The code of {name}, {sizes.code} B:")
    for symbol in sizes.symbols:
        print(f"{symbol.size:8} {symbol.name}")
    rest = sizes.code - sum(symbol.size for symbol in sizes.symbols)
    print(f"{rest:8} texts, start values, alignment")


def print_targets(sizes: Flash) -> None:
    """The goals of this project for the sequential network of NNoM's first README."""
    for what, value, most in (("RAM", sizes.ram, RAM_TARGET), ("code", sizes.code, CODE_TARGET)):
        print(f"{README_NETWORK}: {what} {value} B, {'within' if value <= most else 'OVER'} {most} B")


def main() -> int:
    """Returns 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", nargs="*", default=[])
    parser.add_argument("--board", default="cortex-m4")
    parser.add_argument("--opt", default="-O2,-Os", help="levels of optimisation; the goals are for the last one")
    text = "instead: whole models on cores of each kind, for speed and for size, as a page of Markdown"
    parser.add_argument("--table", type=Path, metavar="FILE", help=text)
    options = parser.parse_args()
    if options.table:
        size_table.write(options.table)
        return 0
    board = boards.boards()[options.board]
    rows: dict[str, tuple[Flash, str]] = {}
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


def measure_all(board: boards.Board, names: list[str], opt: boards.Optimisation) -> dict[str, tuple[Flash, str]]:
    """Sizes of the examples, and where each model.c comes from."""
    rows = {}
    for name in names:
        folder, origin = frozen.frozen(name)
        rows[name] = (
            measure_frozen(board, name, folder, frozen.ROOT / "build" / "size" / board.name / opt / name, opt),
            origin,
        )
    return rows


if __name__ == "__main__":
    sys.exit(main())
