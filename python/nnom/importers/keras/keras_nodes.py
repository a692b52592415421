# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TensorFlowOpLayer: how tf.keras 2.0 to 2.3 wrote x * 2 or tf.reshape(x): a node of TensorFlow's graph.

A node has inputs, some of them constants, and attributes. Both are brought into the form that the functions of
keras_signatures.TENSORFLOW have.
"""

from __future__ import annotations

import base64
from typing import Any

from ..workbench import Refused
from . import keras_signatures
from .keras_args import Arguments, plain_list, scalar
from .keras_signatures import FLOATS
from .keras_spec import Layer, short

# Operator: the function, the names of its inputs, the names of its attributes ("-": must be 0, false, or empty).
_ONE = {
    op: (name, "x", "") for name, ops in {
        "relu": "Relu", "relu6": "Relu6", "sigmoid": "Sigmoid", "tanh": "Tanh", "exp": "Exp", "log": "Log",
        "sqrt": "Sqrt", "rsqrt": "Rsqrt", "abs": "Abs", "square": "Square", "selu": "Selu", "softplus": "Softplus",
        "softsign": "Softsign", "negative": "Neg", "elu": "Elu", "softmax": "Softmax", "log_softmax": "LogSoftmax",
        "log1p": "Log1p", "expm1": "Expm1", "identity": "Identity StopGradient",
    }.items() for op in ops.split()
}  # fmt: skip
_TWO = {
    op: (name, "x1 x2", "") for name, ops in {
        "add": "Add AddV2", "subtract": "Sub", "multiply": "Mul", "maximum": "Maximum", "minimum": "Minimum",
        "divide": "RealDiv Div", "power": "Pow",
    }.items() for op in ops.split()
}  # fmt: skip
_POOL = "ksize strides padding data_format explicit_paddings=-"
_MASKS = "begin_mask end_mask ellipsis_mask new_axis_mask shrink_axis_mask"
OPERATORS: dict[str, tuple[str, str, str]] = {
    **_ONE, **_TWO,
    "LeakyRelu": ("leaky_relu", "x", "alpha"),
    "BiasAdd": ("bias_add", "value bias", "data_format"),
    "Mean": ("reduce_mean", "x axis", "keep_dims"), "Sum": ("reduce_sum", "x axis", "keep_dims"),
    "Max": ("reduce_max", "x axis", "keep_dims"), "Min": ("reduce_min", "x axis", "keep_dims"),
    "ArgMax": ("argmax", "x axis", "output_type"), "ArgMin": ("argmin", "x axis", "output_type"),
    "Reshape": ("reshape", "x shape", ""), "Transpose": ("transpose", "x perm", ""),
    "ExpandDims": ("expand_dims", "x axis", ""), "Squeeze": ("squeeze", "x", "squeeze_dims"),
    "ConcatV2": ("concat", "* axis", ""), "Pack": ("stack", "*", "axis"),
    "Split": ("split", "axis x", "num_split"), "SplitV": ("split", "x sizes axis", "num_split=?"),
    "Unpack": ("unstack", "x", "num axis"),
    "Tile": ("tile", "x multiples", ""), "Pad": ("pad", "x paddings", ""),
    "PadV2": ("pad", "x paddings constant_values", ""), "MirrorPad": ("pad", "x paddings", "mode"),
    "GatherV2": ("gather", "params indices axis", "batch_dims"),
    "ReverseV2": ("reverse", "x axis", ""), "ClipByValue": ("clip_by_value", "t clip_value_min clip_value_max", ""),
    "MatMul": ("matmul", "a b", "transpose_a transpose_b"), "BatchMatMulV2": ("matmul", "a b", "adj_x adj_y"),
    "MaxPool": ("max_pool", "input", _POOL), "AvgPool": ("avg_pool", "value", _POOL),
    "DepthToSpace": ("depth_to_space", "input", "block_size data_format"),
    "SpaceToDepth": ("space_to_depth", "input", "block_size data_format"),
    "ResizeBilinear": ("resize", "images size", "align_corners=- half_pixel_centers=+"),
    "ResizeNearestNeighbor": ("resize", "images size", "align_corners=- half_pixel_centers=+"),
    "Cast": ("cast", "x", "DstT Truncate=-"), "StridedSlice": ("getitem", "x begin end strides", _MASKS),
}  # fmt: skip

_RENAMED = {"adj_x": "transpose_a", "adj_y": "transpose_b", "num_split": "num_or_size_splits", "DstT": "dtype"}
_TYPES = (
    "T", "Tidx", "Tperm", "Tshape", "Tpaddings", "Tmultiples", "Tdim", "Index", "Tlen", "Tindices", "Taxis", "Tparams",
    "Tshift", "SrcT", "N", "_class", "_output_shapes", "_cloned",
)  # fmt: skip


def _node(layer: Layer) -> dict[str, Any]:
    """The node's description; tf.keras 2.0 and 2.1 wrote it in another encoding, which is refused by name."""
    node = layer.config.get("node_def")
    return node if isinstance(node, dict) else {}


def operation_name(layer: Layer) -> str:
    """The node's operator, as TensorFlow calls it."""
    return str(_node(layer).get("op", "in an encoding of tf.keras 2.1 or before"))


