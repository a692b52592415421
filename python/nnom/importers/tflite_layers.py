# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TFLite's operators that compute: convolutions, pooling, arithmetic, reductions, functions of one value.

Every function takes the importer and the operator and defines the operator's outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ModelError
from ..graph import Node, Quant, Weight, same_padding, window_size
from .tflite_context import Importer, Refused, Value
from .tflite_fold import dequantised
from .tflite_layout import elements

Handler = Callable[[Importer, Any], None]
_QUANTISED = ("INT8", "UINT8")
_HYBRID = (
    "float32 activations with int8 weights (a dynamic-range model): TFLite quantises its activations in every run; "
    "convert the float model, or load with dequantize_weights=True and quantise here"
)


def same_type(imp: Importer, op: Any, *values: Value) -> None:
    """Refuses operators that mix types."""
    out = imp.tensor(op).dtype
    kinds = sorted({v.dtype for v in values} | {out})
    if len(kinds) > 1:
        raise Refused(f"mixes types {', '.join(kinds)}; expected one")
    imp.type_of(imp.tensor(op))


def image(imp: Importer, op: Any, value: Value) -> tuple[int, int, int]:
    """(h, w, c) of a tensor that must be [1, H, W, C]."""
    if len(value.shape) != 4:
        raise ModelError(f"{imp.at(op)}: input of shape {list(value.shape)}; expected [1, H, W, C]")
    if value.shape[0] != 1:
        raise Refused(f"batch of {value.shape[0]} in shape {list(value.shape)}; export the model with batch 1")
    return value.shape[1:]


def positive(imp: Importer, op: Any, *numbers: int) -> tuple[int, ...]:
    """The numbers, if they can be strides, dilations or sizes of windows."""
    if min(numbers) < 1 or max(numbers) > 65535:
        raise ModelError(f"{imp.at(op)}: stride, dilation or window of {list(numbers)}; expected 1 to 65535")
    return numbers


def weights(imp: Importer, op: Any, k: int, source: Value, axis: int, rank: int) -> Weight:
    """Input k as weights of the file's shape; per channel along `axis`."""
    data = imp.constant(op, k, "weight tensor")
    value, tensor = imp.value(op, k), imp.model.tensors[op.inputs[k]]
    if data.ndim != rank or data.size == 0:
        raise ModelError(f"{imp.at(op)}: weights of shape {list(data.shape)}; expected {rank} axes, none empty")
    if source.dtype == "FLOAT32":
        if value.dtype == "FLOAT32":
            return Weight(data)
        if value.dtype in _QUANTISED and value.quant is not None and imp.dequantize_weights:
            imp.charge(4 * data.size)
            imp.dequantised += 1
            return Weight(dequantised(data, tensor))
        raise Refused(_HYBRID if value.dtype in _QUANTISED else f"weights of type {value.dtype}; expected float32")
    if source.dtype not in _QUANTISED:
        raise Refused(f"activations of type {source.dtype}; expected int8, uint8 or float32")
    if value.dtype not in _QUANTISED:
        raise Refused(f"weights of type {value.dtype} with activations of type {source.dtype}; expected int8")
    if source.quant is None:  # what stands for the output of an operator that was refused
        raise Refused("its input has no quantisation")
    return Weight(*_symmetric(imp, op, value, axis))


