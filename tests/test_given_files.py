# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What people give that is no model or no data, and what the message says: what came, what was expected, what to do."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

from nnom.convert import convert  # noqa: E402
from nnom.errors import NnomError  # noqa: E402
from nnom.graph import Graph, Node, Tensor, Weight  # noqa: E402
from nnom.validate import _choose_backend  # noqa: E402


def _graph(name: str = "m") -> Graph:
    """A dense layer of four values."""
    dense = Node("dense", "d", ["x"], "d", {}, {"weights": Weight(np.ones((2, 4), np.float32))})
    return Graph(name, "m", {"x": Tensor("x", (1, 1, 4)), "d": Tensor("d", (1, 1, 2))}, [dense], ["x"], ["d"])


def test_names_as_long_as_the_core_takes() -> None:
    """A file's name is shortened; a name that the user chose is refused by the true limit, before any work."""
    graph, x = _graph("n" * 90), np.random.default_rng(0).normal(size=(20, 4))
    assert convert(graph, x).name == convert(graph, x, name="n" * 47).name == "n" * 47
    with pytest.raises(NnomError, match="up to 46 letters"):
        convert(graph, name="n" * 48)
    with pytest.raises(NnomError, match=f"like 'nnom_{'n' * 38}_net'"):
        convert(graph, name="nnom_" + "n" * 42)


@pytest.mark.parametrize(
    ("wanted", "installed", "chosen"),
    [
        ('{"backend": "torch"}', ("jax", "torch"), None),
        ('{"backend": "tensorflow"}', ("jax",), "jax"),
        ('{"backend": "torch"}', ("jax",), "jax"),
        ("{", ("torch",), "torch"),
        ("{}", ("jax", "tensorflow"), None),
    ],
)
def test_keras_json_is_obeyed(wanted, installed, chosen, tmp_path, monkeypatch) -> None:
    """The backend is only chosen where the one that keras.json names (or TensorFlow) is missing."""
    (tmp_path / "keras.json").write_text(wanted)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name in installed else None)
    monkeypatch.setenv("KERAS_BACKEND", "x")
    _choose_backend()
    assert os.environ["KERAS_BACKEND"] == "x"
    monkeypatch.delenv("KERAS_BACKEND")
    _choose_backend()
    assert os.environ.get("KERAS_BACKEND") == chosen
