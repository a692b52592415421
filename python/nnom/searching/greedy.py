# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Which configurations are worth a trial: rounds that follow from what the one before showed.

Ranges first, all layers in 8 bits. If no method is good enough: each layer alone in 16 bits, then the best of these
together. If the weights must be smaller: each layer's weights alone in 4 bits, then the most harmless ones together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..calibrate import METHODS
from .candidate import Candidate, Limits, Outcome

MOST_TOGETHER = 8
Asked = Iterator[tuple[str, list[Candidate]]]


@dataclass
class Greedy:
    """wide, small: layers that may have 16 bits, and weights of 4. known: what came of all candidates so far."""

    limits: Limits
    wide: Sequence[str]
    small: Sequence[str]
    known: dict[Candidate, Outcome]

    def rounds(self) -> Asked:
        """(what is tried, candidates): `known` must hold all of them before the next is asked for."""
        yield "ranges", [Candidate(m) for m in METHODS]
        start = self._best([Candidate(m) for m in METHODS])
        if not self.limits.good_enough(self.known[start]):
            singles = [replace(start, int16=(name,)) for name in self.wide]
            yield "one in 16 bits", singles
            together = [replace(start, int16=names) for names in _together([c.int16[0] for c in self._ranked(singles)])]
            if together and not any(self.limits.good_enough(self.known[c]) for c in singles):
                yield "several in 16 bits", together
            start = self._best([start, *singles, *(c for c in together if c in self.known)])
        if self.limits.weights is not None and self.known[start].weights > self.limits.weights:
            singles = [replace(start, int4=(name,)) for name in self.small if name not in start.int16]
            yield "one in 4 bits", singles
            order = [c.int4[0] for c in self._ranked(singles)]
            yield "several in 4 bits", [replace(start, int4=tuple(order[:k])) for k in range(2, len(order) + 1)]

    def _ranked(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Those that can be converted, the best first."""
        good = [c for c in candidates if not self.known[c].error]
        return sorted(good, key=lambda c: -self.known[c].score)

    def _best(self, candidates: Sequence[Candidate]) -> Candidate:
        """The cheapest that is good enough, else the one that loses least."""
        enough = [c for c in candidates if self.limits.good_enough(self.known[c])]
        if enough:
            return min(enough, key=lambda c: (not self.known[c].fits_ram, self.known[c].cost))
        return next(iter(self._ranked(candidates)), candidates[0])


def _together(names: Sequence[str]) -> list[tuple[str, ...]]:
    """The best two, three ... and all."""
    counts = sorted({*range(2, min(len(names), MOST_TOGETHER) + 1), len(names)})
    return [tuple(names[:k]) for k in counts if k >= 2]
