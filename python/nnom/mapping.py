# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""How the operators of a graph become layers of the C core.

A function for each operator with weights, or whose constructor takes something else than the attributes of its entry in
their order; the others follow from the book.
"""

from __future__ import annotations

import ctypes as ct
from collections.abc import Callable
from typing import Any

import numpy as np

from .binding import Border, Shape, Size, WeightStruct, element_types
from .errors import UnsupportedError
from .graph import Graph, Node, Quant, Tensor, Weight
from .ops import FUNCTIONS, OPERATORS, REDUCTIONS, Operator, function
from .recurrent import make_cell, make_svdf

Call = Callable[["Builder", Node], int]
MAPPING: dict[str, Call] = {}


def maps(name: str) -> Callable[[Call], Call]:
    """Registers the function that makes the layer of operator `name`."""

    def register(function: Call) -> Call:
        MAPPING[name] = function
        return function

    return register


def unsupported(graph: Graph) -> list[str]:
    """A line for each node that has no counterpart in the core."""
    lines = []
    for node in graph.nodes:
        if node.op not in MAPPING:
            lines.append(f"layer '{node.name}': operator '{node.op}' has no counterpart in the C core")
        elif node.op == "activation" and not function(node.attrs["kind"]).layer:
            lines.append(f"layer '{node.name}': activation '{node.attrs['kind']}' has no counterpart in the C core")
    return lines


def check(graph: Graph) -> None:
    """Raises UnsupportedError with every node that cannot be mapped."""
    lines = unsupported(graph)
    if lines:
        raise UnsupportedError(f"{graph.source or graph.name}: {len(lines)} unsupported:", lines=lines)


def nibbles(data: np.ndarray) -> np.ndarray:
    """int8 of -8 to 7 -> int8 [half as many]: two in a byte, the first in the lower half."""
    flat = np.append(data.reshape(-1), np.zeros(data.size % 2, np.int8)).view(np.uint8) & 15
    return (flat[::2] | flat[1::2] << 4).view(np.int8)


class Builder:
    """Makes layers of one graph. `keep` receives what the core points into and must live as long as the model."""

    def __init__(self, lib: ct.CDLL, graph: Graph, keep: list[object]):
        self.lib = lib
        self.graph = graph
        self.keep = keep
        self.made = 0  # the layer of which a part is asked for

    # ---- arguments ----

    def make(self, name: str, *arguments: Any) -> int:
        """Calls a constructor. int -> int32_t, float -> float, 2 to 4 numbers -> size, shape or border, None -> NULL.

        Structs and pointers as they are.
        """
        function = getattr(self.lib, name)
        function.restype = ct.c_void_p
        converted: list[object] = []
        for a in arguments:
            if isinstance(a, bool | int | np.integer):
                converted.append(ct.c_int32(int(a)))
            elif isinstance(a, float | np.floating):
                converted.append(ct.c_float(float(a)))
            elif isinstance(a, tuple):
                converted.append({2: Size, 3: Shape, 4: Border}[len(a)](*a))
            else:
                converted.append(ct.c_void_p(None) if a is None else a)
        return function(*converted)

    def array(self, data: np.ndarray, dtype: Any) -> ct.c_void_p:
        """Address of the data as a contiguous array, kept alive."""
        held = np.ascontiguousarray(data, dtype=dtype)
        self.keep.append(held)
        return ct.c_void_p(held.ctypes.data)

    def weight(self, weight: Weight | None, dtype: type) -> ct.c_void_p | None:
        """A nnom_weight_t, kept alive; None if there is no such weight."""
        if weight is None:
            return None
        struct = WeightStruct(self.array(weight.data, dtype).value, 0)
        self.keep.append(struct)
        return ct.cast(ct.pointer(struct), ct.c_void_p)

    def is_float(self, node: Node) -> bool:
        return self.graph.tensors[node.inputs[0]].dtype == "float32"

    def weights(self, node: Node) -> tuple[ct.c_void_p | None, ct.c_void_p | None]:
        """Weights and bias as the core takes them: float, or int8 and int32; of int16 perhaps int64."""
        bias = node.weights.get("bias")
        if self.is_float(node):
            return self.weight(node.weights["weights"], np.float32), self.weight(bias, np.float32)
        weights = node.weights["weights"]
        if weights.bits == 4:
            weights = Weight(nibbles(weights.data))
        long = bias is not None and bias.data.dtype == np.int64
        return self.weight(weights, np.int8), self.weight(bias, np.int64 if long else np.int32)

    def scaled(self, layer: int, node: Node) -> int:
        """Gives a layer the scales of its int8 weights, and the type of its bias in a layer of int16."""
        scale, bias = node.weights["weights"].scale, node.weights.get("bias")
        if bias is not None and self.graph.tensors[node.inputs[0]].dtype == "int16":
            layer = self.lib.nnom_layer_set_bias_bits(layer, 8 * bias.data.dtype.itemsize)
        if node.weights["weights"].bits == 4:
            layer = self.lib.nnom_layer_set_weight_bits(layer, 4)
        if scale is None:
            return layer
        values = np.ascontiguousarray(scale, np.float32)
        return self.lib.nnom_layer_set_weight_scales(layer, values.ctypes.data_as(ct.POINTER(ct.c_float)), values.size)

    # ---- layers ----

    def finish(self, layer: int, tensor: Tensor, name: str) -> int:
        """Name and output quantisation."""
        if tensor.quant is not None:
            layer = self.lib.nnom_layer_set_quant(layer, tensor.quant.scale, tensor.quant.zero_point)
        return self.lib.nnom_layer_set_name(layer, name.encode("ascii", "replace"))

    def typed(self, layer: int, tensor: Tensor) -> int:
        return self.lib.nnom_layer_set_type(layer, element_types()[tensor.dtype])

    def source(self, tensor: Tensor) -> int:
        layer = self.typed(self.make("nnom_input_2", Shape(*tensor.shape), None), tensor)
        return self.finish(layer, tensor, tensor.name)

    def state(self, tensor: Tensor) -> int:
        start = None if tensor.start is None else self.array(tensor.start, np.dtype(tensor.dtype).type)
        layer = self.typed(self.make("nnom_state", Shape(*tensor.shape), start), tensor)
        return self.finish(layer, tensor, tensor.name)

    def constant(self, tensor: Tensor) -> int:
        assert tensor.data is not None
        data = self.array(tensor.data, np.dtype(tensor.dtype).type)
        layer = self.typed(self.make("nnom_constant", Shape(*tensor.shape), data), tensor)
        return self.finish(layer, tensor, tensor.name)

    def output(self, layer: int) -> int:
        return self.lib.nnom_hook(self.make("nnom_output_2", Shape(0, 0, 0), None), layer)

    def slopes(self, node: Node) -> int:
        """The constant second input of a PReLU: alpha, (1, 1, c)."""
        alpha = node.weights["alpha"]
        dtype = self.graph.tensors[node.inputs[0]].dtype
        quant = None
        if alpha.scale is not None:
            quant = Quant(float(alpha.scale[0]), int(node.attrs.get("alpha_zero_point", 0)))
        return self.constant(Tensor(f"{node.name}/alpha", (1, 1, alpha.data.size), dtype, quant, alpha.data))

    def activated(self, layer: int, kind: str, alpha: float | None = None) -> int:
        """An activation layer hooked to `layer`; clamps are fused by the core."""
        act = self.make(FUNCTIONS[kind].layer, *([float(alpha)] if alpha is not None else []))
        return self.lib.nnom_hook(self.make("nnom_act_layer", ct.c_void_p(act)), layer)

    def node(self, node: Node, layers: dict[str, int]) -> int:
        """The layer of a node, hooked to its inputs."""
        tensor = self.graph.tensors[node.output]
        if node.op == "part":  # is hooked already, and its quantisation follows from the layer
            self.made = layers[node.inputs[0]]
            return self.lib.nnom_layer_set_name(MAPPING["part"](self, node), node.name.encode("ascii", "replace"))
        layer = self.finish(MAPPING[node.op](self, node), tensor, node.name)
        for name in node.inputs:
            layer = self.lib.nnom_hook(layer, layers[name])
        if node.op == "prelu" and "alpha" in node.weights:
            layer = self.lib.nnom_hook(layer, self.slopes(node))
        if node.activation != "none":
            layer = self.activated(layer, node.activation)
            self.lib.nnom_layer_set_name(layer, f"{node.name}/{node.activation}".encode("ascii", "replace"))
        return layer


def _size(attrs: dict[str, Any], key: str) -> Size:
    return Size(*attrs.get(key, (1, 1)))


def _padded(b: Builder, layer: int, node: Node) -> int:
    return b.lib.nnom_layer_set_padding(layer, Border(*node.attrs.get("padding", (0, 0, 0, 0))))


def _convolution(b: Builder, node: Node, constructor: str, filters: int, kernel: tuple[int, int]) -> int:
    a = node.attrs
    w, bias = b.weights(node)
    layer = b.make(constructor, filters, Size(*kernel), _size(a, "stride"), _size(a, "dilation"), 0, w, bias)
    return _padded(b, b.scaled(layer, node), node)


@maps("conv2d")
def _conv2d(b: Builder, node: Node) -> int:
    out, kh, kw, _ = node.weights["weights"].data.shape
    return _convolution(b, node, "nnom_conv2d_7", out, (kh, kw))


@maps("depthwise_conv2d")
def _depthwise(b: Builder, node: Node) -> int:
    kh, kw, out = node.weights["weights"].data.shape
    return _convolution(b, node, "nnom_dw_conv2d_7", out // b.graph.tensors[node.inputs[0]].shape[2], (kh, kw))


@maps("conv2d_transpose")
def _transpose(b: Builder, node: Node) -> int:
    out, kh, kw, _ = node.weights["weights"].data.shape
    return _convolution(b, node, "nnom_conv2d_transpose_7", out, (kh, kw))


@maps("dense")
def _dense(b: Builder, node: Node) -> int:
    return b.scaled(b.make("nnom_dense", node.weights["weights"].data.shape[0], *b.weights(node)), node)


def _pool(constructor: str) -> Call:
    return lambda b, node: _padded(
        b, b.make(constructor, _size(node.attrs, "kernel"), _size(node.attrs, "stride"), 0), node
    )


MAPPING["max_pool"] = _pool("nnom_max_pool")
MAPPING["avg_pool"] = _pool("nnom_avg_pool")
MAPPING["sum_pool"] = _pool("nnom_sum_pool")
MAPPING["add"] = lambda b, node: b.make("nnom_add", 0)
MAPPING["sub"] = lambda b, node: b.make("nnom_sub", 0)
MAPPING["mult"] = lambda b, node: b.make("nnom_mult", 0)
MAPPING["dense_by_rows"] = lambda b, node: b.make(
    "nnom_dense_by_rows", b.weight(node.weights.get("bias"), np.float32 if b.is_float(node) else np.int32)
)
MAPPING["quantize"] = lambda b, node: b.make("nnom_quantize", element_types()[b.graph.tensors[node.output].dtype])
MAPPING["dequantize"] = MAPPING["quantize"]
MAPPING["cast"] = lambda b, node: b.make("nnom_cast", element_types()[b.graph.tensors[node.output].dtype])


@maps("gather")
def _gather(b: Builder, node: Node) -> int:
    indices = np.asarray(node.attrs["indices"])
    return b.make("nnom_gather", node.attrs["axis"], b.array(indices, np.int32), indices.size)


@maps("mirror_pad")
def _mirror_pad(b: Builder, node: Node) -> int:
    front, back = node.attrs.get("channels", (0, 0))
    return b.make("nnom_mirror_pad", Border(*node.attrs["padding"]), front, back, node.attrs["mode"] == "symmetric")


@maps("reduce")
def _reduce(b: Builder, node: Node) -> int:
    a = node.attrs
    return b.make("nnom_reduce", REDUCTIONS.index(a["kind"]), *(axis in a["axes"] for axis in range(3)))


def _resize(constructor: str) -> Call:
    def make(b: Builder, node: Node) -> int:
        mode = 1 if node.attrs.get("align_corners") else (2 if node.attrs.get("half_pixel_centers") else 0)
        return b.make(constructor, Size(*node.attrs["shape"][:2]), mode)

    return make


MAPPING["resize_nearest"] = _resize("nnom_resize_nearest")
MAPPING["resize_bilinear"] = _resize("nnom_resize_bilinear")


@maps("zero_padding")
def _zero_padding(b: Builder, node: Node) -> int:
    border = Border(*node.attrs["padding"][:4])
    front, back = node.attrs.get("channels", (0, 0))
    value = float(node.attrs.get("value", 0.0))
    if front or back or value:
        return b.make("nnom_pad", border, front, back, value)
    return b.make("nnom_zero_padding", border)


@maps("activation")
def _activation(b: Builder, node: Node) -> int:
    alpha = node.attrs.get("alpha")
    act = b.make(FUNCTIONS[node.attrs["kind"]].layer, *([float(alpha)] if alpha is not None else []))
    return b.make("nnom_act_layer", ct.c_void_p(act))


for _cell in ("simple_rnn", "gru", "lstm"):
    MAPPING[_cell] = make_cell
MAPPING["svdf"] = make_svdf
MAPPING["part"] = lambda b, node: b.lib.nnom_layer_part(b.made, node.attrs["index"])


def _plain(entry: Operator) -> Call:
    """The constructor takes the attributes of the entry, in their order."""

    def make(b: Builder, node: Node) -> int:
        values = [(a.argument, node.attrs.get(name, a.standard)) for name, a in entry.attrs.items()]
        return b.make(entry.layer, *(argument(value) for argument, value in values if argument))

    return make


for _name, _entry in OPERATORS.items():
    _all = all(attribute.argument for attribute in _entry.attrs.values())
    if _name not in MAPPING and _entry.layer and not _entry.weights and _all:
        MAPPING[_name] = _plain(_entry)
MAPPING["prelu"] = lambda b, node: b.make("nnom_prelu")
