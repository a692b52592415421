# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Configurations that Optuna's sampler asks for: a method, and for each layer 8 bits, 16, or weights of 4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..calibrate import METHODS
from ..errors import ToolError
from .candidate import Candidate, Limits, Outcome

_AT_A_TIME = 4
_UNMET = 1e15  # above any cost


@dataclass
class Sampled:
    """As Greedy; trials: how many in all. seed: of the sampler, so that a search can be repeated."""

    limits: Limits
    wide: Sequence[str]
    small: Sequence[str]
    known: dict[Candidate, Outcome]
    trials: int
    seed: int = 0

    def rounds(self) -> Iterator[tuple[str, list[Candidate]]]:
        """Batches, each told to the sampler before the next."""
        try:
            import optuna
        except ImportError as e:
            raise ToolError("optuna is missing: pip install optuna") from e
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=self.seed))
        for first in range(0, self.trials, _AT_A_TIME):
            asked = [study.ask() for _ in range(min(_AT_A_TIME, self.trials - first))]
            candidates = [self._candidate(t) for t in asked]
            yield "sampled", list(dict.fromkeys(candidates))
            for trial, candidate in zip(asked, candidates, strict=True):
                study.tell(trial, self._value(self.known[candidate]))

    def _candidate(self, trial: Any) -> Candidate:
        method = trial.suggest_categorical("method", list(METHODS))
        bits = {}
        for name in dict.fromkeys((*self.wide, *self.small)):
            choices = [8, *([16] if name in self.wide else []), *([4] if name in self.small else [])]
            bits[name] = trial.suggest_categorical(f"bits of {name}", choices)
        wide, small = (tuple(n for n, b in bits.items() if b == width) for width in (16, 4))
        return Candidate(method, wide, small)

    def _value(self, o: Outcome) -> float:
        """To be made small: the cost, or how far it is from the limits."""
        if o.error:
            return 2 * _UNMET
        return float(o.cost) if self.limits.met_by(o) else _UNMET * (1 + max(self.limits.score - o.score, 0.0))
