# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Recurrent layers: their numbers in integers, and how they become layers of the core (include/nnom_rnn.h)."""

from __future__ import annotations

import ctypes as ct
import math
from typing import TYPE_CHECKING

import numpy as np

from .binding import element_types
from .data import spread
from .errors import ModelError
from .graph import Graph, Node, Quant, Tensor, Weight
from .ops import CELL_ACTIVATIONS

if TYPE_CHECKING:
    from .mapping import Builder

UNIT = 2.0**-15  # of a state that tanh or sigmoid limits
CELL = 2.0**-11

_SVDF_WEIGHTS = ("weights", "time", "bias")


class CellConfig(ct.Structure):
    """All that can be said of a cell (nnom_cell_config_t)."""

    _fields_ = [
        ("units", ct.c_int32),
        ("activation", ct.c_int),
        ("reset_after", ct.c_bool),
        ("weights", ct.c_void_p),
        ("recurrent", ct.c_void_p),
        ("bias", ct.c_void_p),
        ("recurrent_bias", ct.c_void_p),
        ("weight_scales", ct.c_void_p),
        ("recurrent_scales", ct.c_void_p),
        ("scale_count", ct.c_uint32),
        ("state_type", ct.c_int),
        ("state_scale", ct.c_float),
        ("state_zero_point", ct.c_int32),
        ("cell_scale", ct.c_float),
        ("cell_clip", ct.c_float),
        ("tflite_curves", ct.c_bool),
    ]


class RnnConfig(ct.Structure):
    """Of the layer around a cell (nnom_rnn_config_t)."""

    _fields_ = [("return_sequence", ct.c_bool), ("go_backwards", ct.c_bool), ("reverse", ct.c_bool)]


def units(node: Node) -> int:
    """Numbers of a state."""
    return node.weights["recurrent"].data.shape[1]


def state_quants(node: Node) -> list[tuple[str, Quant]]:
    """Type and quantisation of the hidden state, and of an LSTM's cell, in a quantised graph."""
    dtype = node.attrs.get("state", "int16")
    scale = node.attrs.get("state_scale") or UNIT
    found = [(dtype, Quant(float(np.float32(scale)), int(node.attrs.get("state_zero_point", 0))))]
    if node.op == "lstm":
        found.append(("int16", Quant(node.attrs.get("cell_scale") or CELL)))
    return found


# ---- Layers of the core ----


def make_cell(b: Builder, node: Node) -> int:
    """The RNN layer of a node."""
    config = _config(b, node)
    b.keep.append(config)
    cell = b.make(node.entry.layer, ct.cast(ct.pointer(config), ct.c_void_p))
    a = node.attrs
    flags = RnnConfig(a.get("sequence", False), a.get("backwards", False), a.get("reverse", False))
    return b.make("nnom_rnn_s", ct.c_void_p(cell), ct.cast(ct.pointer(flags), ct.c_void_p))


def _expect(node: Node, shapes: dict[str, tuple[int, ...]]) -> None:
    """Refuses weights of another size than the core will read."""
    for name, shape in shapes.items():
        if name in node.weights and node.weights[name].data.shape != shape:
            got = list(node.weights[name].data.shape)
            raise ModelError(f"layer '{node.name}': {name} of shape {got}; expected {list(shape)}")


def _config(b: Builder, node: Node) -> CellConfig:
    a, w = node.attrs, node.weights
    rows = node.entry.gates * units(node)
    features = b.graph.tensors[node.inputs[0]].shape[2]
    one = {name: (rows,) for name in ("bias", "recurrent_bias")}
    _expect(node, {"weights": (rows, features), "recurrent": (rows, units(node)), **one})
    real = b.is_float(node)
    kinds = (np.float32, np.float32) if real else (np.int8, np.int32)

    def array(name: str, dtype: type) -> int | None:
        return b.array(w[name].data, dtype).value if name in w else None

    scales = [None, None] if real else [b.array(w[n].steps, np.float32).value for n in ("weights", "recurrent")]
    dtype, quant = state_quants(node)[0]
    return CellConfig(
        units(node), CELL_ACTIVATIONS.index(a["kind"]), bool(a.get("reset_after", False)),
        array("weights", kinds[0]), array("recurrent", kinds[0]), array("bias", kinds[1]),
        array("recurrent_bias", kinds[1]), *scales, 0 if real else w["weights"].steps.size,
        element_types()[dtype], quant.scale, quant.zero_point,
        a.get("cell_scale", 0.0), a.get("cell_clip", 0.0), a.get("tflite_curves", False),
    )  # fmt: skip


class SvdfConfig(ct.Structure):
    """What an SVDF computes with (nnom_svdf_config_t)."""

    _fields_ = [
        ("units", ct.c_int32),
        ("rank", ct.c_int32),
        ("memory", ct.c_int32),
        ("features", ct.c_void_p),
        ("time", ct.c_void_p),
        ("bias", ct.c_void_p),
        ("feature_scale", ct.c_float),
        ("time_scale", ct.c_float),
    ]


