# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Random ONNX models of one operator, made with the package onnx, for comparison with ONNX Runtime.

model, feeds = case("Conv", np.random.default_rng(1))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Rng = np.random.Generator
Made = tuple[bytes, dict[str, np.ndarray]]
MAKERS: dict[str, Callable[[Rng, str], Made]] = {}


def reals(rng: Rng, *shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    return rng.uniform(low, high, shape).astype(np.float32)


def chance(rng: Rng, p: float = 0.5) -> bool:
    return bool(rng.random() < p)


def one_of(rng: Rng, *things: Any) -> Any:
    return things[rng.integers(len(things))]


def model(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, np.ndarray],
    outputs: list[str],
    constants: dict[str, np.ndarray] | None = None,
    opset: int = 17,
    types: dict[str, int] | None = None,
    more: list[onnx.OperatorSetIdProto] | None = None,
) -> Made:
    """The bytes of a model and its inputs; shapes of outputs are left open."""
    ends = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in inputs.items()
    ]
    outs = [helper.make_tensor_value_info(n, (types or {}).get(n, TensorProto.FLOAT), None) for n in outputs]
    held = [numpy_helper.from_array(np.array(a, order="C"), n) for n, a in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", ends, outs, held)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), *(more or [])])
    made.ir_version = 8
    return made.SerializeToString(), inputs


def makes(*ops: str) -> Callable[[Callable[[Rng, str], Made]], Callable[[Rng, str], Made]]:
    def register(function: Callable[[Rng, str], Made]) -> Callable[[Rng, str], Made]:
        MAKERS.update(dict.fromkeys(ops, function))
        return function

    return register


def case(op: str, rng: Rng) -> Made:
    return MAKERS[op](rng, op)


def single(
    op: str,
    inputs: dict[str, np.ndarray],
    constants: dict[str, np.ndarray] | None = None,
    opset: int = 17,
    outputs: int = 1,
    names: list[str] | None = None,
    types: dict[str, int] | None = None,
    **attrs: Any,
) -> Made:
    outs = [f"y{k}" for k in range(outputs)]
    node = helper.make_node(op, names or [*inputs, *(constants or {})], outs, **attrs)
    return model([node], inputs, outs, constants, opset, types)


def image(rng: Rng, most: int = 9, channels: int = 6) -> np.ndarray:
    """[1, C, H, W] or [1, C, T]."""
    sides = rng.integers(1, most + 1, 2 if chance(rng, 0.75) else 1)
    return reals(rng, 1, int(rng.integers(1, channels + 1)), *sides)


def any_shape(rng: Rng, least: int = 1, most: int = 4) -> tuple[int, ...]:
    rank = int(rng.integers(least, most + 1))
    shape = [int(n) for n in rng.integers(1, 6, rank)]
    return (1, *shape[1:]) if rank > 1 and chance(rng, 0.7) else tuple(shape)


def window(rng: Rng, size: tuple[int, ...], conv: bool) -> dict[str, Any]:
    """Attributes of a window over sides `size` that fits."""
    n = len(size)
    dilations = [int(rng.integers(1, 3)) if conv and chance(rng, 0.2) else 1 for _ in range(n)]
    attrs: dict[str, Any] = {"strides": [int(rng.integers(1, 4)) for _ in range(n)]}
    if conv:
        attrs["dilations"] = dilations
    auto = one_of(rng, "NOTSET", "NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
    kernel = []
    pads = []
    for s, d in zip(size, dilations, strict=True):
        k = int(rng.integers(1, 5))
        if auto == "VALID" or not auto.startswith("SAME"):
            before, after = (int(rng.integers(0, min(k, 3))) if auto == "NOTSET" else 0 for _ in range(2))
            while (k - 1) * d + 1 > s + before + after:
                k -= 1
            if not conv:
                before, after = min(before, k - 1), min(after, k - 1)
        else:
            before = after = 0
            k = min(k, s) if not conv else k
        kernel.append(max(k, 1))
        pads.append((before, after))
    if auto == "NOTSET":
        attrs["pads"] = [p[0] for p in pads] + [p[1] for p in pads]
    else:
        attrs["auto_pad"] = auto
    return {"kernel_shape": kernel, **attrs}


@makes("Conv")
def _conv(rng: Rng, op: str) -> Made:
    x = image(rng)
    c = x.shape[1]
    groups = one_of(rng, 1, 1, c, *(g for g in range(1, c + 1) if c % g == 0))
    units = groups * int(rng.integers(1, 4))
    attrs = window(rng, x.shape[2:], True)
    w = reals(rng, units, c // groups, *attrs["kernel_shape"], low=-1, high=1)
    if chance(rng):
        del attrs["kernel_shape"]
    constants = {"w": w} | ({"b": reals(rng, units)} if chance(rng) else {})
    return single(op, {"x": x}, constants, group=groups, **attrs)


@makes("ConvTranspose")
def _conv_transpose(rng: Rng, op: str) -> Made:
    x = image(rng)
    c, n = x.shape[1], x.ndim - 2
    groups = one_of(rng, 1, 1, *(g for g in range(1, c + 1) if c % g == 0))
    kernel = [int(k) for k in rng.integers(1, 4, n)]
    strides = [int(k) for k in rng.integers(1, 4, n)]
    attrs: dict[str, Any] = {"kernel_shape": kernel, "strides": strides}
    if chance(rng, 0.3):
        attrs["auto_pad"] = one_of(rng, "SAME_UPPER", "SAME_LOWER", "VALID")
        if attrs["auto_pad"] != "VALID":
            attrs["kernel_shape"] = kernel = [max(k, s) for k, s in zip(kernel, strides, strict=True)]
    else:
        attrs["pads"] = [int(rng.integers(0, k)) for k in kernel] + [0] * n
        attrs["output_padding"] = [int(rng.integers(0, s)) for s in strides]
        attrs["dilations"] = [int(rng.integers(1, 3)) for _ in kernel]
        if any((s - 1) * st + (k - 1) * d + 1 - p < 1 for s, st, k, d, p in
               zip(x.shape[2:], strides, kernel, attrs["dilations"], attrs["pads"], strict=False)):  # fmt: skip
            attrs["pads"] = [0] * (2 * n)
    w = reals(rng, c, int(rng.integers(1, 4)), *kernel, low=-1, high=1)
    constants = {"w": w} | ({"b": reals(rng, w.shape[1] * groups)} if chance(rng) else {})
    return single(op, {"x": x}, constants, group=groups, **attrs)


@makes("MaxPool", "AveragePool")
def _pool(rng: Rng, op: str) -> Made:
    x = image(rng)
    attrs = window(rng, x.shape[2:], False)
    if "auto_pad" in attrs:  # ONNX Runtime takes negative padding where windows leave gaps
        attrs["strides"] = [min(s, k) for s, k in zip(attrs["strides"], attrs["kernel_shape"], strict=True)]
    if "pads" in attrs and chance(rng, 0.3):
        attrs["ceil_mode"] = 1
    if op == "AveragePool" and chance(rng):
        attrs["count_include_pad"] = 1
    return single(op, {"x": x}, opset=19, **attrs)


@makes("GlobalAveragePool", "GlobalMaxPool")
def _global(rng: Rng, op: str) -> Made:
    return single(op, {"x": image(rng)})


@makes("Gemm")
def _gemm(rng: Rng, op: str) -> Made:
    m, k, n = one_of(rng, 1, 1, 3), int(rng.integers(1, 9)), int(rng.integers(1, 9))
    ta, tb = int(chance(rng, 0.2)), int(chance(rng))
    a = reals(rng, *((k, m) if ta else (m, k)))
    b = reals(rng, *((n, k) if tb else (k, n)))
    constants = {"b": b}
    if chance(rng, 0.7):
        constants["c"] = reals(rng, *one_of(rng, (n,), (1, n), (1,), (), (m, n), (m, 1)))
    attrs = {"alpha": float(rng.uniform(0.5, 2)), "beta": float(rng.uniform(0.5, 2))} if chance(rng) else {}
    return single(op, {"a": a}, constants, transA=ta, transB=tb, **attrs)


@makes("MatMul")
def _matmul(rng: Rng, op: str) -> Made:
    m, k, n = (int(i) for i in rng.integers(1, 7, 3))
    lead = one_of(rng, (), (1,), (1, 1), (1, 3), (2,), (2, 3))
    a = reals(rng, *lead, m, k)
    if chance(rng, 0.7):
        return single(op, {"a": a}, {"b": reals(rng, k, n)})
    lead = lead if sum(i != 1 for i in lead) < 2 else (1, 3)
    return single(op, {"a": reals(rng, *lead, m, k), "b": reals(rng, *lead, k, n)})


_SAFE = {"Log": (0.1, 3), "Sqrt": (0, 3), "Reciprocal": (0.3, 2)}


@makes(
    "Relu", "Sigmoid", "Tanh", "HardSwish", "Softplus", "Softsign", "Mish", "Exp", "Log", "Sqrt", "Abs", "Neg", "Sin",
    "Cos", "Floor", "Ceil", "Round", "Sign", "Reciprocal", "LeakyRelu", "Elu", "Celu", "Selu", "HardSigmoid",
    "ThresholdedRelu", "Gelu", "Identity",
)  # fmt: skip
def _unary(rng: Rng, op: str) -> Made:
    low, high = _SAFE.get(op, (-4, 4))
    attrs: dict[str, Any] = {}
    if op in ("LeakyRelu", "Elu", "Celu", "ThresholdedRelu", "HardSigmoid") and chance(rng):
        attrs["alpha"] = float(rng.uniform(0.1, 1))
    if op == "HardSigmoid" and chance(rng):
        attrs["beta"] = float(rng.uniform(0.1, 1))
    if op == "Gelu" and chance(rng):
        attrs["approximate"] = "tanh"
    x = reals(rng, *any_shape(rng), low=low, high=high)
    return single(op, {"x": x}, opset=20 if op == "Gelu" else 18, **attrs)


@makes("Clip")
def _clip(rng: Rng, op: str) -> Made:
    x = reals(rng, *any_shape(rng), low=-8, high=8)
    low, high = one_of(rng, (0, 6), (-1, 1), (0, None), (None, 6), (-2.5, 3), (None, None))
    if chance(rng, 0.3):
        attrs = {n: float(v) for n, v in (("min", low), ("max", high)) if v is not None}
        return single(op, {"x": x}, opset=10, **attrs)
    constants = {n: np.float32(v) for n, v in (("low", low), ("high", high)) if v is not None}
    names = ["x", "low" if low is not None else "", "high" if high is not None else ""]
    return single(op, {"x": x}, constants, names=names)


def beside(rng: Rng, shape: tuple[int, ...], low: float = -2, high: float = 2) -> np.ndarray:
    """An operand that can be repeated along `shape`."""
    kept = shape[int(rng.integers(len(shape))) :] if chance(rng, 0.4) else shape
    return reals(rng, *(1 if chance(rng, 0.4) else n for n in kept), low=low, high=high)


@makes("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Sum", "Mean")
def _binary(rng: Rng, op: str) -> Made:
    shape = any_shape(rng)
    low = 0.3 if op in ("Div", "Pow") else -2
    a, b = reals(rng, *shape, low=low), beside(rng, shape, low)
    if op != "Pow" and chance(rng, 0.2):
        return single(op, {"b": b, "a": a})
    if op == "Pow" and chance(rng):
        b = np.array(one_of(rng, 2, 0.5, 3, -1), np.float32)
    return single(op, {"a": a}, {"b": b}) if chance(rng) else single(op, {"a": a, "b": b})


@makes("PRelu")
def _prelu(rng: Rng, op: str) -> Made:
    shape = any_shape(rng, 2)
    return single(op, {"x": reals(rng, *shape)}, {"s": beside(rng, shape)})


@makes("Where")
def _where(rng: Rng, op: str) -> Made:
    shape = any_shape(rng)
    compared = helper.make_node(one_of(rng, "Less", "Greater", "LessOrEqual", "Equal"), ["a", "b"], ["c"])
    chosen = helper.make_node("Where", ["c", "a", "d"], ["y"])
    inputs = {"a": np.round(reals(rng, *shape)), "b": np.round(beside(rng, shape))}
    return model([compared, chosen], inputs, ["y"], {"d": beside(rng, shape)})


@makes("BatchNormalization", "InstanceNormalization")
def _norm(rng: Rng, op: str) -> Made:
    x = image(rng)
    while op == "InstanceNormalization" and x[0, 0].size < 4:  # else noise of ONNX Runtime's over the root of epsilon
        x = image(rng)
    c = x.shape[1]
    constants = {"s": reals(rng, c), "b": reals(rng, c)}
    if op == "BatchNormalization":
        constants |= {"m": reals(rng, c), "v": reals(rng, c, low=0.1)}
    return single(op, {"x": x}, constants, epsilon=float(one_of(rng, 1e-5, 1e-3)))


@makes("LayerNormalization")
def _layer_norm(rng: Rng, op: str) -> Made:
    shape = any_shape(rng, 2)
    axis = int(rng.integers(1, len(shape)))
    constants = {"s": reals(rng, *shape[axis:]), "b": reals(rng, *shape[axis:])}
    return single(op, {"x": reals(rng, *shape)}, constants, axis=axis)


@makes("GroupNormalization")
def _group_norm(rng: Rng, op: str) -> Made:
    groups, each = (int(n) for n in rng.integers(1, 4, 2))
    x = reals(rng, 1, groups * each, *(int(n) for n in rng.integers(1, 6, one_of(rng, 1, 2))))
    c = x.shape[1]
    return single(op, {"x": x}, {"s": reals(rng, c), "b": reals(rng, c)}, opset=21, num_groups=groups)


@makes("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare")
def _reduce(rng: Rng, op: str) -> Made:
    shape = any_shape(rng)
    keep = int(chance(rng))
    axes = sorted(set(int(a) for a in rng.integers(0, len(shape), int(rng.integers(1, 4)))))
    if chance(rng, 0.2):
        return single(op, {"x": reals(rng, *shape)}, keepdims=keep)
    if chance(rng) or op == "ReduceSum":
        return single(op, {"x": reals(rng, *shape)}, {"axes": np.array(axes)}, opset=18, keepdims=keep)
    return single(op, {"x": reals(rng, *shape)}, opset=13, axes=axes, keepdims=keep)


@makes("Softmax", "LogSoftmax")
def _softmax(rng: Rng, op: str) -> Made:
    shape = any_shape(rng)
    return single(op, {"x": reals(rng, *shape)}, opset=one_of(rng, 11, 13), axis=int(rng.integers(0, len(shape))))


@makes("ArgMax", "ArgMin")
def _arg(rng: Rng, op: str) -> Made:
    shape = any_shape(rng)
    attrs = {"axis": int(rng.integers(-len(shape), len(shape))), "keepdims": int(chance(rng))}
    return single(op, {"x": reals(rng, *shape)}, types={"y0": TensorProto.INT64}, **attrs)


@makes("TopK")
def _top_k(rng: Rng, op: str) -> Made:
    shape = any_shape(rng)
    axis = int(rng.integers(len(shape)))
    count = np.array([int(rng.integers(1, shape[axis] + 1))])
    x = rng.permutation(int(np.prod(shape))).reshape(shape).astype(np.float32)
    return single(op, {"x": x}, {"k": count}, outputs=2, axis=axis, types={"y1": TensorProto.INT64})


@makes("Transpose")
def _transpose(rng: Rng, op: str) -> Made:
    shape = any_shape(rng, 1, 5)
    return single(op, {"x": reals(rng, *shape)}, perm=[int(p) for p in rng.permutation(len(shape))])


@makes("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def _reshape(rng: Rng, op: str) -> Made:
    shape = any_shape(rng, 1, 4)
    x = reals(rng, *shape)
    if op == "Flatten":
        return single(op, {"x": x}, axis=int(rng.integers(0, len(shape) + 1)))
    if op == "Squeeze":
        axes = [i for i, n in enumerate(shape) if n == 1 and chance(rng)]
        return single(op, {"x": x}, {"a": np.array(axes, np.int64)}) if axes else single(op, {"x": x})
    if op == "Unsqueeze":
        return single(op, {"x": x}, {"a": np.array([int(rng.integers(0, len(shape) + 1))])})
    left, new = x.size, []
    while left > 1 and len(new) < 3:
        new.append(int(one_of(rng, *(d for d in range(1, left + 1) if left % d == 0))))
        left //= new[-1]
    new.append(left if chance(rng) else -1)
    return single(op, {"x": x}, {"s": np.array(new)})


@makes("Concat")
def _concat(rng: Rng, op: str) -> Made:
    shape = any_shape(rng)
    axis = int(rng.integers(0, len(shape)))
    arrays = {}
    for i in range(int(rng.integers(1, 4))):
        sides = list(shape)
        sides[axis] = int(rng.integers(1, 4))
        arrays[f"x{i}"] = reals(rng, *sides)
    constants = {}
    if len(arrays) > 1 and chance(rng, 0.3):
        constants = {"x0": arrays.pop("x0")}
    return single(op, arrays, constants, axis=axis)


@makes("Slice")
def _slice(rng: Rng, op: str) -> Made:
    shape = any_shape(rng)
    axes = [a for a in range(len(shape)) if chance(rng)] or [0]
    starts, ends, steps = [], [], []
    for a in axes:
        first, last = sorted(int(i) for i in rng.integers(0, shape[a] + 1, 2))
        if first == last:
            first, last = 0, shape[a]
        step = int(one_of(rng, 1, 1, 2))
        if chance(rng, 0.2):
            first, last, step = last - 1, first - 1 - (shape[a] if first == 0 else 0), -step
            last = -(10**6) if first < 0 or last < 0 else last
        starts.append(first)
        ends.append(last if last < shape[a] or chance(rng) else 2**31 - 1)
        steps.append(step)
    constants = {n: np.array(v) for n, v in (("s", starts), ("e", ends), ("a", axes), ("t", steps))}
    return single(op, {"x": reals(rng, *shape)}, constants)


@makes("Split")
def _split(rng: Rng, op: str) -> Made:
    shape = list(any_shape(rng))
    axis = int(rng.integers(0, len(shape)))
    sizes = [int(n) for n in rng.integers(1, 4, int(rng.integers(1, 4)))]
    shape[axis] = sum(sizes)
    return single(op, {"x": reals(rng, *shape)}, {"s": np.array(sizes)}, outputs=len(sizes), axis=axis)


@makes("Gather")
def _gather(rng: Rng, op: str) -> Made:
    shape = any_shape(rng)
    axis = int(rng.integers(0, len(shape)))
    indices = rng.integers(-shape[axis], shape[axis], one_of(rng, (), (1,), (3,), (2, 2)))
    return single(op, {"x": reals(rng, *shape)}, {"i": np.asarray(indices)}, axis=axis)


@makes("Embedding")
def _embedding(rng: Rng, op: str) -> Made:
    rows = int(rng.integers(2, 9))
    indices = rng.integers(0, rows, (1, int(rng.integers(1, 6))))
    return single("Gather", {"i": indices}, {"t": reals(rng, rows, 4)}, names=["t", "i"])


@makes("Expand", "Tile")
def _repeat(rng: Rng, op: str) -> Made:
    shape = any_shape(rng)
    times = [int(n) for n in rng.integers(1, 4, len(shape))]
    if op == "Expand":
        times = [t if n == 1 else one_of(rng, 1, n) for n, t in zip(shape, times, strict=True)]
        times = [2, *times] if chance(rng, 0.3) else times
    return single(op, {"x": reals(rng, *shape)}, {"n": np.array(times)})


@makes("Pad")
def _pad(rng: Rng, op: str) -> Made:
    x = image(rng) if chance(rng) else reals(rng, *any_shape(rng))
    mode = one_of(rng, "constant", "constant", "reflect", "edge")
    most = [min(n - 1, 2) if mode == "reflect" else 2 for n in x.shape]
    ends = [int(rng.integers(0, m + 1)) if i or x.ndim == 1 else 0 for i, m in enumerate(most)] * 2
    constants = {"p": np.array(ends)} | ({"v": np.float32(1.5)} if mode == "constant" and chance(rng) else {})
    return single(op, {"x": x}, constants, mode=mode)


@makes("Resize")
def _resize(rng: Rng, op: str) -> Made:
    x = image(rng, 5)
    mode = one_of(rng, "nearest", "linear")
    how = one_of(rng, "half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
    sizes = [int(n) for n in rng.integers(2, 11, x.ndim - 2)]
    attrs = {"mode": mode, "coordinate_transformation_mode": how}
    if mode == "nearest":
        attrs["nearest_mode"] = one_of(rng, "round_prefer_floor", "floor", "ceil", "round_prefer_ceil")
        if chance(rng):
            scales = np.array([1, 1, *(float(one_of(rng, 2, 3, 1.5, 0.5)) for _ in sizes)], np.float32)
            if np.floor(np.array(x.shape[2:]) * scales[2:]).min() >= 1:
                return single(op, {"x": x}, {"s": scales}, names=["x", "", "s"], **attrs)
    return single(op, {"x": x}, {"n": np.array([1, x.shape[1], *sizes])}, names=["x", "", "", "n"], **attrs)


@makes("DepthToSpace", "SpaceToDepth")
def _depth(rng: Rng, op: str) -> Made:
    b = int(rng.integers(1, 4))
    h, w, c = (int(n) for n in rng.integers(1, 4, 3))
    if op == "SpaceToDepth":
        return single(op, {"x": reals(rng, 1, c, h * b, w * b)}, blocksize=b)
    return single(op, {"x": reals(rng, 1, c * b * b, h, w)}, blocksize=b, mode=one_of(rng, "DCR", "CRD"))


@makes("LSTM", "GRU", "RNN")
def _recurrent(rng: Rng, op: str) -> Made:
    steps, features, units = (int(n) for n in rng.integers(1, 7, 3))
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
    direction = one_of(rng, "forward", "reverse", "bidirectional")
    d = 2 if direction == "bidirectional" else 1
    attrs: dict[str, Any] = {"hidden_size": units, "direction": direction}
    constants = {"w": reals(rng, d, gates * units, features), "r": reals(rng, d, gates * units, units)}
    names = ["x", "w", "r", "", "", ""]
    if chance(rng, 0.7):
        constants["b"] = reals(rng, d, 2 * gates * units)
        names[3] = "b"
    inputs = {"x": reals(rng, steps, 1, features)}
    if chance(rng):
        inputs["h"] = reals(rng, d, 1, units)
        names[5] = "h"
        if op == "LSTM":
            names.append("c")
            (inputs if chance(rng) else constants)["c"] = reals(rng, d, 1, units)
    if op == "GRU":
        attrs["linear_before_reset"] = int(chance(rng))
    count = int(rng.integers(1, 4 if op == "LSTM" else 3))
    return single(op, inputs, constants, outputs=count, names=names, **attrs)


# ---- graphs ----


class Net:
    """A random graph of [1, C, H, W] tensors and what comes behind them, as a list of nodes."""

    def __init__(self, rng: Rng):
        self.rng = rng
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}

    def constant(self, data: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(data)
        return name

    def add(self, op: str, inputs: list[str], **attrs: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attrs))
        return name

    def step(self, x: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """One layer on [1, C, H, W]."""
        rng, (_, c, h, w) = self.rng, shape
        kind = int(rng.integers(12))
        if kind <= 2:
            units, k = int(rng.integers(1, 6)), int(one_of(rng, 1, 3))
            group = c if kind == 2 else 1
            units = c if kind == 2 else units
            weights = self.constant(reals(rng, units, c // group, k, k, low=-0.6, high=0.6))
            return self.add("Conv", [x, weights], pads=[k // 2] * 4, group=group), (1, units, h, w)
        if kind == 3:
            arrays = [self.constant(reals(rng, c, low=lo)) for lo in (-2, -2, -2, 0.2)]
            return self.add("BatchNormalization", [x, *arrays]), shape
        if kind == 4:
            return self.add(one_of(rng, "Relu", "Sigmoid", "HardSwish", "Tanh"), [x]), shape
        if kind == 5 and min(h, w) > 1:
            op = one_of(rng, "MaxPool", "AveragePool")
            return self.add(op, [x], kernel_shape=[2, 2], strides=[2, 2]), (1, c, h // 2, w // 2)
        if kind == 6:
            other = self.constant(reals(rng, *one_of(rng, (c, 1, 1), (1, c, 1, 1), (h, w), (1,), (1, 1, 1, w))))
            return self.add(one_of(rng, "Add", "Mul", "Sub"), [x, other]), shape
        if kind == 7:
            perm = [0, *(int(p) + 1 for p in rng.permutation(3))]
            return self.add("Transpose", [x], perm=perm), tuple(shape[p] for p in perm)
        if kind == 8 and c > 1:
            parts = [d for d in range(1, c + 1) if c % d == 0]
            g = int(one_of(rng, *parts))
            y = self.add("Reshape", [x, self.constant(np.array([1, g, c // g, h, w]))])
            y = self.add("Transpose", [y], perm=[0, 2, 1, 3, 4])
            return self.add("Reshape", [y, self.constant(np.array([1, c, h, w]))]), shape
        if kind == 9:
            n = int(rng.integers(1, c + 1))
            ends = [self.constant(np.array([v])) for v in (0, n, 1)]
            return self.add("Slice", [x, *ends]), (1, n, h, w)
        if kind == 10:
            gate = self.add("Sigmoid", [self.add("GlobalAveragePool", [x])])
            return self.add("Mul", [x, gate]), shape
        total = self.add("ReduceMean", [x], axes=[one_of(rng, 1, 2, 3)], keepdims=1)
        return self.add("Sub", [x, total]), shape

    def end(self, x: str, shape: tuple[int, ...]) -> str:
        """What follows at last."""
        rng, (_, c, h, w) = self.rng, shape
        kind = int(rng.integers(5))
        if kind == 0:
            return x
        if kind == 1:
            x = self.add("GlobalAveragePool", [x])
            h = w = 1
        if kind == 2:
            x = self.add("Transpose", [x], perm=[0, 2, 3, 1])
        if kind == 3:
            x = self.add("Reshape", [x, self.constant(np.array([1, c, h * w]))])
            x = self.add("Transpose", [x], perm=[0, 2, 1])
            x = self.add("MatMul", [x, self.constant(reals(rng, c, 3))])
            return self.add("Softmax", [x], axis=-1)
        x = self.add("Flatten", [x])
        weights = self.constant(reals(rng, 4, c * h * w, low=-0.5, high=0.5))
        return self.add("Gemm", [x, weights, self.constant(reals(rng, 4))], transB=1)


def graph(rng: Rng) -> Made:
    """A random graph: layers, branches that meet, transposes and reshapes between them."""
    net = Net(rng)
    shape: tuple[int, ...] = (1, *(int(n) for n in rng.integers(1, 7, 3)))
    inputs = {"x": reals(rng, *shape)}
    x = "x"
    for _ in range(int(rng.integers(2, 9))):
        if chance(rng, 0.2):
            a, shape_a = net.step(x, shape)
            b, shape_b = net.step(x, shape)
            if shape_a == shape_b:
                x, shape = net.add(one_of(rng, "Add", "Mul", "Max"), [a, b]), shape_a
            elif shape_a[2:] == shape_b[2:]:
                x, shape = net.add("Concat", [a, b], axis=1), (1, shape_a[1] + shape_b[1], *shape_a[2:])
            continue
        x, shape = net.step(x, shape)
    return model(net.nodes, inputs, [net.end(x, shape)], net.constants) if net.nodes else graph(rng)
