# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What the options of a command name: samples, a model ready to run, its inputs."""

from __future__ import annotations

import re
from argparse import Namespace
from typing import Any

import numpy as np

from .. import data as datasets
from ..conversion import Prepared, load, prepare
from ..core import CoreModel
from ..errors import DataError
from ..evaluation import float_form
from ..graph import Graph
from ..layouts import port_notes
from ..losses import saturation_warnings
from ..running import float_scale, lcg_inputs, stored_inputs
from . import printing
from .words import parse_lcg

DEFAULT_INPUT = "lcg:305419896"


def samples_of(specs: list[str] | None, graph: Graph) -> list[np.ndarray] | dict[str, np.ndarray] | np.ndarray | None:
    """Data of an option that may be given once per input, in the form that nnom's functions take."""
    if not specs:
        return None
    arrays = datasets.read_samples(specs, graph)
    return arrays[0] if len(arrays) == 1 else arrays


def ports_of(a: Namespace) -> dict[str, Any]:
    """What is said of a model's ends, for load()."""
    shapes: dict[str, tuple[int, ...]] = {}
    for text in a.shape or ():
        name, _, sides = text.rpartition("=")
        if not name or not re.fullmatch(r"\d{1,6}(x\d{1,6}){0,7}", sides):
            raise DataError(f"--shape {text}: expected NAME=1x3x96x96")
        shapes[name] = tuple(int(n) for n in sides.split("x"))
    return {"shapes": shapes, "keep_io_layout": a.keep_io_layout}


def graph_of(a: Namespace) -> Graph:
    """The model that the command names."""
    wide = getattr(a, "int16", None) or (), getattr(a, "int4", None) or ()
    graph = load(a.model, a.int8_io, *wide, **ports_of(a), data_layout=getattr(a, "data_layout", None) or "")
    graph.sequence = getattr(a, "sequence", False)
    return graph


def prepared_of(a: Namespace, graph: Graph) -> Prepared:
    """A float model without calibration data can only be run as it is."""
    if a.use_float or (graph.is_float and not a.calibration):
        p = float_form(graph)
        if not a.use_float:
            p.warnings += [
                *port_notes(graph),
                *graph.notes,
                "a float model, run in float32; --calibration x.npy quantises it to int8",
            ]
        return p
    with printing.Stages(a.quiet) as stage:
        return prepare(graph, samples_of(a.calibration, graph), a.method, stage=stage)


def inputs_of(a: Namespace, p: Prepared, core: CoreModel) -> tuple[list[np.ndarray], dict[str, Any]]:
    """(stored inputs, what to say about them)."""
    specs = a.input or [DEFAULT_INPUT]
    if specs[0].startswith("lcg:"):
        seed = parse_lcg(specs[0])
        scale = float_scale(p.graph) if core.inputs[0].dtype == np.float32 else None
        return lcg_inputs(p.graph, core.inputs, seed), {"input": specs[0], "float_input_scale": scale}
    samples = datasets.read_samples(specs, p.graph)
    p.warnings += saturation_warnings(p.graph, samples, p.raw, ", ".join(specs))
    return stored_inputs(core.inputs, samples, p.raw), {"input": ", ".join(specs)}
