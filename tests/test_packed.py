# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Two outputs with one multiplication (src/kernels/packed/pairs.h): the largest sums, and where it is taken."""

from __future__ import annotations

import numpy as np
import pytest
from nnom.core import CoreModel
from nnom.graph import Graph, Node, Tensor, Weight
from nnom.quantise import quantise

WINDOW = {"stride": (1, 1), "dilation": (1, 1)}


def network(rng: np.random.Generator, channels: int) -> Graph:
    """Float: Conv2D 1 x 1 and 3 x 3, DW_Conv2D 3 x 3 and a Dense layer; every weight is at one of its limits."""

    def weights(*shape: int) -> dict[str, Weight]:
        count = shape[-1] if len(shape) == 3 else shape[0]
        return {
            "weights": Weight(rng.choice([-1.0, 1.0], shape, p=[0.8, 0.2]).astype(np.float32)),
            "bias": Weight(rng.normal(size=count).astype(np.float32)),
        }

    g = Graph("net", "net")
    g.add_tensor(Tensor("x", (5, 5, channels)))
    g.inputs = ["x"]
    one, three = {**WINDOW, "padding": (0, 0, 0, 0)}, {**WINDOW, "padding": (1, 1, 1, 1)}
    g.add(Node("conv2d", "a", ["x"], "a", one, weights(channels + 3, 1, 1, channels)), (5, 5, channels + 3))
    g.add(Node("depthwise_conv2d", "b", ["a"], "b", three, weights(3, 3, channels + 3)), (5, 5, channels + 3))
    g.add(Node("conv2d", "c", ["b"], "c", three, weights(2, 3, 3, channels + 3)), (5, 5, 2))
    g.add(Node("dense", "d", ["c"], "y", {}, weights(6, 5 * 5 * 2)), (1, 1, 6))
    g.outputs = ["y"]
    return g


@pytest.mark.parametrize("channels", [1, 4, 13])
def test_largest_sums(channels: int) -> None:
    rng = np.random.default_rng(channels)
    x = rng.choice([-1.0, 1.0], (40, 5, 5, channels)).astype(np.float32)
    x[0], x[1] = -1.0, 1.0
    graph = quantise(network(rng, channels), [x], "minmax").graph
    samples = CoreModel(graph).inputs[0].quantize(x)
    expected = CoreModel(graph).run_many([samples])[0]
    fast = CoreModel(graph, target="packed", optimize="speed")
    np.testing.assert_array_equal(fast.run_many([samples])[0], expected)
    source, _ = fast.freeze("net", [samples[0]])
    for operation in ("conv2d", "dw_conv2d", "dense"):
        assert f"nnom_{operation}_s8_packed_pairs_op" in source


def test_weights_keep_their_size() -> None:
    """Two bytes a weight only where they may grow."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20, 5, 5, 40)).astype(np.float32)
    graph = quantise(network(rng, 40), [x], "minmax").graph
    sample = CoreModel(graph).inputs[0].quantize(x[:1])
    for optimize in ("size", "default"):
        source, _ = CoreModel(graph, target="packed", optimize=optimize).freeze("net", [sample[0]])
        assert "conv2d_s8_packed_op" in source
        assert "conv2d_s8_packed_pairs_op" not in source
