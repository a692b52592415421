# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Random models: one operator with ugly numbers, or graphs of 3 to 12 operators.

    case = single("CONV_2D", np.random.default_rng(7))          # int8
    case = single("CONV_2D", np.random.default_rng(7), "float32")
    case = graph(np.random.default_rng(7))
    case.data      the .tflite file
    case.oracle    the file to run in LiteRT for expected values: where its FULLY_CONNECTED rounds otherwise, without it
    case.inputs    arrays, one per input
    OPERATORS      names that `single` takes;  INT8_ONLY, ROUNDS_ONCE  the exceptions

reference.expected(case) gives the outputs.

The generator of random numbers is the only source of chance: one seed, one model, forever.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .maker import Case, Maker, Rng
from .moves import (
    concat,
    depth_to_space,
    expand_dims,
    gather,
    pack,
    pad,
    reshape,
    resize,
    shape_chain,
    slice_,
    space_to_depth,
    split,
    split_v,
    strided_slice,
    tile,
    transpose,
    unpack,
)


def _window(m: Maker, n: int, k: int, s: int, d: int, same: bool) -> int:
    return -(-n // s) if same else (n - (k - 1) * d - 1) // s + 1


def _geometry(m: Maker, h: int, w: int, dilated: bool):
    """(kernel, stride, dilation, same, output) each (h, w)."""
    same = bool(m.num(0, 1))
    kernel, stride, dilation = [], [], []
    plain = m.num(0, 1)
    for n in (h, w):
        k = m.num(1, min(n, 5)) if not same or m.num(0, 2) else m.num(1, 5)
        d = m.num(1, 3) if dilated and plain else 1
        if not same:
            d = max(1, min(d, (n - 1) // max(k - 1, 1)))
        kernel.append(k), dilation.append(d)
        stride.append(m.num(1, 4) if max(d, 1) == 1 else 1)
    if max(dilation) > 1:
        stride = [1, 1]
    out = [_window(m, n, k, s, d, same) for n, k, s, d in zip((h, w), kernel, stride, dilation, strict=True)]
    return kernel, stride, dilation, same, out


def conv(m: Maker, x: int) -> int:
    _, h, w, c = m.shapes[x]
    (kh, kw), (sh, sw), (dh, dw), same, out = _geometry(m, h, w, True)
    units = m.num(1, 9)
    f, b, q = m.weights((units, kh, kw, c), 0, x, kh * kw * c, units, bias=True)
    y = m.act((1, *out, units), q)
    m.add(
        "CONV_2D",
        [x, f, *b],
        [y],
        padding=0 if same else 1,
        strideH=sh,
        strideW=sw,
        dilationHFactor=dh,
        dilationWFactor=dw,
        fusedActivationFunction=m.fused(),
        **m.bias_type(b),
    )
    return y


def depthwise(m: Maker, x: int) -> int:
    _, h, w, c = m.shapes[x]
    (kh, kw), (sh, sw), (dh, dw), same, out = _geometry(m, h, w, True)
    times = m.pick(1, 1, 2, 3)
    f, b, q = m.weights((1, kh, kw, c * times), 3, x, kh * kw, c * times, bias_type="int64")
    y = m.act((1, *out, c * times), q)
    m.add(
        "DEPTHWISE_CONV_2D",
        [x, f, *b],
        [y],
        padding=0 if same else 1,
        strideH=sh,
        strideW=sw,
        dilationHFactor=dh,
        dilationWFactor=dw,
        depthMultiplier=times,
        fusedActivationFunction=m.fused(),
    )
    return y


def transpose_conv(m: Maker, x: int) -> int:
    _, h, w, c = m.shapes[x]
    same, kh, kw, sh, sw = bool(m.num(0, 1)), m.num(1, 4), m.num(1, 4), m.num(1, 3), m.num(1, 3)
    size = [n * s if same else n * s + max(k - s, 0) for n, k, s in ((h, kh, sh), (w, kw, sw))]
    units = m.num(1, 6)
    f, b, q = m.weights((units, kh, kw, c), 0, x, kh * kw * c, units, bool(m.num(0, 1)), bias_type="int64")
    y = m.act((1, *size, units), q)
    m.add(
        "TRANSPOSE_CONV", [m.ints([1, *size, units]), f, x, *b], [y], padding=0 if same else 1, strideH=sh, strideW=sw
    )
    return y


def dense(m: Maker, x: int) -> int:
    shape = m.shapes[x]
    keep = len(shape) > 2 and bool(m.num(0, 1))
    inner = shape[-1] if keep or m.num(0, 1) else math.prod(shape)
    units = m.num(1, 12)
    f, b, q = m.weights((units, inner), 0, x, inner, units)
    rows = math.prod(shape) // inner
    y = m.act((*shape[:-1], units) if keep else (rows, units), q)
    more = {"fusedActivationFunction": m.fused(), **m.bias_type(b)}
    m.add("FULLY_CONNECTED", [x, f, *b], [y], keepNumDims=keep, **more)
    return y


def pool(name: str) -> Callable:
    def make(m: Maker, x: int) -> int:
        _, h, w, c = m.shapes[x]
        (kh, kw), (sh, sw), _, same, out = _geometry(m, h, w, False)
        y = m.act((1, *out, c), m.quants[x])
        m.add(
            name,
            [x],
            [y],
            padding=0 if same else 1,
            strideH=sh,
            strideW=sw,
            filterHeight=kh,
            filterWidth=kw,
            fusedActivationFunction=m.fused(),
        )
        return y

    return make


def reduce(name: str) -> Callable:
    def make(m: Maker, x: int) -> int:
        shape = m.shapes[x]
        rank = len(shape)
        axes = (
            m.pick([1, 2], [rank - 1], [1], sorted(set(m.rng.integers(1, rank, 2).tolist())))
            if rank > 2
            else [rank - 1]
        )
        axes = [a for a in axes if a < rank]
        keep = bool(m.num(0, 1))
        out = [1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes]
        count = math.prod(shape[a] for a in axes)
        q = m.quants[x]
        if name == "MEAN":
            q = m.pick(q, m.scaled(x, -2, 1))
        elif name == "SUM":
            q = m.scaled(x, -1, 1)[0] * math.sqrt(count), m.quant()[1]
        y = m.act(out, q)
        m.add(name, [x, m.ints([a - m.pick(0, rank) for a in axes])], [y], keepDims=keep)
        return y

    return make


def _other(m: Maker, x: int) -> int:
    """A second operand: constant or a new input, of a shape that broadcasts, in a quantisation near x's."""
    shape = m.shapes[x]
    kind = m.num(0, 4)
    if kind == 0:
        other = shape
    elif kind == 1:
        other = shape[-1:]
    elif kind == 2:
        other = (1,) * len(shape)
    elif kind == 3:
        other = tuple(n if m.num(0, 1) else 1 for n in shape)
    else:
        other = (*shape[:-1], 1)
    make = m.constant if m.num(0, 1) else m.input
    return make(other, m.scaled(x, -2, 2))


def binary(name: str) -> Callable:
    def make(m: Maker, x: int, other: int | None = None) -> int:
        b = _other(m, x) if other is None else other
        (sa, _), (sb, _) = m.quants[x], m.quants[b]
        top = sa * sb * 73 if name == "MUL" else max(sa, sb)
        q = float(np.float32(top * 2 ** m.rng.uniform(-1.5, 1.5))), m.quant()[1]
        y = m.act(np.broadcast_shapes(m.shapes[x], m.shapes[b]), q)
        pair = [x, b] if m.num(0, 3) or other is not None else [b, x]
        m.add(name, pair, [y], fusedActivationFunction=m.fused())
        return y

    return make


def squared_difference(m: Maker, x: int) -> int:
    b = _other(m, x)
    largest = max(m.quants[x][0], m.quants[b][0]) ** 2 * (32768 if m.dtype == "int16" else 128)
    y = m.act(np.broadcast_shapes(m.shapes[x], m.shapes[b]), (largest * 2 ** m.rng.uniform(-2, 2), m.quant()[1]))
    m.add("SQUARED_DIFFERENCE", [x, b], [y])
    return y


def extreme(name: str) -> Callable:
    def make(m: Maker, x: int) -> int:
        shape, q = m.shapes[x], m.quants[x]
        other = m.pick(shape, shape[-1:], (1,) * len(shape))
        b = m.constant(other, q) if m.num(0, 1) else m.input(other, q)
        y = m.act(shape, q)
        m.add(name, [x, b], [y])
        return y

    return make


def unary(
    name: str, low: float = -1.5, high: float = 1.5, quant: tuple[float, int] | None = None, options=None
) -> Callable:
    def make(m: Maker, x: int) -> int:
        own = (1 / 32768, 0) if quant and m.dtype == "int16" else quant
        same = m.quants[x] if name in ("RELU6", "RELU_N1_TO_1", "NEG") and m.dtype == "int16" else None
        y = m.act(m.shapes[x], own or same or m.scaled(x, low, high))  # int16: its RELU6 and NEG do not rescale
        m.add(name, [x], [y], **({k: f(m) for k, f in options.items()} if options else {}))
        return y

    return make


def positive(name: str) -> Callable:
    """Functions defined for positive numbers: an input of zero point -128, and ABS before it in float and int16."""

    def make(m: Maker, x: int) -> int:
        shape = m.shapes[x]
        if m.dtype == "int8":
            x = m.input(shape, (m.quants[x][0], -128))
        else:
            a = m.act(shape, None if m.dtype == "float32" else m.quants[x])
            m.add("ABS", [x], [a])
            x = a
        wide = m.dtype == "int16"
        y = m.act(shape, (m.pick(1 / 32, 1 / 8) / (256 if wide else 1), 0 if wide else m.num(-20, 20)))
        m.add(name, [x], [y])
        return y

    return make


def prelu(m: Maker, x: int) -> int:
    shape = m.shapes[x]
    narrow = m.num(0, len(shape) - 1)  # axes from this one on have slopes of their own; the last one always
    own = tuple(n if a >= narrow else 1 for a, n in enumerate(shape))
    quant, dtype = (2 ** -m.rng.uniform(6, 9), m.quant()[1]), m.dtype
    if dtype == "int16":  # TFLite Micro's slopes are int8
        quant, dtype = (quant[0], m.num(-128, 127)), "int8"
    alpha = m.constant(own[1:-1] + shape[-1:], quant, dtype)
    y = m.act(shape, m.scaled(x))
    m.add("PRELU", [x, alpha], [y])
    return y


def requantise(m: Maker, x: int) -> int:
    y = m.act(m.shapes[x], m.scaled(x, -2, 2))
    m.add("QUANTIZE", [x], [y])
    return y


def dequantise(m: Maker, x: int) -> int:
    y = m.act(m.shapes[x], dtype="float32")
    m.add("DEQUANTIZE", [x], [y])
    return y


def arg(name: str) -> Callable:
    def make(m: Maker, x: int) -> int:
        shape = m.shapes[x]
        axis = m.num(1, len(shape) - 1)
        y = m.act((*shape[:axis], *shape[axis + 1 :]), dtype="int32")
        m.add(name, [x, m.ints(axis - m.pick(0, len(shape)), ())], [y], outputType=2)
        return y

    return make


def batch_matmul(m: Maker, x: int) -> int:
    shape = m.shapes[x]
    k, n, adj_x, adj_y = shape[-1], m.num(1, 5), bool(m.num(0, 1)), bool(m.num(0, 1))
    if len(shape) == 2:
        adj_x = False
    if adj_x:
        k = shape[-2]
    rows = shape[-1] if adj_x else shape[-2]
    lead = shape[:-2]
    other = (*lead, n, k) if adj_y else (*lead, k, n)
    b = (m.constant if len(shape) == 2 else m.input)(other, m.scaled(x))
    q = m.quants[x][0] * m.quants[b][0] * 73 * math.sqrt(k) * 2 ** m.rng.uniform(-1, 1), m.quant()[1]
    y = m.act((*lead, rows, n), q)
    m.add("BATCH_MATMUL", [x, b], [y], adjX=adj_x, adjY=adj_y)
    return y


def dilated(m: Maker, x: int) -> int:
    """SPACE_TO_BATCH_ND, CONV_2D or DEPTHWISE_CONV_2D, BATCH_TO_SPACE_ND."""
    _, h, w, c = m.shapes[x]
    block = [m.num(1, 3), m.num(1, 3)]
    kernel = [m.num(1, 3), m.num(1, 3)]
    pads, crops = [], []
    for n, k, b in zip((h, w), kernel, block, strict=True):
        before = m.num(0, 2) if m.num(0, 1) else (k - 1) * b // 2
        after = max((k - 1) * b - before, 0)
        extra = -(n + before + after) % b
        pads.append([before, after + extra]), crops.append([0, extra])
    inner = [(n + sum(p)) // b for n, p, b in zip((h, w), pads, block, strict=True)]
    s2b = m.act((block[0] * block[1], *inner, c), m.quants[x])
    m.add("SPACE_TO_BATCH_ND", [x, m.ints(block), m.ints(pads)], [s2b])
    deep = m.num(0, 1)
    units = c if deep else m.num(1, 5)
    shape = (1, *kernel, c) if deep else (units, *kernel, c)
    fan_in = math.prod(kernel) * (1 if deep else c)
    f, bias, q = m.weights(shape, 3 if deep else 0, x, fan_in, units, bias=True, bias_type="int64")
    size = [n - k + 1 for n, k in zip(inner, kernel, strict=True)]
    made = m.act((block[0] * block[1], *size, units), q)
    name, more = ("DEPTHWISE_CONV_2D", {"depthMultiplier": 1}) if deep else ("CONV_2D", {})
    m.add(name, [s2b, f, *bias], [made], padding=1, strideH=1, strideW=1, fusedActivationFunction=m.fused(), **more)
    y = m.act((1, *(n * b - sum(p) for n, b, p in zip(size, block, crops, strict=True)), units), q)
    m.add("BATCH_TO_SPACE_ND", [made, m.ints(block), m.ints(crops)], [y])
    return y


_HALF = (1 / 256, -128)
IMAGE_OPS: dict[str, Callable] = {
    "CONV_2D": conv,
    "DEPTHWISE_CONV_2D": depthwise,
    "TRANSPOSE_CONV": transpose_conv,
    "AVERAGE_POOL_2D": pool("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": pool("MAX_POOL_2D"),
    "RESIZE_NEAREST_NEIGHBOR": resize("RESIZE_NEAREST_NEIGHBOR"),
    "RESIZE_BILINEAR": resize("RESIZE_BILINEAR"),
    "SPACE_TO_DEPTH": space_to_depth,
    "DEPTH_TO_SPACE": depth_to_space,
    "SPACE_TO_BATCH_ND": dilated,
}
ANY_OPS: dict[str, Callable] = {
    "FULLY_CONNECTED": dense,
    **{n: reduce(n) for n in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")},
    **{n: binary(n) for n in ("ADD", "SUB", "MUL")},
    **{n: extreme(n) for n in ("MAXIMUM", "MINIMUM")},
    "SQUARED_DIFFERENCE": squared_difference,
    "CONCATENATION": concat,
    "SPLIT": split,
    "SPLIT_V": split_v,
    "STRIDED_SLICE": strided_slice,
    "SLICE": slice_,
    **{n: pad(n) for n in ("PAD", "PADV2", "MIRROR_PAD")},
    "RESHAPE": reshape,
    "EXPAND_DIMS": expand_dims,
    "TRANSPOSE": transpose,
    "PACK": pack,
    "UNPACK": unpack,
    "GATHER": gather,
    "TILE": tile,
    "SHAPE": shape_chain,
    "SOFTMAX": unary("SOFTMAX", quant=_HALF, options={"beta": lambda m: m.pick(1.0, 1.0, 0.5, 2.0)}),
    "LOG_SOFTMAX": unary("LOG_SOFTMAX", quant=(16 / 256, 127)),
    "L2_NORMALIZATION": unary("L2_NORMALIZATION", quant=(1 / 128, 0)),
    "LOGISTIC": unary("LOGISTIC", quant=_HALF),
    "TANH": unary("TANH", quant=(1 / 128, 0)),
    **{n: unary(n) for n in ("RELU", "RELU6", "RELU_N1_TO_1", "ELU", "HARD_SWISH", "ABS", "NEG")},
    "EXP": unary("EXP", -1, 2),
    "GELU": unary("GELU", options={"approximate": lambda m: m.pick(False, True)}),
    "LEAKY_RELU": unary(
        "LEAKY_RELU",
        options={"alpha": lambda m: float(np.float32(m.pick(0.1, 0.3, -0.2, 1.5, m.rng.uniform())))},
    ),
    "PRELU": prelu,
    **{n: positive(n) for n in ("SQRT", "RSQRT", "LOG")},
    "QUANTIZE": requantise,
    "DEQUANTIZE": dequantise,
    "ARG_MAX": arg("ARG_MAX"),
    "ARG_MIN": arg("ARG_MIN"),
    "BATCH_MATMUL": batch_matmul,
}
OPERATORS = {**IMAGE_OPS, **ANY_OPS}
INT8_ONLY = {"QUANTIZE", "DEQUANTIZE"}
# int8: LiteRT's reference SUM adds bytes without scaling; its other kernel rounds once where NNoM rounds twice
ROUNDS_ONCE = {"SUM"}
NARROW = {"GATHER"}  # not in graphs of int16: TFLite Micro has no such kernel


def _shape(m: Maker, name: str) -> tuple[int, ...]:
    if name in IMAGE_OPS:
        return (1, m.num(1, 9), m.num(1, 9), m.num(1, 8))
    rank = m.pick(2, 3, 4, 4)
    if name == "L2_NORMALIZATION" and m.dtype == "int8":
        rank = 4
    return (1, *(m.num(1, 8) for _ in range(rank - 1)))


def single(name: str, rng: Rng, dtype: str = "int8", nibbles: bool = False) -> Case:
    """A model of operator `name` (a few need others around them), all its numbers random. nibbles: weights are int4."""
    m = Maker(rng, dtype, nibbles)
    x = m.input(_shape(m, name))
    return m.case([OPERATORS[name](m, x)])


_LINEAR = (
    "CONV_2D",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "AVERAGE_POOL_2D",
    "MAX_POOL_2D",
    "ADD",
    "MUL",
    "SUB",
    "CONCATENATION",
    "PAD",
    "RELU",
    "LEAKY_RELU",
    "STRIDED_SLICE",
    "TRANSPOSE",
    "RESIZE_NEAREST_NEIGHBOR",
    "SPLIT_V",
    "GATHER",
    "MAXIMUM",
    "TRANSPOSE_CONV",
    "LOGISTIC",
    "TANH",
    "RESHAPE",
    "MEAN",
    "FULLY_CONNECTED",
)


def graph(rng: Rng, dtype: str = "int8") -> Case:
    """A random graph of 3 to 12 operators (and those that they bring) with branches that meet again."""
    m = Maker(rng, dtype)
    live = [m.input((1, m.num(2, 12), m.num(2, 12), m.num(1, 8)))]
    read: set[int] = set()
    for _ in range(m.num(3, 12)):
        x = live[-1] if m.num(0, 3) else m.pick(*live)
        twins = [t for t in live if m.shapes[t] == m.shapes[x] and t != x]
        if twins and m.num(0, 1):
            y, partner = None, m.pick(*twins)
            y = binary(m.pick("ADD", "SUB", "MUL"))(m, x, partner)
            read.add(partner)
        else:
            names = [n for n in _LINEAR if len(m.shapes[x]) == 4 or n in ANY_OPS]
            if dtype == "int16":
                names = [n for n in names if n not in NARROW]
            y = OPERATORS[m.pick(*names)](m, x)
        read.add(x)
        if math.prod(m.shapes[y]) <= 20000 and len(m.shapes[y]) >= 2 and m.shapes[y][0] == 1:
            live.append(y)
    ends = [t for t in live[1:] if t not in read] or [live[-1]]
    ends = [t for t in ends if t not in m.inputs] or [y]
    return m.case(ends[-3:])
