# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""How good a model is on test data, on this computer: classifiers, regressors, autoencoders.

The C core runs it, on two threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import data as datasets
from .compare import outputs_of
from .conversion import Prepared, Stage, class_count, classes_of, load, prepare
from .errors import DataError
from .graph import Graph
from .losses import saturation_warnings
from .messages import Setting, Text
from .passes import fold


@dataclass(frozen=True)
class Evaluation:
    """Result of `count` samples. top_k[k]: share of samples whose true class is among the k + 1 most probable.

    confusion [classes, classes]: row true class, column predicted. auc: area under the ROC curve, of two classes that
    both occur. accuracy_float, auc_float: None if there is no float form. output: the name of the output judged.
    """

    count: int
    form: str  # "int8" or "float"
    accuracy: float
    top_k: list[float]
    confusion: np.ndarray
    accuracy_float: float | None = None
    warnings: tuple[str, ...] = ()
    output: str = ""
    auc: float | None = None
    auc_float: float | None = None


@dataclass(frozen=True)
class ValueErrors:
    """Errors of `count` samples against real values, in their unit: mean absolute, root of the mean squared.

    channel_mae, channel_rmse: the same of each channel (the last axis). deviation: the standard deviation of each
    channel's true values; an rmse of that size is as good as always giving the mean. mae_float, rmse_float: None if
    there is no float form. auc: of an autoencoder with labels, how well its error tells the classes 0 and 1 apart.
    """

    count: int
    form: str
    output: str
    mae: float
    rmse: float
    channel_mae: list[float]
    channel_rmse: list[float]
    deviation: list[float]
    mae_float: float | None = None
    rmse_float: float | None = None
    auc: float | None = None
    auc_float: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Scores:
    """One output's real values [n, h, w, c], and those of the float form if there is one."""

    name: str
    form: str
    values: np.ndarray
    floats: np.ndarray | None
    warnings: tuple[str, ...]


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
    output: int | str = 0,
    stage: Stage | None = None,
    places: tuple[str, str, str] = ("data", "labels", "calibration"),
) -> Evaluation:
    """Accuracy, top-k, confusion and AUC of a classifier on samples x [n, ...] with class numbers y [n].

    model: as for `load`. Float models are quantised with `calibration` first, or run in float with use_float.
    output: position or name of the output that tells the classes. Raises DataError, also for labels that the model has
    no output for.
    """
    if top_k < 1:
        raise DataError(f"top_k {top_k}: expected at least 1")
    graph = load(model, int8_io)
    k = output_index(graph, output)
    samples = datasets.samples(x, graph, places[0])
    labels = datasets.labels(y, len(samples[0]), places[1])
    datasets.check_labels(labels, class_count(graph, k), places[1])
    s = _scores(graph, samples, k, calibration, method, use_float, stage, places)
    right = None if s.floats is None else float((classes_of(s.floats) == labels).mean())
    return tally(s.values, labels, s.form, top_k, right, s.warnings, s.name, s.floats)


def evaluate_values(
    model: Any,
    x: Any,
    targets: Any = None,
    calibration: Any = None,
    *,
    labels: Any = None,
    method: str = "auto",
    use_float: bool = False,
    int8_io: bool = False,
    output: int | str = 0,
    stage: Stage | None = None,
    places: tuple[str, str, str, str] = ("data", "targets", "calibration", "labels"),
) -> ValueErrors:
    """MAE and RMSE of a regressor on samples x [n, ...] with true values `targets` [n, ...] of one output.

    targets None: an autoencoder, whose output is compared with its first input; then labels [n] of 0 (normal) and 1
    give the AUC of its error. The rest is as for `evaluate`. Raises DataError.
    """
    graph = load(model, int8_io)
    k = output_index(graph, output)
    samples = datasets.samples(x, graph, places[0])
    shape = graph.tensors[graph.outputs[k]].shape
    true = datasets.targets(
        samples[0] if targets is None else targets, len(samples[0]), shape, places[targets is not None]
    )
    classes = None
    if labels is not None:
        if targets is not None:
            raise DataError(f"{places[3]}: labels and targets together; labels go with an autoencoder, without targets")
        classes = datasets.check_labels(datasets.labels(labels, len(samples[0]), places[3]), 2, places[3])
    s = _scores(graph, samples, k, calibration, method, use_float, stage, places[:3])
    errors = s.values.astype(np.float64) - true
    flat = errors.reshape(-1, shape[2])
    floats = None if s.floats is None else s.floats.astype(np.float64) - true
    return ValueErrors(
        len(true), s.form, s.name, _mae(errors), _rmse(errors),
        np.abs(flat).mean(axis=0).tolist(), np.sqrt((flat**2).mean(axis=0)).tolist(),
        true.reshape(flat.shape).std(axis=0).tolist(),
        None if floats is None else _mae(floats), None if floats is None else _rmse(floats),
        _anomalies(errors, classes), None if floats is None else _anomalies(floats, classes), s.warnings,
    )  # fmt: skip


