# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The files of one model in a project: NAME.c and NAME.h as frozen, and what uses it (NAME_app.c, NAME_app.h)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..core import CoreModel
from ..graph import Graph
from ..ports import Port
from .templates import fill_file

TEMPLATES = Path(__file__).resolve().parent / "templates"
_C_TYPES = {
    "float32": "float",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "uint8": "uint8_t",
    "bool": "bool",
}


_USES = {"app": "app", "wasm": "web"}  # what a folder of templates that use a model calls them


@dataclass(frozen=True)
class Frozen:
    """A converted model: its name, the text of its two files, its inputs and outputs.

    fed: its input comes row by row. endless: one that never begins anew. states: it keeps something from run to run.
    """

    name: str
    source: str
    header: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    fed: bool
    endless: bool
    states: bool


def frozen_of(core: CoreModel, graph: Graph, name: str, source: str, header: str) -> Frozen:
    """Of a compiled model, its graph and its text."""
    fed = f"{name}_feed(" in header
    endless = fed and graph.warm_up is not None
    return Frozen(name, source, header, tuple(core.inputs), tuple(core.outputs), fed, endless, bool(graph.states))


def _c_type(port: Port) -> str:
    return _C_TYPES[np.dtype(port.dtype).name]


def _port_values(model: Frozen, i: int) -> dict[str, str]:
    """What the templates ask of input i."""
    port, n = model.inputs[i], str(i) if i else ""
    at = "at + i" if model.fed and i == 0 else "i"
    number = f"{model.name}_sensor{n}({at})"
    is_real = f"{model.name}_quantize_input{n}(" in model.header
    stored = f"{model.name}_quantize_input{n}({number})" if is_real else f"({_c_type(port)}){number}"
    shape = " x ".join(map(str, port.shape))
    reset = "" if model.endless else f"    {model.name}_reset();\n"
    return {"name": model.name, "NAME": model.name.upper(), "n": n, "type": _c_type(port), "shape": shape,
            "stored": stored, "reset": reset}  # fmt: skip


def described(model: Frozen) -> dict[str, Any]:
    """What nnom.json and a page say of a model: numbers of its inputs and of its first output, stored bytes of this."""
    output = model.outputs[0]
    counts = [int(np.prod(port.shape)) for port in model.inputs]
    count = int(np.prod(output.shape))
    return {"name": model.name, "inputs": counts, "outputs": count, "bytes": count * np.dtype(output.dtype).itemsize}


def model_files(model: Frozen, use: str) -> dict[str, str]:
    """The model's files by name; use: the folder of the templates that use it."""
    name = model.name
    values = [_port_values(model, i) for i in range(len(model.inputs))]
    whole = values[1:] if model.fed else values
    parts = [fill_file(TEMPLATES / "app" / "fill.c", v) for v in whole]
    parts.append(fill_file(TEMPLATES / "app" / ("feed.c" if model.fed else "run.c"), values[0]))
    index = "i" if use == "wasm" else "best"
    is_real = f"{name}_dequantize_output(" in model.header
    app = {
        "version": __version__,
        "name": name,
        "NAME": name.upper(),
        "outputs": str(int(np.prod(model.outputs[0].shape))),
        "sensors": "\n".join(fill_file(TEMPLATES / "app" / "sensor.c", v) for v in values),
        "buffers": "\n".join(fill_file(TEMPLATES / "wasm" / "buffer.c", v) for v in values),
        "fill": "".join(parts).rstrip("\n"),
        "output_type": _c_type(model.outputs[0]),
        "output_value": f"{name}_dequantize_output(output[{index}])" if is_real else f"(float)output[{index}]",
        "forget": f"    nnom_forget({name}_model());\n" if model.states or model.endless else "",
    }
    frozen = {
        f"{name}.c": model.source.replace('"model.h"', f'"{name}.h"', 1).replace("see model.h", f"see {name}.h", 1),
        f"{name}.h": model.header,
    }
    templates = sorted((TEMPLATES / use).glob(f"{_USES[use]}.[ch]"))
    return frozen | {f"{name}_{t.name}": fill_file(t, app) for t in templates}
