# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""plan, report and run as calls: each takes a model as `load` does, and gives back what its command prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import data as datasets
from .boards import Optimisation
from .conversion import Plan, Prepared, Stage, load, prepare
from .errors import DataError
from .evaluation import float_form
from .files import write_text
from .graph import Graph
from .losses import saturation_warnings
from .messages import Setting, Text
from .passes import fold, shrink
from .planning import Overview, survey
from .quantise import sketch
from .removed import Removed, removed
from .running import BoardRun, find_board, run_board, run_host, stored_inputs


def planned_graph(
    model: Any, calibration: Any = None, method: str = "auto", int8_io: bool = False, stage: Stage | None = None
) -> tuple[Graph, Removed]:
    """The int8 graph of a model, and what shrinking took away; a float one without data gets made-up ranges."""
    graph = load(model, int8_io)
    if graph.is_float and calibration is None:
        read = sketch(fold(graph))
        small, reports = shrink(read)
        return small, removed(read, small, reports)
    p = prepare(graph, calibration, method, stage=stage)
    return p.graph, removed(p.quantised, p.graph, p.shrinking)


def plan(
    model: Any, wanted: Plan | None = None, calibration: Any = None, *, method: str = "auto", int8_io: bool = False
) -> Overview:
    """How much RAM a model needs, layer by layer, and what less of it costs.

    wanted: budget, mode, rows fed one by one. Needs no data: how much RAM a model takes hardly depends on the ranges.
    Raises CoreError if a budget is too small.
    """
    return survey(planned_graph(model, calibration, method, int8_io)[0], wanted)


def report(
    model: Any,
    out: str | Path = "report.html",
    wanted: Plan | None = None,
    calibration: Any = None,
    *,
    method: str = "auto",
    int8_io: bool = False,
    title: str | None = None,
) -> Overview:
    """Writes the plan as a page of HTML, all or nothing of it; what `plan` gives. title: None: the model's name."""
    from .page import page

    graph, gone = planned_graph(model, calibration, method, int8_io)
    overview = survey(graph, wanted)
    if title is None:
        title = "/".join(Path(model).parts[-2:]) if isinstance(model, str | Path) else graph.name
    write_text(Path(out), page(graph, overview, title, gone.sentence))
    return overview


@dataclass(frozen=True)
class Run:
    """Outputs of samples. values: real numbers, stored: as the model keeps them; both [n, h, w, c], by output.

    names: of the outputs. form: "int8" or "float". on_board: what the emulated board measured, its own outputs too,
    None if there was none; equal: whether these are the same, byte for byte.
    """

    names: list[str]
    values: list[np.ndarray]
    stored: list[np.ndarray]
    form: str
    on_board: BoardRun | None = None
    equal: bool | None = None
    warnings: list[str] = field(default_factory=list)


def run(
    model: Any,
    x: Any,
    calibration: Any = None,
    *,
    board: str | None = None,
    plan: Plan | None = None,
    use_float: bool = False,
    method: str = "auto",
    int8_io: bool = False,
    opt: Optimisation = "-O2",
    stage: Stage | None = None,
    places: tuple[str, str] = ("data", "calibration"),
) -> Run:
    """Runs samples x [n, ...] of real values on this computer, and with `board` on an emulated one as well.

    Float models are quantised with `calibration`, or run in float with use_float. opt: the board's compiler's.
    Raises NnomError: DataError (x, an unknown board), ToolError (the board's tools are missing or fail).
    """
    if board is not None:
        find_board(board)
    graph = load(model, int8_io)
    samples = datasets.samples(x, graph, places[0])
    p = _prepared(graph, calibration, method, use_float, stage, places[1])
    core = (plan or Plan()).compile(p.graph)
    inputs = stored_inputs(core.inputs, samples, p.raw)
    stored = run_host(core, inputs)
    on_board = run_board(p.graph, board, inputs, opt, plan) if board is not None else None
    equal = None
    if on_board is not None:
        equal = all(np.array_equal(a, b) for a, b in zip(stored, on_board.outputs, strict=True))
    values = [port.dequantize(a) for port, a in zip(core.outputs, stored, strict=True)]
    warnings = [*p.warnings, *saturation_warnings(p.graph, samples, p.raw, places[0])]
    form = "float" if p.graph.is_float else "int8"
    return Run(list(p.graph.outputs), values, stored, form, on_board, equal, warnings)


def _prepared(
    graph: Graph, calibration: Any, method: str, use_float: bool, stage: Stage | None, place: str
) -> Prepared:
    if use_float:
        return float_form(graph)
    if graph.is_float and calibration is None:
        raise DataError(
            Text(
                f"{graph.source or graph.name}: a float model; give ",
                Setting.CALIBRATION,
                ", some hundred typical samples, to quantise it, or ",
                Setting.USE_FLOAT,
                " to run it as it is",
            )
        )
    return prepare(graph, calibration, method, stage=stage, place=place)