def make_svdf(b: Builder, node: Node) -> int:
    """The SVDF layer of a node."""
    w, real, rank = node.weights, b.is_float(node), node.attrs["rank"]
    kinds = (np.float32,) * 3 if real else (np.int8, np.int16, np.int32)
    arrays = [b.array(w[n].data, k).value if n in w else None for n, k in zip(_SVDF_WEIGHTS, kinds, strict=True)]
    scales = [0.0, 0.0] if real else [float(w[n].steps[0]) for n in _SVDF_WEIGHTS[:2]]
    filters, memory = w["time"].data.shape
    features = b.graph.tensors[node.inputs[0]].shape[2]
    _expect(node, {"weights": (filters, features), "bias": (filters // rank,)})
    config = SvdfConfig(filters // rank, rank, memory, *arrays, *scales)
    return b.make(node.entry.layer, ct.cast(ct.pointer(config), ct.c_void_p))


# ---- Float to int8 ----


def quantise_cell(node: Node, source: Quant, limit: float) -> None:
    """Weights of a float node to int8, a scale for each row; biases to int32 of at most `limit`.

    What rounding takes from a row times what the row is multiplied by, on average, goes into the bias: into that of the
    features, if the recurrent weights have none. Of a GRU's candidate that is so only where both are added as they are.
    """
    state, old = state_quants(node)[0][1], node.weights
    biases: dict[str, np.ndarray] = {k: old[k].data.astype(np.float64) for k in ("bias", "recurrent_bias") if k in old}
    made = {
        "weights": _quantised_rows(old["weights"], biases.get("bias"), source.scale),
        "recurrent": _quantised_rows(old["recurrent"], biases.get("recurrent_bias"), state.scale),
    }
    lost = {k: _lost(old[k], w) for k, w in made.items()}
    into = "recurrent_bias" if "recurrent_bias" in biases else "bias"
    if node.op == "gru" and not (node.attrs.get("reset_after") and into == "recurrent_bias"):
        lost["recurrent"][2 * units(node) :] = 0
    for kind, key in (("weights", "bias"), ("recurrent", into)):
        if key in biases or lost[kind].any():
            biases[key] = lost[kind] + biases[key] if key in biases else lost[kind]
    for key, b in biases.items():
        kind, step = ("weights", source.scale) if key == "bias" else ("recurrent", state.scale)
        steps = step * made[kind].steps.astype(np.float64)
        made[key] = Weight(np.clip(np.round(b / steps), -limit, limit).astype(np.int32))
    node.weights = made


def _quantised_rows(weight: Weight, bias: np.ndarray | None, step: float) -> Weight:
    """Rows [n, k] whose bias is added to their sums, whose numbers come in steps of `step`."""
    from .quantise import weight_scales

    w = weight.data.astype(np.float64)
    scale = weight_scales(np.abs(w).max(axis=1), bias, step)
    return Weight(np.clip(np.round(w / scale.astype(np.float64)[:, None]), -127, 127).astype(np.int8), scale)


def _lost(weight: Weight, made: Weight) -> np.ndarray:
    """[n]: what the rows of a quantised weight are short of, on average."""
    if weight.mean is None:
        return np.zeros(len(weight.data))
    return (weight.data - made.data * made.steps.astype(np.float64)[:, None]) @ weight.mean


def widen_states(graph: Graph) -> None:
    """Gives the states of a graph that has just become int8 their types; what else reads or makes them is converted."""
    cells = {n.output: n for n in graph.nodes if n.entry.gates}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.op == "part":
            nodes += _quantised_part(graph, node, state_quants(cells[node.inputs[0]])[node.attrs["index"] - 1])
        elif node.entry.gates:
            nodes += _quantised_states(graph, node)
            nodes.append(node)
        else:
            nodes.append(node)
    graph.nodes = nodes


def _converted(graph: Graph, name: str, source: str, dtype: str, quant: Quant) -> Node:
    """A node that makes tensor `name` of `source` in another type."""
    graph.tensors[name] = Tensor(name, graph.tensors[source].shape, dtype, quant)
    return Node("quantize", name, [source], name)


def _quantised_states(graph: Graph, node: Node) -> list[Node]:
    """Initial states: a state of the graph and a part are what they should be, all others are converted."""
    made, inputs = [], list(node.inputs)
    for i, (dtype, quant) in enumerate(state_quants(node)[: len(inputs) - 1], 1):
        tensor = graph.tensors[inputs[i]]
        if inputs[i] in graph.states:
            tensor.dtype, tensor.quant = dtype, quant
        elif (tensor.dtype, tensor.quant) != (dtype, quant):
            made.append(_converted(graph, graph.unique(f"{tensor.name}_{dtype}"), inputs[i], dtype, quant))
            inputs[i] = made[-1].output
    node.inputs = inputs
    return made


def _quantised_part(graph: Graph, part: Node, kind: tuple[str, Quant]) -> list[Node]:
    """The state after the last step, as it is for states, cells and layers of 16 bits; in int8 for all others."""
    tensor = graph.tensors[part.output]
    if tensor.dtype == "int16":
        return [part]
    others = [n for n in graph.consumers(part.output) if not n.entry.gates]
    narrow = tensor.quant
    tensor.dtype, tensor.quant = kind
    if not others or narrow is None:
        return [part]
    name = graph.unique(f"{part.output}_int8")
    node = _converted(graph, name, part.output, "int8", narrow)
    for reader in others:
        reader.inputs = [name if n == part.output else n for n in reader.inputs]
    return [part, node]


# ---- How large states become ----

_JUDGED = 64  # samples


def measure_states(graph: Graph, data: list[np.ndarray]) -> None:
    """Sets the scales of cells, and of states that nothing limits, and what weights are multiplied by on average.

    data: [n, h, w, c] per input of a float graph.
    """
    cells = [n for n in graph.nodes if n.entry.gates]
    if not cells:
        return
    seen = _captured(graph, spread(data, _JUDGED)[0], {name for n in cells for name in n.inputs})
    for node in cells:
        hidden, cell = _walk(node, *(seen.get(name) for name in node.inputs))
        if node.op == "lstm":
            node.attrs["cell_scale"] = 2.0 ** (math.ceil(math.log2(max(cell, 2.0**-4))) - 15)
        if node.attrs["kind"] not in ("tanh", "sigmoid"):
            node.attrs["state_scale"] = float(np.float32(max(hidden, 2.0**-8) * 1.05 / 32767))


def _captured(graph: Graph, data: list[np.ndarray], names: set[str]) -> dict[str, np.ndarray]:
    """What tensors hold for samples: [n, h, w, c] by name. Not of states, which begin with zeros."""
    from .compare import Taps

    seen: dict[str, list[np.ndarray]] = {}
    taps = Taps(graph)
    for i in range(len(data[0])):
        sample = [x[i] for x in data]
        values = {**dict(zip(graph.inputs, sample, strict=True)), **taps.run(sample)}
        for name in names:
            if (source := _source(graph, name)) in values:
                seen.setdefault(name, []).append(values[source].reshape(graph.tensors[name].shape))
    taps.model.close()
    return {name: np.stack(found) for name, found in seen.items()}


def _source(graph: Graph, name: str) -> str:
    """The tensor of whose bytes this one is a view; itself if it is none."""
    while (node := graph.producer(name)) is not None and node.entry.view:
        name = node.inputs[0]
    return name


def _one_step(node: Node) -> Graph:
    """A float graph that takes in one step: features and states in, states out."""
    graph, count, states = Graph(node.name), units(node), node.entry.inputs[1] - 1
    names = ["x", *(f"state{i}" for i in range(states))]
    for name in names:
        graph.add_tensor(Tensor(name, (1, 1, count if name != "x" else node.weights["weights"].data.shape[1])))
    graph.inputs = names
    attrs = {k: v for k, v in node.attrs.items() if k not in ("sequence", "backwards", "reverse")}
    graph.add(Node(node.op, "step", names, "step", attrs, node.weights), (1, 1, count))
    parts = [Node("part", f"next{i}", ["step"], f"next{i}", {"index": i + 1}) for i in range(states)]
    graph.outputs = [graph.add(part, (1, 1, count)) for part in parts]
    return graph


def _walk(node: Node, x: np.ndarray | None, *initial: np.ndarray | None) -> tuple[float, float]:
    """The largest |hidden| and |cell| over sequences x [n, steps, 1, features] and at their start: given or zeros.

    Notes the means of x and of the hidden state at its weights.
    """
    from .core import CoreModel

    graph, most, hidden = _one_step(node), np.zeros(2), []
    model = CoreModel(graph)
    given = [initial[i] if i < len(initial) else None for i in range(len(graph.outputs))]
    for k, start in enumerate(given):
        most[k] = 0.0 if start is None else np.abs(start).max()
    for i, sequence in enumerate(x if x is not None else ()):
        states = [np.zeros((1, 1, units(node)), np.float32) if s is None else s[i] for s in given]
        for step in sequence[::-1] if node.attrs.get("backwards") else sequence:
            hidden.append(states[0].ravel())
            states = list(model.run([step[np.newaxis], *states]))
            most[: len(states)] = np.maximum(most[: len(states)], [np.abs(s).max() for s in states])
    model.close()
    if x is not None:
        node.weights["weights"].mean = x.reshape(-1, x.shape[-1]).mean(axis=0, dtype=np.float64)
        node.weights["recurrent"].mean = np.stack(hidden).mean(axis=0, dtype=np.float64)
    return float(most[0]), float(most[1])
