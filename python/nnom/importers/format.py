# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What a file format is: the object that each importer's folder gives to the list (formats.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ..graph import Graph


class Original(Protocol):
    """A model in its own runtime, which tells what lies between its layers."""

    def run(self, sample: list[np.ndarray], raw: bool) -> list[np.ndarray]:
        """Real outputs of one sample [h, w, c] per input. raw: they are stored values."""

    def tensors(self) -> dict[str, np.ndarray]:
        """Real values of all tensors after a run, by name."""

    def remark(self, op: str) -> str:
        """Why an operator of the graph may differ from ours, to follow ", "; "" if there is no reason."""


@dataclass(frozen=True)
class Ports:
    """What a caller says of a model's ends. shapes: of inputs with open axes; keep_layout: axes lie as in the file."""

    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    keep_layout: bool = False


@dataclass(frozen=True)
class Format:
    """A format of models. what: for messages, "Keras (.keras, .h5)". runtime: the name of what runs the original.

    endings: of its files, should the content say nothing. sniff(first 64 bytes): whether the content says so.
    load(file or object, int8_io, ports): its graph. outputs(file or object, graph, data, raw, int8_io): what the
    original gives on samples [n, h, w, c] per input, real values; raw: data are stored values. ToolError if it is not
    installed or does not run the model. int8_io as in conversion.load. objects: models in memory are of this format,
    too. open(file): the original whose layers can be compared with ours to the bit; None if there is none. ports:
    whether load() does what `ports` says; others are given none.
    """

    what: str
    endings: tuple[str, ...]
    sniff: Callable[[bytes], bool]
    load: Callable[[Any, bool, Ports], Graph]
    runtime: str
    outputs: Callable[[Any, Graph, list[np.ndarray], bool, bool], list[np.ndarray]]
    objects: bool = False
    open: Callable[[Any], Original] | None = None
    ports: bool = False
