# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""ONNX's convolutions and pools: [1, C, H, W] and [1, C, T]. Groups of channels go group by group.

Every function takes the importer and the node and defines the node's outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import Shape, Weight, window_size
from ..axis_map import AxisMap
from ..workbench import Refused
from .onnx_context import SHIFTS, Value
from .onnx_places import Importer
from .onnx_reader import FileNode

Handler = Callable[[Importer, FileNode], None]
MAX_GROUPS = 1024  # each becomes a layer
Pair = tuple[int, int]


@dataclass(frozen=True)
class Image:
    """An input [1, C, H, W] or [1, C, T] as (h, w, c)."""

    value: Value
    size: Pair
    channels: int
    flat: bool  # [1, C, T]

    def name(self, imp: Importer) -> str:
        """Its tensor in the graph."""
        return imp.sided(self.value, (2,), () if self.flat else (3,), (1,))

    def shape(self, h: int, w: int, c: int) -> tuple[int, ...]:
        """What is (h, w, c) in the graph, in the file's axes."""
        return (1, c, h) if self.flat else (1, c, h, w)

    def map(self, h: int, w: int, c: int) -> AxisMap:
        """Its map."""
        return AxisMap.of(self.shape(h, w, c), (2, 1) if self.flat else (2, 3, 1))


def image(imp: Importer, node: FileNode) -> Image:
    """Input 0 as an image. Refused if it is none."""
    value = imp.value(node, 0)
    if not (imp.moves and value.dtype in SHIFTS):
        expect_real(node, value)
    shape = value.shape
    if len(shape) == 5:
        raise Refused("works on three axes, a tensor of five; use layers of two dimensions over frames, or of one")
    if len(shape) not in (3, 4):
        imp.fail(node, f"input of shape {list(shape)}; expected [1, C, H, W] or [1, C, T]")
    if shape[0] != 1:
        raise Refused(f"batch of {shape[0]} in shape {list(shape)}; export the model with batch 1")
    return Image(value, (shape[2], 1 if len(shape) == 3 else shape[3]), shape[1], len(shape) == 3)


def expect_real(node: FileNode, *values: Value) -> None:
    """Refuses operands that are no real numbers."""
    for v in values:
        if not v.is_real:
            raise Refused(f"computes with {v.dtype} when the model runs; expected float")


def _pair(imp: Importer, node: FileNode, name: str, x: Image, default: int = 1) -> Pair:
    """An attribute of one or two numbers as (h, w)."""
    got = imp.attr_ints(node, name, 1 if x.flat else 2) or (default,) * (1 if x.flat else 2)
    pair = (got[0], 1 if x.flat else got[1])
    if min(pair) < 1 or max(pair) > 65535:
        imp.fail(node, f"{name} {list(pair)}; expected 1 to 65535")
    return pair


def _pads(imp: Importer, node: FileNode, x: Image) -> list[int]:
    """[top, bottom, left, right] as given."""
    got = imp.attr_ints(node, "pads", 2 if x.flat else 4) or (0,) * (2 if x.flat else 4)
    if min(got) < 0 or max(got) > 65535:
        raise Refused(f"pads {list(got)}; expected 0 to 65535")
    return [got[0], got[1], 0, 0] if x.flat else [got[0], got[2], got[1], got[3]]


def _same(auto: str, total: int) -> Pair:
    """(before, after) of SAME_UPPER and SAME_LOWER."""
    half = total // 2
    return (half, total - half) if auto == "SAME_UPPER" else (total - half, half)


