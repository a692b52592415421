# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Rolling, budgeted, fed and whole execution of random graphs give the same bytes, and touch the planned memory.

NNOM_ROLLING: number of graphs (default 200, `make conformance` 2,000).
"""

import os

import numpy as np
import pytest
from nnom.core import CoreModel
from nnom.errors import CoreError
from nnom.graph import Graph, Node, Quant, Tensor, Weight, same_padding, window_size

GRAPHS = int(os.environ.get("NNOM_ROLLING", "200"))
GUARD = 64
QUANT = Quant(0.05, -7)


class Maker:
    """A random int8 graph: convolutions with strides and dilation, pools, branches that meet in Add and Concat ..."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng([seed, 2001])
        self.graph = Graph("g", f"seed {seed}")
        shape = (self.number(1, 24), self.number(1, 6), self.number(1, 5))
        self.graph.add_tensor(Tensor("in", shape, "int8", QUANT))
        self.graph.inputs = ["in"]
        self.open = ["in"]  # tensors that later nodes may read

    def number(self, lo: int, hi: int) -> int:
        return int(self.rng.integers(lo, hi + 1))

    def shape(self, name: str):
        return self.graph.tensors[name].shape

    def pick(self) -> str:
        """Rather a recent tensor."""
        k = min(int(self.rng.exponential(1.2)), len(self.open) - 1)
        return self.open[-1 - k]

    def add(self, op, inputs, shape, attrs=None, weights=None) -> str:
        name = f"t{len(self.graph.tensors)}"
        self.graph.add(Node(op, name, inputs, name, attrs or {}, weights or {}), shape, "int8", QUANT)
        self.open.append(name)
        return name

    def weights(self, shape, channels, taps):
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        scale = np.full(channels, 0.02 / np.sqrt(taps), np.float32)
        return {
            "weights": Weight(data, scale),
            "bias": Weight(self.rng.integers(-400, 400, channels).astype(np.int32)),
        }

    def geometry(self, x: str, dilated: bool):
        h, w, _ = self.shape(x)
        kernel, stride, dilation, pads, out = [], [], [], [], []
        for size in (h, w):
            k, d = self.number(1, 4), self.number(1, 2) if dilated else 1
            s = self.number(1, 3)
            before, after = same_padding(size, k, s, d)
            if self.number(0, 1) and (k - 1) * d < size:
                before = after = 0
            kernel.append(k), stride.append(s), dilation.append(d), pads.extend((before, after))
            out.append(window_size(size, k, s, d, before, after))
        attrs = {"stride": tuple(stride), "padding": tuple(pads)}
        return kernel, attrs | ({"dilation": tuple(dilation)} if dilated else {"kernel": tuple(kernel)}), out

    def conv2d(self, x):
        (kh, kw), attrs, out = self.geometry(x, True)
        c, units = self.shape(x)[2], self.number(1, 6)
        return self.add("conv2d", [x], (*out, units), attrs, self.weights((units, kh, kw, c), units, kh * kw * c))

    def depthwise_conv2d(self, x):
        (kh, kw), attrs, out = self.geometry(x, True)
        c = self.shape(x)[2] * self.number(1, 2)
        return self.add("depthwise_conv2d", [x], (*out, c), attrs, self.weights((kh, kw, c), c, kh * kw))

    def conv2d_transpose(self, x):
        h, w, c = self.shape(x)
        if h * w > 60:
            return self.conv2d(x)
        k, s, units = self.number(1, 3), self.number(1, 3), self.number(1, 4)
        out = ((h - 1) * s + max(k, s), (w - 1) * s + max(k, s), units)
        attrs = {"stride": (s, s), "padding": (0, min(0, k - s), 0, min(0, k - s))}
        return self.add("conv2d_transpose", [x], out, attrs, self.weights((units, k, k, c), units, k * k * c))

    def max_pool(self, x):
        _, attrs, out = self.geometry(x, False)
        return self.add("max_pool", [x], (*out, self.shape(x)[2]), attrs)

    def avg_pool(self, x):
        _, attrs, out = self.geometry(x, False)
        return self.add("avg_pool", [x], (*out, self.shape(x)[2]), attrs)

    def activation(self, x):
        return self.add("activation", [x], self.shape(x), {"kind": "leaky_relu", "alpha": 0.3})

    def upsample(self, x):
        h, w, c = self.shape(x)
        k = (self.number(1, 2), self.number(1, 2))
        return self.add("upsample", [x], (h * k[0], w * k[1], c), {"kernel": k})

    def zero_padding(self, x):
        h, w, c = self.shape(x)
        p = tuple(self.number(0, 2) for _ in range(4))
        return self.add("zero_padding", [x], (h + p[0] + p[1], w + p[2] + p[3], c), {"padding": p})

    def partner(self, x, same):
        """Another tensor that fits beside x, or a convolution of x that does."""
        fitting = [t for t in self.open if t != x and same(self.shape(t), self.shape(x))]
        if fitting and self.number(0, 3):
            return fitting[self.number(0, len(fitting) - 1)]
        h, w, c = self.shape(x)
        k = self.number(1, 5)
        before, after = same_padding(h, k, 1, 1)
        attrs = {"stride": (1, 1), "dilation": (1, 1), "padding": (before, after, 0, 0)}
        return self.add("conv2d", [x], (h, w, c), attrs, self.weights((c, k, 1, c), c, k * c))

    def join(self, x):
        op = ("add", "mult", "sub", "maximum")[self.number(0, 3)]
        y = self.partner(x, lambda a, b: a == b)
        return self.add(op, [x, y], self.shape(x))

    def concat(self, x):
        axis = self.number(0, 2)
        others = [a for a in range(3) if a != axis]
        y = self.partner(x, lambda a, b: all(a[i] == b[i] for i in others))
        shape = list(self.shape(x))
        shape[axis] += self.shape(y)[axis]
        return self.add("concat", [x, y], tuple(shape), {"axis": axis})

    def head(self, x):
        if self.number(0, 1):
            return self.add("global_avg_pool", [x], (1, 1, self.shape(x)[2]))
        n, units = int(np.prod(self.shape(x))), self.number(1, 9)
        return self.add("dense", [x], (1, 1, units), None, self.weights((units, n), units, n))

    def make(self) -> Graph:
        steps = [
            self.conv2d, self.conv2d, self.depthwise_conv2d, self.max_pool, self.avg_pool, self.activation,
            self.upsample, self.zero_padding, self.join, self.join, self.concat, self.conv2d_transpose,
        ]  # fmt: skip
        for _ in range(self.number(2, 12)):
            x = self.pick()
            if np.prod(self.shape(x)) < 4000:
                steps[self.number(0, len(steps) - 1)](x)
        if self.number(0, 1):
            self.head(self.open[-1])
        ends = [t for t in self.open if not self.graph.consumers(t) and t != "in"]
        self.graph.outputs = ends or [self.add("activation", ["in"], self.shape("in"), {"kind": "relu"})]
        return self.graph


