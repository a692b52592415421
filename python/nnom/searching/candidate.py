# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What a search tries, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A configuration. method: how ranges are found; names of layers that compute in 16 bits, or have 4-bit weights."""

    method: str
    int16: tuple[str, ...] = ()
    int4: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """For tables."""
        parts = [self.method]
        parts += [f"int16 {', '.join(self.int16)}"] if self.int16 else []
        parts += [f"int4 {', '.join(self.int4)}"] if self.int4 else []
        return "; ".join(parts)


@dataclass(frozen=True)
class Outcome:
    """What a candidate gives.

    score: of the search's measure. ram: bytes of arena and state, of the plan that was asked for or, if that does not
    fit its budget, of the smallest. cost: estimated instructions. weights: bytes. error: why it cannot be converted.
    """

    candidate: Candidate
    score: float = 0.0
    ram: int = 0
    fits_ram: bool = False
    cost: int = 0
    weights: int = 0
    error: str = ""


@dataclass(frozen=True)
class Limits:
    """What an outcome must meet. score: at least; weights: bytes at most, None: any. RAM is the plan's matter."""

    score: float
    weights: int | None = None

    def good_enough(self, o: Outcome) -> bool:
        """Its outputs are."""
        return not o.error and o.score >= self.score - 1e-9

    def met_by(self, o: Outcome) -> bool:
        """All of them."""
        return self.good_enough(o) and o.fits_ram and (self.weights is None or o.weights <= self.weights)
