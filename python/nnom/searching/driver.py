# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""search(): configurations of a float model on workers, the cheapest one that meets the limits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import data as datasets
from ..compare import outputs_of
from ..conversion import Plan, class_count, load
from ..errors import DataError
from ..graph import Graph
from ..messages import Setting, Text
from ..passes import fold
from ..run_library import cache_folder
from .candidate import Candidate, Limits, Outcome
from .greedy import Greedy
from .job import ACCURACY, AGREEMENT, SQNR, Job
from .pool import Pool, Step
from .sampled import Sampled
from .store import Store

MOST_LAYERS = 64  # that are tried one by one: of larger models those with weights


@dataclass(frozen=True)
class Search:
    """What was tried. best: the cheapest that meets the limits, None if none does; measure, floats: of the float model.

    outcomes: those that meet the limits first, each kind in the order of its cost. reused: results of earlier searches.
    """

    measure: str
    floats: float
    limits: Limits
    outcomes: list[Outcome] = field(default_factory=list)
    best: Outcome | None = None
    reused: int = 0


def search(
    model: Any,
    calibration: Any,
    labels: Any = None,
    data: Any = None,
    *,
    accuracy: float = 1.0,
    sqnr: float | None = None,
    plan: Plan | None = None,
    weights: int | None = None,
    executor: Executor | None = None,
    trials: int | None = None,
    folder: str | Path | None = None,
    stage: Callable[[str], Step] | None = None,
    places: tuple[str, str, str] = ("calibration", "labels", "data"),
) -> Search:
    """The configuration of a float model that meets limits at the least estimated cost.

    calibration: samples [n, ...]; labels: class numbers of `data`, or of the calibration samples if there is none.
    accuracy: points of accuracy (per cent) that may be lost against float; without labels, points of agreement with its
    classes. sqnr: dB of the first output at least, instead. plan: of memory; its `ram` is a limit. weights: bytes at
    most. executor: any concurrent.futures.Executor; None: processes. trials: so many of Optuna's instead of the search
    layer by layer. folder: where results are kept; a second search goes on there. Raises NnomError.
    """
    if not accuracy >= 0:
        raise DataError(
            Text(Setting.ACCURACY, f" {accuracy:g}: expected points of accuracy that may be lost, 0 or more")
        )
    graph = load(model)
    if not graph.is_float:
        raise DataError(Text(f"{graph.source}: quantised already; a search needs the float model"))
    if calibration is None:
        raise DataError(Text(f"{graph.source}: a search needs ", Setting.CALIBRATION, ", some hundred typical samples"))
    folded = fold(graph)
    job = _job(graph, folded, calibration, labels, data, sqnr is not None, plan or Plan(), places)
    floats = job.score(job.expected)
    least = floats - accuracy / 100 if sqnr is None else sqnr
    limits, known = Limits(least, weights), dict[Candidate, Outcome]()
    store = Store(Path(folder) if folder else cache_folder() / "search", job)
    wide, small = _layers(folded)
    strategy: Greedy | Sampled = Greedy(limits, wide, small, known)
    if trials is not None:
        strategy = Sampled(limits, wide, small, known, trials)
    reused = 0
    with Pool(executor) as pool:
        for title, candidates in strategy.rounds():
            reused += _round(pool, store, [c for c in candidates if c not in known], known, stage and stage(title))
    ordered = sorted(known.values(), key=lambda o: (not limits.met_by(o), bool(o.error), *_price(o)))
    best = ordered[0] if ordered and limits.met_by(ordered[0]) else None
    return Search(job.measure, floats, limits, ordered, best, reused)


def _price(o: Outcome) -> tuple[int, int, int, float, str]:
    """What is cheaper comes first; of the same price what loses less."""
    return o.cost, o.weights, o.ram, -o.score, o.candidate.title


def _job(
    graph: Graph,
    folded: Graph,
    calibration: Any,
    labels: Any,
    data: Any,
    by_noise: bool,
    plan: Plan,
    places: tuple[str, str, str],
) -> Job:
    samples = datasets.samples(calibration, graph, places[0])
    judged = samples if data is None else datasets.samples(data, graph, places[2])
    classes = class_count(folded)
    true = None
    if labels is not None:
        true = datasets.check_labels(datasets.labels(labels, len(judged[0]), places[1]), classes, places[1])
    measure = SQNR if by_noise else ACCURACY if true is not None else AGREEMENT
    return Job(graph, samples, judged, true, plan, measure, outputs_of(folded, judged))


def _layers(folded: Graph) -> tuple[list[str], list[str]]:
    """Names of those that may have 16 bits, and weights of 4."""
    able = [n for n in folded.nodes if n.entry.wide and not n.entry.same_quant]
    if len(able) > MOST_LAYERS:
        able = [n for n in able if n.weights]
    small = [n.name for n in folded.nodes if n.op in ("conv2d", "depthwise_conv2d", "dense")]
    return [n.name for n in able], small


def _round(
    pool: Pool, store: Store, candidates: list[Candidate], known: dict[Candidate, Outcome], step: Step | None
) -> int:
    """Tries what is not known yet. Returns how many results came from the store."""
    found = {c: o for c in candidates if (o := store.get(c)) is not None}
    known.update(found)
    new = [c for c in candidates if c not in found]
    count = len(found)

    def done(outcome: Outcome) -> None:
        nonlocal count
        store.put(outcome)
        known[outcome.candidate] = outcome
        count += 1
        if step:
            step(count, len(candidates))

    if step:
        step(count, len(candidates))
    pool.run(str(store.path), new, done)
    return len(found)
