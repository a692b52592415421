# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""ONNX's LSTM, GRU and RNN, in both directions.

X is [steps, 1, features] (layout 1: [1, steps, features]). Y [steps, directions, 1, units], Y_h and Y_c
[directions, 1, units].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import Weight
from ..axis_map import AxisMap
from ..workbench import Refused
from .onnx_places import Importer
from .onnx_reader import FileNode
from .onnx_windows import Handler, expect_real

_CELLS = {"RNN": ("simple_rnn", 1), "GRU": ("gru", 3), "LSTM": ("lstm", 4)}
_ORDER = {"RNN": [0], "GRU": [0, 1, 2], "LSTM": [0, 2, 3, 1]}  # of ONNX's gates (i o f c; z r h), as the core has them
_ACTIVATIONS = {"RNN": ["tanh"], "GRU": ["sigmoid", "tanh"], "LSTM": ["sigmoid", "tanh", "tanh"]}
_PLAIN = {"tanh": "tanh", "sigmoid": "sigmoid", "relu": "relu"}


@dataclass(frozen=True)
class _Layer:
    """What all directions share."""

    node: FileNode
    name: str  # of the sequence (steps, 1, features)
    steps: int
    features: int
    units: int
    directions: int
    kind: str
    batch_first: bool


def recurrent(imp: Importer, node: FileNode) -> None:
    """LSTM, GRU, RNN."""
    layer = _layer(imp, node)
    made = [_direction(imp, layer, d) for d in range(layer.directions)]
    d, units = layer.directions, layer.units
    if imp.wants(node, 0):
        ends = [m[0] for m in made]
        shape = (layer.steps, 1, d * units)
        name = ends[0] if d == 1 else imp.node(node.outputs[0], "concat", ends, shape, {"axis": 2})
        where = AxisMap.of((layer.steps, d, 1, units))
        imp.finish(node, name, where.transposed((2, 0, 1, 3)) if layer.batch_first else where)
    for k in (1, 2):
        if imp.wants(node, k):
            if k == 2 and node.op != "LSTM":
                imp.fail(node, "a third output; expected two")
            parts = [m[k] for m in made]
            shape = (1, 1, d * units)
            name = parts[0] if d == 1 else imp.node(node.outputs[k], "concat", parts, shape, {"axis": 2})
            where = AxisMap.of((d, 1, units))
            imp.finish(node, name, where.transposed((1, 0, 2)) if layer.batch_first else where, k)


def _layer(imp: Importer, node: FileNode) -> _Layer:
    x, first = imp.value(node, 0), imp.attr_int(node, "layout", 0) == 1
    expect_real(node, x)
    if len(x.shape) != 3:
        imp.fail(node, f"input of shape {list(x.shape)}; expected three axes")
    batch, steps = (x.shape[0], x.shape[1]) if first else (x.shape[1], x.shape[0])
    if batch != 1:
        raise Refused(f"{batch} sequences at once in shape {list(x.shape)}; expected one")
    if imp.has(node, 4):
        if any(n != steps for n in imp.integers(node, 4, "lengths of sequences")):
            raise Refused("sequences shorter than the input; expected all of its steps")
    if "clip" in node.attrs or imp.attr_int(node, "input_forget", 0):
        raise Refused("clip or input_forget; expected neither")
    if imp.has(node, 7) and np.any(imp.constant(node, 7, "peepholes")):
        raise Refused("an LSTM with peepholes; expected a plain one")
    directions = 2 if imp.attr_text(node, "direction", "forward") == "bidirectional" else 1
    weights = imp.real(node, 1, "weight tensor")
    gates = _CELLS[node.op][1]
    if weights.ndim != 3 or weights.shape[0] != directions or weights.shape[1] % gates or not weights.size:
        imp.fail(node, f"weights of shape {list(weights.shape)} for {directions} directions and {gates} gates")
    units = weights.shape[1] // gates
    if imp.attr_int(node, "hidden_size", units) != units or weights.shape[2] != x.shape[2]:
        imp.fail(node, f"weights of shape {list(weights.shape)} for {x.shape[2]} features")
    time = 1 if first else 0
    name = imp.sided(x, (time,), (), (2,))
    return _Layer(node, name, steps, x.shape[2], units, directions, _kind(node, directions), first)


