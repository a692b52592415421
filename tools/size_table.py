# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Flash and RAM of whole models on cores of each kind, by level of optimisation and by choice of kernels."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import frozen
from nnom import boards
from nnom.conversion import Plan
from nnom.flash import Flash, measure_flash
from nnom.graph import Graph

sys.path.insert(0, str(frozen.ROOT / "bench"))

import mlperf  # noqa: E402

BOARDS = ("cortex-m0", "cortex-m4", "cortex-m55", "rv32")
LEVELS: tuple[boards.Optimisation, ...] = ("-O2", "-Os")
CHOICES = ("speed", "size")
EXAMPLE = "uci_har"
HEAD = """<!-- SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception -->
# Flash and RAM

Made by `make size`. Bytes that a frozen model adds to a program, with each board's own kernels chosen for `speed` and
for `size` (`--optimize`). Code: the library's part that is linked, what it takes from the C library, and the plan.
Weights: with biases, multipliers and tables, packed as the kernels read them. RAM: arena (input, output and scratch lie
in it) and state; the stack comes on top, `nnom bench` shows it. Weights and RAM do not depend on the level.
"""


def graphs() -> Iterator[tuple[str, Graph]]:
    """An example, and MLPerf Tiny's models if they are here."""
    yield EXAMPLE, frozen.conversion(EXAMPLE)[0].graph
    for name, (title, path) in mlperf.MODELS.items():
        if (mlperf.SHARED / path).is_file():
            yield title, mlperf.graph(name)


def measure(graph: Graph, board: boards.Board) -> dict[tuple[str, str], Flash]:
    """One model as linked for one board, by choice and level. A choice that changes nothing is not linked again."""
    cores = {choice: Plan(target=board.target, optimize=choice).compile(graph) for choice in CHOICES}
    texts = {choice: core.freeze("net")[0] for choice, core in cores.items()}
    known: dict[tuple[str, str], Flash] = {}
    for choice, core in cores.items():
        for level in LEVELS:
            if (texts[choice], level) not in known:
                with tempfile.TemporaryDirectory(prefix="nnom-") as folder:
                    known[texts[choice], level] = measure_flash(core, board, Path(folder), level)
    return {(choice, level): known[texts[choice], level] for choice in CHOICES for level in LEVELS}


def table(names: tuple[str, ...] = BOARDS) -> Iterator[str]:
    """Lines of Markdown, as they are measured."""
    models = dict(graphs())
    for name in names:
        board = boards.boards()[name]
        yield from ["", f"## {name}", ""]
        yield "| | code speed -O2 | -Os | code size -O2 | -Os | weights speed | size | RAM speed | size |"
        yield "|---|" + "---:|" * 8
        for title, graph in models.items():
            found = measure(graph, board)
            code = [found[c, o].code + found[c, o].descriptors for c in CHOICES for o in LEVELS]
            weights = [found[c, "-O2"].weights for c in CHOICES]
            ram = [found[c, "-O2"].ram for c in CHOICES]
            yield f"| {title} | {' | '.join(f'{n:,}' for n in [*code, *weights, *ram])} |"


def write(path: Path) -> None:
    """The page, printed as it grows."""
    lines = []
    for line in table():
        print(line, flush=True)
        lines.append(line)
    path.write_text("\n".join([HEAD.rstrip(), *lines]) + "\n")
