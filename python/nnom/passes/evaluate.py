# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Single nodes run by the C core, so that no arithmetic is written twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core import CoreModel
from ..errors import CoreError, UnsupportedError
from ..graph import Graph, Node, Tensor, Weight


def evaluate(graph: Graph, node: Node, samples: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Outputs [h, w, c] of a node of `graph`, one for each sample.

    A sample holds an array per input, of the input's dtype; its shape [h, w, c] replaces the tensor's. All samples have
    the same shapes. Raises CoreError or UnsupportedError if the core does not run it.
    """
    small = Graph(name=node.name, source=graph.source)
    for k, (name, x) in enumerate(zip(node.inputs, samples[0], strict=True)):
        old = graph.tensors[name]
        small.add_tensor(Tensor(f"in{k}", x.shape, old.dtype, old.quant))
        small.inputs.append(f"in{k}")
    one = Node(node.op, node.name, small.inputs, "out", node.attrs, node.weights)
    out = graph.tensors[node.output]
    small.add(one, out.shape, out.dtype, out.quant)
    small.outputs.append("out")
    model = CoreModel(small, check_shapes=False)  # the output has a shape of its own
    try:
        return list(model.run_many([np.stack(x) for x in zip(*samples, strict=True)])[0])
    finally:
        model.close()


def try_evaluate(graph: Graph, node: Node, samples: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray] | None:
    """The same, None where the core refuses the node."""
    try:
        return evaluate(graph, node, samples)
    except (CoreError, UnsupportedError):
        return None


def requantised(graph: Graph, node: Node, sums: np.ndarray) -> np.ndarray | None:
    """What accumulators [n, channels] of a convolution or dense layer become: int8 [n, channels]; None if refused.

    A layer of the same scales whose weights are 0 and whose biases are the accumulators says it.
    """
    n, channels = sums.shape
    scale = node.weights["weights"].steps
    scale = scale if scale.size == 1 else np.tile(scale, n)
    kind = "dense" if node.op == "dense" else "conv2d"
    zeros = np.zeros((n * channels, 1) if kind == "dense" else (n * channels, 1, 1, 1), np.int8)
    bias = Weight(sums.reshape(-1).astype(np.int32), scale)
    attrs = {"activation": node.activation}
    probe = Node(kind, node.name, [node.inputs[0]], node.output, attrs, {"weights": Weight(zeros, scale), "bias": bias})
    out = try_evaluate(graph, probe, [[np.zeros((1, 1, 1), np.int8)]])
    return None if out is None else out[0].reshape(n, channels)


def table(graph: Graph, node: Node) -> np.ndarray | None:
    """A function of one int8 value: [256] results for -128 to 127; None if the core refuses it."""
    every = np.arange(-128, 128, dtype=np.int8).reshape(1, 1, 256)
    out = try_evaluate(graph, node, [[every]])
    return None if out is None else out[0].reshape(256)


def channel_tables(graph: Graph, node: Node, channels: int) -> np.ndarray | None:
    """A function of one int8 value that differs per channel: [256, channels]."""
    every = np.repeat(np.arange(-128, 128, dtype=np.int8)[:, None], channels, axis=1)
    out = try_evaluate(graph, node, [[every.reshape(256, 1, channels)]])
    return None if out is None else out[0].reshape(256, channels)
