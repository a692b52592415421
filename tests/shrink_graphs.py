# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Random int8 graphs that contain what nnom.passes looks for, and inputs at their limits."""

from __future__ import annotations

import copy

import numpy as np
from nnom.graph import Graph, Node, Quant, Tensor, Weight, window_size

NONE = (0, 0, 0, 0)


class Net:
    """Builds int8 graphs. Methods take and give names of tensors."""

    def __init__(self, seed: int = 0):
        self.rng = np.random.default_rng(seed)
        self.graph = Graph(f"seed{seed}", f"seed{seed}")

    def pick(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def num(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def shape(self, name: str):
        return self.graph.tensors[name].shape

    def quant(self, name: str) -> Quant:
        return self.graph.tensors[name].quant

    def new_quant(self) -> Quant:
        return Quant(
            float(np.float32(2 ** self.rng.uniform(-6, -2))), self.pick(-128, -128, 0, 127, self.num(-128, 127))
        )

    def input(self, shape, quant: Quant | None = None) -> str:
        name = f"input{len(self.graph.inputs)}"
        self.graph.add_tensor(Tensor(name, shape, "int8", quant or self.new_quant()))
        self.graph.inputs.append(name)
        return name

    def constant(self, data: np.ndarray, quant: Quant) -> str:
        name = self.graph.unique("constant")
        self.graph.add_tensor(Tensor(name, data.shape, "int8", quant, data.astype(np.int8)))
        return name

    def add(self, op: str, inputs, shape, quant: Quant | None = None, attrs=None, weights=None) -> str:
        name = self.graph.unique(op)
        quant = quant or self.quant(inputs[0])
        return self.graph.add(Node(op, name, list(inputs), name, attrs or {}, weights or {}), shape, "int8", quant)

    def output(self, *names: str) -> Graph:
        self.graph.outputs += [n for n in names if n not in self.graph.outputs]
        return self.graph

    def shifted(self, x: str) -> str:
        """The last rows of all that came: a state that each run shifts, in one of two ways."""
        (h, w, c), quant, first = self.shape(x), self.quant(x), self.pick(True, False)
        rows = self.num(1, 4) + (0 if first else h)
        state = self.graph.add_tensor(Tensor(self.graph.unique("state"), (rows, w, c), "int8", quant)).name
        cut = {"begin": (h, 0, 0), "size": (rows if first else rows - h, w, c)}
        old = state if first else self.add("slice", [state], cut["size"], attrs=cut)
        both = self.add("concat", [old, x], (self.shape(old)[0] + h, w, c), attrs={"axis": 0})
        self.graph.states[state] = self.add("slice", [both], cut["size"], attrs=cut) if first else both
        self.graph.sequence = True
        return both

    # ---- layers ----

    def act(self) -> str:
        return self.pick("none", "none", "relu", "relu6", "relu_n1_to_1")

    def weights(self, shape, channels: int, axis: int) -> np.ndarray:
        """Random, with channels of zeros among outputs and, for layers that mix, among inputs."""
        w = self.rng.integers(-127, 128, shape)
        w = np.moveaxis(w, axis, 0)
        w[self.rng.random(channels) < 0.3] = 0
        if w.ndim > 2 and axis == 0:
            w[..., self.rng.random(shape[-1]) < 0.2] = 0
        return np.moveaxis(w, 0, axis).astype(np.int8)

    def bias(self, channels: int, size: float) -> np.ndarray:
        bias = self.rng.normal(size=channels) * size
        bias[self.rng.random(channels) < 0.2] = 0
        bias[self.rng.random(channels) < 0.2] -= 40 * size
        return bias.astype(np.int32)

    def linear(self, op, x, w, units, shape, attrs) -> str:
        """A layer with weights whose outputs use about all of int8."""
        taps = max(1.0, float(np.abs(w).astype(np.int64).sum()) / units)
        scales = np.float32(2 ** self.rng.uniform(-9, -6, size=self.pick(1, units)))
        size = self.quant(x).scale * scales.mean() * taps * self.pick(0.2, 0.5, 1)
        out = Quant(float(np.float32(size)), self.new_quant().zero_point)
        parts = {"weights": Weight(w, scales)}
        if self.rng.random() < 0.9:
            parts["bias"] = Weight(self.bias(units, taps * 20), scales * np.float32(self.quant(x).scale))
        return self.add(op, [x], shape, out, {**attrs, "activation": self.act()}, parts)

    def window(self, x, kernel, padded=True):
        h, w, _ = self.shape(x)
        kernel = (min(kernel[0], h), min(kernel[1], w))
        stride = (self.num(1, 2), self.num(1, 2))
        pads = tuple(self.num(0, kernel[k // 2] - 1) for k in range(4)) if padded and self.rng.random() < 0.6 else NONE
        size = tuple(
            window_size(n, k, s, 1, *p) for n, k, s, p in zip((h, w), kernel, stride, (pads[:2], pads[2:]), strict=True)
        )
        return kernel, {"stride": stride, "dilation": (1, 1), "padding": pads}, size

    def conv(self, x: str, units: int | None = None, kernel=None) -> str:
        units = units or self.num(1, 9)
        kernel, attrs, size = self.window(x, kernel or (self.num(1, 3), self.num(1, 3)))
        w = self.weights((units, *kernel, self.shape(x)[2]), units, 0)
        return self.linear("conv2d", x, w, units, (*size, units), attrs)

    def depthwise(self, x: str) -> str:
        kernel, attrs, size = self.window(x, (self.num(1, 3), self.num(1, 3)))
        units = self.shape(x)[2] * self.pick(1, 1, 1, 2)
        w = self.weights((*kernel, units), units, 2)
        return self.linear("depthwise_conv2d", x, w, units, (*size, units), attrs)

    def transposed(self, x: str) -> str:
        (h, w, c), units, s = self.shape(x), self.num(1, 6), self.num(1, 2)
        weights = self.weights((units, 2, 2, c), units, 0)
        shape = ((h - 1) * s + 2, (w - 1) * s + 2, units)
        return self.linear("conv2d_transpose", x, weights, units, shape, {"stride": (s, s), "padding": NONE})

    def dense(self, x: str) -> str:
        units = self.num(1, 8)
        h, w, c = self.shape(x)
        data = self.weights((units, h * w, c), units, 0).reshape(units, -1)
        return self.linear("dense", x, data, units, (1, 1, units), {})

    def pool(self, x: str) -> str:
        op = self.pick("max_pool", "avg_pool")
        kernel, attrs, size = self.window(x, (self.num(1, 3), self.num(1, 3)))
        del attrs["dilation"]
        h, w, c = self.shape(x)
        last = [(o - 1) * s - b for o, s, b in zip(size, attrs["stride"], attrs["padding"][::2], strict=True)]
        if last[0] >= h or last[1] >= w:
            attrs["padding"] = NONE
            size = tuple(window_size(n, k, s, 1, 0, 0) for n, k, s in zip((h, w), kernel, attrs["stride"], strict=True))
        return self.add(op, [x], (*size, c), None, {"kernel": kernel, **attrs, "activation": self.act()})

    def global_pool(self, x: str) -> str:
        return self.add(self.pick("global_max_pool", "global_avg_pool"), [x], (1, 1, self.shape(x)[2]))

    def activation(self, x: str, kind: str | None = None) -> str:
        kind = kind or self.pick("relu", "relu6", "relu_n1_to_1", "tanh", "sigmoid", "leaky_relu")
        fixed = {"tanh": Quant(1 / 128, 0), "sigmoid": Quant(1 / 256, -128)}
        quant = fixed.get(kind) or self.pick(None, None, self.new_quant())
        attrs = {"kind": kind, "alpha": 0.3} if kind == "leaky_relu" else {"kind": kind}
        return self.add("activation", [x], self.shape(x), quant, attrs)

    def quantize(self, x: str) -> str:
        quant = self.pick(self.quant(x), self.new_quant(), Quant(self.quant(x).scale, self.num(-128, 127)))
        return self.add("quantize", [x], self.shape(x), quant)

    def two(self, a: str, b: str) -> str:
        quant = Quant(2 * max(self.quant(a).scale, self.quant(b).scale), self.new_quant().zero_point)
        op = self.pick("add", "sub", "mult", "maximum" if self.quant(a) == self.quant(b) else "add")
        if op == "maximum":
            quant = self.quant(a)
        return self.add(op, [a, b], self.shape(a), quant, {"activation": self.act()})

    def with_constant(self, x: str) -> str:
        c = self.shape(x)[2]
        data = self.rng.integers(-128, 128, (1, 1, self.pick(1, c)))
        return self.two(x, self.constant(data, self.new_quant()))

    def sibling(self, x: str) -> str:
        """Another tensor of the same shape."""
        c = self.shape(x)[2]
        w = self.weights((c, 1, 1, c), c, 0)
        attrs = {"stride": (1, 1), "dilation": (1, 1), "padding": NONE}
        return self.linear("conv2d", x, w, c, self.shape(x), attrs)

    def residual(self, x: str) -> str:
        return self.two(x, self.sibling(x))

    def concat(self, x: str) -> str:
        other, axis = self.sibling(x), self.pick(2, 2, 1, 0)
        shape = list(self.shape(x))
        shape[axis] *= 2
        return self.add("concat", [x, other], tuple(shape), self.pick(None, self.new_quant()), {"axis": axis})

    def pieces(self, x: str) -> str:
        axis = self.num(0, 2)
        n = self.shape(x)[axis]
        if n < 2:
            return x
        cut, parts = self.num(1, n - 1), []
        for low, high in ((0, cut), (cut, n)):
            begin, size = [0, 0, 0], list(self.shape(x))
            begin[axis], size[axis] = low, high - low
            attrs = {"begin": tuple(begin), "size": tuple(size), "stride": (1, 1, 1)}
            parts.append(self.add("slice", [x], tuple(size), None, attrs))
        parts = parts if self.rng.random() < 0.6 else parts[::-1]
        return self.add("concat", parts, self.shape(x), None, {"axis": axis})

    def slice(self, x: str) -> str:
        shape = self.shape(x)
        begin = tuple(self.num(0, n - 1) for n in shape)
        size = tuple(self.num(1, n - b) for n, b in zip(shape, begin, strict=True))
        return self.add("slice", [x], size, None, {"begin": begin, "size": size, "stride": (1, 1, 1)})

    def zero_padding(self, x: str, pads=None, value: float = 0.0) -> str:
        pads = pads or tuple(self.num(0, 2) for _ in range(4))
        h, w, c = self.shape(x)
        attrs = {"padding": pads, **({"value": value} if value else {})}
        return self.add("zero_padding", [x], (h + pads[0] + pads[1], w + pads[2] + pads[3], c), None, attrs)

    def padded_window(self, x: str) -> str:
        x = self.zero_padding(x, value=self.pick(0.0, 0.0, -100.0, 0.5))
        return self.pick(self.conv, self.depthwise, self.pool)(x)

    def reshape(self, x: str, shape=None) -> str:
        h, w, c = self.shape(x)
        flat = (1, h * w, c), (1, 1, h * w * c), (h * w, 1, c)
        shape = shape or self.pick((w, h, c), *flat, (h, w * c, 1), (h, 1, w * c))
        return self.add("reshape", [x], shape, None, {"shape": shape})

    def transpose(self, x: str) -> str:
        perm = self.pick((1, 0, 2), (1, 0, 2), (0, 2, 1), (2, 0, 1))
        return self.add("transpose", [x], tuple(self.shape(x)[p] for p in perm), None, {"perm": perm})

    def moving(self, x: str) -> str:
        """Layers that carry channels through."""
        h, w, c = self.shape(x)
        if (
            op := self.pick("upsample", "cropping", "mirror_pad", "tile", "resize_nearest", "prelu", "reduce")
        ) == "upsample":
            return self.add(op, [x], (2 * h, w, c), None, {"kernel": (2, 1)})
        if op == "cropping":
            return self.add(op, [x], (h, w - w // 2, c), None, {"padding": (0, 0, w // 2, 0)})
        if op == "mirror_pad":
            return self.add(op, [x], (h + 1, w, c), None, {"padding": (1, 0, 0, 0), "mode": "symmetric"})
        if op == "tile":
            return self.add(op, [x], (h, 2 * w, c), None, {"multiples": (1, 2, 1)})
        if op == "resize_nearest":
            return self.add(op, [x], (h + 1, w + 2, c), None, {"shape": (h + 1, w + 2, c)})
        if op == "prelu":
            alpha = Weight(self.rng.integers(-127, 128, c).astype(np.int8), np.array([0.01], np.float32))
            return self.add(op, [x], (h, w, c), self.new_quant(), {}, {"alpha": alpha})
        kind = self.pick("mean", "sum", "max", "min")
        quant = None if kind in ("max", "min") else self.new_quant()
        return self.add(op, [x], (1, w, c), quant, {"kind": kind, "axes": (0,)})

    def transposes(self, x: str) -> str:
        return self.transpose(self.transpose(x))

    def twins(self, x: str) -> str:
        a = self.conv(x)
        node = copy.deepcopy(self.graph.producer(a))
        b = self.add(node.op, [x], self.shape(a), self.quant(a), node.attrs, node.weights)
        return self.two(a, b)

    def computed(self, x: str) -> str:
        """A sum with what is computed from constants."""
        c = self.shape(x)[2]
        value = self.constant(self.rng.integers(-128, 128, (1, 1, c)), self.new_quant())
        return self.two(x, self.activation(value))

    def steps(self, x: str) -> str:
        return self.quantize(self.quantize(x))

    def moved_clamp(self, x: str) -> str:
        return self.activation(self.pick(self.reshape, self.pool, self.slice)(self.conv(x)), self.pick("relu", "relu6"))

    LAYERS = (
        "conv conv conv depthwise depthwise depthwise transposed pool global_pool activation quantize with_constant "
        "residual residual concat pieces slice padded_window padded_window reshape transposes twins computed steps "
        "moved_clamp moving"
    ).split()

    def layer(self, x: str) -> str:
        return getattr(self, self.pick(*self.LAYERS))(x)


def random_graph(seed: int) -> Graph:
    net = Net(seed)
    if seed % 4 == 3:  # time series
        x = net.reshape(net.input((net.num(4, 9), 1, net.num(1, 5))))
        if net.shape(x)[0] != 1 and net.rng.random() < 0.7:
            x = net.reshape(net.conv(x), None)
    else:
        x = net.input((net.num(2, 7), net.num(2, 7), net.num(1, 6)))
    x = net.shifted(x) if seed % 12 == 5 else x
    side = ""
    for k in range(net.num(3, 9)):
        x = net.layer(x)
        if max(net.shape(x)) > 300:
            x = net.global_pool(x)
        side = x if k == 1 and seed % 5 == 0 else side
    if net.rng.random() < 0.7:
        x = net.dense(net.reshape(x, (1, 1, int(np.prod(net.shape(x))))))
    return net.output(*[t for t in (x, side) if t and net.graph.producer(t)])


def samples(graph: Graph, count: int = 3) -> list[list[np.ndarray]]:
    """All -128, all 127, checkerboard, extremes per channel, extremes per cell, a bright corner; then random ones."""
    rng = np.random.default_rng(1)
    shapes = [graph.tensors[t].shape for t in graph.inputs]

    def ends(choose) -> list[np.ndarray]:
        return [np.where(np.broadcast_to(choose(s), s), 127, -128).astype(np.int8) for s in shapes]

    worst = [
        ends(lambda s: False),
        ends(lambda s: True),
        ends(lambda s: np.indices(s)[:2].sum(axis=0) % 2 == 0),
        ends(lambda s: np.arange(s[2]) % 2 == 0),
        ends(lambda s: rng.random(s[2]) < 0.5),
        ends(lambda s: rng.random(s) < 0.5),
        ends(lambda s: np.indices(s)[0] + np.indices(s)[1] < 2),
    ]
    return worst + [[rng.integers(-128, 128, s).astype(np.int8) for s in shapes] for _ in range(count)]
