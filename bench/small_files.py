# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Small .tflite files, one kind of model each, against TFLite Micro or LiteRT: part of `make conformance`.

    python bench/small_files.py                 the table of all files of ../shared/cases/tflite
    python bench/small_files.py --only lstm     those whose name holds that word

Every file is converted and compared over random inputs, or refused, and then the table says why. The oracle is
TFLite Micro (PyPI `tflite-micro`); where it can not run a file, LiteRT's reference kernels.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import tflite as schema

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from nnom.conversion import load
from nnom.core import CoreModel
from nnom.errors import NnomError
from nnom.importers.tflite.tflite_fold import dequantised
from nnom.importers.tflite.tflite_reader import read_model
from nnom.passes import fold
from oracle import shared
from oracle.micro import Micro
from oracle.reference import Reference
from oracle.writer import Model

SAMPLES = 64
TOLERANCE = 1e-5  # of float outputs, relative to the largest value, at least 1


class Oracle(Protocol):
    """What gives the right outputs of one set of inputs, flat."""

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]: ...


@dataclass
class Verdict:
    """One file: what came of it. outputs: values compared, of all outputs and samples."""

    name: str
    operators: str
    verdict: str
    oracle: str = ""
    outputs: int = 0


def _operators(path: Path) -> str:
    """Names of the file's operators, in the order of their first use; the reader's complaint if it is not readable."""
    try:
        operators = read_model(path.read_bytes(), path.name).operators
    except NnomError:
        return "not readable"
    return ", ".join(dict.fromkeys(op.op for op in operators)) or "none"


def oracle_of(data: bytes) -> tuple[str, Oracle]:
    """(name, oracle). TFLite Micro if it has all of the file's operators and types and reads it rightly, else LiteRT.

    LiteRT's FULLY_CONNECTED of int8 rounds once where all else rounds twice: it runs as a 1 x 1 convolution.
    """
    if _hybrid(data):
        return "LiteRT, weights as float", Reference(_weights_as_float(data))
    if not _misread(data):
        try:
            return "TFLite Micro", Micro(data)
        except (RuntimeError, ValueError, OverflowError):
            pass
    if _leaves_shapes_open(data):
        return "TFLite Micro, shapes fixed", Micro(_fixed(data))
    return "LiteRT", Reference(_without_dense(data))


def _leaves_shapes_open(data: bytes) -> bool:
    """Whether shapes inside are computed when the model runs."""
    model = read_model(data, "")
    return any(op.op == "RESHAPE" and model.tensors[op.inputs[1]].data is None for op in model.operators)


def _fixed(data: bytes) -> bytes:
    """The same model with LiteRT's shapes, and what it computes as integers (shapes) as constants."""
    model, inputs, outputs = Model.read(data)
    interpreter = Reference(data, all_tensors=True).interpreter
    interpreter.invoke()
    values = [interpreter.get_tensor(i) for i in range(len(model.tensors))]
    for t, value in zip(model.tensors, values, strict=True):
        t.shape, t.shapeSignature = list(value.shape), None
    shapes = [o for o in model.operators if all(values[i].dtype == np.int32 for i in o.outputs)]
    model.operators = [o for o in model.operators if o not in shapes]
    for i in (i for o in shapes for i in o.outputs):
        constant = model.tensor(values[i].shape, "int32", data=values[i])
        model.tensors[i].buffer = model.tensors[constant].buffer
    used = sorted({o.opcodeIndex for o in model.operators})
    names = {i: name for name, i in model.codes.items()}
    model.codes = {names[old]: new for new, old in enumerate(used)}
    for o in model.operators:
        o.opcodeIndex = used.index(o.opcodeIndex)
    return model.build(inputs, outputs)


def _misread(data: bytes) -> bool:
    """Whether TFLite Micro reads other numbers: data behind the flatbuffer (none), scales per channel in DEQUANTIZE."""
    file, model = schema.Model.GetRootAs(data), read_model(data, "")
    per_channel = any(
        op.op == "DEQUANTIZE" and (q := model.tensors[op.inputs[0]].quant) is not None and len(q.scale) > 1
        for op in model.operators
    )
    return per_channel or any(file.Buffers(i).Offset() > 1 for i in range(file.BuffersLength()))


_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def _hybrid(data: bytes) -> list[int]:
    """Tensors of int8 weights beside float activations: LiteRT quantises the activations anew in every run."""
    model = read_model(data, "")
    found = [op.inputs for op in model.operators if op.op in _WEIGHTED]
    return [i[1] for i in found if (model.tensors[i[0]].dtype, model.tensors[i[1]].dtype) == ("FLOAT32", "INT8")]


