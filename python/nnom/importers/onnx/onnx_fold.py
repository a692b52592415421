# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Nodes whose inputs are all known when the model is read, computed with numpy: shapes and constants.

Every function takes the importer, the node and the arrays of its inputs (None where absent), and returns a list of
arrays, one per output; None if it does not compute this one. Each checks the size of what may be larger than its
inputs (`_room`) before it makes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .onnx_arrays import array_of
from .onnx_context import Context, attr_tensor
from .onnx_reader import TYPES, FileNode

Arrays = list[np.ndarray]
Fold = Callable[[Context, FileNode, Arrays], Arrays | None]
_INT32_MOST = 2**31


def _room(imp: Context, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape, if a constant of it may be made. ValueError."""
    count = math.prod(shape)
    if min(shape, default=0) < 0 or count > imp.memory.elements:
        raise ValueError(f"a constant of shape {list(shape)}, more than a file of this size can need")
    return tuple(shape)


def _numbers(a: np.ndarray) -> list[int]:
    """Whole numbers of a small array."""
    if a.dtype.kind not in "iu" or a.size > 2**16:
        raise ValueError(f"{a.size} numbers of type {a.dtype}; expected whole ones")
    return [int(n) for n in a.reshape(-1)]


# ---- shapes ----


def new_shape(imp: Context, node: FileNode, old: Sequence[int], wanted: Sequence[int]) -> tuple[int, ...]:
    """The shape that a Reshape to `wanted` makes of `old`."""
    zero = imp.attr_int(node, "allowzero", 0)
    made = [old[i] if n == 0 and not zero and i < len(old) else n for i, n in enumerate(wanted)]
    rest = math.prod(n for n in made if n != -1)
    if made.count(-1) == 1 and rest:
        made[made.index(-1)] = math.prod(old) // rest
    if len(made) > 32 or min(made, default=0) < 0 or math.prod(made) != math.prod(old):
        imp.fail(node, f"{list(old)} can not become {list(wanted[:32])}")
    return tuple(made)


def reshaped_shape(imp: Context, node: FileNode, old: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that Reshape, Flatten, Squeeze, Unsqueeze make of one."""
    rank = len(old)
    if node.op == "Reshape":
        given = imp.attr_ints(node, "shape")
        return new_shape(imp, node, old, imp.integers(node, 1, "shape") if given is None else given)
    if node.op == "Flatten":
        axis = imp.attr_int(node, "axis", 1)
        axis = rank if axis == rank else imp.axis(node, axis, max(rank, 1))
        return math.prod(old[:axis]), math.prod(old[axis:])
    if node.op == "Squeeze":
        axes = imp.axes_of(node, 1, 13, rank)
        axes = tuple(i for i, n in enumerate(old) if n == 1) if axes is None else axes
        if any(old[a] != 1 for a in axes):
            imp.fail(node, f"squeezes axes {list(axes)} of {list(old)}; expected sides of 1")
        return tuple(n for i, n in enumerate(old) if i not in axes)
    count = imp.attr_ints(node, "axes") if imp.opset < 13 else imp.integers(node, 1, "axes")
    wide = rank + len(count or ())
    if count is None or wide > 32:
        imp.fail(node, "names no axes, or more than 32")
    places = {imp.axis(node, a, wide) for a in count}
    if len(places) != len(count):
        imp.fail(node, f"names an axis twice: {list(count)}")
    left = iter(old)
    return tuple(1 if i in places else next(left) for i in range(wide))


def slices(imp: Context, node: FileNode, shape: tuple[int, ...]) -> dict[int, slice]:
    """What Slice takes of each axis that it names."""
    if imp.opset < 10:
        starts, ends = imp.attr_ints(node, "starts") or (), imp.attr_ints(node, "ends") or ()
        axes, steps = imp.attr_ints(node, "axes"), None
    else:
        starts, ends = imp.integers(node, 1, "starts"), imp.integers(node, 2, "ends")
        axes = imp.integers(node, 3, "axes") if imp.has(node, 3) else None
        steps = imp.integers(node, 4, "steps") if imp.has(node, 4) else None
    axes = tuple(range(len(starts))) if axes is None else axes
    steps = (1,) * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        imp.fail(node, "as many starts, ends, axes and steps were expected, no step of 0")
    found = {}
    for axis, first, last, step in zip(axes, starts, ends, steps, strict=True):
        a = imp.axis(node, axis, len(shape))
        n = shape[a]
        if step > 0:
            first, last = (min(max(i + n if i < 0 else i, 0), n) for i in (first, last))
            found[a] = slice(first, last, step)
        else:
            first = min(max(first + n if first < 0 else first, -1), n - 1)
            last = min(max(last + n if last < 0 else last, -1), n - 1)
            found[a] = slice(first, None if last < 0 else last, step)
            if first < 0:
                found[a] = slice(0, 0, 1)
    return found


def split_sizes(imp: Context, node: FileNode, n: int) -> list[int]:
    """The sizes of what Split makes of an axis of `n`."""
    count = len(node.outputs)
    given = imp.attr_ints(node, "split")
    if given is None and imp.opset >= 13 and imp.has(node, 1):
        given = imp.integers(node, 1, "sizes")
    if given is None:
        each = -(-n // max(count, 1))
        given = (each,) * (count - 1) + (n - each * (count - 1),)
    if len(given) != count or sum(given) != n or min(given, default=0) < 0:
        imp.fail(node, f"an axis of {n} can not be split into {list(given[:16])} for {count} outputs")
    return list(given)


def _shape(imp: Context, node: FileNode, a: Arrays) -> Arrays:
    sides = a[0].shape
    first, last = imp.attr_int(node, "start", 0), imp.attr_int(node, "end", len(sides))
    return [np.array(sides[first:last], np.int64)]


def _slice(imp: Context, node: FileNode, a: Arrays) -> Arrays:
    found = slices(imp, node, a[0].shape)
    return [a[0][tuple(found.get(i, slice(None)) for i in range(a[0].ndim))]]


def _gather(imp: Context, node: FileNode, a: Arrays) -> Arrays:
    axis = imp.axis(node, imp.attr_int(node, "axis", 0), a[0].ndim)
    shape = a[0].shape
    _room(imp, (*shape[:axis], *a[1].shape, *shape[axis + 1 :]))
    return [np.asarray(a[0].take(a[1], axis))]


def _split(imp: Context, node: FileNode, a: Arrays) -> Arrays:
    axis = imp.axis(node, imp.attr_int(node, "axis", 0), a[0].ndim)
    return np.split(a[0], np.cumsum(split_sizes(imp, node, a[0].shape[axis])[:-1]).tolist(), axis)


def _transpose(imp: Context, node: FileNode, a: Arrays) -> Arrays:
    return [a[0].transpose(imp.attr_ints(node, "perm"))]


def _concat(imp: Context, node: FileNode, a: Arrays) -> Arrays:
    _room(imp, (sum(x.size for x in a),))
    return [np.concatenate(a, imp.axis(node, imp.attr_int(node, "axis", 0), a[0].ndim))]


def _pad(imp: Context, node: FileNode, a: Arrays) -> Arrays | None:
    if len(a) < 2 or len(a) > 3 or imp.attr_text(node, "mode", "constant") != "constant":
        return None
    ends = np.array(_numbers(a[1])).reshape(2, -1)
    if ends.min(initial=0) < 0 or ends.shape[1] != a[0].ndim:
        return None
    _room(imp, tuple(n + int(m) for n, m in zip(a[0].shape, ends.sum(axis=0), strict=True)))
    return [np.pad(a[0], ends.T.tolist(), constant_values=a[2].reshape(-1)[0] if len(a) > 2 else 0)]


# ---- constants of a kind ----


def _constant(imp: Context, node: FileNode, _: Arrays) -> Arrays | None:
    attrs = node.attrs
    if (t := attr_tensor(node, "value")) is not None:
        data = array_of(imp.model, t)
        return None if data is None else [data]
    for name, dtype in (("value_float", "float32"), ("value_int", "int64")):
        if name in attrs and isinstance(attrs[name], int | float):
            return [np.array(attrs[name], dtype)]
    for name, dtype in (("value_floats", "float32"), ("value_ints", "int64")):
        if name in attrs:
            return [np.asarray(attrs[name], dtype)]
    return None


def _constant_of_shape(imp: Context, node: FileNode, a: Arrays) -> Arrays:
    t = attr_tensor(node, "value")
    value = np.zeros(1, np.float32) if t is None else array_of(imp.model, t)
    if value is None or value.size != 1:
        raise ValueError("its value is not one number")
    return [np.full(_room(imp, _numbers(a[0])), value.reshape(-1)[0])]


def _range(imp: Context, _: FileNode, a: Arrays) -> Arrays:
    first, last, step = (x.reshape(-1)[0].item() for x in a)
    count = max(math.ceil((last - first) / step), 0) if step else -1
    _room(imp, (count,))
    return [first + step * np.arange(count, dtype=a[0].dtype)]


def _expand(imp: Context, _: FileNode, a: Arrays) -> Arrays:
    shape = np.broadcast_shapes(a[0].shape, tuple(_numbers(a[1])))
    return [np.broadcast_to(a[0], _room(imp, shape))]


def _tile(imp: Context, _: FileNode, a: Arrays) -> Arrays:
    times = _numbers(a[1])
    _room(imp, [n * t for n, t in zip(a[0].shape, times, strict=True)])
    return [np.tile(a[0], times)]


# ---- arithmetic ----


def _two(function: Callable, same: bool = True) -> Fold:
    def fold(imp: Context, _: FileNode, a: Arrays) -> Arrays:
        result = a[0]
        for other in a[1:]:
            _room(imp, np.broadcast_shapes(result.shape, other.shape))
            made = np.asarray(function(result, other))
            result = made.astype(a[0].dtype, copy=False) if same else made
        return [result]

    return fold


def _one(function: Callable) -> Fold:
    return lambda imp, node, a: [np.asarray(function(a[0])).astype(a[0].dtype, copy=False)]


def _quotient(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "f":
        return x / y
    if np.any(y == 0):
        raise ValueError("division by zero")
    return np.trunc(x / y)


def _mod(imp: Context, node: FileNode, a: Arrays) -> Arrays:
    _room(imp, np.broadcast_shapes(a[0].shape, a[1].shape))
    if a[1].dtype.kind != "f" and np.any(a[1] == 0):
        raise ValueError("division by zero")
    return [np.fmod(a[0], a[1]) if imp.attr_int(node, "fmod", 0) else np.mod(a[0], a[1])]


def _cast(_: Context, node: FileNode, a: Arrays) -> Arrays | None:
    to = TYPES.get(node.attrs.get("to", 0))
    if to is None or to in ("string", "bfloat16") or to.startswith(("float8", "float4", "complex", "int4", "uint4")):
        return None
    return [a[0].astype(to, copy=False)]


def _reduce(function: Callable) -> Fold:
    def fold(imp: Context, node: FileNode, a: Arrays) -> Arrays:
        axes = imp.axes_of(node, 1, 13 if node.op == "ReduceSum" else 18, a[0].ndim)
        keep = bool(imp.attr_int(node, "keepdims", 1))
        if not axes and imp.attr_int(node, "noop_with_empty_axes", 0):
            return [a[0]]
        return [np.asarray(function(a[0], axis=axes or None, keepdims=keep)).astype(a[0].dtype)]

    return fold


def _matmul(imp: Context, _: FileNode, a: Arrays) -> Arrays:
    _room(imp, (math.prod(a[0].shape[:-1]) * math.prod(a[1].shape[-1:]),))
    return [a[0] @ a[1]]


def _where(imp: Context, _: FileNode, a: Arrays) -> Arrays:
    _room(imp, np.broadcast_shapes(*(x.shape for x in a)))
    return [np.where(a[0], a[1], a[2])]


def _nonzero(imp: Context, _: FileNode, a: Arrays) -> Arrays:
    _room(imp, (a[0].size * max(a[0].ndim, 1),))
    return [np.stack(np.nonzero(a[0])).astype(np.int64)]


def along(data: np.ndarray, like: np.ndarray, axis: int) -> np.ndarray:
    """Scales or zero points [n] so that they broadcast along `axis` of `like`."""
    if data.size == 1:
        return data.reshape(())
    if data.shape != (like.shape[axis],):
        raise ValueError(f"{data.size} scales along axis {axis} of {list(like.shape)}")
    return data.reshape([-1 if i == axis else 1 for i in range(like.ndim)])


def _dequantize(imp: Context, node: FileNode, a: Arrays) -> Arrays | None:
    if imp.attr_int(node, "block_size", 0):
        return None
    axis = imp.axis(node, imp.attr_int(node, "axis", 1), a[0].ndim) if a[1].size > 1 else 0
    zero = along(a[2], a[0], axis).astype(np.int32) if len(a) > 2 else np.int32(0)
    if a[0].dtype.kind not in "iu" or a[1].dtype.kind != "f":
        return None
    _room(imp, (2 * a[0].size,))
    return [((a[0].astype(np.int32) - zero) * along(a[1], a[0], axis)).astype(np.float32)]


def _quantize(imp: Context, node: FileNode, a: Arrays) -> Arrays | None:
    """Rounds to nearest, ties to even, as ONNX says."""
    zero = a[2] if len(a) > 2 else np.zeros(1, np.uint8)
    if imp.attr_int(node, "block_size", 0) or zero.dtype.name not in ("int8", "uint8") or a[0].dtype.kind != "f":
        return None
    axis = imp.axis(node, imp.attr_int(node, "axis", 1), a[0].ndim) if a[1].size > 1 else 0
    _room(imp, (2 * a[0].size,))
    steps = np.rint(a[0] / along(a[1], a[0], axis)) + along(zero, a[0], axis)
    least, most = np.iinfo(zero.dtype).min, np.iinfo(zero.dtype).max
    return [np.clip(np.nan_to_num(steps), least, most).astype(zero.dtype)]


FOLDS: dict[str, Fold] = {
    "Shape": _shape,
    "Size": lambda imp, node, a: [np.array(a[0].size, np.int64)],
    **dict.fromkeys(
        ("Reshape", "Flatten", "Squeeze", "Unsqueeze"),
        lambda imp, node, a: [a[0].reshape(reshaped_shape(imp, node, a[0].shape))],
    ),
    **dict.fromkeys(("Identity", "Dropout"), lambda imp, node, a: [a[0]]),
    "Slice": _slice,
    "Gather": _gather,
    "Split": _split,
    "Transpose": _transpose,
    "Concat": _concat,
    "Pad": _pad,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "Expand": _expand,
    "Tile": _tile,
    "Cast": _cast,
    "Where": _where,
    "MatMul": _matmul,
    "NonZero": _nonzero,
    "DequantizeLinear": _dequantize,
    "QuantizeLinear": _quantize,
    "Mod": _mod,
    "Add": _two(np.add),
    "Sub": _two(np.subtract),
    "Mul": _two(np.multiply),
    "Div": _two(_quotient),
    "Pow": _two(np.power),
    "Min": _two(np.minimum),
    "Max": _two(np.maximum),
    "And": _two(np.logical_and),
    "Or": _two(np.logical_or),
    "Xor": _two(np.logical_xor),
    "Equal": _two(np.equal, False),
    "Less": _two(np.less, False),
    "LessOrEqual": _two(np.less_equal, False),
    "Greater": _two(np.greater, False),
    "GreaterOrEqual": _two(np.greater_equal, False),
    "Not": _one(np.logical_not),
    "Neg": _one(np.negative),
    "Abs": _one(np.abs),
    "Sqrt": _one(np.sqrt),
    "Exp": _one(np.exp),
    "Log": _one(np.log),
    "Floor": _one(np.floor),
    "Ceil": _one(np.ceil),
    "Round": _one(np.rint),
    "Sign": _one(np.sign),
    "Reciprocal": _one(lambda x: 1 / x),
    "ReduceSum": _reduce(np.sum),
    "ReduceProd": _reduce(np.prod),
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
    "ReduceMean": _reduce(np.mean),
}


def fold(imp: Context, node: FileNode, given: Sequence[np.ndarray | None]) -> Arrays | None:
    """Values of the outputs of `node`; None if it is not one that is computed here. given: None for absent inputs.

    Errors: ValueError, IndexError, TypeError of numpy when the operands do not fit together.
    """
    function = FOLDS.get(node.op) if not node.domain else None
    if function is None:
        return None
    arrays = [a for a in given if a is not None]
    if node.op not in ("Slice", "Split") and len(arrays) < len([n for n in node.inputs if n]):
        raise ValueError("an input is missing")
    if not arrays and node.op != "Constant":
        raise ValueError("it has no inputs")
    with np.errstate(all="ignore"):
        return function(imp, node, arrays)
