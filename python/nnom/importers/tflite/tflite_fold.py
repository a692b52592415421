# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Operators whose inputs are all known when the model is read, computed with numpy: shapes and constants.

Every function takes the arrays of the inputs (None where absent) and the options, and returns a list of arrays, one per
output.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np

from .tflite_reader import DTYPES, FileOperator, FileTensor

Arrays = list[np.ndarray]
_Fold = Callable[[Arrays, SimpleNamespace], Arrays]


def slice_of(options: SimpleNamespace, begin: np.ndarray, end: np.ndarray, step: np.ndarray) -> tuple:
    """numpy's index for a STRIDED_SLICE. begin, end, step: [n]."""
    index: list = []
    for i, (b, e, s) in enumerate(zip(begin.tolist(), end.tolist(), step.tolist(), strict=True)):
        bit = 1 << i
        if options.EllipsisMask & bit:
            index.append(Ellipsis)
        elif options.NewAxisMask & bit:
            index.append(None)
        elif options.ShrinkAxisMask & bit:
            index.append(b)
        else:
            index.append(slice(None if options.BeginMask & bit else b, None if options.EndMask & bit else e, s))
    return tuple(index)


def split_points(sizes: list[int]) -> list[int]:
    """Where an axis is cut into pieces of `sizes`."""
    return np.cumsum(sizes[:-1]).tolist()


def _slice(a: Arrays, _: SimpleNamespace) -> Arrays:
    sizes = [n - b if s < 0 else s for n, b, s in zip(a[0].shape, a[1].tolist(), a[2].tolist(), strict=True)]
    return [a[0][tuple(slice(b, b + s) for b, s in zip(a[1].tolist(), sizes, strict=True))]]


def _reduce(ufunc: Callable) -> _Fold:
    return lambda a, o: [np.asarray(ufunc(a[0], axis=tuple(a[1].reshape(-1).tolist()), keepdims=bool(o.KeepDims)))]


def _unpack(a: Arrays, o: SimpleNamespace) -> Arrays:
    return [np.asarray(x) for x in np.moveaxis(a[0], o.Axis, 0)]


def _reshape(a: Arrays, o: SimpleNamespace) -> Arrays:
    return [a[0].reshape(a[1].reshape(-1) if len(a) > 1 and a[1] is not None else o.NewShape)]


def _two(ufunc: Callable) -> _Fold:
    return lambda a, _: [np.asarray(ufunc(a[0], a[1])).astype(a[0].dtype, copy=False)]