def supported(layer: Layer) -> bool:
    """Whether `arguments` knows the operator."""
    return operation_name(layer) in OPERATORS


def arguments(layer: Layer, args: list[Any]) -> Arguments:
    """`args`: the tensors that are no constants, in order."""
    op = operation_name(layer)
    function, names, attributes = OPERATORS[op]
    named = _inputs(layer, _operands(layer, args), names.split())
    named |= _attributes(layer, attributes.split())
    if op == "StridedSlice":
        named = {"x": named["x"], "key": _strided(named)}
    if op == "MatMul" and named["a"] is None:
        raise Refused("a product of constants", "compute it before")
    if op == "MirrorPad":
        named["mode"] = str(named["mode"]).lower()
    if op.startswith("Resize"):
        named["method"] = "bilinear" if op == "ResizeBilinear" else "nearest"
    if function == "split" and op == "SplitV":
        named["num_or_size_splits"] = named.pop("sizes")
    return Arguments(keras_signatures.TENSORFLOW[function], [], named, none_is_default=True)


def _operands(layer: Layer, args: list[Any]) -> list[Any]:
    """All inputs of the node: constants at their places, tensors in between."""
    constants = layer.config.get("constants") or {}
    if not isinstance(constants, dict) or not all(str(k).isdigit() for k in constants):
        raise layer.config.fail("constants", "an object of numbered constants")
    known, rest = {int(k): v for k, v in constants.items()}, list(args)
    if any(k >= len(known) + len(rest) for k in known):
        raise layer.config.fail("constants", f"places below {len(known) + len(rest)}")
    return [known[i] if i in known else rest.pop(0) for i in range(len(known) + len(rest))]


def _inputs(layer: Layer, values: list[Any], names: list[str]) -> dict[str, Any]:
    if "*" in names:
        at, after = names.index("*"), len(names) - names.index("*") - 1
        end = len(values) - after
        values = [*values[:at], values[at:end], *values[end:]]
        names = ["values" if n == "*" else n for n in names]
    if len(values) != len(names):
        raise Refused(f"operator '{operation_name(layer)}' has {len(values)} inputs", f"{len(names)} are expected")
    return dict(zip(names, values, strict=True))


def _attributes(layer: Layer, names: list[str]) -> dict[str, Any]:
    """The attributes that the function takes; those of types of tensors change nothing."""
    found: dict[str, Any] = {}
    rules = {name.split("=")[0]: name.partition("=")[2] for name in names}
    attrs = _node(layer).get("attr") or {}
    if not isinstance(attrs, dict):
        raise layer.config.fail("node_def", "attributes by name")
    if rules.get("half_pixel_centers") and not _value(attrs.get("half_pixel_centers")):
        raise Refused("attribute 'half_pixel_centers' is False", "resize with tf.image.resize of TensorFlow 2")
    for name, raw in attrs.items():
        value = _value(raw)
        if name in _TYPES or rules.get(name) == "?":
            if name == "T" and value not in ("float32", "float64"):
                raise Refused(f"attribute 'T' is {short(value)}", "only float32 is supported")
            continue
        if name not in rules:
            raise Refused(f"attribute '{name}' ({short(value)}) is not known", "leave it away")
        if rules[name] == "-" and value not in (False, 0, None, []):
            raise Refused(f"attribute '{name}' is {short(value)}", "leave it away")
        if not rules[name]:
            found[_RENAMED.get(str(name), str(name))] = value
    return found


def _value(raw: Any) -> Any:
    """{"i": "3"}, {"b": true}, {"s": "Tk..."} (base64), {"type": "DT_FLOAT"}, {"list": ...} as plain values."""
    if not isinstance(raw, dict) or not raw:
        return None
    (kind, value), *_ = raw.items()
    if kind == "list":
        items: dict[str, Any] = value if isinstance(value, dict) else {}
        name, values = next(iter(items.items()), ("i", []))
        return [_value({name: v}) for v in values]
    if kind == "i":
        return int(value)
    if kind == "s":
        try:
            return base64.b64decode(value, validate=True).decode()
        except (ValueError, TypeError):
            return value
    if kind == "type":
        name = str(value).removeprefix("DT_").lower()
        return {"float": FLOATS[0], "double": FLOATS[1], "half": "float16"}.get(name, name)
    return value


def _strided(named: dict[str, Any]) -> list[Any]:
    """begin, end and strides with their masks, as the key of x[...]."""
    begin, end, steps = ([scalar(v) for v in _integers(named[n])] for n in ("begin", "end", "strides"))
    masks = [int(named.get(n) or 0) for n in _MASKS.split()]
    key: list[Any] = []
    for i, (b, e, s) in enumerate(zip(begin, end, steps, strict=True)):
        no_begin, no_end, dots, new, shrink = (m >> i & 1 for m in masks)
        if dots:
            key.append({"class_name": "__ellipsis__"})
        elif new:
            key.append(None)
        else:
            key.append(b if shrink else slice(None if no_begin else b, None if no_end else e, s))
    return key


def _integers(value: Any) -> list[Any]:
    value = plain_list(value)
    if not isinstance(value, list):
        raise Refused("a slice whose bounds are tensors", "use plain slices")
    return value
