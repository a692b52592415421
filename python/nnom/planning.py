# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""How much RAM a model needs, layer by layer, and what less of it costs.

overview = survey(graph, Plan(ram=16384, feed=True))
overview.ram_total, overview.ram_minimum, overview.curve
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .calibrate import tensors_of_nodes
from .conversion import STATE_BYTES, Plan
from .core import CoreModel
from .graph import Graph
from .ports import LayerRow


@dataclass(frozen=True)
class PlannedLayer:
    """One layer of a plan. name: the tensor it makes; segment: of a rolling layer, from 1, else None.

    rows: how many of its `height` rows are kept at a time; bytes: of them.
    """

    name: str
    kind: str
    shape: tuple[int, int, int]
    segment: int | None
    rows: int
    height: int
    bytes: int
    macs: int
    row: LayerRow  # all that the core tells

    @property
    def mode(self) -> str:
        """ "whole" or "rolling"."""
        return "whole" if self.segment is None else "rolling"


@dataclass(frozen=True)
class Point:
    """One plan of the curve. cost: instructions relative to whole execution, as the core estimates them."""

    ram: int
    cost: float


@dataclass(frozen=True)
class Overview:
    """A plan and what else was possible. RAM: arena and state; ram_whole: with all rows of all layers and inputs."""

    core: CoreModel
    layers: list[PlannedLayer]
    curve: list[Point]
    chosen: Point
    ram_minimum: int
    ram_whole: int

    @property
    def ram_arena(self) -> int:
        """Tensors, rings, scratch and counters."""
        return self.chosen.ram - STATE_BYTES


def ram_total(core: CoreModel) -> int:
    """Arena and state of the frozen model on a 32-bit core."""
    return core.totals.arena_bytes + core.totals.slow_bytes + STATE_BYTES


def survey(graph: Graph, plan: Plan | None = None) -> Overview:
    """Plans a graph as asked for, whole, and as small as possible. CoreError if the budget is too small."""
    plan = plan or Plan()
    core = plan.compile(graph)
    whole = replace(plan, mode="whole", arena_bytes=0, ram=None, feed=False).compile(graph)
    smallest = replace(plan, mode="smallest", arena_bytes=0, ram=None).compile(graph)
    base = max(whole.totals.cost, 1)
    chosen, least, most = (Point(ram_total(c), c.totals.cost / base) for c in (core, smallest, whole))
    seen = [Point(arena + STATE_BYTES, cost / base) for arena, cost in smallest.curve]
    curve = pareto([chosen, least, *seen, *([] if plan.feed else [most])])
    return Overview(core, planned_layers(graph, core), curve, chosen, least.ram, most.ram)


def pareto(points: list[Point]) -> list[Point]:
    """The points that are worth it, from the cheapest to the smallest: each next one needs less RAM and costs more."""
    kept: list[Point] = []
    for p in sorted(points, key=lambda p: (p.cost, p.ram)):
        if not kept or p.ram < kept[-1].ram:
            kept.append(p)
    return kept


def planned_layers(graph: Graph, core: CoreModel) -> list[PlannedLayer]:
    """Inputs and what runs, in order of execution."""
    names = tensors_of_nodes(graph, core)
    rows = [r for r in core.layers() if r.kind == "Input" or (r.node is not None and r.lies_in is None)]
    return [planned_layer(r, names.get(r.node, []) if r.node is not None else []) for r in rows]


def planned_layer(r: LayerRow, tensors: list[str]) -> PlannedLayer:
    """A layer as the core reports it, under the name of the last tensor it makes."""
    height = r.shape[0]
    segment = None if r.segment is None else r.segment + 1
    kind = f"{r.kind}+{r.activation}" if r.activation else r.kind
    kept = kept_bytes(r)
    return PlannedLayer(tensors[-1] if tensors else r.name, kind, r.shape, segment, r.rows, height, kept, r.macs, r)


def kept_bytes(r: LayerRow) -> int:
    """Bytes of the rows that are kept: a ring's, or all."""
    return r.output_bytes // r.shape[0] * r.rows
