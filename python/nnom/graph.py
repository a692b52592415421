# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The graph that importers make, shrink.py and quantise.py transform and core.py hands to the C core.

A tensor has shape (h, w, c) without the batch; a vector is (1, 1, c), a time series (steps, 1, c). Every node has
exactly one output tensor. An operator with several outputs in the source model becomes several nodes.

Operators (`Node.op`), attributes, weights (arrays; float32, or int8 with `scale`; bias float32 or int32 in units of
input scale * weight scale):

    conv2d            stride, dilation, padding; activation      weights [out, kh, kw, in], bias [out]
    depthwise_conv2d  stride, dilation, padding; activation      weights [kh, kw, out], out = in * multiplier
    conv2d_transpose  stride, padding; activation                weights [out, kh, kw, in], bias [out]
    dense             activation                                 weights [units, h * w * c of the input], bias [units]
    max_pool avg_pool sum_pool   kernel, stride, padding; activation
    global_max_pool global_avg_pool global_sum_pool
    flatten; reshape  shape (h, w, c)
    softmax           beta (1)
    activation        kind: relu relu6 relu_n1_to_1 leaky_relu(alpha) tanh sigmoid elu(alpha) exp log
                               sqrt rsqrt abs neg ... (functions of one value)
    prelu             weights "alpha" [c], or a second input of slopes
    batch_norm        weights "gamma" "beta" "mean" "variance" [c]; epsilon   (folded before quantisation)
    concat            axis 0 h, 1 w, 2 c
    add sub mult maximum minimum     two inputs, broadcast over h, w, c of 1; activation
    zero_padding      padding; value (real number, default 0)
    cropping          padding;    upsample  kernel
    slice             begin, size, stride (3 numbers each);   transpose  perm (of h, w, c)
    mirror_pad        padding, mode "reflect" | "symmetric";  gather  axis, indices
    resize_nearest resize_bilinear   shape, align_corners, half_pixel_centers;   tile  multiples
    quantize dequantize cast   (types are those of the tensors)
    reduce            kind mean sum max min, axes (of 0 h, 1 w, 2 c)
    arg_max arg_min   axis;  l2_norm; log_softmax; batch_matmul (adj_x, adj_y); space_to_depth depth_to_space  block

stride, dilation, kernel: (h, w). padding: (top, bottom, left, right), resolved to numbers by the importer.
activation: "none", "relu", "relu6", "relu_n1_to_1": a clamp fused into the node.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import ModelError

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Quant:
    """Affine quantisation of a tensor: real = scale * (q - zero_point)."""

    scale: float
    zero_point: int = 0


@dataclass
class Tensor:
    """An activation, or a constant if `data` is given ([h, w, c] of the tensor's dtype)."""

    name: str
    shape: Shape
    dtype: str = "float32"  # float32, int8, uint8, int32
    quant: Quant | None = None
    data: np.ndarray | None = None

    @property
    def elements(self) -> int:
        """h * w * c."""
        return math.prod(self.shape)


@dataclass
class Weight:
    """An array of a node. scale: None in float, else [1] or [output channels], weights symmetric around 0."""

    data: np.ndarray
    scale: np.ndarray | None = None


@dataclass
class Node:
    """An operator with its attributes and weights, as listed above."""

    op: str
    name: str
    inputs: list[str]
    output: str
    attrs: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Weight] = field(default_factory=dict)

    @property
    def activation(self) -> str:
        """The clamp fused into the node."""
        return self.attrs.get("activation", "none")


@dataclass
class Graph:
    """Nodes in order of execution. `inputs` and `outputs` name tensors; `source` is the file, for messages.

    notes: what the importer changed and the user should know.
    """

    name: str = "model"
    source: str = ""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_tensor(self, tensor: Tensor) -> Tensor:
        """Adds a tensor; ModelError if its name is taken or its shape impossible."""
        if tensor.name in self.tensors:
            raise ModelError(f"{self.source}: two tensors are called '{tensor.name}'")
        if len(tensor.shape) != 3 or min(tensor.shape) < 1 or tensor.elements > 2**30:
            wrong = f"tensor '{tensor.name}' has shape {tensor.shape}"
            raise ModelError(f"{self.source}: {wrong}; expected three sides >= 1")
        self.tensors[tensor.name] = tensor
        return tensor

    def add(self, node: Node, shape: Shape, dtype: str = "float32", quant: Quant | None = None) -> str:
        """Appends a node and the tensor that it makes; returns the tensor's name."""
        for name in node.inputs:
            if name not in self.tensors:
                raise ModelError(f"{self.source}: layer '{node.name}' reads unknown tensor '{name}'")
        self.add_tensor(Tensor(node.output, shape, dtype, quant))
        self.nodes.append(node)
        return node.output

    def producer(self, tensor: str) -> Node | None:
        """The node that makes a tensor, None for inputs and constants."""
        return next((n for n in self.nodes if n.output == tensor), None)

    def consumers(self, tensor: str) -> list[Node]:
        """The nodes that read a tensor."""
        return [n for n in self.nodes if tensor in n.inputs]

    def unique(self, name: str) -> str:
        """`name`, or `name_2`, `name_3` ... if a tensor has it already."""
        candidate, k = name, 1
        while candidate in self.tensors:
            k += 1
            candidate = f"{name}_{k}"
        return candidate

    @property
    def is_float(self) -> bool:
        """True if all activations are float32: a graph that needs calibration."""
        return all(t.dtype == "float32" for t in self.tensors.values() if t.data is None)


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """(before, after) of SAME padding as Keras and TFLite do it: more after when odd."""
    out = -(-size // stride)
    total = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def window_size(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    """Output size of a sliding window."""
    return (size + before + after - (kernel - 1) * dilation - 1) // stride + 1
