# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""A model's results side by side: its original runtime, our float and int8 forms here, and an emulated board.

The original runtime is that of the format (formats.py), where it is installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import data as datasets
from .compare import EXACT_DB, Taps, outputs_of, sqnr, stored
from .conversion import Prepared, classes_of, load, prepare
from .core import CoreModel
from .errors import DataError, ToolError
from .evaluation import float_form
from .formats import format_of
from .graph import Graph
from .importers.format import Original
from .losses import saturation_warnings
from .running import find_board, run_board

LOW_SQNR = 20.0  # dB: in float or between float and int8, the first layer under it is named


@dataclass(frozen=True)
class Comparison:
    """Two results of one output. agreement: share of equal top-1 classes, None for a single value."""

    left: str
    right: str
    output: int
    max_difference: float
    sqnr: float
    cosine: float
    agreement: float | None
    equal: bool


@dataclass
class Validation:
    """All comparisons. first_difference: the first layer that differs and how, "" if none does.

    missing: why the original was not compared though it should have been, "" if it was or was not wanted.
    """

    samples: int
    runtimes: list[str] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    first_difference: str = ""
    missing: str = ""
    notes: list[str] = field(default_factory=list)


def validate(
    model: Any,
    x: Any,
    calibration: Any = None,
    *,
    board: str | None = None,
    use_float: bool = False,
    method: str = "auto",
    int8_io: bool = False,
    samples: int = 32,
    original: bool = True,
    int16: Sequence[str] = (),
    int4: Sequence[str] = (),
    shapes: Mapping[str, Sequence[int]] | None = None,
    keep_io_layout: bool = False,
    data_layout: str = "",
    places: tuple[str, str] = ("data", "calibration"),
) -> Validation:
    """Runs up to `samples` samples of x [n, ...] everywhere. model: as for `load`; calibration: for float models.

    original: whether the model's own runtime takes part; it reads the file by itself (SECURITY.md says what it may do).
    int16, int4: as of convert; shapes, keep_io_layout, data_layout: as of load.
    Raises NnomError; a missing original runtime is told by `missing`.
    """
    if samples < 1:
        raise DataError(f"samples {samples}: expected at least 1")
    if board:
        find_board(board)
    ports: dict[str, Any] = {"shapes": shapes, "keep_io_layout": keep_io_layout, "data_layout": data_layout}
    graph = load(model, int8_io, int16, int4, **ports)
    data, _ = datasets.spread(datasets.samples(x, graph, places[0]), samples)
    p = float_form(graph) if use_float else prepare(graph, calibration, method, place=places[1])
    result = Validation(len(data[0]), notes=saturation_warnings(p.graph, data, p.raw, places[0]))
    values: dict[str, list[np.ndarray]] = {}
    if original:
        _original(result, values, model, graph, data, int8_io)
    if p.floats is not None and not use_float:
        values["host float"] = outputs_of(p.floats, data)
    values["host float" if use_float else "host int8"] = outputs_of(p.graph, data, p.raw)
    if board:
        values[board] = _board_values(p, board, data)
    result.runtimes = list(values)
    for left, right in zip(result.runtimes, result.runtimes[1:], strict=False):
        result.comparisons += _compare(left, right, values[left], values[right])
    result.first_difference = _first_difference(model, p, data, values)
    return result


def _board_values(p: Prepared, board: str, data: list[np.ndarray]) -> list[np.ndarray]:
    core = CoreModel(p.graph)
    inputs = [stored(port, a, p.raw) for port, a in zip(core.inputs, data, strict=True)]
    run = run_board(p.graph, board, inputs)
    return [port.dequantize(o) for port, o in zip(core.outputs, run.outputs, strict=True)]


def _compare(left: str, right: str, a: list[np.ndarray], b: list[np.ndarray]) -> list[Comparison]:
    found = []
    for k, (u, v) in enumerate(zip(a, b, strict=True)):
        u, v = u.reshape(len(u), -1).astype(np.float64), v.reshape(len(v), -1).astype(np.float64)
        norm = float(np.linalg.norm(u) * np.linalg.norm(v))
        cosine = float((u * v).sum() / norm) if norm else float(np.array_equal(u, v))
        agreement = float((classes_of(u) == classes_of(v)).mean()) if u.shape[1] > 1 else None
        worst = float(np.abs(u - v).max())
        found.append(Comparison(left, right, k, worst, sqnr(u, v), cosine, agreement, worst == 0.0))
    return found


# ---- Original runtimes ----


def _original(
    result: Validation,
    values: dict[str, list[np.ndarray]],
    model: Any,
    graph: Graph,
    data: list[np.ndarray],
    int8_io: bool,
) -> None:
    try:
        original = format_of(model)
        values[original.runtime] = original.outputs(model, graph, data, not graph.is_float, int8_io)
    except ToolError as e:
        if int8_io:
            result.notes.append(e.text)
        else:
            result.missing = e.text


# ---- The first layer that differs ----


def _first_difference(model: Any, p: Prepared, data: list[np.ndarray], values: dict[str, list[np.ndarray]]) -> str:
    kind = format_of(model) if p.raw else None
    if kind is not None and kind.open is not None and kind.runtime in values:
        return _first_different(kind.runtime, kind.open(model), p, data)
    if p.floats is not None and p.floats is not p.graph:
        return _first_noisy(p.floats, p.quantised, data)
    return ""


def _first_different(runtime: str, reference: Original, p: Prepared, data: list[np.ndarray]) -> str:
    """Tensors of the same name compared, in order of execution, sample by sample."""
    ours = Taps(p.quantised)
    for i in range(len(data[0])):
        sample = [a[i] for a in data]
        got = ours.run(sample, p.raw)
        reference.run(sample, p.raw)
        expected = reference.tensors()
        for node in p.quantised.nodes:
            e, g = expected.get(node.output), got.get(node.output)
            if e is None or g is None or e.size != g.size:
                continue
            wrong = np.flatnonzero(e.reshape(-1) != g.reshape(-1))
            if wrong.size:
                remark = reference.remark(node.op)
                counts = f"{wrong.size} of {g.size} values of sample {i}"
                return f"'{node.name}' ({node.op}): {counts} differ from {runtime}{remark and ', ' + remark}"
    return ""


def _first_noisy(floats: Graph, ints: Graph, data: list[np.ndarray]) -> str:
    """Int8 always differs from float: the first layer that differs much, else the worst."""
    from .compare import layer_noise

    noise = layer_noise(floats, ints, data)
    for n in noise:
        if n.sqnr < LOW_SQNR:
            return f"'{n.name}' ({n.op}): {n.sqnr:.1f} dB between float and int8, the first under {LOW_SQNR:.0f} dB"
    worst = min(noise, key=lambda n: n.sqnr, default=None)
    if worst is None or worst.sqnr >= EXACT_DB:
        return ""
    lowest = f"the lowest is '{worst.name}' ({worst.op}) with {worst.sqnr:.1f} dB"
    return f"none under {LOW_SQNR:.0f} dB between float and int8; {lowest}"
