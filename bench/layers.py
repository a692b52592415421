# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""A graph of layers that have nothing to do with each other, in shapes of real models: for bench/kernels.py."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from nnom.graph import Graph, Node, Quant, Tensor, Weight, window_size
from nnom.quantise import quantise

Shape = tuple[int, int, int]
_SCALE = 0.0471  # of inputs
_LINEAR = ("conv2d", "depthwise_conv2d", "conv2d_transpose", "dense")
_TWO = ("add", "sub", "mult")
_WINDOWS = ("conv2d", "depthwise_conv2d", "conv2d_transpose", "max_pool", "avg_pool", "sum_pool")


_CELLS = {"simple_rnn": 1, "gru": 3, "lstm": 4}  # gates


@dataclass(frozen=True)
class Layer:
    """One layer: where its shape is from, operator of the graph, input (h, w, c), outputs, window. SAME pads."""

    place: str
    op: str
    shape: Shape
    units: int = 0
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)

    @property
    def title(self) -> str:
        """In words."""
        h, w, c = self.shape
        text = f"{self.place} {h}x{w}x{c}"
        text += f" -> {self.units}" if self.units else ""
        text += f", {self.kernel[0]}x{self.kernel[1]}" if self.kernel != (1, 1) else ""
        return text + (f" / {self.stride[0]}" if self.stride != (1, 1) else "")


LAYERS = (
    Layer("KWS first", "conv2d", (49, 10, 1), 64, (10, 4), (2, 2)),
    Layer("KWS", "conv2d", (25, 5, 64), 64),
    Layer("IC first", "conv2d", (32, 32, 3), 16, (3, 3)),
    Layer("IC", "conv2d", (32, 32, 16), 16, (3, 3)),
    Layer("IC", "conv2d", (16, 16, 32), 32, (3, 3)),
    Layer("IC", "conv2d", (8, 8, 64), 64, (3, 3)),
    Layer("VWW first", "conv2d", (96, 96, 3), 8, (3, 3), (2, 2)),
    Layer("VWW", "conv2d", (48, 48, 8), 16),
    Layer("VWW", "conv2d", (12, 12, 64), 64),
    Layer("VWW", "conv2d", (3, 3, 256), 256),
    Layer("HAR first", "conv2d", (128, 1, 9), 16, (9, 1), (2, 1)),
    Layer("KWS", "depthwise_conv2d", (25, 5, 64), 64, (3, 3)),
    Layer("VWW", "depthwise_conv2d", (48, 48, 8), 8, (3, 3)),
    Layer("VWW", "depthwise_conv2d", (24, 24, 32), 32, (3, 3), (2, 2)),
    Layer("VWW", "depthwise_conv2d", (6, 6, 128), 128, (3, 3)),
    Layer("SWW", "depthwise_conv2d", (30, 1, 40), 40, (3, 1)),
    Layer("micro_speech", "depthwise_conv2d", (49, 40, 1), 8, (10, 8), (2, 2)),
    Layer("twice", "depthwise_conv2d", (16, 16, 16), 32, (3, 3)),
    Layer("AD", "dense", (1, 1, 640), 128),
    Layer("AD", "dense", (1, 1, 128), 128),
    Layer("AD", "dense", (1, 1, 128), 8),
    Layer("KWS", "dense", (1, 1, 64), 12),
    Layer("IC, upwards", "conv2d_transpose", (8, 8, 64), 32, (3, 3), (2, 2)),
    Layer("upwards", "conv2d_transpose", (16, 16, 16), 8, (4, 4), (2, 2)),
    Layer("upwards", "conv2d_transpose", (32, 1, 32), 16, (4, 1), (4, 1)),
    Layer("HAR", "max_pool", (128, 1, 16), 0, (2, 1), (2, 1)),
    Layer("IC", "max_pool", (32, 32, 16), 0, (2, 2), (2, 2)),
    Layer("IC", "avg_pool", (32, 32, 16), 0, (2, 2), (2, 2)),
    Layer("KWS", "avg_pool", (25, 5, 64), 0, (25, 5), (25, 5)),
    Layer("IC", "sum_pool", (32, 32, 16), 0, (2, 2), (2, 2)),
    Layer("IC", "global_avg_pool", (8, 8, 64)),
    Layer("IC", "global_max_pool", (8, 8, 64)),
    Layer("IC", "global_sum_pool", (8, 8, 64)),
    Layer("IC", "add", (32, 32, 16)),
    Layer("IC", "sub", (32, 32, 16)),
    Layer("IC", "mult", (32, 32, 16)),
    Layer("IC", "activation", (32, 32, 16)),
    Layer("KWS", "softmax", (1, 1, 12)),
    Layer("VWW", "quantize", (96, 96, 3)),
)
RECURRENT = (
    Layer("HAR", "simple_rnn", (50, 1, 9), 32),
    Layer("HAR", "gru", (50, 1, 9), 32),
    Layer("HAR", "lstm", (50, 1, 9), 32),
    Layer("MNIST", "lstm", (28, 1, 28), 20),
)


