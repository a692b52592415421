# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Where the axes of a file's tensor lie in the memory of the graph's tensor, which need not be the file's order.

A map lists parts in the order of memory, the last one the fastest: each is an axis of the file, or a factor of one.

    [1, C, H, W] lying as (H, W, C)     parts (2: H) (3: W) (1: C)
    its Flatten, [1, C H W]             parts (1, second factor: H) (1, third: W) (1, first: C)
    its Transpose to [1, H, W, C]       parts (1: H) (2: W) (3: C)

Reshape and Transpose of the file change the map alone; nothing moves until an operator wants parts in another order.
Axes of size 1 have no part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..graph import Shape


class Part(NamedTuple):
    """A factor of an axis of the file. place: which factor of it, the slowest is 0."""

    axis: int
    place: int
    size: int


@dataclass(frozen=True)
class AxisMap:
    """shape: in the file. parts: in the order of memory."""

    shape: tuple[int, ...]
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, shape: Sequence[int], order: Sequence[int] | None = None) -> AxisMap:
        """Whole axes in the order of memory; None: in the file's. Axes of size 1 may be left out of `order`."""
        order = range(len(shape)) if order is None else order
        return cls(tuple(shape), tuple(Part(a, 0, shape[a]) for a in order if shape[a] != 1))

    @property
    def in_order(self) -> list[Part]:
        """The parts in the file's order."""
        return sorted(self.parts)

    @property
    def straight(self) -> bool:
        """Whether memory is in the file's order."""
        return list(self.parts) == self.in_order

    def axis(self, axis: int) -> list[Part]:
        """The parts of an axis, the slowest first."""
        return sorted(p for p in self.parts if p.axis == axis)

    def transposed(self, perm: Sequence[int]) -> AxisMap:
        """Of the file's Transpose."""
        to = {old: new for new, old in enumerate(perm)}
        shape = tuple(self.shape[p] for p in perm)
        return AxisMap(shape, tuple(Part(to[p.axis], p.place, p.size) for p in self.parts)).joined()

    def padded(self, rank: int) -> AxisMap:
        """With leading axes of 1."""
        more = rank - len(self.shape)
        return AxisMap((1,) * more + self.shape, tuple(p._replace(axis=p.axis + more) for p in self.parts))

    def numbered(self, parts: Sequence[tuple[int, int, int]]) -> AxisMap:
        """With parts (axis, key, size) in memory order, numbered anew by their key within each axis."""
        keys: dict[int, list[int]] = {}
        for axis, key, _ in sorted(parts):
            keys.setdefault(axis, []).append(key)
        return AxisMap(self.shape, tuple(Part(a, keys[a].index(k), n) for a, k, n in parts))

    def joined(self) -> AxisMap:
        """Factors of one axis that follow one another in memory as in the file are one."""
        made: list[list[int]] = []
        for p in self.parts:
            if made and made[-1][0] == p.axis and made[-1][3] + 1 == p.place:
                made[-1][2] *= p.size
                made[-1][3] = p.place
            else:
                made.append([p.axis, p.place, p.size, p.place])
        return self.numbered([(a, k, n) for a, k, n, _ in made])

    def reshaped(self, shape: Sequence[int]) -> AxisMap | None:
        """Of the file's Reshape; None if a new axis would need a piece of a part that is no factor of it."""
        flat = AxisMap(
            (math.prod(self.shape),),
            tuple(Part(0, self.in_order.index(p), p.size) for p in self.parts),
        ).joined()
        left = [(p.place, p.size) for p in flat.in_order]
        pieces: dict[int, list[tuple[int, int]]] = {}  # by place of the part: (axis, size)
        for axis, size in enumerate(shape):
            while size > 1:
                place, n = left[0]
                taken = math.gcd(n, size) if n % size and size % n else min(n, size)
                if taken not in (n, size):
                    return None
                pieces.setdefault(place, []).append((axis, taken))
                size //= taken
                left[0] = (place, n // taken)
                if left[0][1] == 1:
                    left.pop(0)
        parts = [(a, 1000 * p.place + i, n) for p in flat.parts for i, (a, n) in enumerate(pieces[p.place])]
        return AxisMap(tuple(shape), ()).numbered(parts).joined()

    def split(self, axis: int, sizes: Sequence[int]) -> AxisMap | None:
        """With an axis in factors at least as fine as `sizes`; None if they do not divide one another."""
        own = self.axis(axis)
        cuts = sorted({*_strides([p.size for p in own]), *_strides(sizes)}, reverse=True)
        if any(a % b for a, b in zip(cuts, cuts[1:], strict=False)):
            return None
        parts: list[tuple[int, int, int]] = []
        for p in self.parts:
            if p.axis != axis:
                parts.append((p.axis, 1000 * p.place, p.size))
                continue
            inner = math.prod(q.size for q in own[p.place + 1 :])
            steps = [c for c in cuts if inner <= c <= inner * p.size]
            parts += [
                (axis, 1000 * p.place + i, a // b) for i, (a, b) in enumerate(zip(steps, steps[1:], strict=False))
            ]
        return self.numbered(parts)

    def resized(self, sizes: dict[int, int]) -> AxisMap:
        """Of a tensor whose axes in `sizes`, of one part each, have other sizes."""
        shape = tuple(sizes.get(i, n) for i, n in enumerate(self.shape))
        parts = tuple(p._replace(size=sizes.get(p.axis, p.size)) for p in self.parts)
        return AxisMap(shape, tuple(p for p in parts if p.size != 1))

    def arranged(self, data: np.ndarray) -> np.ndarray:
        """A constant of the file as it lies in memory, one dimension for each part."""
        order = self.in_order
        return data.reshape([p.size for p in order]).transpose([order.index(p) for p in self.parts])

    def whole(self, axes: Sequence[int]) -> AxisMap:
        """The map in which each of `axes` is one part, where its slowest lies."""
        made: list[Part] = []
        for p in self.parts:
            if p.axis not in axes:
                made.append(p)
            elif p.place == 0:
                made.append(Part(p.axis, 0, self.shape[p.axis]))
        return AxisMap(self.shape, tuple(made))


def _strides(sizes: Sequence[int]) -> list[int]:
    """Strides of factors, and their product: (3, 4) -> 12, 4, 1."""
    return [math.prod(sizes[i:]) for i in range(len(sizes) + 1)]


def cut(parts: Sequence[Part], marks: Sequence[object], prefer: Shape) -> list[list[Part]] | None:
    """The parts of each of h, w, c, so that no side has parts of different marks; None if three do not do.

    prefer: the shape that is taken if it does. A part that it divides is cut in two, of the same place.
    """
    found = _cut_as(parts, marks, prefer)
    if found is not None:
        return found
    groups: list[list[Part]] = []
    last: object = None
    for part, mark in zip(parts, marks, strict=True):
        if groups and mark == last:
            groups[-1].append(part)
        else:
            groups.append([part])
        last = mark
    if len(groups) > 3:
        return None
    return [*([[]] * (3 - len(groups))), *groups] if len(groups) != 2 else [groups[0], [], groups[1]]


def _cut_as(parts: Sequence[Part], marks: Sequence[object], shape: Shape) -> list[list[Part]] | None:
    sides: list[list[Part]] = [[], [], []]
    kinds: list[set[object]] = [set(), set(), set()]
    left = list(zip(parts, marks, strict=True))
    for side, n in enumerate(shape):
        while n > 1 or (left and left[0][0].size == 1 and not kinds[side]):
            if not left:
                return None
            part, mark = left[0]
            taken = math.gcd(n, part.size)
            if taken not in (n, part.size) or (taken == 1 and part.size > 1):
                return None
            sides[side].append(part._replace(size=taken))
            kinds[side].add(mark)
            n //= taken
            left[0] = (part._replace(size=part.size // taken), mark)
            if left[0][0].size == 1:
                left.pop(0)
    if left or any(len(k) > 1 for k in kinds):
        return None
    return sides
