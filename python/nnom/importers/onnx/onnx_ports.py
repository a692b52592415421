# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Inputs and outputs of an ONNX model: their shapes, and in which order their axes lie.

An input lies as the first operator that tells its axes apart wants it: channels last in front of a convolution. It is
found by following the input through operators that keep its axes; nothing is guessed from sizes or names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .onnx_context import Context
from .onnx_reader import FileNode

# Channels are axis 1 of input 0, the others follow in order.
_IMAGES = {
    "Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization",
    "InstanceNormalization", "GroupNormalization", "Resize", "Upsample", "DepthToSpace", "SpaceToDepth",
    "QLinearConv", "ConvInteger",
}  # fmt: skip
_ROWS = {"MatMul", "Gemm", "LSTM", "GRU", "RNN", "LayerNormalization", "QLinearMatMul", "MatMulInteger", "QGemm"}
# One value of the result for each of the input, in the same place; of two operands aligned at the last axis.
_KEEP = {
    "Identity", "Dropout", "Cast", "Clip", "Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "HardSwish", "HardSigmoid",
    "Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Abs", "Neg", "Exp", "Log", "PRelu", "Softplus", "Min", "Max",
    "QuantizeLinear", "DequantizeLinear", "Pad", "Slice", "Split", "Concat", "Mish", "Gelu",
}  # fmt: skip
_MOST = 1000  # nodes that are looked at


def memory_order(imp: Context, name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """The order in which the axes of an input lie."""
    rank = len(shape)
    queue: list[tuple[str, tuple[int, ...]]] = [(name, tuple(range(rank)))]
    seen = {name}
    for tensor, axes in queue:
        for node in imp.readers.get(tensor, []):
            if node.op in _IMAGES and node.inputs[0] == tensor and len(axes) > 2:
                return _complete((*axes[2:], axes[1]), rank)
            if node.op in _ROWS and node.inputs[0] == tensor:
                return _complete(axes, rank)
            after = _followed(imp, node, axes)
            for out in node.outputs if after is not None else ():
                if out not in seen and len(queue) < _MOST:
                    seen.add(out)
                    queue.append((out, after or ()))
    return tuple(range(rank))


def _complete(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """An order of all axes: those not named in front."""
    named = [a for a in axes if a >= 0]
    return (*(a for a in range(rank) if a not in named), *named)


def _followed(imp: Context, node: FileNode, axes: tuple[int, ...]) -> tuple[int, ...] | None:
    """Which axes of the input those of a node's result are, -1 for new ones; None if it is not known."""
    if node.domain:
        return None
    if node.op in _KEEP:
        return axes
    if node.op == "Transpose":
        perm = node.attrs.get("perm")
        perm = np.arange(len(axes))[::-1] if perm is None else perm
        fits = isinstance(perm, np.ndarray) and sorted(perm.tolist()) == list(range(len(axes)))
        return tuple(axes[int(p)] for p in perm) if fits else None
    if node.op in ("Squeeze", "Unsqueeze"):
        given = node.attrs.get("axes")
        if given is None and len(node.inputs) > 1 and node.inputs[1] in imp.values:
            given = imp.values[node.inputs[1]].data
        if not isinstance(given, np.ndarray) or given.size > 8:
            return None
        rank = len(axes) + (given.size if node.op == "Unsqueeze" else 0)
        chosen = {int(a) % max(rank, 1) for a in given.reshape(-1)}
        if node.op == "Squeeze":
            return tuple(a for i, a in enumerate(axes) if i not in chosen)
        left = iter(axes)
        return tuple(-1 if i in chosen else next(left, -1) for i in range(rank))
    return None


def fixed_shape(
    name: str, shape: Sequence[int | str], given: Mapping[str, Sequence[int]]
) -> tuple[tuple[int, ...], str]:
    """(the shape of an input with its open axes fixed, what is wrong with it or "")."""
    if name in given:
        wanted = tuple(given[name])
        fits = len(wanted) == len(shape) and all(
            not isinstance(n, int) or n < 1 or n == m for n, m in zip(shape, wanted, strict=True)
        )
        return wanted, "" if fits and min(
            wanted, default=1
        ) > 0 else f"shape {list(wanted)} given, it has {list(shape)}"
    sides = [n if isinstance(n, int) and n > 0 else None for n in shape]
    made = tuple(n or (1 if i == 0 else 0) for i, n in enumerate(sides))
    if None in sides[1:]:
        text = "x".join("?" if n == 0 else str(n) for n in made)
        return made, f"open axes in shape {list(shape)}; say what they are: {name}={text}"
    return made, ""


def channels_moved(shape: Sequence[int], order: Sequence[int]) -> bool:
    """Whether axes of an output lie so that only its channels (axis 1) have gone to the end."""
    moved = [a for a in order if shape[a] != 1]
    last = [a for a in (*range(2, len(shape)), 1) if a < len(shape) and shape[a] != 1]
    return len(shape) > 2 and shape[0] == 1 and moved == last
