# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Inputs and outputs whose axes the model has in another order than the file: what is said of them, data for them."""

from __future__ import annotations

import numpy as np

from .errors import DataError
from .graph import Graph, Layout
from .messages import Setting, Text

DATA_LAYOUTS = ("file", "model")


def port_lines(graph: Graph) -> list[str]:
    """A line for each input and output that the model has in another order than the file."""
    lines = []
    for what, verb, names in (("input", "takes", graph.inputs), ("output", "gives", graph.outputs)):
        for name in names:
            layout = graph.layouts.get(name)
            if layout is not None and layout.turned:
                sides = "x".join(str(n) for n in graph.tensors[name].shape)
                lines.append(
                    f"{what} '{name}' has shape {list(layout.shape)} in the file; the model {verb} {sides}, the file's "
                    f"axes {list(_sample_order(layout))}"
                )
    return lines


def port_notes(graph: Graph) -> list[str]:
    """The same for a report, which says how it can be had otherwise."""
    return [Text(line, " (", Setting.KEEP_IO_LAYOUT, " keeps the file's order)") for line in port_lines(graph)]


def _sample_order(layout: Layout) -> tuple[int, ...]:
    """The axes of one sample: without a batch."""
    return tuple(a for a in layout.order if a or layout.shape[0] != 1)


def turned(x: np.ndarray, graph: Graph, name: str, place: str) -> np.ndarray:
    """Samples x [n, ...] that lie as in the file, as the model takes them; others as they are.

    DataError if both may be meant and nobody has said which (graph.data_layout).
    """
    layout = graph.layouts.get(name)
    if layout is None or not layout.turned:
        return x
    order = _sample_order(layout)
    first = layout.shape[0] == 1
    sample = layout.shape[1:] if first else layout.shape
    size = int(np.prod(sample))
    own = [n for n in graph.tensors[name].shape if n != 1]
    as_file = x.size % size == 0 and _fits(x.shape, [n for n in sample if n != 1])
    as_model = _fits(x.shape, own)
    if x.ndim == 2 and x.shape[1] == size:  # flat samples
        as_file = as_model = True
    if as_file and as_model and not graph.data_layout:
        raise DataError(
            Text(
                f"{place}: shape {x.shape} fits input '{name}' as the file has it, {list(sample)}, and as the model "
                f"takes it, {own}; say which with ",
                Setting.DATA_LAYOUT,
                ": file or model",
            )
        )
    if not as_file or (as_model and graph.data_layout == "model"):
        return x
    lead = 1 if first else 0
    by_axis = x.reshape(-1, *sample)
    return np.ascontiguousarray(by_axis.transpose(0, *(a - lead + 1 for a in order)))


def _fits(shape: tuple[int, ...], sides: list[int]) -> bool:
    """Whether an array holds samples of these sides, not counting sides of 1; one sample may come without its axis."""
    given = [n for n in shape[1:] if n != 1]
    return given == sides or [n for n in shape if n != 1] == sides


def as_file(y: np.ndarray, layout: Layout | None) -> np.ndarray:
    """One sample [h, w, c] of a port in the file's shape."""
    if layout is None:
        return y
    by_order = y.reshape([layout.shape[a] for a in layout.order])
    return by_order.transpose(np.argsort(layout.order)).copy()


def as_model(y: np.ndarray, layout: Layout | None) -> np.ndarray:
    """The other way round; the shape is that of the file's axes in the model's order."""
    return y if layout is None else y.reshape(layout.shape).transpose(layout.order).copy()
