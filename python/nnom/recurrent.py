# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Recurrent layers: their numbers in integers, and how they become layers of the core (include/nnom_rnn.h)."""

from __future__ import annotations

import ctypes as ct
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .binding import element_types
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


def _config(b: Builder, node: Node) -> CellConfig:
    a, w = node.attrs, node.weights
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
        a.get("cell_scale", 0.0), a.get("cell_clip", 0.0),
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
    config = SvdfConfig(filters // rank, rank, memory, *arrays, *scales)
    return b.make(node.entry.layer, ct.cast(ct.pointer(config), ct.c_void_p))


# ---- Float to int8 ----


def quantise_cell(node: Node, source: Quant, limit: float) -> None:
    """Weights of a float node to int8, a scale for each row; biases to int32 of at most `limit`."""
    state = state_quants(node)[0][1]
    made: dict[str, Weight] = {}
    for name, bias, step in (("weights", "bias", source.scale), ("recurrent", "recurrent_bias", state.scale)):
        b = node.weights[bias].data.astype(np.float64) if bias in node.weights else None
        made[name], biases = _quantise_rows(node.weights[name].data.astype(np.float64), b, step, limit)
        if biases is not None:
            made[bias] = biases
    node.weights = made


def _quantise_rows(w: np.ndarray, bias: np.ndarray | None, step: float, limit: float) -> tuple[Weight, Weight | None]:
    """Rows [n, k] and biases [n] that are added to their sums, whose numbers come in steps of `step`."""
    from .quantise import weight_scales

    scale = weight_scales(np.abs(w).max(axis=1), bias, step)
    steps = scale.astype(np.float64)
    q = np.clip(np.round(w / steps[:, None]), -127, 127).astype(np.int8)
    if bias is None:
        return Weight(q, scale), None
    return Weight(q, scale), Weight(np.clip(np.round(bias / (step * steps)), -limit, limit).astype(np.int32))


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
    """The state after the last step, as it is for states and cells; in int8 for all others."""
    tensor = graph.tensors[part.output]
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
    """Sets the scales of cells, and of states that nothing limits. data: [n, h, w, c] per input of a float graph."""
    cells = [n for n in graph.nodes if n.entry.gates and (n.op == "lstm" or n.attrs["kind"] not in ("tanh", "sigmoid"))]
    if not cells:
        return
    seen = _captured(graph, data, {n.inputs[0] for n in cells})
    for node in cells:
        hidden, cell = _peaks(node, seen[node.inputs[0]])
        if node.op == "lstm":
            node.attrs["cell_scale"] = 2.0 ** (np.ceil(np.log2(max(cell, 2.0**-4))) - 15)
        if node.attrs["kind"] not in ("tanh", "sigmoid"):
            node.attrs["state_scale"] = float(np.float32(max(hidden, 2.0**-8) * 1.05 / 32767))


def _captured(graph: Graph, data: list[np.ndarray], names: set[str]) -> dict[str, np.ndarray]:
    """What tensors hold for the first samples: [n, h, w, c] by name."""
    from .core import CoreModel

    count = min(_JUDGED, len(data[0]))
    seen: dict[str, list[np.ndarray]] = {name: [] for name in names}
    model = CoreModel(graph, all_rows=True)
    nodes = {model.node_of(name): name for name in names if name not in graph.inputs}
    model.observe(lambda node, values: seen[nodes[node]].append(values.copy()) if node in nodes else None)
    for i in range(count):
        sample = [x[i].astype(port.dtype) for x, port in zip(data, model.inputs, strict=True)]
        model.run(sample)
        for name, values in zip(graph.inputs, sample, strict=True):
            if name in seen:
                seen[name].append(values.reshape(graph.tensors[name].shape))
    model.close()
    return {name: np.stack(values) for name, values in seen.items()}


_FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "linear": lambda x: x,
}


def _peaks(node: Node, x: np.ndarray) -> tuple[float, float]:
    """The largest |hidden| and |cell| over sequences x [n, steps, 1, features], from zeros on."""
    steps = np.moveaxis(x[:, :, 0], 1, 0)
    h = np.zeros((x.shape[0], units(node)))
    c, most = h.copy(), (0.0, 0.0)
    with np.errstate(over="ignore"):
        for step in steps[::-1] if node.attrs.get("backwards") else steps:
            h, c = _step(node, step, h, c)
            most = max(most[0], float(np.abs(h).max())), max(most[1], float(np.abs(c).max()))
    return most


def _step(node: Node, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One step of all sequences, as nnom_rnn.h has it."""
    act, gate, w = _FUNCTIONS[node.attrs["kind"]], _FUNCTIONS["sigmoid"], node.weights
    n = h.shape[1]
    a = x @ w["weights"].data.T + (w["bias"].data if "bias" in w else 0)
    recurrent, add = w["recurrent"].data, w["recurrent_bias"].data if "recurrent_bias" in w else 0
    if node.op == "gru" and not node.attrs.get("reset_after"):
        z, r = (gate(a[:, k * n : (k + 1) * n] + h @ recurrent[k * n : (k + 1) * n].T) for k in (0, 1))
        candidate = act(a[:, 2 * n :] + (r * h) @ recurrent[2 * n :].T)
        return z * h + (1 - z) * candidate, c
    b = h @ recurrent.T + add
    if node.op == "gru":
        z, r = (gate(a[:, k * n : (k + 1) * n] + b[:, k * n : (k + 1) * n]) for k in (0, 1))
        return z * h + (1 - z) * act(a[:, 2 * n :] + r * b[:, 2 * n :]), c
    if node.op == "simple_rnn":
        return act(a + b), c
    i, f, g, o = ((a + b)[:, k * n : (k + 1) * n] for k in range(4))
    c = gate(f) * c + gate(i) * act(g)
    return gate(o) * act(c), c
