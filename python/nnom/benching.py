# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What a model costs on an emulated board: instructions, their mix, cycles, stack, flash, RAM; in total and per layer.

b = bench(prepared.graph, "cortex-m4", lcg_inputs(graph, ports, 305419896), Plan(optimize="speed"))
b.instructions, b.layers[0].mix
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from . import boards, cycles
from .conversion import Plan
from .core import CoreModel
from .disassembly import PARTS, Instruction, read_disassembly
from .errors import ToolError
from .flash import Flash, measure_flash
from .graph import Graph
from .planning import ram_total
from .running import BoardRun, NodeCost, build_frozen, find_board, fnv1a, run_built
from .tally import MARK_FUNCTION, Phase, build_plugin, executions, plugin_flags, read_tally

Step = Callable[[int, int], None]

REST = "(between layers)"
_STEPS = 5
_RUN, _FIRST_NODE = 1, 2  # phases of firmware/runner.c
_APART = (MARK_FUNCTION, "mark_node", "run_counted")  # what belongs to the measuring


@dataclass(frozen=True)
class Cost:
    """Of one layer, or of all. mix: executed instructions by part (disassembly.PARTS); {}: not known.

    cycles: estimated, None where there are no rules for the core. waits: how often a run waits for flash without a
    cache: taken branches, and lines of 8 B read as data.
    """

    name: str
    kind: str
    macs: int
    instructions: int
    mix: dict[str, int] = field(default_factory=dict)
    cycles: int | None = None
    waits: int = 0


@dataclass(frozen=True)
class Counted:
    """A run on a board. layers: the nodes in order, then REST, what runs between them.

    unknown: why there is no mix and no estimate, "": there is.
    """

    total: Cost
    layers: list[Cost]
    run: BoardRun
    unknown: str = ""


@dataclass(frozen=True)
class Bench:
    """All that a run on a board tells, and the flash that the model adds to a program. ram: arena and state."""

    board: str
    opt: boards.Optimisation
    counted: Counted
    flash: Flash
    ram: int
    output_hash: int

    @property
    def total(self) -> Cost:
        """Of one run."""
        return self.counted.total

    @property
    def layers(self) -> list[Cost]:
        """The nodes in order, then REST."""
        return self.counted.layers

    @property
    def run(self) -> BoardRun:
        """With outputs and stack."""
        return self.counted.run

    @property
    def unknown(self) -> str:
        """Why there is no mix and no estimate, "": there is."""
        return self.counted.unknown

    @property
    def instructions(self) -> int:
        """Executed by one run."""
        return self.total.instructions

    def milliseconds(self, megahertz: float, wait_states: int = 0) -> tuple[float, float] | None:
        """Estimated time: of a flash whose cache always hits, and of one without a cache."""
        if self.total.cycles is None:
            return None
        best = self.total.cycles / (megahertz * 1e3)
        return best, best + self.total.waits * wait_states / (megahertz * 1e3)


def bench(
    graph: Graph,
    name: str,
    inputs: list[np.ndarray],
    plan: Plan | None = None,
    opt: boards.Optimisation = "-O2",
    step: Step = lambda done, total: None,
) -> Bench:
    """Freezes a graph, builds it for a board, runs it there on stored inputs [1, h, w, c], and counts.

    Raises as running.run_board() does.
    """
    step(0, _STEPS)
    with tempfile.TemporaryDirectory(prefix="nnom-") as text:
        core, counted = _count(graph, find_board(name), inputs, plan or Plan(), opt, Path(text), step)
        flash = measure_flash(core, find_board(name), Path(text) / "flash", opt)
    step(_STEPS, _STEPS)
    data = b"".join(np.ascontiguousarray(y[0]).tobytes() for y in counted.run.outputs)
    return Bench(name, opt, counted, flash, ram_total(core), fnv1a(data))


def count(
    graph: Graph, name: str, inputs: list[np.ndarray], plan: Plan | None = None, opt: boards.Optimisation = "-O2"
) -> Counted:
    """What bench() counts, without measuring flash."""
    with tempfile.TemporaryDirectory(prefix="nnom-") as text:
        return _count(graph, find_board(name), inputs, plan or Plan(), opt, Path(text), lambda done, total: None)[1]


