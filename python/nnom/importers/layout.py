# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Which axis of a file's tensor is h, which w, which c; the graph knows tensors (h, w, c) only.

    channels last     [1, H, W, C] -> (H, W, C)    [1, T, C] -> (T, 1, C)    [1, N] and [N] -> (1, 1, N)
                      [A, B, C] -> (A, B, C)       [T, C] -> (T, 1, C)       scalar -> (1, 1, 1)
                      [B, H, W, C] with H or W of 1 -> that one dropped
    channels first    [1, C, H, W] -> (H, W, C)    [1, C, T] -> (T, 1, C)    [1, N], [N] and scalar as above

With channels last the bytes stay where they are. With channels first `Axes.arranged` moves those of constants;
`permutation` says how a tensor is transposed from one map of its axes to another, so that what counts on the order of
the file's bytes (a reshape) finds it.

Tensors of more axes, [B, H, W, C] among them, lie as (all but the last two axes, the last but one, the last). An
operator that tells only some of their axes apart gets neighbours that it treats alike as one axis (`merged`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from ..graph import Shape

T = TypeVar("T")


class Axes(tuple[int | None, ...]):
    """For each axis of a file's tensor 0 (h), 1 (w) or 2 (c); None for one of size 1 without a counterpart.

    Neighbours may share one.
    """

    __slots__ = ()

    def place(self, shape: Sequence[int]) -> Shape:
        """(h, w, c) of a tensor of this shape in the file."""
        out = [1, 1, 1]
        for n, a in zip(shape, self, strict=True):
            if a is not None:
                out[a] *= n
        return out[0], out[1], out[2]

    def spread(self, values: Mapping[int, T], rest: T) -> tuple[T, T, T]:
        """What `values` says of axes of the file, as what it says of h, w and c; `rest` of those that it does not."""
        found = {self[i]: v for i, v in values.items()}
        return found.get(0, rest), found.get(1, rest), found.get(2, rest)

    def arranged(self, data: np.ndarray) -> np.ndarray:
        """A constant of the file as [h, w, c]."""
        at = [-1 if a is None else a for a in self]
        return data.transpose(sorted(range(len(at)), key=at.__getitem__)).reshape(self.place(data.shape))


def channels_last(shape: tuple[int, ...]) -> Axes | None:
    """The map of a tensor's axes; None if `merged` must make it."""
    rank = len(shape)
    if rank <= 1:
        return Axes((2,)[:rank])
    if rank == 2:
        return Axes((None, 2) if shape[0] == 1 else (0, 2))
    if rank == 3:
        return Axes((None, 0, 2) if shape[0] == 1 else (0, 1, 2))
    if rank > 4:
        return None
    if shape[0] == 1:
        return Axes((None, 0, 1, 2))
    if shape[2] == 1:
        return Axes((0, 1, None, 2))
    return Axes((0, None, 1, 2)) if shape[1] == 1 else None


def channels_first(shape: tuple[int, ...]) -> Axes | None:
    """The map of a tensor's axes whose first is the batch; None if `merged` must make it."""
    if len(shape) <= 1:
        return channels_last(shape)
    if len(shape) > 4 or shape[0] != 1:
        return None
    return Axes((None, 2, 0, 1)[: len(shape)])


def merged(shape: tuple[int, ...], marks: Sequence[object]) -> Axes | None:
    """A map in which neighbours of equal marks share an axis; None if three do not do.

    marks: one per axis; an axis of size 1 whose mark is false (0, "") gets none.
    """
    groups: list[list[int]] = []
    last: object = None
    for i, n in enumerate(shape):
        if n == 1 and not marks[i]:
            continue
        if groups and marks[i] == last:
            groups[-1].append(i)
        else:
            groups.append([i])
            last = marks[i]
    if len(groups) > 3:
        return None
    at = ((), (2,), (0, 2), (0, 1, 2))[len(groups)]
    axes: list[int | None] = [None] * len(shape)
    for a, group in zip(at, groups, strict=True):
        for i in group:
            axes[i] = a
    return Axes(axes)


def in_order(shape: tuple[int, ...]) -> Shape:
    """(h, w, c) of a tensor of any number of axes, channels last, its bytes as in the file."""
    axes = channels_last(shape)
    if axes is None:
        return math.prod(shape[:-2]), shape[-2], shape[-1]
    return axes.place(shape)


def permutation(
    shape: tuple[int, ...], perm: Sequence[int], before: Axes | None, after: Axes | None
) -> tuple[int, int, int] | None:
    """The permutation of (h, w, c) that does what `perm` does to a tensor of shape `shape`; None if there is no map.

    before, after: of the tensor and of the result, no axis shared.
    """
    if before is None or after is None:
        return None
    out: list[int | None] = [None, None, None]
    for j, p in enumerate(perm):
        to = after[j]
        if to is not None and before[p] is not None and shape[p] != 1:
            out[to] = before[p]
    free = [
        a for a in range(3) if a not in out
    ]  # these have size 1: any order is right, theirs is kept where it can be
    h, w, c = (free.pop(free.index(j) if j in free else 0) if a is None else a for j, a in enumerate(out))
    return h, w, c


def rotations(shape: tuple[int, ...], perm: tuple[int, ...]) -> list[Shape]:
    """A permutation of any number of axes as steps: each exchanges the last two axes of its (h, w, c)."""
    order, steps = list(range(len(shape))), []
    for k, wanted in enumerate(perm):
        at = order.index(wanted)
        if any(shape[i] != 1 for i in order[k:at]) and any(shape[i] != 1 for i in order[at:]):
            parts = (order[:k], order[k:at], order[at:])
            h, w, c = (math.prod(shape[i] for i in part) for part in parts)
            steps.append((h, w, c))
        order = order[:k] + order[at:] + order[k:at]
    return steps