def _kind(node: FileNode, directions: int) -> str:
    """The activation of a cell; its gates use sigmoid."""
    given = node.attrs.get("activations") or []
    if not isinstance(given, list):
        raise Refused("activations that are no texts")
    usual = _ACTIVATIONS[node.op]
    names = [t.decode("utf-8", "replace").lower() for t in given] or usual * directions
    each = [names[i * len(usual) : (i + 1) * len(usual)] for i in range(directions)]
    kinds = {e[-1] for e in each if e}
    same = len(names) == len(usual) * directions and len(kinds) == 1
    good = same and all(e[-1] in _PLAIN and e[:-1] == ["sigmoid", e[-1]][: len(e) - 1] for e in each)
    if not good or "activation_alpha" in node.attrs or "activation_beta" in node.attrs:
        raise Refused(f"activations {', '.join(names)}; expected {', '.join(usual)}, or Relu for Tanh")
    return _PLAIN[kinds.pop()]


def _weights(imp: Importer, layer: _Layer, d: int, after: bool) -> dict[str, Weight]:
    """Of one direction: matrices with a row for each output, biases. after: GRU with two biases."""
    node, units, (_, gates) = layer.node, layer.units, _CELLS[layer.node.op]
    order, rows = _ORDER[node.op], gates * units

    def sorted_(data: np.ndarray) -> np.ndarray:
        imp.memory.take(data.nbytes)
        return np.ascontiguousarray(data.reshape(gates, units, -1)[order].reshape(rows, -1))

    recurrent_ = imp.real(node, 2, "recurrent weights")
    if recurrent_.shape != (layer.directions, rows, units):
        imp.fail(node, f"recurrent weights of shape {list(recurrent_.shape)}")
    made = {"weights": sorted_(imp.real(node, 1, "weight tensor")[d]), "recurrent": sorted_(recurrent_[d])}
    if imp.has(node, 3):
        bias = imp.real(node, 3, "bias")
        if bias.shape != (layer.directions, 2 * rows):
            imp.fail(node, f"biases of shape {list(bias.shape)}; expected {[layer.directions, 2 * rows]}")
        one, two = (sorted_(b).reshape(rows) for b in (bias[d, :rows], bias[d, rows:]))
        made |= {"bias": one, "recurrent_bias": two} if after else {"bias": one + two}
    return {name: Weight(data) for name, data in made.items()}


def _states(imp: Importer, layer: _Layer, d: int) -> list[str]:
    """Tensors of the states at the beginning; none if they are zeros."""
    node, count = layer.node, 2 if layer.node.op == "LSTM" else 1
    values = [imp.value(node, k) if imp.has(node, k) else None for k in (5, 6)[:count]]
    if all(v is None or (v.data is not None and not np.any(v.data)) for v in values):
        return []
    names = []
    for v in values:
        if v is None:
            names.append(imp.add_constant(np.zeros((1, 1, layer.units), np.float32)))
            continue
        axes = (1, 0) if layer.batch_first else (0, 1)
        if len(v.shape) != 3 or (v.shape[axes[0]], v.shape[axes[1]], v.shape[2]) != (layer.directions, 1, layer.units):
            imp.fail(node, f"a state of shape {list(v.shape)} at the beginning")
        whole = imp.sided(v, (axes[0],), (), (2,))
        if layer.directions == 1:
            names.append(whole)
            continue
        size = (1, 1, layer.units)
        attrs = {"begin": (d, 0, 0), "size": size, "stride": (1, 1, 1)}
        names.append(imp.node(f"{node.outputs[0] or node.op}_state", "slice", [whole], size, attrs))
    return names


def _direction(imp: Importer, layer: _Layer, d: int) -> list[str]:
    """Tensors of one direction: the sequence (if someone reads it), hidden state and cell after the last step."""
    node, (op, _) = layer.node, _CELLS[layer.node.op]
    after = node.op == "GRU" and imp.attr_int(node, "linear_before_reset", 0) != 0
    backwards = d == 1 or imp.attr_text(node, "direction", "forward") == "reverse"
    sequence = imp.wants(node, 0)
    attrs: dict[str, Any] = {
        "kind": layer.kind,
        "sequence": sequence,
        "backwards": backwards,
        "reverse": backwards and sequence,
    }
    if node.op == "GRU":
        attrs["reset_after"] = after
    base = next((n for n in node.outputs if n), node.op) + ("_backward" if backwards and layer.directions == 2 else "")
    shape = (layer.steps if sequence else 1, 1, layer.units)
    inputs = [layer.name, *_states(imp, layer, d)]
    y = imp.node(base, op, inputs, shape, attrs, _weights(imp, layer, d, after))
    found = [y, "" if sequence else y, ""]
    for k in (1, 2):
        if imp.wants(node, k) and not found[k]:
            found[k] = imp.node(f"{base}_state{k}", "part", [y], (1, 1, layer.units), {"index": k})
    return found


RECURRENT: dict[str, Handler] = dict.fromkeys(_CELLS, recurrent)