def _count(
    graph: Graph,
    board: boards.Board,
    inputs: list[np.ndarray],
    plan: Plan,
    opt: boards.Optimisation,
    folder: Path,
    step: Step,
) -> tuple[CoreModel, Counted]:
    core = replace(plan, target=plan.target or board.target).compile(graph)
    step(1, _STEPS)
    elf = build_frozen(core, board, folder, opt, marks=True)
    step(2, _STEPS)
    plugin, unknown = _plugin(board, elf, folder)
    run = run_built(graph, core, board, elf, folder, inputs, extra=plugin)
    step(3, _STEPS)
    total, layers = _plain_costs(run)
    if not unknown:
        try:
            total, layers = _costs(run, board, elf, read_tally(folder / "tally.txt"))
        except ToolError as e:
            unknown = str(e)
    step(4, _STEPS)
    return core, Counted(total, layers, run, unknown)


def _plugin(board: boards.Board, elf: Path, folder: Path) -> tuple[list[str], str]:
    """(what the emulator's command needs, why there is none)."""
    try:
        return plugin_flags(board, build_plugin(board), elf, folder / "tally.txt"), ""
    except ToolError as e:
        return [], str(e)


def _plain_costs(run: BoardRun) -> tuple[Cost, list[Cost]]:
    """Without the plugin: instructions alone."""
    layers = [Cost(n.name, n.kind, n.macs, n.instructions) for n in run.nodes]
    rest = max(run.instructions - sum(n.instructions for n in run.nodes), 0)
    total = Cost("total", "", sum(n.macs for n in run.nodes), run.instructions)
    return total, [*layers, Cost(REST, "", 0, rest)]


# ---- What the plugin counted ----


@dataclass(frozen=True)
class _Counter:
    """A program as instructions, and the rules of its core."""

    code: dict[int, Instruction]
    after: dict[int, int]
    apart: list[range]
    core: cycles.Core | None

    def cost(self, node: NodeCost, phase: Phase) -> Cost:
        runs, jumps = executions(phase, self.after, self.apart)
        mix = dict.fromkeys(PARTS, 0)
        for address, n in runs.items():
            mix[self.code[address].part if address in self.code else "alu"] += n
        estimate = self.core.cycles(self.code, runs, jumps) if self.core else None
        waits = sum(jumps.values()) + sum(phase.flash.values())
        return Cost(node.name, node.kind, node.macs, sum(mix.values()), mix, estimate, waits)


def _counter(board: boards.Board, elf: Path) -> _Counter:
    code = read_disassembly(boards.disassemble(board, elf), board.family)
    places = boards.places(board, elf)
    apart = [range(places[n][0], sum(places[n])) for n in _APART if n in places]
    return _Counter(code, {a: i.end for a, i in code.items()}, apart, cycles.CORES.get(board.name))


def _costs(run: BoardRun, board: boards.Board, elf: Path, phases: dict[int, Phase]) -> tuple[Cost, list[Cost]]:
    """Total and layers. What the first run executed beside the layers' steps is the rest."""
    counter = _counter(board, elf)
    whole = NodeCost("total", "", sum(n.macs for n in run.nodes), run.instructions)
    total = counter.cost(whole, phases.get(_RUN, Phase()))
    layers = [counter.cost(n, phases.get(_FIRST_NODE + k, Phase())) for k, n in enumerate(run.nodes)]
    return total, [*layers, _rest(total, layers)]


def _rest(total: Cost, layers: list[Cost]) -> Cost:
    mix = {p: max(total.mix[p] - sum(c.mix[p] for c in layers), 0) for p in PARTS}
    known = total.cycles is not None
    left = max((total.cycles or 0) - sum(c.cycles or 0 for c in layers), 0) if known else None
    waits = max(total.waits - sum(c.waits for c in layers), 0)
    return Cost(REST, "", 0, max(total.instructions - sum(c.instructions for c in layers), 0), mix, left, waits)
