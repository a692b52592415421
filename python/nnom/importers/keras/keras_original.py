# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Keras itself, where it is installed: what a model gives there."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import NnomError, ToolError
from ...messages import Text
from .keras_safe import load_in_keras


def keras_outputs(model: Any, data: list[np.ndarray]) -> list[np.ndarray]:
    """Outputs [n, ...] of a Keras model, file or live, on samples [n, h, w, c]. ToolError if Keras cannot run it."""
    if importlib.util.find_spec("keras") is None:
        raise ToolError("Keras is not installed, its results are not compared: pip install keras jax")
    _choose_backend()
    try:
        if isinstance(model, str | Path):
            model = load_in_keras(model)
        shaped = [a.reshape(len(a), *i.shape[1:]).astype(np.float32) for a, i in zip(data, model.inputs, strict=True)]
        result = model.predict(_like(_inputs_of(model), iter(shaped)), verbose=0)
    except NnomError as e:
        raise ToolError(Text("Keras cannot run this model, its results are not compared: ", e.text)) from e
    except Exception as e:  # whatever an old file does to a new Keras
        raise ToolError(f"Keras cannot run this model, its results are not compared: {str(e).splitlines()[0]}") from e
    return _flat(result)


def _choose_backend() -> None:
    """Keras takes TensorFlow if neither KERAS_BACKEND nor keras.json says otherwise: another one if that is missing."""
    folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        chosen = json.loads((folder / "keras.json").read_text(encoding="utf-8"))["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        chosen = "tensorflow"
    installed = [b for b in (chosen, "jax", "torch") if isinstance(b, str) and importlib.util.find_spec(b)]
    if installed and installed[0] != chosen:
        os.environ.setdefault("KERAS_BACKEND", installed[0])


def _inputs_of(model: Any) -> Any:
    """A model's inputs: one, or the list or dict in which it takes them."""
    if len(model.inputs) == 1 and not isinstance(getattr(model, "_inputs_struct", None), dict):
        return model.inputs[0]
    return model.input


def _like(structure: Any, arrays: Iterator[np.ndarray]) -> Any:
    """The arrays in the form in which a Keras model takes its inputs; dicts are ordered by key."""
    if isinstance(structure, dict):
        return {k: _like(structure[k], arrays) for k in sorted(structure)}
    if isinstance(structure, list | tuple):
        return [_like(s, arrays) for s in structure]
    return next(arrays)


def _flat(result: Any) -> list[np.ndarray]:
    """The outputs of a Keras model in its own order: one, a list or a dict of these."""
    if isinstance(result, dict):
        result = [result[k] for k in sorted(result)]
    if isinstance(result, list | tuple):
        return [a for part in result for a in _flat(part)]
    return [np.asarray(result)]