def _symmetric(imp: Importer, op: Any, value: Value, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """int8 values and scales of weights, zero point 0."""
    quant, data = value.quant, value.data
    if quant is None or np.any(quant.scale <= 0):
        raise ModelError(f"{imp.at(op)}: its weights have no quantisation or a scale of 0; expected scales > 0")
    if not quant.fits(value.shape):
        raise ModelError(
            f"{imp.at(op)}: its weights have {len(quant.scale)} scales along axis {quant.axis} of {list(value.shape)}"
        )
    zero = 128 if value.dtype == "UINT8" else 0
    if np.any(quant.zero_point != zero):
        raise Refused(
            f"{value.dtype.lower()} weights with zero point {int(quant.zero_point[0])}; expected symmetric weights "
            f"(zero point {zero}): quantise the float model anew"
        )
    if len(quant.scale) > 1 and quant.axis != axis:
        raise Refused(f"weight scales along axis {quant.axis}; expected axis {axis}")
    if zero:
        imp.charge(2 * data.size)
        data = (data.astype(np.int16) - 128).astype(np.int8)
    return data, quant.scale.astype(np.float32)


def bias(imp: Importer, op: Any, k: int, source: Value, weight: Weight, channels: int) -> dict[str, Weight]:
    """Input k as bias [channels]; empty if the operator has none."""
    if not imp.has(op, k):
        return {}
    data = imp.constant(op, k, "bias")
    if data.size != channels:
        raise ModelError(f"{imp.at(op)}: bias of {data.size} numbers for {channels} channels")
    want = "FLOAT32" if source.dtype == "FLOAT32" else "INT32"
    value = imp.value(op, k)
    if value.dtype != want:
        raise Refused(f"bias of type {value.dtype}; expected {want.lower()}")
    if want == "FLOAT32" or value.quant is None:
        return {
            "bias": Weight(data.reshape(channels), None if want == "FLOAT32" else source.quant.scale * weight.scale)
        }
    scale = source.quant.scale * weight.scale
    if len(value.quant.scale) not in (1, channels):
        raise ModelError(f"{imp.at(op)}: bias of {len(value.quant.scale)} scales for {channels} channels")
    if np.any(np.abs(value.quant.scale - scale) > 0.02 * imp.quant_of(imp.tensor(op)).scale):
        raise ModelError(
            f"{imp.at(op)}: bias scale {value.quant.scale[0]}; expected input scale x weight scale, {scale[0]}"
        )
    return {"bias": Weight(data.reshape(channels), scale)}


def window(
    imp: Importer, op: Any, size: tuple, kernel: tuple, dilation: tuple = (1, 1)
) -> tuple[dict[str, Any], tuple]:
    """Attributes of a sliding window and the (h, w) of its result. size, kernel: (h, w)."""
    o = op.options
    stride = positive(imp, op, o.StrideH, o.StrideW)
    positive(imp, op, *kernel, *dilation)
    pads, out = [], []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        before, after = same_padding(n, k, s, d) if o.Padding == 0 else (0, 0)
        pads += [before, after]
        out.append(window_size(n, k, s, d, before, after))
    if min(out) < 1:
        raise ModelError(f"{imp.at(op)}: window {list(kernel)} is larger than the input {list(size)}")
    return {"stride": stride, "dilation": dilation, "padding": tuple(pads), "activation": imp.activation(op)}, tuple(
        out
    )


def _filters(imp: Importer, op: Any, source: Value, channels: int) -> tuple[str, dict[str, Weight], tuple, int]:
    """(node's operator, weights, kernel (h, w), output channels) of CONV_2D and DEPTHWISE_CONV_2D."""
    if op.op == "CONV_2D":
        w = weights(imp, op, 1, source, 0, 4)
        units, kh, kw, inner = w.data.shape
        if inner != channels and channels % inner == 0 and units % (channels // inner) == 0:
            raise Refused(
                f"grouped convolution ({channels // inner} groups); expected one group or a depthwise convolution"
            )
        if inner != channels:
            raise ModelError(f"{imp.at(op)}: weights for {inner} channels, input has {channels}")
        return "conv2d", {"weights": w, **bias(imp, op, 2, source, w, units)}, (kh, kw), units
    w = weights(imp, op, 1, source, 3, 4)
    one, kh, kw, units = w.data.shape
    if one != 1 or units % channels:
        raise ModelError(f"{imp.at(op)}: depthwise weights {list(w.data.shape)} for an input of {channels} channels")
    w.data = w.data.reshape(kh, kw, units)
    return "depthwise_conv2d", {"weights": w, **bias(imp, op, 2, source, w, units)}, (kh, kw), units


def conv(imp: Importer, op: Any) -> None:
    """CONV_2D, DEPTHWISE_CONV_2D."""
    waiting = imp.values.get(op.inputs[0]) if op.inputs else None
    if waiting is not None and waiting.phases is not None:
        _phased_conv(imp, op, waiting)
        return
    source = imp.value(op, 0)
    h, w, c = image(imp, op, source)
    same_type(imp, op, source)
    kind, arrays, kernel, units = _filters(imp, op, source, c)
    attrs, out = window(imp, op, (h, w), kernel, (op.options.DilationHFactor, op.options.DilationWFactor))
    imp.emit(op, kind, [imp.name(source)], (1, *out, units), attrs=attrs, weights=arrays)


def _phased_conv(imp: Importer, op: Any, value: Value) -> None:
    """The convolution after SPACE_TO_BATCH_ND: kept until BATCH_TO_SPACE_ND tells how much is cropped."""
    o, p = op.options, value.phases
    if p.conv is not None or (o.StrideH, o.StrideW, o.DilationHFactor, o.DilationWFactor, o.Padding) != (1, 1, 1, 1, 1):
        raise Refused(
            "between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND only one convolution of stride 1 without padding "
            "is supported"
        )
    tensor = imp.tensor(op)
    phases = type(p)(p.source, p.block, p.pads, op)
    imp.define(op, 0, Value(tensor.shape, tensor.dtype, quant=tensor.quant, phases=phases))


def finish_phases(imp: Importer, op: Any, value: Value, crops: tuple[int, ...]) -> None:
    """SPACE_TO_BATCH_ND, convolution, BATCH_TO_SPACE_ND: a dilated convolution. crops: (top, bottom, left, right)."""
    p, inner = value.phases, value.phases.conv
    if inner is None:
        raise Refused("no convolution between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND; expected one")
    imp.same_quant(op, value)
    padding = tuple(a - b for a, b in zip(p.pads, crops, strict=True))
    if min(padding) < 0:
        raise Refused(f"crops {list(crops)} are larger than the padding {list(p.pads)} of SPACE_TO_BATCH_ND")
    source, shape = p.source, imp.tensor(op).shape
    *_, c = source.shape
    h, w = source.shape[-3:-1] if len(source.shape) == 4 else (1, source.shape[1])
    kind, arrays, kernel, units = _filters(imp, inner, source, c)
    out = [
        window_size(n, k, 1, d, padding[2 * i], padding[2 * i + 1])
        for i, (n, k, d) in enumerate(zip((h, w), kernel, p.block, strict=True))
    ]
    attrs = {"stride": (1, 1), "dilation": p.block, "padding": padding, "activation": imp.activation(inner)}
    made = (out[0], out[1], units)
    imp.emit(
        op,
        kind,
        [imp.name(source, (h, w, c))],
        (1, *made) if len(shape) == 4 else (1, out[1], units),
        made=made,
        attrs=attrs,
        weights=arrays,
    )


def transpose_conv(imp: Importer, op: Any) -> None:
    """TRANSPOSE_CONV: padding may be negative where the output is larger than the kernel reaches."""
    source = imp.value(op, 2)
    h, w, c = image(imp, op, source)
    same_type(imp, op, source)
    shape = imp.integers(op, 0, "output shape", 4)
    filters = weights(imp, op, 1, source, 0, 4)
    units, kh, kw, inner = filters.data.shape
    if inner != c or shape[0] != 1 or shape[3] != units or min(shape) < 1:
        raise ModelError(
            f"{imp.at(op)}: weights {[units, kh, kw, inner]}, output {list(shape)}, input {list(source.shape)}"
        )
    stride = positive(imp, op, op.options.StrideH, op.options.StrideW)
    padding: list[int] = []
    for n, k, s, out in zip((h, w), (kh, kw), stride, shape[1:3], strict=True):
        before = same_padding(out, k, s, 1)[0] if op.options.Padding == 0 else 0
        padding += [before, (n - 1) * s + k - out - before]
    arrays = {"weights": filters, **bias(imp, op, 3, source, filters, units)}
    attrs = {"stride": stride, "padding": tuple(padding), "activation": imp.activation(op)}
    imp.emit(op, "conv2d_transpose", [imp.name(source)], shape, attrs=attrs, weights=arrays)


def fully_connected(imp: Importer, op: Any) -> None:
    """One vector: dense. Several (rows of a matrix): a 1 x 1 convolution."""
    source = imp.value(op, 0)
    same_type(imp, op, source)
    if op.options.WeightsFormat != 0:
        raise Refused("shuffled weights; expected the default format")
    filters = weights(imp, op, 1, source, 0, 2)
    units, inner = filters.data.shape
    rows, rest = divmod(elements(source.shape), inner)
    if rest or (op.options.KeepNumDims and source.shape[-1:] != (inner,)):
        raise ModelError(f"{imp.at(op)}: weights [{units}, {inner}] do not fit an input of shape {list(source.shape)}")
    arrays = {"weights": filters, **bias(imp, op, 2, source, filters, units)}
    shape = (*source.shape[:-1], units) if op.options.KeepNumDims else (rows, units)
    attrs: dict[str, Any] = {"activation": imp.activation(op)}
    if rows == 1:
        imp.emit(op, "dense", [imp.name(source)], shape, made=(1, 1, units), attrs=attrs, weights=arrays)
        return
    filters.data = filters.data.reshape(units, 1, 1, inner)
    ir = imp.shape_of(source)
    h, w = ir[:2] if ir[2] == inner else (rows, 1)
    attrs |= {"stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0)}
    imp.emit(op, "conv2d", [imp.name(source, (h, w, inner))], shape, made=(h, w, units), attrs=attrs, weights=arrays)


def pool(imp: Importer, op: Any) -> None:
    """MAX_POOL_2D, AVERAGE_POOL_2D."""
    source = imp.value(op, 0)
    h, w, c = image(imp, op, source)
    imp.same_quant(op, source)
    kernel = (op.options.FilterHeight, op.options.FilterWidth)
    attrs, out = window(imp, op, (h, w), kernel)
    del attrs["dilation"]
    kind = "max_pool" if op.op == "MAX_POOL_2D" else "avg_pool"
    imp.emit(op, kind, [imp.name(source)], (1, *out, c), attrs={"kernel": kernel, **attrs})


_BINARY = {"ADD": "add", "SUB": "sub", "MUL": "mult", "MAXIMUM": "maximum", "MINIMUM": "minimum"}


def binary(imp: Importer, op: Any) -> None:
    """ADD, SUB, MUL, MAXIMUM, MINIMUM; smaller operands are aligned at the last axis and broadcast."""
    a, b = imp.value(op, 0), imp.value(op, 1)
    same_type(imp, op, a, b)
    if a.data is not None and b.data is not None:
        raise Refused("both operands are quantised constants; fold them before export")
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ModelError(f"{imp.at(op)}: operands {list(a.shape)} and {list(b.shape)} do not broadcast") from None
    axes = imp.axes(shape)
    attrs = {}
    if op.op in ("MAXIMUM", "MINIMUM"):
        imp.same_quant(op, a)
        imp.same_quant(op, b)
    else:
        attrs["activation"] = imp.activation(op)
    imp.emit(op, _BINARY[op.op], [imp.view(v, len(shape), axes) for v in (a, b)], shape, attrs=attrs)


_UNARY: dict[str, dict[str, Any]] = {
    "RELU": {"kind": "relu"},
    "RELU6": {"kind": "relu6"},
    "RELU_N1_TO_1": {"kind": "relu_n1_to_1"},
    "LOGISTIC": {"kind": "sigmoid"},
    "TANH": {"kind": "tanh"},
    "ELU": {"kind": "elu", "alpha": 1.0},
    "HARD_SWISH": {"kind": "hard_swish"},
    "GELU": {"kind": "gelu"},
    **{name: {"kind": name.lower()} for name in ("ABS", "NEG", "EXP", "SQRT", "RSQRT", "LOG")},
}


def unary(imp: Importer, op: Any) -> None:
    """Functions of one value."""
    source = imp.value(op, 0)
    same_type(imp, op, source)
    attrs = {"kind": "gelu_tanh"} if getattr(op.options, "Approximate", False) else dict(_UNARY[op.op])
    imp.emit(op, "activation", [imp.name(source)], source.shape, attrs=attrs)


def leaky_relu(imp: Importer, op: Any) -> None:
    """LEAKY_RELU."""
    source, alpha = imp.value(op, 0), float(op.options.Alpha)
    same_type(imp, op, source)
    if not np.isfinite(alpha):
        raise ModelError(f"{imp.at(op)}: alpha is {alpha}; expected a number")
    imp.emit(op, "activation", [imp.name(source)], source.shape, attrs={"kind": "leaky_relu", "alpha": alpha})


def prelu(imp: Importer, op: Any) -> None:
    """alpha per channel is a weight (if asymmetric with attribute alpha_zero_point), else a second operand."""
    source, data = imp.value(op, 0), imp.constant(op, 1, "alpha")
    value = imp.value(op, 1)
    same_type(imp, op, source, value)
    channels = source.shape[-1] if source.shape else 1
    if data.size not in (1, channels) or (data.ndim and data.shape[-1] != data.size):
        if np.broadcast_shapes(source.shape, data.shape) != source.shape:
            raise ModelError(f"{imp.at(op)}: alpha of shape {list(data.shape)} for an input {list(source.shape)}")
        slopes = imp.view(value, len(source.shape), imp.axes(source.shape))
        imp.emit(op, "prelu", [imp.name(source), slopes], source.shape)
        return
    weight, attrs = Weight(np.broadcast_to(data.reshape(-1), (channels,))), {}
    if value.dtype in _QUANTISED:
        q = imp.quant_of(imp.model.tensors[op.inputs[1]])
        weight.scale, attrs["alpha_zero_point"] = np.array([q.scale], np.float32), q.zero_point
        if value.dtype == "UINT8":
            weight.data = (weight.data.astype(np.int16) - 128).astype(np.int8)
    imp.emit(op, "prelu", [imp.name(source)], source.shape, attrs=attrs, weights={"alpha": weight})


def softmax(imp: Importer, op: Any) -> None:
    """SOFTMAX, LOG_SOFTMAX, L2_NORMALIZATION, over the last axis."""
    source = imp.value(op, 0)
    same_type(imp, op, source)
    beta = float(op.options.Beta) if op.op == "SOFTMAX" else 1.0
    if not 0.0 < beta < np.inf:
        raise ModelError(f"{imp.at(op)}: beta is {beta}; expected a number above 0")
    kind = {"SOFTMAX": "softmax", "LOG_SOFTMAX": "log_softmax", "L2_NORMALIZATION": "l2_norm"}[op.op]
    if kind == "l2_norm" and imp.activation(op) != "none":
        raise Refused("a fused activation; expected none")
    imp.emit(op, kind, [imp.name(source)], source.shape, attrs={"beta": beta} if beta != 1.0 else {})


def reduce(imp: Importer, op: Any) -> None:
    """MEAN, SUM, REDUCE_MAX, REDUCE_MIN; a float mean over height and width is global_avg_pool."""
    source = imp.value(op, 0)
    same_type(imp, op, source)
    rank = len(source.shape)
    chosen = {imp.axis(op, a, rank) for a in imp.integers(op, 1, "axes")}
    keep = op.options.KeepDims
    shape = tuple(1 if i in chosen else n for i, n in enumerate(source.shape) if keep or i not in chosen)
    mapped = imp.axes(source.shape)
    axes = tuple(sorted(mapped[a] for a in chosen if mapped[a] is not None))
    before = imp.shape_of(source)
    made = tuple(1 if i in axes else n for i, n in enumerate(before))
    kind = {"MEAN": "mean", "SUM": "sum", "REDUCE_MAX": "max", "REDUCE_MIN": "min"}[op.op]
    if kind in ("max", "min"):
        imp.same_quant(op, source)
    if not axes and source.dtype == "FLOAT32":
        imp.alias(op, source, shape)
    elif kind == "mean" and source.dtype == "FLOAT32" and made == (1, 1, before[2]):
        imp.emit(op, "global_avg_pool", [imp.name(source)], shape, made=made)
    else:
        imp.emit(op, "reduce", [imp.name(source)], shape, made=made, attrs={"kind": kind, "axes": axes})


def arg(imp: Importer, op: Any) -> None:
    """ARG_MAX, ARG_MIN."""
    source = imp.value(op, 0)
    axis = imp.axis(op, imp.integers(op, 1, "axis", 1)[0], len(source.shape))
    shape = source.shape[:axis] + source.shape[axis + 1 :]
    mapped, made = imp.axes(source.shape)[axis], list(imp.shape_of(source))
    if mapped is None:
        raise Refused(f"axis {axis} of shape {list(source.shape)}, the batch; expected another")
    made[mapped] = 1
    kind = "arg_max" if op.op == "ARG_MAX" else "arg_min"
    imp.emit(op, kind, [imp.name(source)], shape, made=tuple(made), attrs={"axis": mapped})


def quantize(imp: Importer, op: Any) -> None:
    """Between float32, int8 and uint8; where nothing changes in int8 the tensor is passed on.

    CAST takes the stored number: of a tensor with scale 1 and the file's zero point 0 that is its value.
    """
    source, tensor = imp.value(op, 0), imp.tensor(op)
    if source.data is not None:
        raise Refused("a quantised constant; fold it before export")
    dtype, quant = imp.type_of(tensor)
    name = imp.name(source)
    before = imp.graph.tensors[name]
    if (before.dtype, before.quant) == (dtype, quant):
        imp.check_shape(op, tensor, source.shape)
        imp.define(op, 0, Value(source.shape, tensor.dtype, name, quant=tensor.quant))
        return
    plain = before.quant == Quant(1.0, -128 if source.dtype == "UINT8" else 0)
    kind = {"QUANTIZE": "quantize", "DEQUANTIZE": "dequantize", "CAST": "dequantize" if plain else "cast"}[op.op]
    good = {
        "quantize": ("float32 int8", "int8"),
        "dequantize": ("int8", "float32"),
        "cast": ("float32 int32", "float32 int32"),
    }
    if before.dtype not in good[kind][0].split() or dtype not in good[kind][1].split():
        raise Refused(f"from {source.dtype} to {tensor.dtype}; expected from {good[kind][0]} to {good[kind][1]}")
    imp.emit(op, kind, [name], source.shape)


def batch_matmul(imp: Importer, op: Any) -> None:
    """[.., M, K] x [.., K, N], at most one leading axis with a size > 1: h counts matrices, w and c are their axes."""
    a, b = imp.value(op, 0), imp.value(op, 1)
    same_type(imp, op, a, b)
    matrices = []
    for v in (a, b):
        if len(v.shape) < 2 or sum(n != 1 for n in v.shape[:-2]) > 1:
            raise Refused(f"operand of shape {list(v.shape)}; expected matrices with at most one leading axis")
        matrices.append((elements(v.shape[:-2]), *v.shape[-2:]))
    (na, ra, ca), (nb, rb, cb) = matrices
    m, k = (ca, ra) if op.options.AdjX else (ra, ca)
    k2, n = (cb, rb) if op.options.AdjY else (rb, cb)
    if k != k2 or (na != nb and 1 not in (na, nb)):
        raise ModelError(f"{imp.at(op)}: operands {list(a.shape)} and {list(b.shape)} do not fit")
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    names = [imp.name(v, s) for v, s in zip((a, b), matrices, strict=True)]
    attrs = {"adj_x": bool(op.options.AdjX), "adj_y": bool(op.options.AdjY)}
    imp.emit(op, "batch_matmul", names, (*lead, m, n), made=(max(na, nb), m, n), attrs=attrs)


def concatenation(imp: Importer, op: Any) -> None:
    """CONCATENATION."""
    values = [imp.value(op, k) for k in range(len(op.inputs))]
    rank = len(values[0].shape)
    axis = imp.axis(op, op.options.Axis, rank)
    shape = list(values[0].shape)
    for v in values:
        imp.same_quant(op, v)
        if len(v.shape) != rank or any(v.shape[i] != shape[i] for i in range(rank) if i != axis):
            raise ModelError(
                f"{imp.at(op)}: inputs {[list(x.shape) for x in values[:8]]} differ in more than axis {axis}"
            )
    shape[axis] = sum(v.shape[axis] for v in values)
    join(imp, op, values, tuple(shape), axis)


def join(imp: Importer, op: Any, values: list[Value], shape: tuple[int, ...], axis: int) -> None:
    """Concatenates along `axis` of the result's `shape`; values of the same rank."""
    if len(values) == 1:
        imp.alias(op, values[0], shape)
        return
    axes = imp.axes(shape)
    names = [imp.view(v, len(shape), axes) for v in values if elements(v.shape)]
    activation = imp.activation(op) if hasattr(op.options, "FusedActivationFunction") else "none"
    attrs = {"axis": axes[axis]}
    if activation == "none":
        imp.emit(op, "concat", names, shape, attrs=attrs)
        return
    dtype, quant = imp.type_of(imp.tensor(op))
    name = imp.unique(f"{imp.tensor(op).name}_linear")
    imp.graph.add(Node("concat", name, names, name, attrs), imp.shape_of(Value(shape, "")), dtype, quant)
    imp.emit(op, "activation", [name], shape, attrs={"kind": activation})


LAYERS: dict[str, Handler] = {
    "CONV_2D": conv,
    "DEPTHWISE_CONV_2D": conv,
    "TRANSPOSE_CONV": transpose_conv,
    "FULLY_CONNECTED": fully_connected,
    "AVERAGE_POOL_2D": pool,
    "MAX_POOL_2D": pool,
    **dict.fromkeys(_BINARY, binary),
    **dict.fromkeys(_UNARY, unary),
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"), reduce),
    **dict.fromkeys(("SOFTMAX", "LOG_SOFTMAX", "L2_NORMALIZATION"), softmax),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), arg),
    **dict.fromkeys(("QUANTIZE", "DEQUANTIZE", "CAST"), quantize),
    "LEAKY_RELU": leaky_relu,
    "PRELU": prelu,
    "BATCH_MATMUL": batch_matmul,
    "CONCATENATION": concatenation,
}
