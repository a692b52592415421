# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TFLite's convolutions, dense layers and pooling.

Every function takes the importer and the operator and defines the operator's outputs. A batch inside the graph is run
image by image, groups of channels group by group.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import ModelError
from ...graph import Shape, Weight, same_padding, window_size
from ..workbench import Refused
from .tflite_context import Importer, Value
from .tflite_fold import dequantised

Handler = Callable[[Importer, Any], None]
QUANTISED = ("INT8", "UINT8")
_BIASES = {"FLOAT32": ("FLOAT32",), "INT16": ("INT64", "INT32", "INT16")}
_INT32 = 2  # of TensorType
_MAX_IMAGES = 64
_MAX_PARTS = 1024  # of one operator: each becomes a layer
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
    """(h, w, c) of a tensor that must be [images, H, W, C]."""
    if len(value.shape) != 4:
        raise ModelError(f"{imp.at(op)}: input of shape {list(value.shape)}; expected [1, H, W, C]")
    if value.shape[0] > _MAX_IMAGES:
        raise Refused(
            f"batch of {value.shape[0]} in shape {list(value.shape)}; expected up to {_MAX_IMAGES}: "
            "export the model with batch 1"
        )
    return value.shape[1:]


def emit_images(
    imp: Importer,
    op: Any,
    kind: str,
    source: Value,
    made: Shape,
    attrs: dict[str, Any],
    arrays: dict[str, Weight] | None = None,
    groups: int = 1,
) -> None:
    """Adds what makes `made` (h, w, c) of each image of `source`: a node, or one for each group of channels."""
    images, h, w, c = source.shape
    imp.check_shape(op, imp.tensor(op), (images, *made))
    if images * groups > _MAX_PARTS:
        raise Refused(f"{groups} groups of channels of {images} images; expected up to {_MAX_PARTS} parts")

    def one(name: str) -> str:
        if groups == 1:
            return imp.node(op, kind, [name], made, 0, attrs, arrays)
        parts = []
        for g in range(groups):
            piece = imp.piece(name, (0, 0, g * c // groups), (h, w, c // groups))
            part = (*made[:2], made[2] // groups)
            parts.append(imp.node(op, kind, [piece], part, 0, dict(attrs), _group(arrays or {}, g, groups)))
        return imp.node(op, "concat", parts, made, 0, {"axis": 2})

    if images == 1:
        imp.finish(op, one(imp.name(source, (h, w, c))), (1, *made))
        return
    name = imp.name(source, (images * h, w, c))
    parts = [one(imp.piece(name, (i * h, 0, 0), (h, w, c))) for i in range(images)]
    whole = (images * made[0], *made[1:])
    imp.finish(op, imp.node(op, "concat", parts, whole, 0, {"axis": 0}), (images, *made))


def _group(arrays: dict[str, Weight], g: int, groups: int) -> dict[str, Weight]:
    """Of weights [units, ...] and bias [units] the part of group g."""
    parts = {}
    for key, weight in arrays.items():
        n = len(weight.data) // groups
        scale = weight.scale
        if scale is not None and len(scale) > 1:
            scale = scale[g * n : (g + 1) * n]
        parts[key] = replace(weight, data=weight.data[g * n : (g + 1) * n], scale=scale)
    return parts


def positive(imp: Importer, op: Any, *numbers: int) -> tuple[int, ...]:
    """The numbers, if they can be strides, dilations or sizes of windows."""
    if min(numbers) < 1 or max(numbers) > 65535:
        raise ModelError(f"{imp.at(op)}: stride, dilation or window of {list(numbers)}; expected 1 to 65535")
    return numbers


def weights(imp: Importer, op: Any, k: int, source: Value, axis: int, rank: int) -> Weight:
    """Input k as weights of the file's shape; per channel along `axis`."""
    data = imp.constant(op, k, "weight tensor")
    value, tensor = imp.value(op, k), imp.model.tensors[op.inputs[k]]
    four = value.dtype == "INT4" and source.dtype in QUANTISED and op.op != "TRANSPOSE_CONV"
    if value.dtype.startswith("sparse") or (value.dtype in ("INT2", "INT4", "UINT4") and not four):
        raise Refused(f"{value.dtype.lower()} weights; export the model with dense weights of int8 or float32")
    if data.ndim != rank or data.size == 0:
        raise ModelError(f"{imp.at(op)}: weights of shape {list(data.shape)}; expected {rank} axes, none empty")
    if source.dtype == "FLOAT32":
        if value.dtype == "FLOAT32":
            return Weight(data)
        if value.dtype in QUANTISED and value.quant is not None and imp.dequantize_weights:
            imp.memory.take(4 * data.size)
            imp.dequantised += 1
            return Weight(dequantised(data, tensor))
        raise Refused(_HYBRID if value.dtype in QUANTISED else f"weights of type {value.dtype}; expected float32")
    if source.dtype not in (*QUANTISED, "INT16"):
        raise Refused(f"activations of type {source.dtype}; expected int8, int16, uint8 or float32")
    if value.dtype not in QUANTISED and not four:
        raise Refused(f"weights of type {value.dtype} with activations of type {source.dtype}; expected int8")
    if source.quant is None:  # what stands for the output of an operator that was refused
        raise Refused("its input has no quantisation")
    return Weight(*_symmetric(imp, op, value, axis), 4 if four else 8)


def _symmetric(imp: Importer, op: Any, value: Value, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """int8 values and scales of weights, zero point 0; int16 where that takes nine bits (tflite_split.py)."""
    quant, data = value.quant, value.data
    if quant is None or data is None or np.any(quant.scale <= 0):
        raise ModelError(f"{imp.at(op)}: its weights have no quantisation or a scale of 0; expected scales > 0")
    if not quant.fits(value.shape):
        raise ModelError(
            f"{imp.at(op)}: its weights have {len(quant.scale)} scales along axis {quant.axis} of {list(value.shape)}"
        )
    zero = 128 if value.dtype == "UINT8" else 0
    if np.any(quant.zero_point != zero) and (len(quant.scale) > 1 or (not zero and op.op != "FULLY_CONNECTED")):
        raise Refused(
            f"{value.dtype.lower()} weights with zero point {int(quant.zero_point[0])}; expected symmetric weights "
            f"(zero point {zero}): quantise the float model anew"
        )
    if len(quant.scale) > 1 and quant.axis != axis:
        raise Refused(f"weight scales along axis {quant.axis}; expected axis {axis}")
    if zero or quant.zero_point[0]:
        imp.memory.take(3 * data.size)
        wide = data.astype(np.int16) - np.int16(quant.zero_point[0])
        fits = wide.min() >= -128 and wide.max() <= 127
        data = wide.astype(np.int8) if fits else wide
    return data, quant.scale.astype(np.float32)


def bias(imp: Importer, op: Any, k: int, source: Value, weight: Weight, channels: int) -> dict[str, Weight]:
    """Input k as bias [channels]; empty if the operator has none."""
    if not imp.has(op, k):
        return _no_bias(op, source, weight, channels)
    data = imp.constant(op, k, "bias")
    if data.size != channels:
        raise ModelError(f"{imp.at(op)}: bias of {data.size} numbers for {channels} channels")
    want = _BIASES.get(source.dtype, ("INT32",))
    if op.op == "DEPTHWISE_CONV_2D" and source.dtype == "INT16":
        want = want[:1]
    value = imp.value(op, k)
    if value.dtype not in want:
        raise Refused(f"bias of type {value.dtype}; expected {' or '.join(want).lower()}")
    if value.dtype == "INT16":
        data = data.astype(np.int64)
    if source.dtype == "FLOAT32" or value.quant is None:
        scale = None if source.dtype == "FLOAT32" else source.quant.scale * weight.scale
        return {"bias": Weight(data.reshape(channels), scale)}
    scale = source.quant.scale * weight.scale
    if len(value.quant.scale) not in (1, channels):
        raise ModelError(f"{imp.at(op)}: bias of {len(value.quant.scale)} scales for {channels} channels")
    # Zeros are zeros at any scale: converters let layers of other scales share them.
    if np.any(data) and np.any(np.abs(value.quant.scale - scale) > 0.02 * imp.quant_of(imp.tensor(op)).scale):
        raise ModelError(
            f"{imp.at(op)}: bias scale {value.quant.scale[0]}; expected input scale x weight scale, {scale[0]}"
        )
    return {"bias": Weight(data.reshape(channels), scale)}


def _no_bias(op: Any, source: Value, weight: Weight, channels: int) -> dict[str, Weight]:
    """Of int16 layers the type of a bias also tells how sums are kept: zeros, where the file says so."""
    if source.dtype != "INT16" or getattr(op.options, "QuantizedBiasType", 0) != _INT32:
        return {}
    return {"bias": Weight(np.zeros(channels, np.int32), source.quant.scale * weight.scale)}


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


@dataclass
class _Filters:
    """What a convolution computes with. kernel: (h, w)."""

    kind: str
    arrays: dict[str, Weight]
    kernel: tuple[int, int]
    units: int
    groups: int = 1


def _filters(imp: Importer, op: Any, source: Value, channels: int) -> _Filters:
    """Of CONV_2D and DEPTHWISE_CONV_2D. As many groups as channels: a depthwise convolution."""
    if op.op == "CONV_2D":
        w = weights(imp, op, 1, source, 0, 4)
        units, kh, kw, inner = w.data.shape
        groups = channels // inner
        if channels % inner or units % groups:
            raise ModelError(f"{imp.at(op)}: weights for {inner} channels, input has {channels}")
        arrays = {"weights": w, **bias(imp, op, 2, source, w, units)}
        if groups == 1 or inner > 1:
            return _Filters("conv2d", arrays, (kh, kw), units, groups)
        w.data = np.ascontiguousarray(w.data[..., 0].transpose(1, 2, 0))
        return _Filters("depthwise_conv2d", arrays, (kh, kw), units)
    w = weights(imp, op, 1, source, 3, 4)
    one, kh, kw, units = w.data.shape
    if one != 1 or units % channels:
        raise ModelError(f"{imp.at(op)}: depthwise weights {list(w.data.shape)} for an input of {channels} channels")
    w.data = w.data.reshape(kh, kw, units)
    return _Filters("depthwise_conv2d", {"weights": w, **bias(imp, op, 2, source, w, units)}, (kh, kw), units)


def conv(imp: Importer, op: Any) -> None:
    """CONV_2D, DEPTHWISE_CONV_2D."""
    waiting = imp.values.get(op.inputs[0]) if op.inputs else None
    if waiting is not None and waiting.phases is not None:
        _phased_conv(imp, op, waiting)
        return
    source = imp.value(op, 0)
    h, w, c = image(imp, op, source)
    same_type(imp, op, source)
    f = _filters(imp, op, source, c)
    attrs, out = window(imp, op, (h, w), f.kernel, (op.options.DilationHFactor, op.options.DilationWFactor))
    emit_images(imp, op, f.kind, source, (*out, f.units), attrs, f.arrays, f.groups)


def _phased_conv(imp: Importer, op: Any, value: Value) -> None:
    """The convolution after SPACE_TO_BATCH_ND: kept until BATCH_TO_SPACE_ND tells how much is cropped."""
    o, p = op.options, value.announced
    if p.ops or (o.StrideH, o.StrideW, o.DilationHFactor, o.DilationWFactor, o.Padding) != (1, 1, 1, 1, 1):
        raise Refused(
            "between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND only one convolution of stride 1 without padding "
            "is supported"
        )
    after_conv(imp, op, value)


def after_conv(imp: Importer, op: Any, value: Value) -> None:
    """Keeps an operator between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: the convolution, and what follows it."""
    tensor = imp.tensor(op)
    phases = replace(value.announced, ops=(*value.announced.ops, op))
    imp.define(op, 0, Value(tensor.shape, tensor.dtype, quant=tensor.quant, phases=phases))


def finish_phases(imp: Importer, op: Any, value: Value, crops: tuple[int, ...]) -> None:
    """SPACE_TO_BATCH_ND, convolution, BATCH_TO_SPACE_ND: a dilated convolution. crops: (top, bottom, left, right)."""
    p = value.announced
    if not p.ops:
        raise Refused("no convolution between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND; expected one")
    imp.same_quant(op, value)
    inner, padding = p.ops[0], tuple(a - b for a, b in zip(p.pads, crops, strict=True))
    if min(padding) < 0:
        raise Refused(f"crops {list(crops)} are larger than the padding {list(p.pads)} of SPACE_TO_BATCH_ND")
    source, shape = p.source, imp.tensor(op).shape
    h, w, c = (1, *source.shape)[-3:] if len(source.shape) == 3 else source.shape[1:]
    f = _filters(imp, inner, source, c)
    if f.groups > 1:
        raise Refused(f"a dilated convolution of {f.groups} groups; expected one group or a depthwise convolution")
    out = [
        window_size(n, k, 1, d, padding[2 * i], padding[2 * i + 1])
        for i, (n, k, d) in enumerate(zip((h, w), f.kernel, p.block, strict=True))
    ]
    attrs = {"stride": (1, 1), "dilation": p.block, "padding": padding, "activation": imp.activation(inner)}
    made = (out[0], out[1], f.units)
    last = op if len(p.ops) == 1 else inner
    name = imp.node(last, f.kind, [imp.name(source, (h, w, c))], made, 0, attrs, f.arrays)
    if len(p.ops) > 1:
        name = _apply_after(imp, p.ops[1:], Value((1, *made), source.dtype, name, quant=imp.tensor(inner).quant))
    imp.finish(op, name, (1, *made) if len(shape) == 4 else (1, out[1], f.units))


def _apply_after(imp: Importer, ops: tuple[Any, ...], value: Value) -> str:
    """Translates functions of each element, kept for this, on the whole convolution's result; returns its name."""
    tensors, values = list(imp.model.tensors), dict(imp.values)
    for op in ops:
        for index in op.inputs:
            if index >= 0 and imp.values[index].phases is not None:
                imp.values[index] = value
        index = op.outputs[0]
        imp.model.tensors[index] = replace(imp.model.tensors[index], shape=value.shape, dynamic=())
        del imp.values[index]
        imp.translate(op)
        value = imp.values[index]
    _, h, w, c = value.shape
    name = imp.name(value, (h, w, c))
    imp.model.tensors[:] = tensors
    imp.values = values
    return name


def transpose_conv(imp: Importer, op: Any) -> None:
    """TRANSPOSE_CONV: padding may be negative where the output is larger than the kernel reaches."""
    source = imp.value(op, 2)
    h, w, c = image(imp, op, source)
    same_type(imp, op, source)
    shape = imp.integers(op, 0, "output shape", 4)
    filters = weights(imp, op, 1, source, 0, 4)
    units, kh, kw, inner = filters.data.shape
    if inner != c or shape[0] != source.shape[0] or shape[3] != units or min(shape) < 1:
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
    emit_images(imp, op, "conv2d_transpose", source, (shape[1], shape[2], units), attrs, arrays)


def fully_connected(imp: Importer, op: Any) -> None:
    """One vector: dense. Several (rows of a matrix): a 1 x 1 convolution."""
    source = imp.value(op, 0)
    same_type(imp, op, source)
    if op.options.WeightsFormat != 0:
        raise Refused("shuffled weights; expected the default format")
    if imp.value(op, 1).data is None:
        _two_activations(imp, op, source)
        return
    filters = weights(imp, op, 1, source, 0, 2)
    units, inner = filters.data.shape
    rows, rest = divmod(math.prod(source.shape), inner)
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


def _two_activations(imp: Importer, op: Any, source: Value) -> None:
    """FULLY_CONNECTED whose weights are computed, or an input: rows of one matrix times rows of the other."""
    other = imp.value(op, 1)
    same_type(imp, op, source, other)
    if len(other.shape) != 2:
        raise ModelError(f"{imp.at(op)}: weights of shape {list(other.shape)}; expected two axes")
    units, inner = other.shape
    rows, rest = divmod(math.prod(source.shape), inner)
    if rest or (op.options.KeepNumDims and source.shape[-1:] != (inner,)):
        raise ModelError(f"{imp.at(op)}: weights [{units}, {inner}] do not fit an input of shape {list(source.shape)}")
    arrays: dict[str, Weight] = {}
    if imp.has(op, 2):
        stands = Weight(np.zeros(0, np.int8), None)
        if source.dtype != "FLOAT32":
            stands.scale = np.array([imp.quant_of(imp.model.tensors[op.inputs[1]]).scale], np.float32)
        arrays = bias(imp, op, 2, source, stands, units)
    shape = (*source.shape[:-1], units) if op.options.KeepNumDims else (rows, units)
    names = [imp.name(source, (1, rows, inner)), imp.name(other, (1, units, inner))]
    attrs = {"activation": imp.activation(op)}
    imp.emit(op, "dense_by_rows", names, shape, made=(1, rows, units), attrs=attrs, weights=arrays)


def pool(imp: Importer, op: Any) -> None:
    """MAX_POOL_2D, AVERAGE_POOL_2D."""
    source = imp.value(op, 0)
    h, w, c = image(imp, op, source)
    imp.same_quant(op, source)
    kernel = (op.options.FilterHeight, op.options.FilterWidth)
    attrs, out = window(imp, op, (h, w), kernel)
    del attrs["dilation"]
    kind = "max_pool" if op.op == "MAX_POOL_2D" else "avg_pool"
    emit_images(imp, op, kind, source, (*out, c), {"kernel": kernel, **attrs})


WINDOWS: dict[str, Handler] = {
    "CONV_2D": conv,
    "DEPTHWISE_CONV_2D": conv,
    "TRANSPOSE_CONV": transpose_conv,
    "FULLY_CONNECTED": fully_connected,
    "AVERAGE_POOL_2D": pool,
    "MAX_POOL_2D": pool,
}
