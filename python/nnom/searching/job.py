# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What all trials of a search share, and one trial. A job lies in a file, so that workers read it once."""

from __future__ import annotations

import functools
import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..compare import channel_noise, outputs_of
from ..conversion import STATE_BYTES, Plan, classes_of, load, prepare
from ..errors import NnomError, ToolError, TooSmall
from ..graph import Graph
from .candidate import Candidate, Outcome

ACCURACY, AGREEMENT, SQNR = "accuracy", "agreement", "sqnr"
MEASURES = (ACCURACY, AGREEMENT, SQNR)


@dataclass(frozen=True)
class Job:
    """A float model, its calibration samples, the data that judge [n, h, w, c] by input, and how memory is planned.

    measure: "accuracy" against labels [n], "agreement" of classes with those of float, or the first output's SQNR in
    dB. expected: float outputs over the data.
    """

    graph: Graph
    calibration: list[np.ndarray]
    data: list[np.ndarray]
    labels: np.ndarray | None
    plan: Plan
    measure: str
    expected: list[np.ndarray]

    def score(self, outputs: list[np.ndarray]) -> float:
        """Of outputs over the data: a share, or dB."""
        if self.measure == SQNR:
            return float(channel_noise(self.expected[0], outputs[0]).sqnr)
        wanted = self.labels if self.labels is not None else classes_of(self.expected[0])
        return float((classes_of(outputs[0]) == wanted).mean())


@functools.lru_cache(maxsize=2)
def _read(path: str) -> Job:
    try:
        job = pickle.loads(Path(path).read_bytes())
    except OSError as e:
        raise ToolError(f"{path}: a worker cannot read the search's folder: {e.strerror or e}; it must see it") from e
    assert isinstance(job, Job)
    return job


def trial(path: str, candidate: Candidate) -> Outcome:
    """Converts as the candidate says, and runs the data. path: of the job, written by the search itself."""
    job = _read(path)
    try:
        graph = load(job.graph, int16=candidate.int16, int4=candidate.int4)
        prepared = prepare(graph, job.calibration, candidate.method)
        score = job.score(outputs_of(prepared.graph, job.data, prepared.raw))
        return _planned(prepared.graph, job.plan, Outcome(candidate, score))
    except ToolError:
        raise
    except NnomError as e:
        return Outcome(candidate, error=str(e))


def _planned(graph: Graph, plan: Plan, outcome: Outcome) -> Outcome:
    """With what its plan tells."""
    fits = True
    try:
        core = plan.compile(graph)
    except TooSmall:
        fits = False
        core = replace(plan, mode="smallest", ram=None, arena_bytes=0).compile(graph)
    totals = core.totals
    ram = int(totals.arena_bytes) + STATE_BYTES
    return replace(outcome, ram=ram, fits_ram=fits, cost=int(totals.cost), weights=int(totals.weight_bytes))
