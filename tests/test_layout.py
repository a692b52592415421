# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Maps of a file's axes to (h, w, c), held against numpy's transpose and reshape, channels last and first."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from nnom.importers.layout import Axes, channels_first, channels_last, in_order, merged, permutation, rotations

SHAPES = [s for rank in range(5) for s in itertools.product((1, 2, 3), repeat=rank)]
MAPS = (channels_last, channels_first)


def numbered(shape: tuple[int, ...]) -> np.ndarray:
    """Every element another number."""
    return np.arange(np.prod(shape, dtype=int)).reshape(shape)


def test_channels_last_keeps_the_bytes() -> None:
    for shape in SHAPES:
        data, axes = numbered(shape), channels_last(shape)
        if axes is not None:
            assert axes.place(shape) == in_order(shape)
            assert np.array_equal(axes.arranged(data), data.reshape(in_order(shape))), shape


@pytest.mark.parametrize(
    ("shape", "last"), [((1, 3, 5, 7), (0, 2, 3, 1)), ((1, 3, 5), (0, 2, 1)), ((1, 3), (0, 1)), ((3,), (0,))]
)
def test_channels_first_is_channels_last_of_the_transposed(shape: tuple[int, ...], last: tuple[int, ...]) -> None:
    first = channels_first(shape)
    moved = numbered(shape).transpose(last)
    assert first is not None and np.array_equal(first.arranged(numbered(shape)), moved.reshape(in_order(moved.shape)))


def test_a_permutation_moves_between_any_two_maps() -> None:
    """Of tensors as they lie in one layout, the transpose gives the file's transposed tensor in the other."""
    count = 0
    for shape, old, new in itertools.product(SHAPES, MAPS, MAPS):
        for perm in itertools.permutations(range(len(shape))):
            data = numbered(shape)
            wanted = data.transpose(perm)
            before, after = old(shape), new(wanted.shape)
            order = permutation(shape, perm, before, after)
            assert (order is None) == (before is None or after is None)
            if order is not None and before is not None and after is not None:
                assert np.array_equal(before.arranged(data).transpose(order), after.arranged(wanted)), (shape, perm)
                count += 1
    assert count > 1000


def test_merged_axes_keep_the_bytes_and_what_is_marked_apart() -> None:
    shape = (2, 3, 1, 4, 5)
    axes = merged(shape, [0, 0, 0, "kept", 0])
    assert axes == (0, 0, None, 1, 2) and axes.place(shape) == (6, 4, 5)
    assert np.array_equal(axes.arranged(numbered(shape)), numbered(shape).reshape(6, 4, 5))
    assert merged(shape, [1, 2, 0, 3, 4]) is None


def test_numbers_of_a_file_s_axes_are_those_of_h_w_c() -> None:
    assert Axes((None, 2, 0, 1)).spread({1: "c", 3: "w"}, "-") == ("-", "w", "c")


def test_rotations_are_the_permutation() -> None:
    for shape in ((2, 3, 4, 5), (2, 1, 3, 2, 2)):
        for perm in itertools.permutations(range(len(shape))):
            flat = numbered(shape)
            for step in rotations(shape, perm):
                flat = flat.reshape(step).transpose(0, 2, 1)
            assert np.array_equal(flat.reshape(-1), numbered(shape).transpose(perm).reshape(-1)), perm
