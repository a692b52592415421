# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What the planner promises: rows that nobody reads, overlaps that find no place, rows that a kernel likes."""

from __future__ import annotations

import numpy as np
import pytest
from nnom.core import CoreModel
from nnom.graph import Graph, Node, Quant, Tensor, Weight, same_padding
from test_rolling import Maker

Q = Quant(0.05, -10)


def conv(graph: Graph, x: str, name: str, channels: int, kernel: int, stride: int, padding: tuple[int, ...]) -> str:
    """A convolution with random weights; the tensor it makes."""
    h, w, inputs = graph.tensors[x].shape
    weights = np.random.default_rng(channels).integers(-127, 128, (channels, kernel, kernel, inputs)).astype(np.int8)
    scales = np.full(channels, 0.01 / kernel, np.float32)
    attrs = {"stride": (stride, stride), "dilation": (1, 1), "padding": padding, "activation": "none"}
    out = tuple((n + padding[2 * i] + padding[2 * i + 1] - kernel) // stride + 1 for i, n in enumerate((h, w)))
    values = {"weights": Weight(weights, scales), "bias": Weight(np.zeros(channels, np.int32))}
    return graph.add(Node("conv2d", name, [x], name, attrs, values), (*out, channels), "int8", Q)


def start(h: int, w: int, c: int, dtype: str = "int8") -> Graph:
    graph = Graph("planned", "planned")
    graph.add_tensor(Tensor("x", (h, w, c), dtype, Q if dtype == "int8" else None))
    graph.inputs = ["x"]
    return graph


def quantised(channels: int) -> Graph:
    """A large float input, a Quantize, a convolution whose output is larger than what the Quantize makes."""
    graph = start(128, 160, 3, "float32")
    graph.add(Node("quantize", "q", ["x"], "q"), (128, 160, 3), "int8", Q)
    y = conv(graph, "q", "c", channels, 3, 1, (*same_padding(128, 3, 1, 1), *same_padding(160, 3, 1, 1)))
    graph.outputs = [graph.add(Node("global_avg_pool", "p", [y], "p"), (1, 1, channels), "int8", Q)]
    return graph


@pytest.mark.parametrize("mode", ["auto", "smallest"])
def test_fewer_channels_need_no_more(mode):
    arenas = [CoreModel(quantised(c), mode=mode).totals.arena_bytes for c in (4, 8, 9, 10, 11, 12, 16)]
    assert arenas == sorted(arenas) and arenas[-1] == 128 * 160 * 3 * 4


@pytest.mark.parametrize("mode", ["whole", "auto", "smallest"])
@pytest.mark.parametrize("feed", [False, True])
def test_unread_rows_are_not_computed(mode, feed):
    graph = start(24, 6, 4)
    y = conv(graph, "x", "c1", 8, 3, 1, (1, 1, 1, 1))
    graph.outputs = [conv(graph, y, "c2", 8, 3, 5, (0, 0, 0, 0))]  # reads rows 0 to 22 of 24
    all_rows = CoreModel(graph, all_rows=True)
    model = CoreModel(graph, mode=mode, feed=feed)
    x = np.random.default_rng(0).integers(-128, 128, (24, 6, 4)).astype(np.int8)
    assert np.array_equal(model.run([x])[0], all_rows.run([x])[0])
    whole = CoreModel(graph)
    assert [r.rows for r in whole.layers() if r.kind == "Conv2D"][0] == 23
    assert whole.totals.cost < all_rows.totals.cost and model.totals.arena_bytes <= all_rows.totals.arena_bytes


def test_the_lower_bound_is_one():
    for seed in range(30):
        totals = CoreModel(Maker(seed).make()).totals
        assert 0 < totals.live_bytes <= totals.arena_bytes, f"seed {seed}"


def test_kernels_that_like_rows_make_the_same_bytes():
    for seed in range(30):
        graph = Maker(seed).make()
        x = np.random.default_rng(seed).integers(-128, 128, graph.tensors["in"].shape).astype(np.int8)
        expected = CoreModel(graph).run([x])
        for feed in (False, True):
            got = CoreModel(graph, mode="smallest", feed=feed, target="dsp").run([x])
            assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True)), f"seed {seed}"
