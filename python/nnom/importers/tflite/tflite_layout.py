# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""How TFLite's tensors become the graph's (h, w, c): the same bytes in the same order, axes mapped.

    [1, H, W, C] -> (H, W, C)    [1, T, C] -> (T, 1, C)    [1, N] and [N] -> (1, 1, N)    scalar -> (1, 1, 1)
    [A, B, C] -> (A, B, C)       [T, C] -> (T, 1, C)       [B, H, W, C] with H or W of 1 -> that one dropped

The last axis is always c. An axis without a counterpart (None) has size 1.

Tensors of more axes, [B, H, W, C] among them, lie as (all but the last two axes, the last but one, the last). An
operator that tells only some of their axes apart gets neighbours that it treats alike as one axis (`merged`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...graph import Shape

Axes = tuple[int | None, ...]


def axes_of(shape: tuple[int, ...]) -> Axes | None:
    """For each axis of `shape` its axis of (h, w, c), None if it has size 1 and none; None if it can not be mapped."""
    rank = len(shape)
    if rank <= 1:
        return (2,)[:rank]
    if rank == 2:
        return (None, 2) if shape[0] == 1 else (0, 2)
    if rank == 3:
        return (None, 0, 2) if shape[0] == 1 else (0, 1, 2)
    if rank > 4:
        return None
    if shape[0] == 1:
        return (None, 0, 1, 2)
    if shape[2] == 1:
        return (0, 1, None, 2)
    return (0, None, 1, 2) if shape[1] == 1 else None


def merged(shape: tuple[int, ...], marks: Sequence[object]) -> Axes | None:
    """For each axis of `shape` its axis of (h, w, c), neighbours of equal marks sharing one; None if three do not do.

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
    return tuple(axes)


def place(shape: tuple[int, ...], axes: Axes) -> Shape:
    """(h, w, c) of a tensor whose axes are mapped by `axes`."""
    out = [1, 1, 1]
    for n, a in zip(shape, axes, strict=True):
        if a is not None:
            out[a] *= n
    return out[0], out[1], out[2]


def ir_shape(shape: tuple[int, ...]) -> Shape:
    """(h, w, c) of `shape`."""
    axes = axes_of(shape)
    if axes is None:
        return math.prod(shape[:-2]), shape[-2], shape[-1]
    return place(shape, axes)


def permutation(shape: tuple[int, ...], perm: tuple[int, ...]) -> tuple[int, int, int] | None:
    """The permutation of (h, w, c) that does what `perm` does to `shape`, in the layout of the result's shape."""
    before, after = axes_of(shape), axes_of(tuple(shape[p] for p in perm))
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


def elements(shape: tuple[int, ...]) -> int:
    """Number of elements."""
    return math.prod(shape)
