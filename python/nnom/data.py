# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Calibration and test data: read from .npy, .npz and .csv, checked against a model's inputs before anything uses it.

Samples are kept as one array [n, h, w, c] per input of the model, in the type in which they came.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .csv_file import ENDINGS, read_csv
from .errors import DataError
from .graph import Graph
from .layouts import turned
from .npy_file import read_npy

Arrays = np.ndarray | Sequence[Any] | Mapping[str, Any]


def read_arrays(spec: str | Path) -> dict[str, np.ndarray]:
    """The array of `file.npy` or `file.csv` (under the key ""), all of `file.npz`, or that one of `file.npz:key`."""
    path, key = _split(str(spec))
    try:
        if path.suffix.lower() in ENDINGS:
            return {"": read_csv(path)}
        return read_npy(path, key)
    except OSError as e:
        raise DataError(f"{path}: cannot be read: {e.strerror or e}") from e


def _split(spec: str) -> tuple[Path, str]:
    head, colon, key = spec.rpartition(":")
    if colon and head.lower().endswith(".npz"):
        return Path(head), key
    return Path(spec), ""


def read_array(spec: str | Path, purpose: str) -> np.ndarray:
    """The single array of a file; DataError that lists the keys if there are several."""
    found = read_arrays(spec)
    if len(found) != 1:
        raise DataError(f"{spec}: {purpose} needs one array, it holds {', '.join(found) or 'none'}; write {spec}:KEY")
    return next(iter(found.values()))


def read_samples(specs: Sequence[str | Path], graph: Graph) -> list[np.ndarray]:
    """Samples for all inputs of `graph`: a file per input, or one .npz whose keys are the inputs' names."""
    if len(specs) == 1 and len(graph.inputs) > 1:
        return samples(read_arrays(specs[0]), graph, str(specs[0]))
    if len(specs) != len(graph.inputs):
        needed, given = _count(len(graph.inputs), "input"), _count(len(specs), "file")
        raise DataError(f"{graph.source}: the model has {needed}, {given} of data given")
    arrays = [read_array(s, "an input") for s in specs]
    return samples(arrays if len(arrays) > 1 else arrays[0], graph, *map(str, specs))


def samples(x: Arrays, graph: Graph, *places: str) -> list[np.ndarray]:
    """Checked samples [n, h, w, c], one array per input of `graph`.

    x: an array [n, ...] for one input; for several a sequence in their order, or a mapping by name. `places` name
    the data in messages. Raises DataError: wrong shape, no samples, NaN or infinity, not numbers.
    """
    arrays = _per_input(x, graph, places)
    names = places if len(places) == len(arrays) else [places[0] if places else "data"] * len(arrays)
    result = [_checked(a, graph, name, place) for a, name, place in zip(arrays, graph.inputs, names, strict=True)]
    counts = {len(a) for a in result}
    if len(counts) > 1:
        raise DataError(f"{names[0]}: the inputs have {sorted(counts)} samples; expected the same number for all")
    return result


def _per_input(x: Arrays, graph: Graph, places: Sequence[str]) -> list[np.ndarray]:
    place = places[0] if places else "data"
    if isinstance(x, Mapping):
        if len(graph.inputs) == 1 and len(x) == 1:
            return [np.asarray(next(iter(x.values())))]
        missing = [n for n in graph.inputs if n not in x]
        if missing:
            raise DataError(f"{place}: no data for input '{missing[0]}'; the keys are {', '.join(map(str, x))}")
        return [np.asarray(x[n]) for n in graph.inputs]
    if len(graph.inputs) == 1:
        return [np.asarray(x)]
    if isinstance(x, np.ndarray) or len(x) != len(graph.inputs):
        raise DataError(f"{place}: the model has {len(graph.inputs)} inputs; give a list of as many arrays")
    return [np.asarray(a) for a in x]


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _fits(given: tuple[int, ...], shape: tuple[int, int, int]) -> bool:
    """True if one sample's shape holds the same sides in the same order, not counting sides of 1."""
    return [s for s in given if s != 1] == [s for s in shape if s != 1]


