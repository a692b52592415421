# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The arguments of every operation: which are read, which are known in one value only, which change nothing.

One table for keras.ops of Keras 3 and one for TensorFlow's functions. A line "kind: a b/alias c=1 d=None! e=None~ f?":
`kind` names the handler; a and b must be given, b by either name; c is 1 unless given; d is known as None only; e is a
type, a float one or None; f changes nothing. `*xs`: a list, or all arguments by position. "|": what follows comes by
name only (Keras 3 keeps it as a setting of the operation).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, NamedTuple

FLOATS = ("float32", "float64")  # types in which the graph computes what Keras does
TYPE_SETTINGS = ("float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")


class Param(NamedTuple):
    """One argument. rule: "read", "only" (the default is the one known value), "type", "idle"; many: takes the rest."""

    names: tuple[str, ...]
    required: bool
    default: Any
    rule: str
    many: bool


class Signature(NamedTuple):
    """kind: of the handler. positional: how many of `params` may come by position."""

    kind: str
    params: tuple[Param, ...]
    positional: int


def parse(line: str) -> Signature:
    """A line of the tables."""
    kind, _, text = line.partition(":")
    front, bar, back = text.partition("|")
    params = tuple(_param(word) for word in (front + back).split())
    return Signature(kind, params, len(front.split()) if bar else len(params))


def _param(word: str) -> Param:
    rule = {"!": "only", "~": "type", "?": "idle"}.get(word[-1], "read")
    names, given, default = word.rstrip("!~?").partition("=")
    return Param(
        tuple(names.lstrip("*").split("/")),
        not given and rule != "idle",
        ast.literal_eval(default) if given else None,
        rule,
        names.startswith("*"),
    )


def _table(lines: Mapping[str, str]) -> dict[str, Signature]:
    """`lines`: one or more names, and the line for all of them; no kind: each name's own."""
    pairs = [(name, line) for names, line in lines.items() for name in names.split()]
    return {name: parse(line if ":" in line else f"{name}: {line}") for name, line in pairs}


_POOL = "inputs | pool_size strides=None padding='valid' data_format='channels_last'"
_REDUCED = "x | axis=None keepdims=False"
_CALLED = "x1 x2"

# By the class of the operation in snake case.
KERAS = _table({
    "add subtract multiply maximum minimum divide matmul": _CALLED,
    "true_divide": f"divide: {_CALLED}",
    "power": _CALLED,
    "relu relu6 sigmoid tanh exp log sqrt rsqrt abs square selu softplus softsign silu hard_silu log_sigmoid mish": "x",
    "negative hard_tanh sparse_plus sparse_sigmoid tanh_shrink": "x",
    "absolute fabs": "abs: x",
    "log1p expm1 log2 log10 exp2 deg2rad rad2deg": "x",
    "leaky_relu": "x | negative_slope=0.2",
    "elu celu": "x | alpha=1.0",
    "gelu": "x | approximate=True",
    "hard_sigmoid": "x",
    "soft_shrink hard_shrink": "x | threshold=0.5",
    "squareplus": "x | b=4",
    "re_lu": "x | negative_slope=0.0 max_value=None threshold=0.0",
    "glu": "x | axis=-1",
    "softmax log_softmax": "x | axis=-1",
    "mean sum var std ptp logsumexp": _REDUCED,
    "max min": f"{_REDUCED} initial=None!",
    "amax": f"max: {_REDUCED}",
    "amin": f"min: {_REDUCED}",
    "average": "mean: x weights=None! | axis=None",
    "argmax argmin": _REDUCED,
    "normalize": "x | axis=-1 order=2! epsilon=None",
    "norm": "x | ord=None axis=None keepdims=False",
    "reshape": "x | newshape",
    "transpose": "x | axes=None",
    "moveaxis": "x | source destination",
    "swapaxes": "x | axis1 axis2",
    "expand_dims": "x | axis",
    "squeeze": "x | axis=None",
    "concatenate": "xs | axis=0",
    "stack": "xs/x | axis=0",
    "split": "x | indices_or_sections axis=0",
    "unstack": "x | num=None axis=0",
    "repeat": "x | repeats axis=None",
    "tile": "x | repeats",
    "roll": "x | shift axis=None",
    "flip": "x | axis=None",
    "take": "x indices | axis=None",
    "get_item": "x key",
    "clip": "x | x_min x_max",
    "pad": "x constant_values=None | pad_width mode='constant'",
    "max_pool": _POOL,
    "average_pool": _POOL,
    "resize": "images | size interpolation='bilinear' antialias=False! crop_to_aspect_ratio=False! "
              "pad_to_aspect_ratio=False! fill_mode? fill_value? data_format='channels_last'",
    "depth_to_space space_to_depth": "x | block_size data_format='channels_last'",
    "stop_gradient": "identity: variable/x",
    "copy": "identity: x",
    "convert_to_tensor": "cast: x | dtype=None sparse=None! ragged=None!",
    "array": "cast: x | dtype=None",
    "cast": "x | dtype",
    "identity": "x",
})  # fmt: skip