def _window(imp: Importer, node: FileNode, x: Image, kernel: Pair) -> tuple[dict[str, Any], Pair, list[int]]:
    """(attributes, (h, w) of the result, how much padding behind is beyond what the file says: h, w)."""
    stride, dilation = _pair(imp, node, "strides", x), _pair(imp, node, "dilations", x)
    auto = imp.attr_text(node, "auto_pad", "NOTSET")
    pads = _pads(imp, node, x) if auto == "NOTSET" else [0, 0, 0, 0]
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        imp.fail(node, f"auto_pad '{auto}'; expected NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    out, beyond = [], [0, 0]
    for i, (n, k, s, d) in enumerate(zip(x.size, kernel, stride, dilation, strict=True)):
        reach = (k - 1) * d + 1
        if auto.startswith("SAME"):
            total = (-(-n // s) - 1) * s + reach - n
            if total < 0 and node.op.endswith("Pool"):  # ONNX Runtime crops the image then, or fails
                raise Refused(f"auto_pad {auto} of a window of {reach}, stride {s}, over {n}; write the pads out")
            pads[2 * i : 2 * i + 2] = _same(auto, max(total, 0))
        if reach > n + pads[2 * i] + pads[2 * i + 1]:
            imp.fail(
                node, f"a window of {reach} is larger than the padded input of {n + pads[2 * i] + pads[2 * i + 1]}"
            )
        made = window_size(n, k, s, d, pads[2 * i], pads[2 * i + 1])
        rest = (n + pads[2 * i] + pads[2 * i + 1] - reach) % s
        if imp.attr_int(node, "ceil_mode", 0) and rest and made * s < n + pads[2 * i]:
            made, beyond[i] = made + 1, s - rest
            pads[2 * i + 1] += beyond[i]
        out.append(made)
    return {"stride": stride, "dilation": dilation, "padding": tuple(pads)}, (out[0], out[1]), beyond


def _weights(imp: Importer, node: FileNode, x: Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Input 1 [M, C / groups, kh, kw] (of ConvTranspose [C, M / groups, kh, kw]), and its scales if it is int8."""
    data, scale = imp.weights(node, 1, "weight tensor")
    if data.ndim != (3 if x.flat else 4) or data.size == 0:
        imp.fail(node, f"weights of shape {list(data.shape)} for an input of shape {list(x.value.shape)}")
    data = data.reshape(*data.shape[:3], -1)
    kernel = imp.attr_ints(node, "kernel_shape")
    if kernel is not None and kernel != data.shape[2 : 2 + len(kernel)]:
        imp.fail(node, f"kernel_shape {list(kernel)}, weights {list(data.shape)}")
    return data, scale


def _bias(imp: Importer, node: FileNode, units: int, name: str, scale: np.ndarray | None) -> dict[str, Weight]:
    if not imp.has(node, 2):
        return {}
    data = imp.real(node, 2, "bias")
    if data.size != units:
        imp.fail(node, f"bias of {data.size} numbers for {units} channels")
    return {"bias": imp.bias(node, imp.value(node, 2), data.reshape(units), name, scale)}


def conv(imp: Importer, node: FileNode) -> None:
    """Conv."""
    x = image(imp, node)
    w, scale = _weights(imp, node, x)
    units, inner, kh, kw = w.shape
    groups = imp.attr_int(node, "group", 1)
    if groups < 1 or inner * groups != x.channels or units % groups:
        imp.fail(node, f"weights {list(w.shape)} in {groups} groups for {x.channels} channels")
    attrs, (h, wide), _ = _window(imp, node, x, (kh, kw))
    bias = _bias(imp, node, units, x.value.name, scale)
    if imp.form is None:
        rank = len(x.value.shape)
        bias, node = imp.with_add(node, bias, Weight(w, scale), x.value.name, rank, rank - 2)
    made = (h, wide, units)
    if groups > 1 and inner == 1:
        weight = Weight(np.ascontiguousarray(w[:, 0].transpose(1, 2, 0)), scale)
        name = imp.node(node.outputs[0], "depthwise_conv2d", [x.name(imp)], made, attrs, {"weights": weight, **bias})
    else:
        weight = Weight(np.ascontiguousarray(w.transpose(0, 2, 3, 1)), scale)
        name = _grouped(imp, node, "conv2d", x, made, attrs, {"weights": weight, **bias}, groups)
    imp.finish(node, name, x.map(*made))


def _grouped(
    imp: Importer,
    node: FileNode,
    kind: str,
    x: Image,
    made: Shape,
    attrs: dict[str, Any],
    arrays: dict[str, Weight],
    groups: int,
) -> str:
    """One node, or one for each group of channels on a slice, joined. arrays: [units, ...]."""
    if groups > MAX_GROUPS:
        raise Refused(f"{groups} groups of channels; expected up to {MAX_GROUPS}, or as many as channels")
    whole, wanted = x.name(imp), node.outputs[0]
    if groups == 1:
        return imp.node(wanted, kind, [whole], made, attrs, arrays)
    c, units, parts = x.channels // groups, made[2] // groups, []
    for g in range(groups):
        size = (*x.size, c)
        cut = {"begin": (0, 0, g * c), "size": size, "stride": (1, 1, 1)}
        piece = imp.node(f"{wanted}_group{g}_in", "slice", [whole], size, cut)
        own = {key: _part(a, g * units, units) for key, a in arrays.items()}
        parts.append(imp.node(f"{wanted}_group{g}", kind, [piece], (made[0], made[1], units), dict(attrs), own))
    return imp.node(wanted, "concat", parts, made, {"axis": 2})


def _part(weight: Weight, first: int, count: int) -> Weight:
    """The weights of some outputs."""
    scale = weight.scale
    if scale is not None and len(scale) > 1:
        scale = scale[first : first + count]
    return Weight(weight.data[first : first + count], scale)


def conv_transpose(imp: Importer, node: FileNode) -> None:
    """ConvTranspose: padding may be negative where the output is larger than the kernel reaches."""
    x = image(imp, node)
    w, scale = _weights(imp, node, x)
    inner, per_group, kh, kw = w.shape
    groups = imp.attr_int(node, "group", 1)
    if groups < 1 or inner != x.channels or inner % groups:
        imp.fail(node, f"weights {list(w.shape)} in {groups} groups for {x.channels} channels")
    units = per_group * groups
    stride, dilation = _pair(imp, node, "strides", x), _pair(imp, node, "dilations", x)
    pads, out = _transposed(imp, node, x, (kh, kw), stride, dilation)
    by_group = w.reshape(groups, inner // groups, per_group, kh, kw).transpose(0, 2, 3, 4, 1)
    weight = np.ascontiguousarray(by_group.reshape(units, kh, kw, inner // groups))
    if dilation != (1, 1):
        weight, dilation = _spread(imp, weight, dilation), (1, 1)
    attrs = {"stride": stride, "dilation": dilation, "padding": pads}
    arrays = {"weights": Weight(weight, scale), **_bias(imp, node, units, x.value.name, scale)}
    made = (*out, units)
    name = _grouped(imp, node, "conv2d_transpose", x, made, attrs, arrays, groups)
    imp.finish(node, name, x.map(*made))


def _spread(imp: Importer, weight: np.ndarray, dilation: Pair) -> np.ndarray:
    """A dilated kernel [units, kh, kw, c] with the zeros written out."""
    units, kh, kw, c = weight.shape
    shape = (units, (kh - 1) * dilation[0] + 1, (kw - 1) * dilation[1] + 1, c)
    imp.memory.take(4 * math.prod(shape))
    made = np.zeros(shape, weight.dtype)
    made[:, :: dilation[0], :: dilation[1]] = weight
    return made


def _transposed(
    imp: Importer, node: FileNode, x: Image, kernel: Pair, stride: Pair, dilation: Pair
) -> tuple[tuple[int, ...], Pair]:
    """(padding of the core, (h, w) of the result)."""
    auto = imp.attr_text(node, "auto_pad", "NOTSET")
    given, extra = _pads(imp, node, x), imp.attr_ints(node, "output_padding") or (0, 0)
    wanted = imp.attr_ints(node, "output_shape")
    pads, out = [], []
    for i, (n, k, s, d) in enumerate(zip(x.size, kernel, stride, dilation, strict=True)):
        more = extra[i] if i < len(extra) and not (x.flat and i) else 0
        full = (n - 1) * s + (k - 1) * d + 1
        before, after = given[2 * i : 2 * i + 2]
        size = full + more - before - after
        if wanted is not None or auto.startswith("SAME"):
            size = n * s if wanted is None else ((*wanted[-1:], 1) if x.flat else wanted[-2:])[i]
            total = full + more - size
            before = _same("SAME_UPPER" if auto == "SAME_UPPER" else "SAME_LOWER", max(total, 0))[0]
        elif auto == "VALID":
            before, size = 0, full + more
        if not 1 <= size <= 65535 or more < 0:
            imp.fail(node, f"makes {size} rows or columns; expected 1 to 65535")
        pads += [before, full - size - before]
        out.append(size)
    return tuple(pads), (out[0], out[1])


def pool(imp: Importer, node: FileNode) -> None:
    """MaxPool, AveragePool."""
    x = image(imp, node)
    kernel = _pair(imp, node, "kernel_shape", x)
    if "kernel_shape" not in node.attrs:
        imp.fail(node, "no kernel_shape")
    if imp.wants(node, 1):
        raise Refused("gives the places of the largest values, too; expected the values alone")
    attrs, (h, w), beyond = _window(imp, node, x, kernel)
    if attrs.pop("dilation") != (1, 1):
        raise Refused("a dilated pool; expected dilations of 1")
    name, made = x.name(imp), (h, w, x.channels)
    pads = attrs["padding"]
    if node.op == "AveragePool" and imp.attr_int(node, "count_include_pad", 0) and any(pads):
        around = (pads[0], pads[1] - beyond[0], pads[2], pads[3] - beyond[1])
        wide = (x.size[0] + around[0] + around[1], x.size[1] + around[2] + around[3], x.channels)
        name = imp.node(f"{node.outputs[0]}_padded", "zero_padding", [name], wide, {"padding": around})
        attrs["padding"] = (0, beyond[0], 0, beyond[1])
    kind = "max_pool" if node.op == "MaxPool" else "avg_pool"
    imp.emit(node, kind, [name], made, x.map(*made), attrs={"kernel": kernel, **attrs}, dtype=x.value.dtype)


def global_pool(imp: Importer, node: FileNode) -> None:
    """GlobalAveragePool, GlobalMaxPool."""
    x = image(imp, node)
    kind = "global_max_pool" if node.op == "GlobalMaxPool" else "global_avg_pool"
    made = (1, 1, x.channels)
    imp.emit(node, kind, [x.name(imp)], made, x.map(*made), dtype=x.value.dtype)


WINDOWS: dict[str, Handler] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    **dict.fromkeys(("MaxPool", "AveragePool"), pool),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), global_pool),
}