def _checked(x: np.ndarray, graph: Graph, name: str, place: str) -> np.ndarray:
    shape = graph.tensors[name].shape
    if x.dtype == np.bool_:
        x = x.astype(np.uint8)
    if x.dtype.kind not in "fiu":
        raise DataError(f"{place}: holds {x.dtype}, expected numbers")
    if x.size == 0:
        raise DataError(f"{place}: shape {x.shape} has no samples; expected at least one for input '{name}' {shape}")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise DataError(f"{place}: value {x[where]} at {where}; remove samples with NaN or infinity")
    x = turned(x, graph, name, place)
    return x.reshape(_batch(x, shape, name, place), *shape)


def _batch(x: np.ndarray, shape: tuple[int, int, int], name: str, place: str) -> int:
    """Number of samples in x, whose first axis counts them; a single sample may come without that axis."""
    size = math.prod(shape)
    if x.ndim > 0 and x.size == len(x) * size and (_fits(x.shape[1:], shape) or x.ndim == 2):
        return len(x)
    if x.size == size and _fits(x.shape, shape):
        return 1
    if x.ndim > 1 and x.shape[0] == 1 and x.size == x.shape[1] * size and _fits(x.shape[2:], shape):
        return x.shape[1]
    kept = ", ".join(str(s) for s in shape if s != 1) or "1"
    raise DataError(
        f"{place}: shape {x.shape} received, input '{name}' expects (samples, {kept}), "
        f"that is {size} values per sample; axes of 1 may be added or left out"
    )


def labels(y: Any, count: int, place: str = "labels") -> np.ndarray:
    """Class numbers [count] as int64: from [n], [n, 1] or one-hot [n, classes]. Raises DataError."""
    y = np.asarray(y)
    if y.dtype.kind not in "fiub" or y.size == 0:
        raise DataError(f"{place}: {y.dtype} {y.shape} received, expected class numbers, one per sample")
    if y.ndim == 2 and y.shape[1] > 1:
        if not ((y == 0) | (y == 1)).all() or not (y.sum(axis=1) == 1).all():
            raise DataError(f"{place}: shape {y.shape} received; expected class numbers ({count},), or one-hot rows")
        y = y.argmax(axis=1)
    y = y.reshape(-1)
    if len(y) != count:
        raise DataError(f"{place}: {len(y)} labels for {count} samples")
    if y.dtype.kind == "f" and not (np.isfinite(y).all() and (y == np.round(y)).all()):
        raise DataError(f"{place}: labels are class numbers 0, 1, ...; got {y[:3]}")
    return y.astype(np.int64)


def targets(y: Any, count: int, shape: tuple[int, int, int], place: str = "targets") -> np.ndarray:
    """True values of one output of `shape`, float64 [count, h, w, c]: from [n, ...] with as many values per sample."""
    y, size = np.asarray(y), math.prod(shape)
    if y.dtype.kind not in "fiub":
        raise DataError(f"{place}: holds {y.dtype}, expected numbers")
    if y.ndim == 0 or len(y) != count or y.size != count * size:
        raise DataError(f"{place}: shape {y.shape} received; expected {count} samples of {size} values each")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise DataError(f"{place}: holds NaN or infinity; remove these samples")
    return y.astype(np.float64).reshape(count, *shape)


def check_labels(y: np.ndarray, classes: int, place: str = "labels") -> np.ndarray:
    """y as it is; DataError if a label has no output among `classes`."""
    wrong = np.flatnonzero((y < 0) | (y >= classes))
    if wrong.size:
        i = int(wrong[0])
        raise DataError(
            f"{place}: label {y[i]} at {i} is out of range, the model has {classes} classes (0 to {classes - 1}); "
            f"{_count(wrong.size, 'label')} of {len(y)} out of range"
        )
    return y


def spread(data: list[np.ndarray], most: int) -> tuple[list[np.ndarray], np.ndarray]:
    """At most `most` samples, evenly spaced over the data; (those samples, their positions)."""
    count = len(data[0])
    picks = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))
    return [a[picks] for a in data], picks
