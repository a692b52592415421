# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""ONNX's padding, resizing, and exchanges of depth and space.

Every function takes the importer and the node and defines the node's outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..axis_map import AxisMap
from ..workbench import Refused
from .onnx_context import Value
from .onnx_moves import cut
from .onnx_places import Importer
from .onnx_reader import FileNode
from .onnx_windows import Handler, image


def pad(imp: Importer, node: FileNode) -> None:
    """Pad: constant, reflect, edge; negative numbers crop."""
    x = imp.value(node, 0)
    rank = len(x.shape)
    mode = imp.attr_text(node, "mode", "constant")
    if mode not in ("constant", "reflect", "edge"):
        raise Refused(f"mode '{mode}'; expected constant, reflect or edge")
    value = imp.attr_real(node, "value", 0.0) if imp.opset < 11 else imp.scalar(node, 2, "value", 0.0)
    axes = list(range(rank))
    if imp.opset >= 18 and imp.has(node, 3):
        axes = [imp.axis(node, a, rank) for a in imp.integers(node, 3, "axes")]
    count = 2 * len(axes)
    numbers = imp.integers(node, 1, "pads", count) if imp.opset >= 11 else imp.attr_ints(node, "pads", count)
    if numbers is None or max((abs(n) for n in numbers), default=0) > 65535:
        imp.fail(node, f"pads {numbers}; expected -65535 to 65535")
    ends = {a: (numbers[i], numbers[i + len(axes)]) for i, a in enumerate(axes)}
    crops = {a: slice(max(-b, 0), x.shape[a] - max(-e, 0)) for a, (b, e) in ends.items() if min(b, e) < 0}
    y = cut(imp, node, x, crops) if crops else x
    around = {a: (max(b, 0), max(e, 0)) for a, (b, e) in ends.items() if max(b, e) > 0}
    for a in list(around):
        y = _padded(imp, node, y, {a: around.pop(a)}, mode, value)
    imp.alias(node, y)


def _padded(
    imp: Importer, node: FileNode, x: Value, around: dict[int, tuple[int, int]], mode: str, value: float
) -> Value:
    place = imp.loose(x, tuple(around))
    sizes = {a: x.shape[a] + b + e for a, (b, e) in around.items()}
    if mode == "edge":
        ((axis, (b, e)),) = around.items()
        n = x.shape[axis]
        indices = np.clip(np.arange(-b, n + e), 0, n - 1).tolist()
        chosen: dict[str, Any] = {"axis": place.side[axis], "indices": indices}
        name = imp.node(node.outputs[0], "gather", [place.name], place.made(sizes), chosen)
        where = place.map.resized(sizes)
        return Value(where.shape, x.dtype, name, where.joined())
    h, w, c = place.spread(around, (0, 0))
    attrs: dict[str, Any] = {"padding": (*h, *w), "channels": c}
    if mode == "reflect":
        if any(max(n) >= x.shape[a] for a, n in around.items()):
            imp.fail(node, f"reflects {around} of shape {list(x.shape)}")
        kind, attrs = "mirror_pad", {**attrs, "mode": "reflect"}
    else:
        kind, attrs = "zero_padding", {**attrs, "value": value}
    name = imp.node(node.outputs[0], kind, [place.name], place.made(sizes), attrs)
    where = place.map.resized(sizes)
    return Value(where.shape, x.dtype, name, where.joined())


# ---- resizing ----


def resize(imp: Importer, node: FileNode) -> None:
    """Resize and Upsample of images [1, C, H, W], [1, C, T]: nearest in all its modes, linear in those of TFLite."""
    x = image(imp, node)
    shape, scales = _target(imp, node, x.value.shape)
    if shape[:2] != x.value.shape[:2]:
        raise Refused(f"makes {list(shape)} of {list(x.value.shape)}; expected batch and channels to stay")
    h, w = shape[2], 1 if x.flat else shape[3]
    mode = imp.attr_text(node, "mode", "nearest")
    if mode not in ("nearest", "linear", "bilinear"):
        raise Refused(f"mode '{mode}'; expected nearest or linear")
    old = node.op == "Upsample" or imp.opset < 11
    how = "asymmetric" if old else imp.attr_text(node, "coordinate_transformation_mode", "half_pixel")
    if imp.attr_int(node, "antialias", 0) or imp.attr_int(node, "exclude_outside", 0):
        raise Refused("antialias or exclude_outside; expected neither")
    made = (h, w, x.channels)
    if mode == "nearest":
        near = "floor" if old else imp.attr_text(node, "nearest_mode", "round_prefer_floor")
        name = x.name(imp)
        for axis, n in ((0, h), (1, w)):
            if n != x.size[axis] or scales[axis] != 1.0:
                name = _nearest(imp, node, name, axis, n, scales[axis], how, near)
        imp.finish(node, name, x.map(*made), dtype=x.value.dtype)
        return
    attrs = {"shape": made, "align_corners": how == "align_corners", "half_pixel_centers": "half_pixel" in how}
    exact = all(abs(n * s - m) < 1e-4 for n, s, m in zip(x.size, scales, (h, w), strict=True))
    one = how == "pytorch_half_pixel" and 1 in (h, w) and not x.flat
    if how not in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric") or one or not exact:
        raise Refused(f"linear resizing, {how}, scales {scales}; expected half_pixel, align_corners or asymmetric")
    imp.emit(node, "resize_bilinear", [x.name(imp)], made, x.map(*made), attrs=attrs)