def padding(layer: Layer) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of SAME; of the transposed convolution none."""
    if layer.op == "conv2d_transpose":
        return 0, 0, 0, 0
    pads = []
    for n, k, s in zip(layer.shape[:2], layer.kernel, layer.stride, strict=True):
        need = max((-(-n // s) - 1) * s + k - n, 0)
        pads += [need // 2, need - need // 2]
    return pads[0], pads[1], pads[2], pads[3]


def output_shape(layer: Layer) -> Shape:
    """Of a layer."""
    h, w, c = layer.shape
    if layer.op == "conv2d_transpose":
        (kh, kw), (sh, sw) = layer.kernel, layer.stride
        return (h - 1) * sh + kh, (w - 1) * sw + kw, layer.units
    if layer.op == "dense" or layer.op.startswith("global"):
        return 1, 1, layer.units or c
    top, bottom, left, right = padding(layer)
    high = window_size(h, layer.kernel[0], layer.stride[0], 1, top, bottom)
    wide = window_size(w, layer.kernel[1], layer.stride[1], 1, left, right)
    return high, wide, layer.units or c


class Bench:
    """A graph of single layers: float32, int8, int8 with weights of 4 bits ("int4"), or int16 with weights of 8."""

    def __init__(self, kind: str = "int8"):
        self.graph = Graph("layers", "layers")
        self.rng = np.random.default_rng(7)
        self.dtype = "int8" if kind == "int4" else kind
        self.most = 7 if kind == "int4" else 127

    def add(self, layer: Layer) -> str:
        """Puts a layer into the graph; the name of its output."""
        name = f"y{len(self.graph.nodes)}"
        sources = [self._input(layer.shape) for _ in range(2 if layer.op in _TWO else 1)]
        attrs: dict[str, object] = {}
        if layer.op in (*_LINEAR, *_TWO):
            attrs["activation"] = "relu"
        if layer.op == "activation":
            attrs["kind"] = "sigmoid"
        if layer.op in _WINDOWS:
            attrs |= {"stride": layer.stride, "padding": padding(layer)}
        if layer.op in ("conv2d", "depthwise_conv2d"):
            attrs["dilation"] = (1, 1)
        if layer.op.endswith("_pool") and not layer.op.startswith("global"):
            attrs["kernel"] = layer.kernel
        node = Node(layer.op, name, sources, name, attrs, self._weights(layer))
        self.graph.add(node, output_shape(layer), self.dtype, self._output_quant(layer, sources[0]))
        self.graph.outputs.append(name)
        return name

    def _input(self, shape: Shape) -> str:
        name = f"x{len(self.graph.inputs)}"
        quant = None if self.dtype == "float32" else self._quant(_SCALE, -3)
        self.graph.add_tensor(Tensor(name, shape, self.dtype, quant))
        self.graph.inputs.append(name)
        return name

    def _quant(self, scale: float, zero_point: int) -> Quant:
        wide = self.dtype == "int16"
        return Quant(float(np.float32(scale / 256 if wide else scale)), 0 if wide else zero_point)

    def _output_quant(self, layer: Layer, source: str) -> Quant | None:
        before = self.graph.tensors[source].quant
        if before is None:
            return None
        if layer.op in ("softmax", "activation"):
            return Quant(2.0**-15) if self.dtype == "int16" else Quant(1 / 256, -128)
        return before if layer.op.endswith("max_pool") else self._quant(2 * _SCALE, -5)

    def _weights(self, layer: Layer) -> dict[str, Weight]:
        c = layer.shape[2]
        shapes = {
            "conv2d": (layer.units, *layer.kernel, c),
            "conv2d_transpose": (layer.units, *layer.kernel, c),
            "depthwise_conv2d": (*layer.kernel, layer.units),
            "dense": (layer.units, c),
        }
        if layer.op not in shapes:
            return {}
        shape = shapes[layer.op]
        if self.dtype == "float32":
            weights = self.rng.normal(0, 0.1, shape).astype(np.float32)
            return {"weights": Weight(weights), "bias": Weight(np.zeros(layer.units, np.float32))}
        # Like trained ones: most are small.
        data = np.clip(np.round(self.rng.normal(0, self.most / 4, shape)), -self.most, self.most).astype(np.int8)
        scales = self.rng.uniform(0.002, 0.004, layer.units).astype(np.float32)
        bias = self.rng.integers(-500, 500, layer.units).astype(np.int64 if self.dtype == "int16" else np.int32)
        step = np.float32(self._quant(_SCALE, 0).scale)
        return {"weights": Weight(data, scales, 8 if self.most > 7 else 4), "bias": Weight(bias, scales * step)}


def recurrent(state: str) -> tuple[Graph, dict[str, Layer]]:
    """RECURRENT as a quantised graph, its LSTMs with a hidden state of type `state`, and the layer of each output."""
    rng, graph = np.random.default_rng(7), Graph("layers", "layers")
    for k, layer in enumerate(RECURRENT):
        rows, (steps, _, features) = _CELLS[layer.op] * layer.units, layer.shape
        shapes = {"weights": (rows, features), "recurrent": (rows, layer.units), "bias": (rows,)}
        weights = {n: Weight(rng.normal(0, 0.6 / np.sqrt(s[-1]), s).astype(np.float32)) for n, s in shapes.items()}
        graph.add_tensor(Tensor(f"x{k}", (steps, 1, features)))
        graph.inputs.append(f"x{k}")
        kind = {"kind": "tanh", **({"reset_after": False} if layer.op == "gru" else {})}
        graph.add(Node(layer.op, f"y{k}", [f"x{k}"], f"y{k}", kind, weights), (1, 1, layer.units))
        graph.outputs.append(f"y{k}")
    data = [rng.normal(0, 1, (8, *graph.tensors[n].shape)).astype(np.float32) for n in graph.inputs]
    made = quantise(graph, data, "minmax").graph
    for node in made.nodes:
        if node.op == "lstm" and state == "int8":
            node.attrs |= {"state": "int8", "state_scale": 1 / 128}
    return made, {f"y{k}": layer for k, layer in enumerate(RECURRENT)}
