# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The order in which the layers of a Keras model run, in time linear in the layers and what they read."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from .keras_spec import Ref


class Order:
    """Gives the uses of layers whose inputs are known, as repeated passes over the file's list would meet them.

    Iterate over it, and tell with `made` what the use just given has made.
    """

    def __init__(self, needs: list[set[Ref]], known: Iterable[Ref]):
        """needs: what each use reads."""
        have = set(known)
        self._missing = [len(refs - have) for refs in needs]
        self._readers: dict[Ref, list[int]] = {}
        for k, refs in enumerate(needs):
            for ref in refs - have:
                self._readers.setdefault(ref, []).append(k)
        self._ready = [(0, k) for k, n in enumerate(self._missing) if n == 0]
        self._at = (0, 0)  # pass and use

    def __iter__(self) -> Iterator[int]:
        while self._ready:
            self._at = heapq.heappop(self._ready)
            yield self._at[1]

    def made(self, refs: Iterable[Ref]) -> None:
        """The use just given has made these: those who wait for them may become ready."""
        turn, maker = self._at
        for ref in refs:
            for k in self._readers.pop(ref, ()):
                self._missing[k] -= 1
                if self._missing[k] == 0:
                    heapq.heappush(self._ready, (turn + (k < maker), k))

    def first_stuck(self) -> int | None:
        """The first use that never became ready."""
        return next((k for k, n in enumerate(self._missing) if n), None)
