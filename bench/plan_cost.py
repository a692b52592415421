# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What the planner estimates against what is executed, for every plan on the curve of ten models: `make bench-plan`.

The models of MLPerf Tiny and a streaming wake word (from the folder `shared` beside the repository, or NNOM_SHARED),
and the examples; each with its input whole and fed row by row, on the emulated Cortex-M4 with its kernels.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import frozen
import mlperf
from nnom.conversion import STATE_BYTES, Plan
from nnom.core import CoreModel
from nnom.graph import Graph
from nnom.planning import Point, pareto
from nnom.running import find_board, lcg_inputs, run_board

BOARD, OPT = "cortex-m4", "-O2"
ALLOWED = 0.05


@dataclass(frozen=True)
class Measured:
    """One plan: RAM of arena and state in bytes, instructions as estimated and as executed."""

    title: str
    fed: bool
    ram: int
    estimate: int
    executed: int

    @property
    def error(self) -> float:
        """Of the estimate, relative to what is executed."""
        return self.estimate / self.executed - 1


def models() -> Iterator[tuple[str, Graph]]:
    """Titles and int8 graphs."""
    for name, (title, _) in mlperf.MODELS.items():
        yield title, mlperf.graph(name)
    for name in frozen.names():
        yield name, frozen.conversion(name)[0].graph


def plans(graph: Graph, feed: bool) -> Iterator[Plan]:
    """Every plan worth it, from the cheapest to the smallest."""
    smallest = Plan("smallest", feed=feed, target=find_board(BOARD).target)
    for point in pareto([Point(arena, cost) for arena, cost in smallest.compile(graph).curve]):
        yield replace(smallest, mode="auto", arena_bytes=point.ram)


def measure(title: str, graph: Graph, plan: Plan) -> Measured:
    """Runs a plan on the emulated board, on a fixed pseudo-random input: costs hardly depend on the values."""
    core = plan.compile(graph)
    run = run_board(graph, BOARD, lcg_inputs(graph, core.inputs, mlperf.SEED), OPT, plan)
    return Measured(title, plan.feed, core.totals.arena_bytes + STATE_BYTES, core.totals.cost, run.instructions)


def curve(title: str, graph: Graph) -> Iterator[list[Measured]]:
    """Of each way to hand the input in, its plans; feeding a model of several inputs is refused."""
    for feed in (False, True):
        if not feed or len(CoreModel(graph).inputs) == 1:
            yield [measure(title, graph, plan) for plan in plans(graph, feed)]


def rows(measured: list[Measured]) -> Iterator[str]:
    """Lines of the table; extra cost is against the first, the cheapest plan."""
    first = measured[0]
    for m in measured:
        told, true = m.estimate / first.estimate - 1, m.executed / first.executed - 1
        extra = "" if m is first else f"{told:+.1%} / {true:+.1%}"
        way = "fed" if m.fed else "whole"
        yield f"| {m.title} | {way} | {m.ram:,} | {m.estimate:,} | {m.executed:,} | {m.error:+.1%} | {extra} |"


def lines() -> Iterator[str]:
    yield "<!-- SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception -->"
    yield "# What plans cost"
    yield ""
    yield "Made by `make bench-plan`. Every plan on the curve of RAM against cost: the planner's estimate, from the"
    yield "records in `src/kernels/kernels.def`, and the instructions executed on the emulated"
    yield f"{BOARD}, {OPT}. RAM: arena and state in bytes. Extra: against the cheapest plan, estimated / executed."
    yield ""
    yield "| model | input | RAM B | estimate | executed | error | extra |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    every: list[Measured] = []
    for title, graph in models():
        for measured in curve(title, graph):
            yield from rows(measured)
            every += measured
    worst = max(every, key=lambda m: abs(m.error))
    state = "met" if abs(worst.error) <= ALLOWED else "missed"
    yield ""
    yield f"{len(every)} plans; the worst error is {worst.error:+.1%} ({worst.title}); goal {ALLOWED:.0%}: {state}."


def main() -> int:
    """Prints, and writes a file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table to this file, too")
    options = parser.parse_args()
    mlperf.need()
    text = []
    for line in lines():
        print(line, flush=True)
        text.append(line)
    if options.write:
        options.write.write_text("\n".join(text) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
