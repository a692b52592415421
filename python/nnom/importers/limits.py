# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""How much a file may make: a small one can name any size, and models nested in each other multiply."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import ModelError

MAX_MADE = 2**24  # elements that a layer makes: no microcontroller holds more, calibration takes some 40 bytes for each
MAX_ALL_MADE = 2**28  # elements of all that layers make
MAX_STORED = 2**26  # elements of a tensor that a file describes; what reads it may take memory for it
MAX_LAYERS = 20_000  # of all uses of all models: a microcontroller runs some hundred layers
MAX_REFUSALS = 500  # that are looked for where a model's parts multiply


class Budget:
    """An amount that is used up."""

    def __init__(self, most: int):
        self.most = self.left = most

    def take(self, amount: int) -> bool:
        """Whether this much was left."""
        self.left -= amount
        return self.left >= 0


class Room:
    """Room for the tensors that layers make. place: the file, for messages."""

    def __init__(self, place: str):
        self.place = place
        self._all = Budget(MAX_ALL_MADE)

    def take(self, what: str, shape: Sequence[int]) -> None:
        """ModelError if a tensor that `what` makes, or all of them together, is too large."""
        count = math.prod(shape)
        if not self._all.take(count) or count > MAX_MADE:
            most = f"{MAX_MADE} elements" if count > MAX_MADE else f"{MAX_ALL_MADE} in all tensors together"
            raise ModelError(
                f"{self.place}: {what} makes a tensor of shape {tuple(shape)}; expected at most {most}: "
                "build the model for a smaller input"
            )


class Memory:
    """Memory for the constants that are computed from those of a file of `size` bytes."""

    def __init__(self, place: str, size: int):
        self.place, self.size = place, size
        self._bytes = Budget(8 * size + 2**16)

    def take(self, nbytes: int) -> None:
        """ModelError if this much is not left."""
        if not self._bytes.take(nbytes):
            need = self._bytes.most - self._bytes.left
            raise ModelError(f"{self.place}: its constants need over {need} bytes, the file has {self.size}")

    @property
    def elements(self) -> int:
        """Elements, of 8 bytes at most, that are left."""
        return max(self._bytes.left, 0) // 8
