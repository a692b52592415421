# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Instructions per inference and per multiply-accumulate on emulated cores, as a Markdown table: `make bench`.

The examples, and the models of MLPerf Tiny if NNOM_SHARED (default: the folder `shared` beside the repository) holds
them. The emulator counts instructions executed; a real core takes more cycles than that.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import frozen
import mlperf
from nnom import boards
from nnom.conversion import Plan
from nnom.core import CoreModel
from nnom.graph import Graph
from nnom.running import BoardRun, lcg_inputs, run_board
from nnom.text import short

LEVELS = ("-O2", "-Os", "-O0")
DEFAULT_BOARDS = ("cortex-m4", "cortex-m7", "cortex-m0", "rv32")
PACKED_BOARDS = ("cortex-m3", "cortex-m0", "rv32")


def models() -> Iterator[tuple[str, Graph]]:
    """Names and int8 graphs."""
    for name in frozen.names():
        yield name, frozen.conversion(name)[0].graph
    yield from mlperf_models()


def mlperf_models() -> Iterator[tuple[str, Graph]]:
    """Those of MLPerf Tiny that are here."""
    for name, (title, path) in mlperf.MODELS.items():
        if (mlperf.SHARED / path).exists():
            yield title, mlperf.graph(name)


def one_run(graph: Graph, board: str, opt: boards.Optimisation, target: str | None = None) -> BoardRun:
    """One run on a fixed pseudo-random input, with the kernels of the board or of a target.

    Costs hardly depend on the values.
    """
    inputs = lcg_inputs(graph, CoreModel(graph).inputs, 305419896)
    return run_board(graph, board, inputs, opt, Plan(target=target))


def cell(instructions: int, macs: int) -> str:
    return f"{instructions:,} ({instructions / macs:.2f})"


def per_layer(result: BoardRun) -> list[str]:
    """Lines of a table for one model on one board."""
    lines = ["", "| layer | kind | MACs | instructions | per MAC |", "|---|---|---:|---:|---:|"]
    for node in result.nodes:
        each = f"{node.instructions / node.macs:.2f}" if node.macs else ""
        lines.append(f"| {short(node.name, 28)} | {node.kind} | {node.macs:,} | {node.instructions:,} | {each} |")
    return lines


def table(names: list[str], opt: boards.Optimisation, layers: bool) -> Iterator[str]:
    """The lines, as they are measured."""
    yield f"Instructions of one inference and, in brackets, per multiply-accumulate; {opt}, each board's own kernels,"
    yield "the plan of `nnom convert` (the smallest within 4 % of the fastest). MACs after lossless shrinking."
    yield ""
    yield f"| model | MACs | arena B | {' | '.join(names)} |"
    yield "|---|---:|---:|" + "---:|" * len(names)
    details: list[str] = []
    for title, graph in models():
        macs = CoreModel(graph).totals.macs
        results = [one_run(graph, board, opt) for board in names]
        cells = " | ".join(cell(result.instructions, macs) for result in results)
        yield f"| {title} | {macs:,} | {results[0].arena:,} | {cells} |"
        details += ["", f"## {title}, {names[0]}", *per_layer(results[0])]
    if layers:
        yield from details


def levels(board: str) -> Iterator[str]:
    """What other levels of optimisation than -O2 cost, and the code that they save."""
    yield from ["", f"## What -Os costs, {board}", ""]
    yield "Instructions of one inference, in brackets against -O2; the whole program's flash without weights, runner"
    yield "and C library included. -O0 is what a compiler does when no level is given."
    yield ""
    yield "| model | " + " | ".join(LEVELS) + " | " + " | ".join(f"{level} flash B" for level in LEVELS) + " |"
    yield "|---|" + "---:|" * (2 * len(LEVELS))
    for title, graph in models():
        results = [one_run(graph, board, level) for level in LEVELS]
        base = results[0].instructions
        cells = [f"{r.instructions:,} ({r.instructions / base:.2f})" for r in results]
        cells += [f"{r.flash - r.weights:,}" for r in results]
        yield f"| {title} | {' | '.join(cells)} |"


def packed() -> Iterator[str]:
    """What the portable kernels with packed weights save on the cores without SIMD; their bytes are the plain ones'."""
    yield from ["", "## Packed kernels: cores without SIMD", ""]
    yield "Made by `python bench/instructions.py --packed`. Millions of instructions of one inference, -O2, with the"
    yield "plain kernels -> with those of target `packed`, and the ratio; then bytes of the arena, of weights and of"
    yield "code (with runner and C library, on the first core). Every output byte is the same, and is that of this"
    yield "computer."
    yield ""
    yield f"| model | {' | '.join(PACKED_BOARDS)} | arena B | weights B | code B |"
    yield "|---|" + "---:|" * (len(PACKED_BOARDS) + 3)
    for title, graph in mlperf_models():
        yield packed_row(title, graph)


def packed_row(title: str, graph: Graph) -> str:
    """A line of the table of packed kernels. Ends the program where bytes differ."""
    core = CoreModel(graph)
    expected = [y.tobytes() for y in core.run([x[0] for x in lcg_inputs(graph, core.inputs, 305419896)])]
    cells, sizes = [], []
    for board in PACKED_BOARDS:
        pair = [one_run(graph, board, "-O2", target) for target in ("plain", "packed")]
        if any([y[0].tobytes() for y in run.outputs] != expected for run in pair):
            sys.exit(f"{title}, {board}: other bytes than on this computer")
        before, after = (run.instructions / 1e6 for run in pair)
        cells.append(f"{before:.3g} -> {after:.3g} ({before / after:.2f})")
        sizes.append([(run.arena, run.weights, run.flash - run.weights) for run in pair])
    cells += [f"{a:,} -> {b:,}" for a, b in zip(*sizes[0], strict=True)]
    return f"| {title} | {' | '.join(cells)} |"


def main() -> int:
    """Prints, and writes a file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boards", default=",".join(DEFAULT_BOARDS))
    parser.add_argument("--opt", default="-O2")
    parser.add_argument("--layers", action="store_true", help="also a table per model")
    parser.add_argument("--packed", action="store_true", help="the table of packed kernels alone")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table to this file, too")
    options = parser.parse_args()
    lines = []
    boards_asked = options.boards.split(",")
    parts = [packed()] if options.packed else [table(boards_asked, options.opt, options.layers)]
    if options.layers and not options.packed:
        parts += [levels(boards_asked[0]), packed()]
    for line in itertools.chain(*parts):
        print(line, flush=True)
        lines.append(line)
    if options.write:
        made_by = "<!-- SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception -->"
        text = "\n".join([made_by, "# Instructions", "", "Made by `make bench`.", "", *lines])
        options.write.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
