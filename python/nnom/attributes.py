# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What attributes of operators may be: kinds of values, with their defaults. Used by the book of operators, ops.py."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

REQUIRED = object()


@dataclass(frozen=True)
class Attribute:
    """expected: in words. fits(value): whether it is one. standard: what stands for an attribute that is not given.

    argument(value): what a constructor of the core takes; None: it takes it in a way of its own. names: of a choice.
    """

    expected: str
    fits: Callable[[Any], bool]
    standard: Any = REQUIRED
    argument: Callable[[Any], Any] | None = None
    names: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether a node must have it."""
        return self.standard is REQUIRED

    def default(self, value: Any) -> Attribute:
        """The same, not required."""
        return replace(self, standard=value)

    def times(self, count: int) -> Attribute:
        """`count` of them."""
        inner = self.fits
        return Attribute(
            f"{count} times {self.expected}",
            lambda v: isinstance(v, list | tuple | np.ndarray) and len(v) == count and all(map(inner, v)),
            argument=lambda v: tuple(map(int, v)),
        )

    def wrong(self, value: Any) -> str:
        """What was expected, if the value does not fit; else empty. None stands for a default of None."""
        return "" if (value is None and self.standard is None) or self.fits(value) else self.expected


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and math.isfinite(value)


def _are_indices(value: Any) -> bool:
    array = np.asarray(value)
    return array.size > 0 and array.dtype.kind in "iu"


def choice(*names: str) -> Attribute:
    """One of some names; the core takes its place among them."""
    return Attribute(
        f"one of {', '.join(names)}", lambda v: isinstance(v, str) and v in names, argument=names.index, names=names
    )


WHOLE = Attribute("a whole number", _is_whole, argument=int)
REAL = Attribute("a finite number", _is_real, argument=float)
FLAG = Attribute("True or False", lambda v: isinstance(v, bool | np.bool_), argument=bool)
AXIS = Attribute("0 (h), 1 (w) or 2 (c)", lambda v: _is_whole(v) and 0 <= v <= 2, argument=int)
AXES = Attribute(
    "some of 0 (h), 1 (w), 2 (c)", lambda v: isinstance(v, list | tuple) and len(v) > 0 and all(map(AXIS.fits, v))
)
PAIR, TRIPLE, SIDES = (WHOLE.times(count) for count in (2, 3, 4))
INDICES = Attribute("whole numbers", _are_indices)
