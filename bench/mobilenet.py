# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Graphs of MobileNetV1 and V2 with random weights: for what memory and time depend on, which is shapes alone."""

from __future__ import annotations

import numpy as np
from nnom.graph import Graph, Node, Quant, Tensor, Weight, same_padding

# Output channels and stride of each depthwise separable block at width 1.
V1_BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
# Expansion, output channels at width 1, repeats, stride of the first of them.
V2_STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
V2_LAST = 1280
CLASSES = 1000
_QUANT = Quant(0.05, -10)


class _Writer:
    """Appends layers to a graph; each method returns the name of the tensor it makes."""

    def __init__(self, name: str, size: int):
        self.graph = Graph(name, name)
        self.graph.add_tensor(Tensor("image", (size, size, 3), "int8", _QUANT))
        self.graph.inputs = ["image"]
        self._rng = np.random.default_rng(0)

    def channels(self, x: str) -> int:
        return self.graph.tensors[x].shape[2]

    def _weights(self, shape: tuple[int, ...], outputs: int, taps: int) -> dict[str, Weight]:
        values = self._rng.integers(-127, 128, shape).astype(np.int8)
        bias = self._rng.integers(-500, 500, outputs).astype(np.int32)
        scales = np.full(outputs, 0.01 / np.sqrt(taps), np.float32)
        return {"weights": Weight(values, scales), "bias": Weight(bias)}

    def _window(self, x: str, op: str, name: str, kernel: int, stride: int, channels: int, activation: str) -> str:
        h, w, inputs = self.graph.tensors[x].shape
        padding = (*same_padding(h, kernel, stride, 1), *same_padding(w, kernel, stride, 1))
        attrs = {"stride": (stride, stride), "dilation": (1, 1), "padding": padding, "activation": activation}
        depthwise = op == "depthwise_conv2d"
        shape = (kernel, kernel, inputs) if depthwise else (channels, kernel, kernel, inputs)
        weights = self._weights(shape, channels, kernel * kernel * (1 if depthwise else inputs))
        out = (-(-h // stride), -(-w // stride), channels)
        return self.graph.add(Node(op, name, [x], name, attrs, weights), out, "int8", _QUANT)

    def conv(
        self, x: str, name: str, channels: int, kernel: int = 1, stride: int = 1, activation: str = "relu6"
    ) -> str:
        return self._window(x, "conv2d", name, kernel, stride, channels, activation)

    def depthwise(self, x: str, name: str, stride: int) -> str:
        return self._window(x, "depthwise_conv2d", name, 3, stride, self.channels(x), "relu6")

    def add(self, a: str, b: str, name: str) -> str:
        return self.graph.add(Node("add", name, [a, b], name), self.graph.tensors[b].shape, "int8", _QUANT)

    def classify(self, x: str) -> Graph:
        """Global average and a classifier as 1x1 convolution."""
        x = self.graph.add(Node("global_avg_pool", "average", [x], "average"), (1, 1, self.channels(x)), "int8", _QUANT)
        self.graph.outputs = [self.conv(x, "classes", CLASSES, activation="none")]
        return self.graph


def mobilenet_v1(size: int, width: float = 0.25) -> Graph:
    """Howard et al. 2017, for images [size, size, 3]."""
    w = _Writer(f"mobilenet_v1_{width}_{size}", size)
    x = w.conv("image", "first", max(8, int(32 * width)), 3, 2)
    for i, (channels, stride) in enumerate(V1_BLOCKS):
        x = w.depthwise(x, f"depthwise{i}", stride)
        x = w.conv(x, f"pointwise{i}", max(8, int(channels * width)))
    return w.classify(x)


def divisible(channels: float, by: int = 8) -> int:
    """Channels rounded to a multiple of 8 as MobileNetV2 does: never more than 10 % down."""
    rounded = max(by, int(channels + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * channels else rounded


def mobilenet_v2(size: int, width: float = 0.35) -> Graph:
    """Sandler et al. 2018, for images [size, size, 3]."""
    w = _Writer(f"mobilenet_v2_{width}_{size}", size)
    x = w.conv("image", "first", divisible(32 * width), 3, 2)
    k = 0
    for expansion, channels, repeats, stride in V2_STAGES:
        for i in range(repeats):
            before = x
            if expansion != 1:
                x = w.conv(x, f"expand{k}", w.channels(x) * expansion)
            x = w.depthwise(x, f"depthwise{k}", stride if i == 0 else 1)
            x = w.conv(x, f"project{k}", divisible(channels * width), activation="none")
            x = w.add(before, x, f"add{k}") if i > 0 else x
            k += 1
    return w.classify(w.conv(x, "last", V2_LAST))
