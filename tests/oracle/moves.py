# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Generators of cases.py for operators that move values about: each adds one to a model and returns its output."""

from __future__ import annotations

import math
from collections.abc import Callable

from .maker import Maker


def concat(m: Maker, x: int, other: int | None = None) -> int:
    shape, q = list(m.shapes[x]), m.quants[x]
    axis = m.num(1, len(shape) - 1)
    parts = [x]
    for _ in range(m.num(1, 3)):
        more = list(shape)
        more[axis] = m.num(1, 4)
        parts.append(m.constant(more, q) if m.num(0, 2) == 0 else m.input(more, q))
    m.rng.shuffle(parts)
    shape[axis] = sum(m.shapes[p][axis] for p in parts)
    y = m.act(shape, q)
    m.add("CONCATENATION", parts, [y], axis=axis - m.pick(0, len(shape)), fusedActivationFunction=0)
    return y


def split(m: Maker, x: int) -> int:
    shape, q = m.shapes[x], m.quants[x]
    axis = max(range(1, len(shape)), key=lambda a: shape[a])
    n = shape[axis]
    count = m.pick(*[c for c in range(1, n + 1) if n % c == 0])
    out = [m.act((*shape[:axis], n // count, *shape[axis + 1 :]), q) for _ in range(count)]
    m.add("SPLIT", [m.ints(axis - m.pick(0, len(shape)), ()), x], out, numSplits=count)
    return m.pick(*out)


def split_v(m: Maker, x: int) -> int:
    shape, q = m.shapes[x], m.quants[x]
    axis = max(range(1, len(shape)), key=lambda a: shape[a])
    n = shape[axis]
    first = m.num(1, n - 1) if n > 1 else 1
    sizes = [first, n - first] if n > 1 else [1]
    out = [m.act((*shape[:axis], s, *shape[axis + 1 :]), q) for s in sizes]
    m.add("SPLIT_V", [x, m.ints(sizes), m.ints(axis, ())], out, numSplits=len(sizes))
    return m.pick(*out)


def strided_slice(m: Maker, x: int) -> int:
    shape, begin, end, step, out, shrink = m.shapes[x], [0], [1], [1], [1], 0
    for i, n in enumerate(shape[1:], 1):
        b, t = m.num(0, n - 1), m.num(1, 3)
        e = m.num(b + 1, n)
        if m.num(0, 5) == 0 and len(shape) > 2 and not shrink:
            shrink, e, t = 1 << i, b + 1, 1
        else:
            out.append(-(-(e - b) // t))
        begin.append(b - m.pick(0, n) if b else b), end.append(e), step.append(t)
    y = m.act(out, m.quants[x])
    m.add(
        "STRIDED_SLICE",
        [x, m.ints(begin), m.ints(end), m.ints(step)],
        [y],
        shrinkAxisMask=shrink,
        beginMask=1,
        endMask=1,
    )
    return y


def slice_(m: Maker, x: int) -> int:
    begin, size = [0], [1]
    for n in m.shapes[x][1:]:
        b = m.num(0, n - 1)
        begin.append(b), size.append(m.num(1, n - b))
    y = m.act(size, m.quants[x])
    m.add("SLICE", [x, m.ints(begin), m.ints(size)], [y])
    return y


def pad(name: str) -> Callable:
    def make(m: Maker, x: int) -> int:
        shape = m.shapes[x]
        mirror = name == "MIRROR_PAD"
        mode = m.num(0, 1)
        around = [[0, 0]]
        for i, n in enumerate(shape[1:], 1):
            top = min(3, n - 1 + mode) if mirror else 3
            last = i == len(shape) - 1 and (mirror or m.num(0, 2))
            around.append([0, 0] if last else [m.num(0, top), m.num(0, top)])
        y = m.act([n + sum(p) for n, p in zip(shape, around, strict=True)], m.quants[x])
        more = [m.constant((1,), m.quants[x])] if name == "PADV2" else []
        m.add(name, [x, m.ints(around), *more], [y], **({"mode": mode} if mirror else {}))
        return y

    return make


def reshape(m: Maker, x: int) -> int:
    n = math.prod(m.shapes[x])
    a = m.pick(*[d for d in range(1, n + 1) if n % d == 0])
    new = m.pick((1, n), (1, a, n // a), (1, 1, a, n // a), (1, a, n // a, 1), (1, a, 1, n // a))
    y = m.act(new, m.quants[x])
    m.add("RESHAPE", [x, m.ints(m.pick(new, (*new[:-1], -1)))], [y])
    return y


def expand_dims(m: Maker, x: int) -> int:
    shape = m.shapes[x]
    axis = m.num(1, len(shape) - 1)
    if len(shape) == 4:  # rank 5 has no layout: squeeze instead
        ones = [i for i in range(1, 4) if shape[i] == 1]
        y = m.act([n for i, n in enumerate(shape) if i not in ones], m.quants[x])
        m.add("SQUEEZE", [x], [y], squeezeDims=ones) if ones else m.add("RESHAPE", [x, m.ints(shape)], [y])
        return y
    y = m.act((*shape[:axis], 1, *shape[axis:]), m.quants[x])
    m.add("EXPAND_DIMS", [x, m.ints(axis, ())], [y])
    return y


def transpose(m: Maker, x: int) -> int:
    shape = m.shapes[x]
    perm = [0, *(1 + m.rng.permutation(len(shape) - 1)).tolist()]
    y = m.act([shape[p] for p in perm], m.quants[x])
    m.add("TRANSPOSE", [x, m.ints(perm)], [y])
    return y


def pack(m: Maker, x: int) -> int:
    shape = m.shapes[x]
    if len(shape) == 4:
        n = math.prod(shape)
        x2 = m.act((1, n), m.quants[x])
        m.add("RESHAPE", [x, m.ints([1, n])], [x2])
        x, shape = x2, (1, n)
    axis = m.num(0, len(shape))
    parts = [x] + [m.pick(m.constant, m.input)(shape, m.quants[x]) for _ in range(m.num(1, 2))]
    y = m.act((*shape[:axis], len(parts), *shape[axis:]), m.quants[x])
    m.add("PACK", parts, [y], valuesCount=len(parts), axis=axis)
    return y


def unpack(m: Maker, x: int) -> int:
    shape = m.shapes[x]
    axis = m.num(0, len(shape) - 1)
    out = [m.act((*shape[:axis], *shape[axis + 1 :]), m.quants[x]) for _ in range(shape[axis])]
    m.add("UNPACK", [x], out, num=len(out), axis=axis)
    return m.pick(*out)


def gather(m: Maker, x: int) -> int:
    shape = list(m.shapes[x])
    axis = m.num(1, len(shape) - 1)
    index = m.rng.integers(0, shape[axis], m.num(1, 6))
    shape[axis] = len(index)
    y = m.act(shape, m.quants[x])
    m.add("GATHER", [x, m.ints(index)], [y], axis=axis)
    return y


def resize(name: str) -> Callable:
    def make(m: Maker, x: int) -> int:
        _, h, w, c = m.shapes[x]
        size = [m.num(1, 2 * h + 1), m.num(1, 2 * w + 1)] if m.num(0, 1) else [2 * h, 2 * w]
        align, half = m.pick((False, False), (True, False), (False, True))
        y = m.act((1, *size, c), m.quants[x])
        m.add(name, [x, m.ints(size)], [y], alignCorners=align, halfPixelCenters=half)
        return y

    return make


def tile(m: Maker, x: int) -> int:
    shape = m.shapes[x]
    times = [1, *m.rng.integers(1, 4, len(shape) - 1).tolist()]
    y = m.act([n * t for n, t in zip(shape, times, strict=True)], m.quants[x])
    m.add("TILE", [x, m.ints(times)], [y])
    return y


def shape_chain(m: Maker, x: int) -> int:
    """What the converter writes for Flatten: SHAPE, STRIDED_SLICE, PACK, RESHAPE."""
    shape = m.shapes[x]
    full, first, new = (m.model.tensor(s, "int32") for s in ((len(shape),), (), (2,)))
    m.add("SHAPE", [x], [full], outType=2)
    m.add("STRIDED_SLICE", [full, m.ints([0]), m.ints([1]), m.ints([1])], [first], shrinkAxisMask=1)
    m.add("PACK", [first, m.ints(-1, ())], [new], valuesCount=2)
    y = m.act((1, math.prod(shape)), m.quants[x])
    m.add("RESHAPE", [x, new], [y])
    return y


def space_to_depth(m: Maker, x: int) -> int:
    _, h, w, c = m.shapes[x]
    b = 2 if h % 2 == 0 and w % 2 == 0 else 1
    y = m.act((1, h // b, w // b, c * b * b), m.quants[x])
    m.add("SPACE_TO_DEPTH", [x], [y], blockSize=b)
    return y


def depth_to_space(m: Maker, x: int) -> int:
    shape = m.shapes[x]
    if shape[3] % 4:
        x2 = m.act((*shape[:3], 4 * shape[3]), m.quants[x])
        m.add("TILE", [x, m.ints([1, 1, 1, 4])], [x2])
        x, shape = x2, m.shapes[x2]
    y = m.act((1, shape[1] * 2, shape[2] * 2, shape[3] // 4), m.quants[x])
    m.add("DEPTH_TO_SPACE", [x], [y], blockSize=2)
    return y