def _target(imp: Importer, node: FileNode, old: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[float, float]]:
    """(shape of the result, scales of h and w)."""
    rank = len(old)
    given = imp.attr_ints(node, "axes")
    axes = range(rank) if given is None else [imp.axis(node, a, rank) for a in given]
    if imp.attr_text(node, "keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Refused("keeps the aspect ratio; export the model with fixed sizes")
    at = 1 if imp.opset < 11 else 2
    shape, scales = list(old), [1.0] * rank
    if imp.opset >= 11 and imp.has(node, 3):
        sizes = imp.integers(node, 3, "sizes", len(axes))
        for a, n in zip(axes, sizes, strict=True):
            shape[a], scales[a] = n, n / old[a]
    else:
        data = imp.attr_reals(node, "scales") if imp.opset < 9 else imp.real(node, at, "scales")
        if data is None or data.size != len(axes) or not np.all((data > 0) & (data < 65536)):
            imp.fail(node, "no scales for all axes")
        for a, s in zip(axes, data.reshape(-1).tolist(), strict=True):
            shape[a], scales[a] = math.floor(old[a] * s), s
    if min(shape) < 1 or max(shape) > 65535:
        imp.fail(node, f"makes {shape} of {list(old)}; expected sides of 1 to 65535")
    return tuple(shape), (scales[2], scales[3] if rank > 3 else 1.0)


def nearest_indices(n: int, made: int, scale: float, how: str, near: str) -> np.ndarray:
    """Which of `n` values each of `made` takes. Refused for what is not known."""
    i = np.arange(made, dtype=np.float32)
    s = np.float32(scale)
    if how in ("half_pixel", "pytorch_half_pixel"):
        at = (i + np.float32(0.5)) / s - np.float32(0.5)
        if how == "pytorch_half_pixel" and made == 1:
            at = i * 0
    elif how == "asymmetric":
        at = i / s
    elif how == "tf_half_pixel_for_nn":
        at = (i + np.float32(0.5)) / s
    elif how == "align_corners":
        at = i * np.float32(n - 1) / np.float32(made - 1) if made > 1 else i * 0
    else:
        raise Refused(f"coordinates by {how}; expected half_pixel, align_corners or asymmetric")
    rounds: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "floor": np.floor,
        "ceil": np.ceil,
        "round_prefer_floor": lambda x: np.ceil(x - np.float32(0.5)),
        "round_prefer_ceil": lambda x: np.floor(x + np.float32(0.5)),
    }
    if near not in rounds:
        raise Refused(f"nearest by {near}; expected floor, ceil, round_prefer_floor or round_prefer_ceil")
    return np.clip(rounds[near](at), 0, n - 1).astype(np.int64)


def _nearest(imp: Importer, node: FileNode, name: str, axis: int, made: int, scale: float, how: str, near: str) -> str:
    """h (axis 0) or w resized: each value several times, or values by index."""
    h, w, c = imp.graph.tensors[name].shape
    n = (h, w)[axis]
    found = nearest_indices(n, made, scale, how, near)
    shape = (made, w, c) if axis == 0 else (h, made, c)
    if made % n == 0 and np.array_equal(found, np.repeat(np.arange(n), made // n)):
        times = (made // n, 1) if axis == 0 else (1, made // n)
        return imp.node(node.outputs[0], "upsample", [name], shape, {"kernel": times})
    return imp.node(node.outputs[0], "gather", [name], shape, {"axis": axis, "indices": found.tolist()})


def space_depth(imp: Importer, node: FileNode) -> None:
    """DepthToSpace and SpaceToDepth; the order CRD by a gather of channels."""
    x, b = image(imp, node), imp.attr_int(node, "blocksize", 0)
    (h, w), c = x.size, x.channels
    down = node.op == "SpaceToDepth"
    if x.flat or b < 1 or (h % b or w % b if down else c % (b * b)):
        imp.fail(node, f"block {b} does not divide {list(x.value.shape)}")
    name = x.name(imp)
    mode = imp.attr_text(node, "mode", "DCR")
    if not down and mode == "CRD":
        order = np.arange(c).reshape(c // (b * b), b * b).T.reshape(-1).tolist()
        name = imp.node(f"{node.outputs[0]}_sorted", "gather", [name], (h, w, c), {"axis": 2, "indices": order})
    elif mode != "DCR":
        imp.fail(node, f"mode '{mode}'; expected DCR or CRD")
    made = (h // b, w // b, c * b * b) if down else (h * b, w * b, c // (b * b))
    kind = "space_to_depth" if down else "depth_to_space"
    name = imp.node(node.outputs[0], kind, [name], made, {"block": b})
    imp.finish(node, name, AxisMap.of((1, made[2], made[0], made[1]), (2, 3, 1)), dtype=x.value.dtype)


IMAGES: dict[str, Handler] = {
    "Pad": pad,
    **dict.fromkeys(("Resize", "Upsample"), resize),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), space_depth),
}