_UNARY = "x/features/input/value/tensor/a/data name?"
_TF_POOL = "inputs/input/value pool_size/ksize strides padding data_format='channels_last' name?"

# By the last part of the function's name: 'math.reduce_mean', '__operators__.add'.
TENSORFLOW = _table({
    "add subtract multiply maximum minimum": "x1/x x2/y name?",
    "sub": "subtract: x1/x x2/y name?",
    "mul": "multiply: x1/x x2/y name?",
    "bias_add": "add: x1/value x2/bias data_format='channels_last' name?",
    "divide truediv true_divide div": "divide: x1/x x2/y name?",
    "pow power": "power: x1/x x2/y name?",
    "matmul": "x1/a x2/b transpose_a=False transpose_b=False adjoint_a=False! adjoint_b=False! a_is_sparse=False! "
              "b_is_sparse=False! output_type=None~ grad_a=False! grad_b=False! name?",
    "relu relu6 sigmoid tanh exp log sqrt rsqrt abs square selu softplus softsign log_sigmoid log1p expm1": _UNARY,
    "negative mish hard_tanh": _UNARY,
    "neg": f"negative: {_UNARY}",
    "exponential": f"exp: {_UNARY}",
    "silu swish": "silu: x/features beta=1.0!",
    "hard_silu hard_swish": f"hard_silu: {_UNARY}",
    "leaky_relu": "x/features negative_slope/alpha=0.2 name?",
    "elu": "x/features name? alpha=1.0",
    "celu": "x alpha=1.0",
    "gelu": "x/features approximate=False name?",
    "hard_sigmoid": "x",
    "softmax log_softmax": "x/logits/input axis/dim=-1 name?",
    **{f"reduce_{name} {name}": f"{name}: x/input_tensor axis/reduction_indices=None keepdims/keep_dims=False name?"
       for name in ("mean", "sum", "max", "min", "logsumexp")},
    "reduce_variance": "var: x/input_tensor axis=None keepdims=False name?",
    "reduce_std": "std: x/input_tensor axis=None keepdims=False name?",
    "argmax argmin": "x/input axis/dimension=None output_type? name?",
    "l2_normalize": "normalize_sum: x axis/dim=None epsilon=1e-12 name?",
    "norm": "x/tensor ord='euclidean' axis=None keepdims/keep_dims=False name?",
    "reshape": "x/tensor newshape/shape name?",
    "transpose": "x/a axes/perm=None conjugate=False! name?",
    "expand_dims": "x/input axis/dim name?",
    "squeeze": "x/input axis/squeeze_dims=None name?",
    "concat concatenate": "concatenate: *xs/values axis name?",
    "stack": "*xs/values axis=0 name?",
    "split": "split_sizes: x/value sizes/num_or_size_splits axis=0 num=None! name?",
    "unstack": "x/value num=None axis=0 name?",
    "repeat": "x/input repeats axis=None name?",
    "tile": "x/input repeats/multiples name?",
    "roll": "x/input shift axis name?",
    "reverse": "flip: x/tensor axis name?",
    "gather": "take: x/params indices validate_indices? axis=0 batch_dims=0! name?",
    "getitem": "get_item: x/tensor key/slice_spec var=None!",
    "clip_by_value": "clip: x/t x_min/clip_value_min x_max/clip_value_max name?",
    "clip": "clip: x x_min/min_value x_max/max_value",
    "pad": "x/tensor pad_width/paddings mode='CONSTANT' constant_values=0 name?",
    "max_pool max_pool2d max_pool1d": f"max_pool: {_TF_POOL}",
    "avg_pool avg_pool2d avg_pool1d": f"average_pool: {_TF_POOL}",
    "resize": "images size interpolation/method='bilinear' preserve_aspect_ratio=False! antialias=False! name?",
    "depth_to_space space_to_depth": "x/input block_size name? data_format='channels_last'",
    "cast": "x dtype name?",
    "stop_gradient identity": "identity: x/input name?",
    "convert_to_tensor": "cast: x/value dtype=None dtype_hint? name?",
})  # fmt: skip