def _weights_as_float(data: bytes) -> bytes:
    """The same model with the weights' real values, which is what NNoM computes."""
    tensors = read_model(data, "").tensors
    model, inputs, outputs = Model.read(data)
    for i in _hybrid(data):
        new = model.tensor(tensors[i].shape, "float32", data=dequantised(tensors[i].data, tensors[i]))
        model.tensors[i] = model.tensors[new]
    return model.build(inputs, outputs)


def _without_dense(data: bytes) -> bytes:
    model, inputs, outputs = Model.read(data)
    if all(model.tensors[i].type == 0 for i in inputs):
        return data
    for b in model.buffers:
        if b.offset > 1:  # behind the flatbuffer
            b.data = np.frombuffer(data, np.uint8, b.size, b.offset)
            b.offset = b.size = 0
    model.elu_apart()
    return model.build_without_dense(inputs, outputs)


def samples(core: CoreModel, rng: np.random.Generator) -> list[np.ndarray]:
    """Random inputs of all types, as stored: int8 over its range, float of spread 1, integers of 0 to 7 (indices)."""
    made = []
    for port in core.inputs:
        if port.dtype == np.float32:
            made.append(rng.normal(0, 1, port.shape).astype(np.float32))
        elif port.dtype == np.int32:
            made.append(rng.integers(0, 8, port.shape, np.int32))
        else:
            info = np.iinfo(port.dtype)
            made.append(rng.integers(info.min, info.max + 1, port.shape).astype(port.dtype))
    return made


def _far(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Steps between integers; between floats the difference relative to the largest value, at least 1."""
    a, b = ours.reshape(-1).astype(np.float64), theirs.reshape(-1).astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    largest = max(1.0, float(np.abs(b[np.isfinite(b)]).max(initial=0)))
    far = float(np.nan_to_num(np.abs(a - b)[~same], nan=np.inf).max())
    return far / largest if theirs.dtype.kind == "f" else far


def compare(path: Path) -> Verdict:
    """Converts one file and compares all outputs with the oracle."""
    operators = _operators(path)
    try:
        graph = fold(load(path))
        graph.sequence = True  # the oracle's states go on, too
        core = CoreModel(graph)
    except NnomError as e:
        return Verdict(path.stem, operators, f"refused: {_reason(str(e))}")
    name, oracle = oracle_of(path.read_bytes())
    rng = np.random.default_rng(1)
    steps, error, count = 0.0, 0.0, 0
    for _ in range(SAMPLES):
        inputs = samples(core, rng)
        for a, b in zip(core.run(inputs), oracle.run(inputs), strict=True):
            if a.size != b.size:
                return Verdict(path.stem, operators, f"differs: {a.size} values, the oracle has {b.size}", name)
            count += b.size
            if b.dtype.kind == "f":
                error = max(error, _far(a, b))
            else:
                steps = max(steps, _far(a, b))
    if steps or error > TOLERANCE:
        return Verdict(path.stem, operators, f"DIFFERS by {steps:.0f} steps, {error:.1e} in float", name, count)
    return Verdict(path.stem, operators, "equal" if not error else f"equal, within {error:.0e}", name, count)


def _reason(text: str) -> str:
    """A refusal in a cell of a table: its first line after the file's name, and the first reason below it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = lines[1] if len(lines) > 1 and lines[0].endswith(":") else lines[0].rpartition(".tflite: ")[2]
    head, arrow, rest = first.partition(" -> ")
    if arrow:  # the tensors' names are long and say little
        first = f"{head}: {rest.rpartition(chr(39) + ': ')[2] or rest}"
    more = f" (and {len(lines) - 2} more reasons)" if len(lines) > 2 else ""
    return first.replace("|", "\\|") + more


def files(only: str = "") -> list[Path]:
    """Paths of the small files whose name holds `only`."""
    return sorted(p for p in (shared.SHARED / "cases" / "tflite").glob("*.tflite") if only in p.stem)


def table(only: str = "") -> Iterator[str]:
    """The lines of the table."""
    yield "| file | operators | verdict | oracle | values compared |"
    yield "|---|---|---|---|---:|"
    for path in files(only):
        v = compare(path)
        yield f"| {v.name} | {v.operators} | {v.verdict} | {v.oracle} | {f'{v.outputs:,}' if v.outputs else ''} |"


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="WORD", help="only files whose name holds this word")
    options = parser.parse_args()
    if not files():
        print(shared.ABSENT)
        return 1
    for line in table(options.only):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
