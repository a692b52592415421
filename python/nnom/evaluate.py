# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Accuracy of a model on test data, on this computer: the C core runs it, on two threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import data as datasets
from .compare import outputs_of
from .convert import Prepared, Stage, class_count, classes_of, load, prepare
from .errors import DataError
from .fold import fold
from .graph import Graph


@dataclass(frozen=True)
class Evaluation:
    """Result of `count` samples. top_k[k]: share of samples whose true class is among the k + 1 most probable.

    confusion [classes, classes]: row true class, column predicted. accuracy_float: None if there is no float form.
    """

    count: int
    form: str  # "int8" or "float"
    accuracy: float
    top_k: list[float]
    confusion: np.ndarray
    accuracy_float: float | None = None
    warnings: tuple[str, ...] = ()


def evaluate(
    model: Any,
    x: Any,
    y: Any,
    calibration: Any = None,
    *,
    method: str = "auto",
    use_float: bool = False,
    top_k: int = 3,
    int8_io: bool = False,
    stage: Stage | None = None,
    places: tuple[str, str, str] = ("data", "labels", "calibration"),
) -> Evaluation:
    """Accuracy, top-k and confusion of a classifier on samples x [n, ...] with class numbers y [n].

    model: as for `load`. Float models are quantised with `calibration` first, or run in float with use_float.
    Raises DataError, also for labels that the model has no output for.
    """
    graph = load(model, int8_io)
    samples = datasets.samples(x, graph, places[0])
    labels = datasets.labels(y, len(samples[0]), places[1])
    datasets.check_labels(labels, class_count(graph), places[1])
    p = float_form(graph) if use_float else prepare(graph, calibration, method, stage=stage, place=places[2])
    form = "float" if use_float else "int8"
    scores = outputs_of(p.graph, samples, p.raw, stage(f"running {form}") if stage else None)[0]
    reference = None
    if p.floats is not None and not use_float:
        floats = outputs_of(p.floats, samples, progress=stage("running float") if stage else None)[0]
        reference = float((classes_of(floats) == labels).mean())
    return tally(scores, labels, form, top_k, reference, tuple(p.warnings))


def float_form(graph: Graph) -> Prepared:
    """A float model to be run as it is."""
    if not graph.is_float:
        raise DataError(f"{graph.source}: is quantised already, it has no float form")
    folded = fold(graph)
    return Prepared(folded, folded, floats=folded)


def tally(
    scores: np.ndarray,
    labels: np.ndarray,
    form: str = "int8",
    top_k: int = 3,
    accuracy_float: float | None = None,
    warnings: tuple[str, ...] = (),
) -> Evaluation:
    """Counts from scores [n, ...] and labels [n] in range. Of equal scores the first class counts as more probable."""
    predicted = classes_of(scores)
    flat = scores.reshape(len(scores), -1)
    classes = max(2, flat.shape[1])
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    right = predicted == labels
    shares = [float(right.mean())]
    if flat.shape[1] > 2:
        order = np.argsort(-flat.astype(np.float64), axis=1, kind="stable")[:, : min(top_k, classes)]
        shares = [float((order[:, : k + 1] == labels[:, None]).any(axis=1).mean()) for k in range(order.shape[1])]
    return Evaluation(len(labels), form, float(right.mean()), shares, confusion, accuracy_float, warnings)