def _mae(errors: np.ndarray) -> float:
    return float(np.abs(errors).mean())


def _rmse(errors: np.ndarray) -> float:
    return float(np.sqrt((errors**2).mean()))


def _anomalies(errors: np.ndarray, classes: np.ndarray | None) -> float | None:
    """AUC of each sample's mean squared error."""
    return None if classes is None else auc((errors**2).reshape(len(errors), -1).mean(axis=1), classes)


def output_index(graph: Graph, output: int | str) -> int:
    """The position of an output given by position or name. Raises DataError."""
    if isinstance(output, str) and output in graph.outputs:
        return graph.outputs.index(output)
    try:
        k = int(output)
    except ValueError:
        k = -1
    if not 0 <= k < len(graph.outputs):
        known = ", ".join(f"{i} '{name}'" for i, name in enumerate(graph.outputs))
        raise DataError(f"{graph.source}: no output {output}; expected one of {known}")
    return k


def _scores(
    graph: Graph,
    samples: list[np.ndarray],
    k: int,
    calibration: Any,
    method: str,
    use_float: bool,
    stage: Stage | None,
    places: tuple[str, ...],
) -> _Scores:
    p = float_form(graph) if use_float else prepare(graph, calibration, method, stage=stage, place=places[2])
    form = "float" if use_float else "int8"
    values = outputs_of(p.graph, samples, p.raw, stage(f"running {form}") if stage else None)[k]
    floats = None
    if p.floats is not None and not use_float:
        floats = outputs_of(p.floats, samples, progress=stage("running float") if stage else None)[k]
    warnings = (*p.warnings, *saturation_warnings(p.graph, samples, p.raw, places[0]))
    return _Scores(graph.outputs[k], form, values, floats, warnings)


def auc(scores: np.ndarray, labels: np.ndarray) -> float | None:
    """Area under the ROC curve: how often a sample of class 1 has the higher score than one of class 0; ties half.

    scores, labels [n]. None if one of the classes does not occur.
    """
    positive = labels == 1
    wins = int(positive.sum()) * int((~positive).sum())
    if not wins:
        return None
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # of equals, the mean of their ranks
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / wins)


def _two_classes(scores: np.ndarray, labels: np.ndarray) -> float | None:
    """AUC from one output of one or two values per sample; None for more classes."""
    flat = scores.reshape(len(scores), -1).astype(np.float64)
    if flat.shape[1] > 2:
        return None
    return auc(flat[:, 0] if flat.shape[1] == 1 else flat[:, 1] - flat[:, 0], labels)


def float_form(graph: Graph) -> Prepared:
    """A float model to be run as it is."""
    if not graph.is_float:
        raise DataError(f"{graph.source}: is quantised already, it has no float form")
    if graph.int16 or graph.int4:
        setting = Setting.INT16 if graph.int16 else Setting.INT4
        raise DataError(Text(setting, ": of layers that are quantised; give ", Setting.CALIBRATION, " for that"))
    folded = fold(graph)
    return Prepared(folded, folded, floats=folded)


def tally(
    scores: np.ndarray,
    labels: np.ndarray,
    form: str = "int8",
    top_k: int = 3,
    accuracy_float: float | None = None,
    warnings: tuple[str, ...] = (),
    output: str = "",
    floats: np.ndarray | None = None,
) -> Evaluation:
    """Counts from scores [n, ...] and labels [n] in range. Of equal scores the first class counts as more probable.

    floats: the float form's scores, for its AUC.
    """
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
    return Evaluation(
        len(labels), form, float(right.mean()), shares, confusion, accuracy_float, warnings, output,
        _two_classes(scores, labels), None if floats is None else _two_classes(floats, labels),
    )  # fmt: skip