def _quotient(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "f":
        return x / y
    if np.any(y == 0):
        raise ValueError("division by zero")
    return np.trunc(x / y)


# Moving values about: right for quantised values as well.
_MOVES: dict[str, _Fold] = {
    "RESHAPE": _reshape,
    "SQUEEZE": lambda a, o: [a[0].squeeze(o.SqueezeDims or None)],
    "EXPAND_DIMS": lambda a, _: [np.expand_dims(a[0], int(a[1].reshape(-1)[0]))],
    "TRANSPOSE": lambda a, _: [a[0].transpose(a[1].tolist())],
    "STRIDED_SLICE": lambda a, o: [np.asarray(a[0][slice_of(o, a[1], a[2], a[3])])],
    "SLICE": _slice,
    "PACK": lambda a, o: [np.stack(a, o.Axis)],
    "UNPACK": _unpack,
    "CONCATENATION": lambda a, o: [np.concatenate(a, o.Axis)],
    "GATHER": lambda a, o: [a[0].take(a[1], o.Axis)],
    "SPLIT": lambda a, o: np.split(a[1], o.NumSplits, int(a[0].reshape(-1)[0])),
    "SPLIT_V": lambda a, _: np.split(a[0], split_points(a[1].tolist()), int(a[2].reshape(-1)[0])),
}

# Arithmetic, on plain numbers only.
_ARITHMETIC: dict[str, _Fold] = {
    "ADD": _two(np.add),
    "SUB": _two(np.subtract),
    "MUL": _two(np.multiply),
    "DIV": _two(_quotient),
    "FLOOR_DIV": _two(np.floor_divide),
    "FLOOR_MOD": _two(np.mod),
    "MAXIMUM": _two(np.maximum),
    "MINIMUM": _two(np.minimum),
    "REDUCE_PROD": _reduce(np.prod),
    "SUM": _reduce(np.sum),
    "REDUCE_MAX": _reduce(np.max),
    "REDUCE_MIN": _reduce(np.min),
    "BROADCAST_ARGS": lambda a, _: [
        np.array(np.broadcast_shapes(tuple(a[0].tolist()), tuple(a[1].tolist())), a[0].dtype)
    ],
    "NEG": lambda a, _: [-a[0]],
    "ABS": lambda a, _: [np.abs(a[0])],
    "SQRT": lambda a, _: [np.sqrt(a[0])],
    "RSQRT": lambda a, _: [(1 / np.sqrt(a[0])).astype(a[0].dtype)],
    "EXP": lambda a, _: [np.exp(a[0])],
}

_GROWING: dict[str, _Fold] = {
    "TILE": lambda a, _: [np.tile(a[0], a[1].tolist())],
    "FILL": lambda a, _: [np.full(a[0].tolist(), a[1].reshape(-1)[0])],
    "BROADCAST_TO": lambda a, _: [np.broadcast_to(a[0], a[1].tolist())],
    "RANGE": lambda a, _: [np.arange(a[0].item(), a[1].item(), a[2].item(), dtype=a[0].dtype)],
    "PAD": lambda a, _: [np.pad(a[0], a[1].tolist())],
}


def _product(numbers: np.ndarray) -> int:
    return math.prod(int(n) for n in numbers.reshape(-1)[:16])


# Elements of the results, told beforehand, of the operators whose results may be larger than their inputs.
_SIZES: dict[str, Callable[[Arrays, SimpleNamespace], int]] = {
    "TILE": lambda a, _: a[0].size * _product(a[1]),
    "FILL": lambda a, _: _product(a[0]),
    "BROADCAST_TO": lambda a, _: _product(a[1]),
    "RANGE": lambda a, _: int(abs(a[1].item() - a[0].item()) / max(abs(a[2].item()), 1e-9)) + 1,
    "PAD": lambda a, _: _product(np.asarray(a[0].shape) + a[1].sum(axis=1)),
    "PACK": lambda a, _: sum(x.size for x in a),
    "CONCATENATION": lambda a, _: sum(x.size for x in a),
    "GATHER": lambda a, o: a[1].size * (a[0].size // max(a[0].shape[o.Axis], 1)),
    **dict.fromkeys(
        ("ADD", "SUB", "MUL", "DIV", "FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "MINIMUM"),
        lambda a, _: math.prod(np.broadcast_shapes(a[0].shape, a[1].shape)),
    ),
}


def dequantised(data: np.ndarray, tensor: FileTensor) -> np.ndarray:
    """Real values, float32, of a quantised or float16 constant of the shape of `tensor`.

    Raises ValueError if its scales belong to no axis.
    """
    if tensor.quant is None or data.dtype.kind == "f":
        return data.astype("<f4")
    if not tensor.quant.fits(data.shape):
        raise ValueError(f"{len(tensor.quant.scale)} scales along axis {tensor.quant.axis} of {list(data.shape)}")
    scale, zero = tensor.quant.scale, tensor.quant.zero_point
    if len(scale) > 1:
        shape = [1] * data.ndim
        shape[tensor.quant.axis] = len(scale)
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return (scale * (data.astype("<i4") - zero).astype("<f4")).astype("<f4").reshape(data.shape)


def _quantised(data: np.ndarray, tensor: FileTensor) -> Arrays | None:
    """Real values, float32, as `tensor` stores them, one scale; None if it is otherwise."""
    if data.dtype != np.float32 or tensor.dtype not in ("INT8", "UINT8"):
        return None
    if tensor.quant is None or len(tensor.quant.scale) != 1 or tensor.quant.scale[0] <= 0:
        return None
    least, most = (0, 255) if tensor.dtype == "UINT8" else (-128, 127)
    scaled = np.clip(np.nan_to_num(data / tensor.quant.scale[0], nan=-1e9), -1e9, 1e9).astype(np.float64)
    rounded = np.trunc(scaled + np.copysign(0.5, scaled)) + int(tensor.quant.zero_point[0])
    return [np.clip(rounded, least, most).astype(DTYPES[tensor.dtype])]


def computable(op: str) -> bool:
    """Whether operators of this name can be computed when all that they read is known."""
    return (
        op in _MOVES or op in _ARITHMETIC or op in _GROWING or op in ("SHAPE", "RANK", "ZEROS_LIKE", "CAST", "QUANTIZE")
    )


_TYPES = ("DEQUANTIZE", "QUANTIZE", "CAST")


def fold(op: FileOperator, given: Sequence[np.ndarray | None], tensors: list[FileTensor], limit: int) -> Arrays | None:
    """Values of the outputs of `op`; None if it is not one that can be computed here.

    given: values of the inputs, None for absent ones. tensors: all of the file. limit: elements that a result may have.
    Errors: ValueError, IndexError, TypeError of numpy when the operands do not fit together.
    """
    functions = _MOVES | _ARITHMETIC | _GROWING
    arrays = [a for a in given if a is not None]
    if len(arrays) < len(given) and (op.op in functions or op.op in _TYPES):
        raise ValueError("an input is missing")
    size = _SIZES.get(op.op, lambda a, _: max((x.size for x in a), default=0))(arrays, op.options)
    if not 0 <= size <= limit:
        raise ValueError(f"the constant would have {size} elements, more than a file of this size can need")
    if op.op == "DEQUANTIZE":
        return [dequantised(arrays[0], tensors[op.inputs[0]])]
    if op.op == "QUANTIZE":
        return _quantised(arrays[0], tensors[op.outputs[0]])
    if op.op == "CAST":
        to = tensors[op.outputs[0]].dtype
        return [arrays[0].astype(DTYPES[to])] if to in DTYPES else None
    if op.op not in functions or getattr(op.options, "FusedActivationFunction", 0) != 0:
        return None
    quantised = any(tensors[i].dtype in ("INT8", "UINT8", "INT16") and tensors[i].quant for i in op.inputs if i >= 0)
    if quantised and op.op not in _MOVES:
        return None
    with np.errstate(all="ignore"):
        return functions[op.op](arrays, op.options)
