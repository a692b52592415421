# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The format of Keras: .keras archives, whole-model .h5 files, models in memory. See keras_model.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph import Graph
from ..format import Format


def load_keras(path_or_model: Any) -> Graph:
    """As keras_model.load_keras, which is imported when it is first used."""
    from .keras_model import load_keras

    return load_keras(path_or_model)


def _outputs(model: Any, graph: Graph, data: list[np.ndarray], raw: bool, int8_io: bool) -> list[np.ndarray]:
    from .keras_original import keras_outputs

    return keras_outputs(model, data)


FORMAT = Format(
    what="Keras (.keras, .h5)",
    endings=(".keras", ".h5", ".hdf5"),
    sniff=lambda head: head.startswith((b"PK\x03\x04", b"\x89HDF\r\n\x1a\n")),
    load=lambda model, int8_io, ports: load_keras(model),
    runtime="Keras",
    outputs=_outputs,
    objects=True,
)
