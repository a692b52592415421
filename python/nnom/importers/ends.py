# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Float and uint8 ends of quantised models, cut off where int8 was asked for."""

from __future__ import annotations

from ..errors import UnsupportedError
from ..graph import Graph, Node
from ..messages import Setting, Text


def cut_ends(graph: Graph) -> None:
    """Removes quantize nodes at the inputs and dequantize or quantize-to-uint8 nodes at the outputs.

    UnsupportedError if an end computes in float.
    """
    by_output = {n.output: n for n in graph.nodes}
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    dropped = set()
    for i, name in enumerate(graph.inputs):
        first = readers.get(name, [])
        if (
            len(first) == 1
            and first[0].op == "quantize"
            and name not in graph.outputs
            and graph.tensors[name].dtype != "int8"
        ):
            graph.inputs[i] = first[0].output
            _moved(graph, name, first[0].output)
            dropped.add(first[0].output)
    for i, name in enumerate(graph.outputs):
        last = by_output.get(name)
        if (
            last
            and last.op in ("dequantize", "quantize")
            and graph.tensors[name].dtype != "int8"
            and name not in readers
        ):
            if graph.tensors[last.inputs[0]].dtype == "int8":
                graph.outputs[i] = last.inputs[0]
                _moved(graph, name, last.inputs[0])
                dropped.add(name)
    graph.nodes = [n for n in graph.nodes if n.output not in dropped]
    used = {*graph.sources, *graph.kept, *(t for n in graph.nodes for t in (*n.inputs, n.output))}
    graph.tensors = {k: t for k, t in graph.tensors.items() if k in used}
    _check_ends(graph)


def _moved(graph: Graph, old: str, new: str) -> None:
    """A port is another tensor now; its axes lie as before."""
    if old in graph.layouts:
        graph.layouts[new] = graph.layouts.pop(old)


def _check_ends(graph: Graph) -> None:
    """Refuses a quantised model whose ends compute in float: they cannot be cut off."""
    ends = [("input", t) for t in graph.inputs] + [("output", t) for t in graph.outputs]
    for what, name in () if graph.is_float else ends:
        if graph.tensors[name].dtype == "float32":
            node = graph.producer(name) if what == "output" else next(iter(graph.consumers(name)), None)
            where = f"layer '{node.name}' ({node.op}) computes in float there" if node else "no layer uses it"
            raise UnsupportedError(
                Text(
                    f"{graph.source}: ",
                    Setting.INT8_IO,
                    f": {what} '{name}' cannot become int8, {where}; convert without it, or quantise the model "
                    "throughout",
                )
            )
