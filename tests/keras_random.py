# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Random functional Keras models of operations and layers, with their optional arguments, also odd ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND", "jax")
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"

import keras  # noqa: E402
from nnom.compare import outputs_of  # noqa: E402
from nnom.errors import NnomError  # noqa: E402
from nnom.importers.keras import load_keras  # noqa: E402
from nnom.passes import fold  # noqa: E402

L, ops = keras.layers, keras.ops
SHAPES = [(6,), (8,), (4, 6), (6, 4), (3, 5), (4, 6, 4), (6, 4, 2), (2, 3, 4)]

Make = Callable[["Draw", Any], Any]


class Draw:
    """Random choices of one model."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)

    def one(self, *values: Any) -> Any:
        return values[self.rng.integers(len(values))]

    def axis(self, x: Any) -> int:
        """An axis of the data, counted from either side."""
        rank = len(x.shape)
        return int(self.rng.integers(1, rank)) - self.one(0, rank)

    def axes(self, x: Any) -> Any:
        """One axis, some, or odd ones."""
        rank = len(x.shape)
        some = tuple(int(a) for a in self.rng.permutation(np.arange(1, rank))[: self.rng.integers(1, rank)])
        return self.one(self.axis(x), self.axis(x), some, some, list(some), some + some[:1], 0, None, (), rank)

    def number(self) -> Any:
        return self.one(0, 1, 2, -1, 0.5, -0.25, 1.5, 3.0, 6, True)

    def constant(self, x: Any) -> Any:
        """A number or an array that may be combined with x."""
        shape = [s if self.rng.random() < 0.6 else 1 for s in x.shape[1:]]
        array = self.rng.normal(0, 1, shape[self.rng.integers(len(shape)) :]).astype("float32")
        return self.one(self.number(), array, array[None] if array.ndim == len(shape) else array)

    def some(self, **arguments: Any) -> dict[str, Any]:
        """Each argument is there or not."""
        return {k: v for k, v in arguments.items() if self.rng.random() < 0.6}


def _key(d: Draw, x: Any) -> Any:
    keys: list[Any] = []
    for s in x.shape[1:]:
        a, b = (int(v) for v in d.rng.integers(-s - 1, s + 2, 2))
        keys.append(d.one(slice(None), slice(None), a % s, -1, slice(a, b), slice(None, None, 2), slice(a, None),
                          slice(None, None, -1), slice(b, a, -2), None))  # fmt: skip
    keys = keys[: d.rng.integers(1, len(keys) + 1)]
    front: list[Any] = d.one([slice(None)], [slice(None)], [...], [slice(None), ...], [slice(None), None])
    return tuple(front + keys + d.one([], [], [...], [None]))


def _order(d: Draw, x: Any) -> Any:
    rank = len(x.shape)
    order = [0, *(int(a) for a in d.rng.permutation(np.arange(1, rank)))]
    return d.one(order, tuple(order), [a - rank if a else 0 for a in order], None)


def _pairs(d: Draw, x: Any) -> Any:
    pairs = [(0, 0), *((int(p), int(q)) for p, q in d.rng.integers(0, 3, (len(x.shape) - 1, 2)))]
    return d.one(pairs, pairs, pairs, 1, (1, 2), [(1, 0), *pairs[1:]])


def _shape(d: Draw, x: Any) -> Any:
    n = int(np.prod(x.shape[1:]))
    k = d.one(*[k for k in range(1, n + 1) if n % k == 0])
    return d.one((-1, n), (-1, k, n // k), (-1, n // k, k), (None, k, -1), (-1, 1, n), (-1, k), (1, n), -1)


def _part(d: Draw, parts: Any) -> Any:
    return parts if not isinstance(parts, (list, tuple)) else parts[d.rng.integers(len(parts))]


def _matmul(d: Draw, x: Any) -> Any:
    rank, k = len(x.shape), x.shape[-1]
    matrix = d.rng.normal(0, 0.5, (k, 3)).astype("float32")
    left = d.rng.normal(0, 0.5, (3, x.shape[-2] or 2)).astype("float32")
    turned = ops.swapaxes(x, -1, -2) if rank > 2 else x
    return d.one(lambda: ops.matmul(x, matrix), lambda: ops.matmul(x, turned), lambda: ops.matmul(left, x),
                 lambda: ops.matmul(turned, x), lambda: x @ matrix, lambda: ops.matmul(x, matrix[:, 0]))()  # fmt: skip


UNARY = (
    "relu relu6 sigmoid tanh silu softplus softsign selu hard_silu hard_sigmoid log_sigmoid exp square abs absolute "
    "negative expm1 exp2 deg2rad rad2deg identity stop_gradient copy hard_tanh sparse_plus sparse_sigmoid tanh_shrink "
    "sign floor round sin reciprocal isnan cumsum sort ravel zeros_like"
).split()
POSITIVE = "sqrt log log1p log2 log10 rsqrt".split()


def _unary(name: str) -> Make:
    functions = {"identity": lambda x: x + 0}
    return lambda d, x: functions.get(name, getattr(ops, name, None))(x)


def _reduction(name: str) -> Make:
    def make(d: Draw, x: Any) -> Any:
        extra = {"initial": d.one(None, 0.0, 5)} if name in ("max", "min") else {}
        return getattr(ops, name)(x, axis=d.axes(x), **d.some(keepdims=d.one(True, False, 1, 0), **extra))

    return make


def _pool(name: str) -> Make:
    def make(d: Draw, x: Any) -> Any:
        extra = d.some(strides=d.one(None, 1, 2), padding=d.one("valid", "same"), data_format="channels_last")
        return getattr(ops, name)(x, d.one(1, 2, (2,) * (len(x.shape) - 2)), **extra)

    return make


OPERATIONS: dict[str, Make] = {
    **{name: _unary(name) for name in UNARY},
    **{name: (lambda d, x, name=name: getattr(ops, name)(ops.abs(x) + 0.5)) for name in POSITIVE},
    **{name: _reduction(name) for name in "mean sum max min amax amin var std ptp logsumexp prod median all".split()
       if hasattr(ops, name)},
    **{name: _pool(name) for name in ("max_pool", "average_pool")},
    **{name: (lambda d, x, name=name: getattr(ops, name)(*d.one((x, d.constant(x)), (d.constant(x), x), (x, -x))))
       for name in "add subtract multiply maximum minimum divide true_divide".split()},
    "power": lambda d, x: d.one(lambda: x ** d.one(1, 2, 3, 5, 2.0, 0, -1, 0.5, 17), lambda: d.one(2, 0.5, -1) ** x)(),
    "floor_divide": lambda d, x: x // 2,
    "mod": lambda d, x: x % 2,
    "matmul": _matmul,
    "leaky_relu": lambda d, x: ops.leaky_relu(x, **d.some(negative_slope=d.number())),
    "elu": lambda d, x: ops.elu(x, **d.some(alpha=d.one(1, 0.5, 2.0))),
    "celu": lambda d, x: ops.celu(x, **d.some(alpha=d.one(1, 0.5, 2.0))),
    "gelu": lambda d, x: ops.gelu(x, **d.some(approximate=d.one(True, False, 1))),
    "soft_shrink": lambda d, x: ops.soft_shrink(x, **d.some(threshold=d.one(0.2, 1))),
    "hard_shrink": lambda d, x: ops.hard_shrink(x, **d.some(threshold=d.one(0.2, 1))),
    "squareplus": lambda d, x: ops.squareplus(x, **d.some(b=d.one(1, 2.5))),
    "relu_function": lambda d, x: keras.activations.relu(
        x, **d.some(negative_slope=d.one(0.1, 0), max_value=d.one(None, 6, 1.5, 0), threshold=d.one(0, 0.5))),
    "threshold": lambda d, x: ops.threshold(x, 0.1, 1.0),
    "glu": lambda d, x: ops.glu(x, **d.some(axis=d.axis(x))),
    "softmax": lambda d, x: ops.softmax(x, **d.some(axis=d.axes(x))),
    "log_softmax": lambda d, x: ops.log_softmax(x, **d.some(axis=d.axes(x))),
    "normalize": lambda d, x: ops.normalize(
        x, **d.some(axis=d.axes(x), order=d.one(2, 1), epsilon=d.one(None, 1e-3, 2))),
    "norm": lambda d, x: ops.norm(x, **d.some(ord=d.one(None, 1, 2, 3, "fro", np.inf), axis=d.axes(x), keepdims=True)),
    "argmax": lambda d, x: ops.argmax(x, **d.some(axis=d.axis(x), keepdims=d.one(True, False))),
    "argmin": lambda d, x: ops.argmin(x, axis=d.axes(x)),
    "reshape": lambda d, x: ops.reshape(x, _shape(d, x)),
    "transpose": lambda d, x: ops.transpose(x, **d.some(axes=_order(d, x))),
    "moveaxis": lambda d, x: ops.moveaxis(x, d.axes(x), d.axes(x)),
    "swapaxes": lambda d, x: ops.swapaxes(x, d.axis(x), d.one(0, d.axis(x))),
    "expand_dims": lambda d, x: ops.expand_dims(x, d.one(1, -1, 2, 0, -2, (1, 2))),
    "squeeze": lambda d, x: ops.squeeze(ops.expand_dims(x, d.one(1, -1)), **d.some(axis=d.one(1, -1, 0))),
    "concatenate": lambda d, x: ops.concatenate(d.one([x, -x], [x], [x, x, x]), **d.some(axis=d.axes(x))),
    "stack": lambda d, x: ops.stack(d.one([x, -x], [x]), **d.some(axis=d.one(1, 2, -1, 0))),
    "split": lambda d, x: _part(d, ops.split(
        x, d.one(2, [1], [1, 3], (2,), [0, 2], [-1], 3), **d.some(axis=d.axis(x)))),
    "unstack": lambda d, x: _part(d, ops.unstack(x, **d.some(num=x.shape[1], axis=d.axis(x)))),
    "repeat": lambda d, x: ops.repeat(x, d.one(1, 2, 3, [2], [1, 2, 0, 1]), **d.some(axis=d.axis(x))),
    "tile": lambda d, x: ops.tile(
        x, d.one(2, (1, 2), (1,) * (len(x.shape) - 1) + (2,), (2,) * len(x.shape), (1, 1, 2, 1))),
    "roll": lambda d, x: ops.roll(x, d.one(1, -2, 9, (1, 1)), **d.some(axis=d.axes(x))),
    "flip": lambda d, x: ops.flip(x, **d.some(axis=d.axes(x))),
    "take": lambda d, x: ops.take(
        x, d.one(0, -1, [1, 0], [0, 0, 1], [[0, 1]], [9], [-1, 0]), **d.some(axis=d.axis(x))),
    "get_item": lambda d, x: x[_key(d, x)],
    "clip": lambda d, x: ops.clip(x, *d.one((-1, 1), (0, 6), (0.5, 0.2), (-0.3, 0.7), (-np.inf, 1), (0, 1))),
    "pad": lambda d, x: ops.pad(x, _pairs(d, x), **d.one({}, {"constant_values": d.number()}, {
        "mode": d.one("constant", "reflect", "symmetric", "edge", "wrap")}, {"mode": "reflect", "constant_values": 1})),
    "resize": lambda d, x: ops.image.resize(x, d.one((3, 5), (8, 8), (2, 1), [4, 4]), **d.some(
        interpolation=d.one("nearest", "bilinear", "bicubic"), antialias=d.one(True, False),
        crop_to_aspect_ratio=d.one(True, False), fill_value=1.0)),
    "cast": lambda d, x: ops.cast(
        ops.cast(x, d.one("float32", "float64", "float16", "int32", "bool", "uint8")), "float32"),
    "cast_back": lambda d, x: ops.cast(ops.argmax(x, axis=d.axis(x)), "float32"),
    "average": lambda d, x: ops.average(x, axis=d.axes(x)),
    "two_outputs": lambda d, x: ops.add(*ops.split(x, 2, axis=d.axis(x))),
    "where": lambda d, x: ops.where(x > 0, x, 0.1),
    "depth_to_space": lambda d, x: ops.depth_to_space(x, d.one(1, 2, 3)),
    "space_to_depth": lambda d, x: ops.space_to_depth(x, d.one(1, 2, 3)),
    "var_of": lambda d, x: (x - ops.mean(x, axis=-1, keepdims=True)) * 0.5,
}  # fmt: skip

LAYERS: dict[str, Make] = {
    "dense": lambda d, x: L.Dense(4, **d.some(activation=d.one("relu", "softmax", "gelu", None), use_bias=False))(x),
    "conv": lambda d, x: (L.Conv1D if len(x.shape) == 3 else L.Conv2D)(4, d.one(1, 2), **d.some(
        strides=d.one(1, 2), padding=d.one("same", "valid"), groups=d.one(1, 2), activation="relu6"))(x),
    "depthwise": lambda d, x: (L.DepthwiseConv1D if len(x.shape) == 3 else L.DepthwiseConv2D)(2, **d.some(
        padding="same", depth_multiplier=2))(x),
    "norm_layer": lambda d, x: L.BatchNormalization(**d.some(axis=d.axis(x), scale=False, center=False))(x),
    "pool_layer": lambda d, x: getattr(L, f"{d.one('Max', 'Average')}Pooling{len(x.shape) - 2}D")(2, **d.some(
        padding="same", strides=1))(x),
    "softmax_layer": lambda d, x: L.Softmax(**d.some(axis=d.axes(x)))(x),
    "relu_layer": lambda d, x: L.ReLU(**d.some(max_value=d.one(6, 2), negative_slope=0.1, threshold=d.one(0, 1)))(x),
    "prelu": lambda d, x: L.PReLU(alpha_initializer="random_normal", **d.some(shared_axes=[1]))(x),
    "merge": lambda d, x: getattr(L, d.one("Add", "Multiply", "Average", "Maximum", "Subtract"))()([x, ops.tanh(x)]),
    "join": lambda d, x: L.Concatenate(**d.some(axis=d.axis(x)))([x, x * 2]),
    "flatten": lambda d, x: L.Flatten()(x),
    "rescale": lambda d, x: L.Rescaling(d.number(), **d.some(offset=d.number()))(x),
    "nested": lambda d, x: keras.Sequential([L.Input(x.shape[1:]), L.Dense(3, "tanh")])(x),
}  # fmt: skip


def build(seed: int) -> tuple[Any, list[str]]:
    """A model of 1 to 5 steps, and what they are. Steps that Keras itself refuses are left out."""
    d = Draw(seed)
    kinds = [*OPERATIONS.items()] * 2 + [*LAYERS.items()]
    x = start = L.Input(d.one(*SHAPES))
    done: list[str] = []
    keras.utils.set_random_seed(seed)
    for _ in range(d.rng.integers(1, 6) * 3):
        name, make = kinds[d.rng.integers(len(kinds))]
        try:
            y = make(d, x)
        except Exception:  # Keras refuses these arguments, with all kinds of exceptions
            continue
        usable = isinstance(y, keras.KerasTensor) and 2 <= len(y.shape) <= 5 and y.shape[0] is None
        if not usable or None in y.shape[1:] or np.prod(y.shape[1:]) > 2000 or 0 in y.shape:
            continue
        if d.rng.random() < 0.85 and _refused(x, y):  # most models are to be converted
            continue
        x = y
        done.append(name)
        if len(done) >= d.rng.integers(1, 6) or "float" not in str(y.dtype):
            break
    return keras.Model(start, x), done


def _refused(x: Any, y: Any) -> bool:
    try:
        load_keras(keras.Model(x, y))
    except NnomError:
        return True
    return False


def judge(seed: int) -> tuple[str, str]:
    """("right" | "refused" | "no model" | "WRONG", why). Refused: the message names a layer."""
    model, done = build(seed)
    x = np.random.default_rng(seed).normal(0, 1, (3, *model.inputs[0].shape[1:])).astype("float32")
    try:
        want = np.asarray(model(x, training=False), dtype=np.float64)
    except Exception as e:  # Keras announces the shape and fails when it runs
        return "no model", f"{done}: {e}"
    try:
        graph = load_keras(model)
        got = outputs_of(fold(graph), [x.reshape(3, *graph.tensors[graph.inputs[0]].shape)])[0]
    except NnomError as e:
        named = "layer '" in str(e) or "that Keras can not save" in str(e)
        return ("refused" if named else "WRONG"), f"{done}: {e}"
    if got.size != want.size:
        return "WRONG", f"{done}: {got.size} values, Keras has {want.shape}"
    if not np.isfinite(want).all():
        return "no model", f"{done}: not finite"
    error = np.abs(got.reshape(want.shape) - want).max()
    largest = max(1.0, float(np.abs(want).max()))
    return ("right" if error <= 1e-4 * largest else "WRONG"), f"{done}: error {error:.2g} of {largest:.2g}"