def painted(size: int, paint: int) -> np.ndarray:
    """Memory for an arena with guards at both ends, aligned to 4."""
    raw = np.full(size + 2 * GUARD + 4, paint, np.uint8)
    start = GUARD + (-(raw.ctypes.data + GUARD)) % 4
    return raw[start : start + size]


def touched(graph: Graph, x: np.ndarray, options: dict, arena: int):
    """Outputs, and which bytes of the arena a run writes, found with two paints; guards must stay as they are."""
    changed = np.zeros(arena, bool)
    for paint in (0xA5, 0x5A):
        memory = painted(arena, paint)
        model = CoreModel(graph, memory=memory, **options)
        outputs = model.run([x])
        changed |= memory != paint
        whole = memory.base
        inside = memory.ctypes.data - whole.ctypes.data
        assert np.all(whole[:inside] == paint) and np.all(whole[inside + arena :] == paint), "guard bytes"
    return outputs, changed


def check(seed: int) -> bool:
    graph = Maker(seed).make()
    x = np.random.default_rng(seed).integers(-128, 128, graph.tensors["in"].shape).astype(np.int8)
    whole = CoreModel(graph)
    expected = whole.run([x])
    smallest = CoreModel(graph, mode="smallest")
    budget = (whole.totals.arena_bytes + smallest.totals.arena_bytes) // 2 // 4 * 4
    ways = [{"mode": m, "feed": f} for m in ("auto", "smallest", "whole") for f in (False, True)]
    for options in [*ways, {"mode": "auto", "arena_bytes": budget}]:
        arena = CoreModel(graph, **options).totals.arena_bytes
        outputs, changed = touched(graph, x, options, arena)
        for a, b in zip(outputs, expected, strict=True):
            assert np.array_equal(a, b), f"seed {seed} {options}: bytes differ"
        last = int(np.flatnonzero(changed)[-1]) + 1
        # sizes are rounded up to 4 bytes
        assert arena - 4 < last <= arena, f"seed {seed} {options}: {last} bytes touched, {arena} planned"
    return smallest.totals.arena_bytes < whole.totals.arena_bytes


@pytest.mark.parametrize("block", range(10))
def test_random_graphs(block):
    smaller = sum(check(seed) for seed in range(block, GRAPHS, 10))
    assert smaller > 0


def test_budget_below_minimum():
    graph = Maker(3).make()
    least = CoreModel(graph, mode="smallest").totals.arena_bytes
    assert CoreModel(graph, arena_bytes=least, mode="auto").totals.arena_bytes <= least
    with pytest.raises(CoreError, match=rf"least possible, {least}; layer 't\d+' sets it"):
        CoreModel(graph, arena_bytes=least - 4, mode="auto")


def test_two_models_in_one_arena():
    """1,000 runs in turn, each as if alone."""
    graphs = [Maker(11).make(), Maker(12).make()]
    options = [{"mode": "smallest"}, {"mode": "auto", "feed": True}]
    rng = np.random.default_rng(0)
    alone = [CoreModel(g, **o) for g, o in zip(graphs, options, strict=True)]
    memory = painted(max(m.totals.arena_bytes for m in alone), 0)
    shared = [CoreModel(g, memory=memory, **o) for g, o in zip(graphs, options, strict=True)]
    for k in range(1000):
        i = k % 2
        x = rng.integers(-128, 128, graphs[i].tensors["in"].shape).astype(np.int8)
        for a, b in zip(shared[i].run([x]), alone[i].run([x]), strict=True):
            assert np.array_equal(a, b), f"run {k}"
