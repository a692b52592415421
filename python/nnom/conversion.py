# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""From a trained model to C: load, fold, quantise, compile, freeze, and a report of what was lost on the way."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import data as datasets
from . import provenance
from .calibrate import Progress
from .compare import ChannelNoise, LayerNoise, channel_noise, layer_noise, outputs_of, stored
from .core import CoreModel
from .errors import DataError, NnomError, TooSmall
from .files import write_text
from .formats import format_of
from .graph import Graph
from .importers.format import Ports
from .layouts import DATA_LAYOUTS, port_lines, port_notes
from .losses import calibration_warnings, output_warnings, range_warnings, saturation_warnings
from .messages import Setting, Text
from .passes import PassReport, fold, measure, shrink
from .ports import LayerRow
from .projects import Written, frozen_of, open_project, write_project
from .quantise import Trial, quantise
from .stream_proof import HopCost, Streaming, cost_of, stream_of

CALIBRATION_SAMPLES = 500  # more change ranges little, and cost time
REPORT_SAMPLES = 1000  # at most, that judge methods and that the report is about; evenly spaced over those given
LEAST_SAMPLES = 64  # that judge, however large the model
REPORT_MACS = 5 * 10**10  # for one form over all samples that judge: larger models are judged on fewer
LAYER_SAMPLES = 64  # of the loss per layer
LOST_ACCURACY = 0.01
_NOISE_PIECE = 2**20
LONGEST_NAME = 47  # that nnom_freeze() takes
STATE_BYTES = 40  # a frozen model's own RAM besides the arena: sizeof(nnom_instance_t), pointers of 4 bytes
Stage = Callable[[str], Progress]  # starts a progress bar of that name
_C_WORDS = set(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while main".split()
)


# ---- Loading ----


def load(
    path_or_model: Any,
    int8_io: bool = False,
    int16: Sequence[str] = (),
    int4: Sequence[str] = (),
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    keep_io_layout: bool = False,
    data_layout: str = "",
) -> Graph:
    """The graph of a model: a .keras, .h5, .hdf5, .onnx or .tflite file, a live Keras model, or a Graph (given back).

    The content decides, not the file's ending. int8_io: cut float or uint8 ends off a quantised .tflite model. int16:
    layers of a float model that will compute in 16 bits: names, with wildcards, or "all"; int4: those whose weights
    will have 4 bits. Of ONNX models: shapes of inputs with open axes by name; keep_io_layout: inputs and outputs lie as
    in the file, else channels last; data_layout: "file" or "model", how data lies whose shape fits both. Raises
    ModelError (unreadable, damaged), UnsupportedError (all layers that cannot be converted), DataError (the options).
    """
    model = Path(path_or_model) if isinstance(path_or_model, str | Path) else path_or_model
    graph = _read(model, int8_io, Ports(shapes or {}, keep_io_layout))
    if data_layout not in ("", *DATA_LAYOUTS):
        raise DataError(Text(Setting.DATA_LAYOUT, f" {data_layout!r:.60}; expected {' or '.join(DATA_LAYOUTS)}"))
    for setting, names in ((Setting.INT16, int16), (Setting.INT4, int4)):
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            raise DataError(Text(setting, f" is {names!r:.60}; expected a list of names of layers"))
        if names and not graph.is_float:
            raise DataError(Text(f"{graph.source}: quantised already; ", setting, " is for float models"))
    if int16 or int4 or data_layout:
        graph = copy.copy(graph)  # the caller's stays as it is
        graph.int16, graph.int4 = tuple(int16) or graph.int16, tuple(int4) or graph.int4
        graph.data_layout = data_layout or graph.data_layout
    return graph


def _read(model: Any, int8_io: bool, ports: Ports) -> Graph:
    given = Setting.SHAPE if ports.shapes else Setting.KEEP_IO_LAYOUT if ports.keep_layout else None
    if isinstance(model, Graph):
        if given is not None:
            raise DataError(Text(given, ": the model is read already; give it when it is loaded"))
        return model
    kind = format_of(model)
    if given is not None and not kind.ports:
        raise DataError(Text(f"{model}: ", given, f": not for {kind.what} models, whose shapes and order are fixed"))
    return kind.load(model, int8_io, ports)


# ---- Preparing: an int8 graph that the core runs ----


@dataclass
class Prepared:
    """A model ready for the core: `graph`, shrunk without changing an output bit; `shrinking` says what that saved.

    quantised: the same before shrinking, with all channels, for comparisons layer by layer. floats: its folded float
    form, None if the file was quantised already. raw: int8 data are stored values, not numbers to be quantised.
    picks: positions of the calibration samples by which methods were judged and which the report is about; expected:
    float outputs over them, if known.
    """

    graph: Graph
    quantised: Graph
    shrinking: list[PassReport] = field(default_factory=list)
    floats: Graph | None = None
    raw: bool = False
    method: str = ""
    trials: list[Trial] = field(default_factory=list)
    calibration: list[np.ndarray] | None = None
    warnings: list[str] = field(default_factory=list)
    picks: np.ndarray | None = None
    expected: list[np.ndarray] | None = None
    input_named: bool = False  # a warning says that an input's channels share a range badly


def _judges(graph: Graph, samples: list[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """All samples up to REPORT_SAMPLES, fewer for large models; (those samples, their positions)."""
    within = REPORT_MACS // max(measure(graph).macs, 1)
    return datasets.spread(samples, int(np.clip(within, LEAST_SAMPLES, REPORT_SAMPLES)))


def prepare(
    model: Any,
    x: Any = None,
    method: str = "auto",
    *,
    int8_io: bool = False,
    stage: Stage | None = None,
    place: str = "calibration",
) -> Prepared:
    """Loads a model and, if it is float, folds it and quantises it with the calibration samples x [n, ...].

    Raises DataError if a float model comes without samples.
    """
    graph = load(model, int8_io)
    if not graph.is_float:
        given = None if x is None else datasets.samples(x, graph, place)
        small, reports = shrink(graph)
        prepared = Prepared(small, graph, reports, raw=True, calibration=given, warnings=port_notes(graph))
        if given is not None:
            prepared.picks = _judges(small, given)[1]
            prepared.warnings += saturation_warnings(graph, given, True, place)
        return prepared
    if x is None:
        raise DataError(
            Text(
                f"{graph.source}: {'; '.join(graph.notes) or 'a float model'}; give ",
                Setting.CALIBRATION,
                ", some hundred typical samples, to quantise it",
            )
        )
    samples = datasets.samples(x, graph, place)
    used, _ = datasets.spread(samples, CALIBRATION_SAMPLES)
    folded = fold(graph)
    judges, picks = _judges(folded, samples)
    bars = [
        stage(name) if stage else None for name in ("calibrating", "choosing ranges")[: 2 if method == "auto" else 1]
    ]
    result = quantise(folded, used, method, bars[0], judges, bars[-1])
    small, reports = shrink(result.graph)
    prepared = Prepared(small, result.graph, reports, folded, False, result.method, result.trials, samples)
    prepared.picks, prepared.expected = picks, result.expected
    badly_ranged = range_warnings(graph, samples)
    prepared.input_named = bool(badly_ranged)
    prepared.warnings += [*port_notes(graph), *graph.notes, *calibration_warnings(graph, samples, place), *badly_ranged]
    return prepared


# ---- Report ----


@dataclass
class Report:
    """What the int8 form loses against float, on `samples` samples. Empty for models that came quantised.

    outputs: losses of each output's channels. output_sqnr: in dB, the mean over the channels, each around its mean.
    """

    samples: int = 0
    layers: list[LayerNoise] = field(default_factory=list)
    outputs: list[ChannelNoise] = field(default_factory=list)
    output_sqnr: list[float] = field(default_factory=list)
    max_error: list[float] = field(default_factory=list)
    agreement: float | None = None  # share of equal top-1 classes, first output
    accuracy_float: float | None = None
    accuracy_int8: float | None = None
    warnings: list[str] = field(default_factory=list)


def classes_of(outputs: np.ndarray) -> np.ndarray:
    """Predicted classes [n] from one output [n, ...]; of a single number: whether it is over one half."""
    flat = outputs.reshape(len(outputs), -1)
    return flat.argmax(axis=1) if flat.shape[1] > 1 else (flat[:, 0] > 0.5).astype(np.int64)


def class_count(graph: Graph, output: int = 0) -> int:
    """Classes that a graph's output tells apart."""
    return max(2, graph.tensors[graph.outputs[output]].elements)


def make_report(p: Prepared, y: Any = None, stage: Stage | None = None, place: str = "labels") -> Report:
    """Runs both forms over the calibration samples. y: labels of all of them."""
    report = Report(warnings=list(p.warnings))
    if p.calibration is None or (p.floats is None and y is None):
        return report
    labels = None
    if y is not None:
        labels = datasets.labels(y, len(p.calibration[0]), place)
        datasets.check_labels(labels, class_count(p.graph), place)
    few = [a[p.picks] for a in p.calibration]
    report.samples = len(few[0])
    labels = labels[p.picks] if labels is not None else None
    got = outputs_of(p.graph, few, p.raw, stage("running int8") if stage else None)
    if labels is not None:
        report.accuracy_int8 = float((classes_of(got[0]) == labels).mean())
    if p.floats is not None:
        _against_float(report, p, p.floats, few, got, labels, stage)
    return report


def _against_float(
    report: Report,
    p: Prepared,
    floats: Graph,
    few: list[np.ndarray],
    got: list[np.ndarray],
    labels: np.ndarray | None,
    stage: Stage | None,
) -> None:
    expected = p.expected or outputs_of(floats, few, progress=stage("running float") if stage else None)
    report.outputs = [channel_noise(e, g) for e, g in zip(expected, got, strict=True)]
    report.output_sqnr = [n.sqnr for n in report.outputs]
    report.max_error = [float(np.abs(e - g).max()) for e, g in zip(expected, got, strict=True)]
    if p.graph.tensors[p.graph.outputs[0]].elements > 1:
        report.agreement = float((classes_of(expected[0]) == classes_of(got[0])).mean())
    if labels is not None:
        report.accuracy_float = float((classes_of(expected[0]) == labels).mean())
    fewer, _ = datasets.spread(few, LAYER_SAMPLES)
    report.layers = layer_noise(floats, p.quantised, fewer, stage("comparing layers") if stage else None)
    report.warnings += output_warnings(p.graph, report.outputs, report.layers, p.input_named)
    before, after = report.accuracy_float, report.accuracy_int8
    if before is not None and after is not None and before - after > LOST_ACCURACY:
        lost = f"from {before:.2%} to {after:.2%}"
        report.warnings.append(f"accuracy falls {lost} by quantisation")


# ---- Converting ----


@dataclass(frozen=True)
class Plan:
    """How the core plans memory: "auto" (rolling rows where that costs little), "whole", "smallest".

    arena_bytes: a budget for "auto", 0 for none. ram: the same, with the model's state. feed: the input comes row by
    row. target: what the core has that will run it (core.targets()); None: that of the board if there is one, else
    "plain". optimize: "default", "speed", "size" of weights.
    """

    mode: str = "auto"
    arena_bytes: int = 0
    feed: bool = False
    ram: int | None = None
    target: str | None = None
    optimize: str = "default"

    def compile(self, graph: Graph) -> CoreModel:
        """The graph in the core, planned so. CoreError if it cannot be; TooSmall, if the budget is, with the least."""
        budget = self.arena_bytes if self.ram is None else max(self.ram - STATE_BYTES, 1)
        try:
            return CoreModel(
                graph,
                mode=self.mode,
                arena_bytes=budget,
                feed=self.feed,
                target=self.target or "plain",
                optimize=self.optimize,
            )
        except TooSmall as e:
            if self.ram is None:
                raise
            total = e.least + STATE_BYTES
            raise TooSmall(
                f"{graph.source or graph.name}: {self.ram} bytes of RAM: the least possible is {total} bytes "
                f"(arena {e.least}, state {STATE_BYTES}); layer '{e.layer}' sets it",
                total,
                self.ram,
                e.layer,
                self.feed,
            ) from e


@dataclass
class Conversion:
    """A converted model: the int8 graph, the compiled core model, the C text, the files written, the report."""

    graph: Graph
    core: CoreModel
    name: str
    source: str
    header: str
    paths: list[Path]
    report: Report
    prepared: Prepared
    project: Written | None = None  # if it was written as one
    streaming: Streaming | None = None  # of a model that takes a signal hop by hop
    hop_cost: HopCost | None = None

    @property
    def layers(self) -> list[LayerRow]:
        """The plan, layer by layer."""
        return list(self.core.layers())


def _is_taken(name: str) -> bool:
    """Whether symbols like <name>_run would be C's own or the library's (model_run, new_model, prediction_run ...)."""
    return name in _C_WORDS or name in ("model", "new", "prediction", "nnom") or name.startswith("nnom_")


def c_name(name: str) -> str:
    """`name` if it can begin C symbols, else NnomError."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or len(name) > LONGEST_NAME:
        raise NnomError(
            f"name '{name}': expected a C identifier: a letter, then up to {LONGEST_NAME - 1} letters, digits or _"
        )
    if _is_taken(name):
        raise NnomError(
            f"name '{name}': expected a C identifier that neither C nor NNoM uses, like "
            f"'{name[: LONGEST_NAME - 4]}_net'"
        )
    return name


def _default_name(graph: Graph) -> str:
    text = re.sub(r"\W+", "_", graph.name, flags=re.ASCII).strip("_") or "model"
    text = text if text[0].isalpha() else f"model_{text}"
    return f"{text[: LONGEST_NAME - 4]}_net" if _is_taken(text) else text[:LONGEST_NAME].rstrip("_")


def convert(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    name: str | None = None,
    method: str = "auto",
    out: str | Path | None = None,
    project: str | None = None,
    int8_io: bool = False,
    plan: Plan | None = None,
    stream: int | None = None,
    causal: bool = False,
    int16: Sequence[str] = (),
    int4: Sequence[str] = (),
    stage: Stage | None = None,
    places: tuple[str, str] = ("calibration data", "labels"),
    command: str = "",
) -> Conversion:
    """Converts a model file, live Keras model or Graph to C.

    x: calibration samples [n, ...] as real values (a list or dict of arrays for several inputs); float models need
    them. y: their class numbers [n], for the report. name: prefix of the C symbols. method: "auto", "minmax",
    "percentile", "percentile99.9" or "mse". out: folder for model.c and model.h, None writes nothing. project: the
    kind of project (projects/kinds.toml) to write there instead, its files named after the model. plan: of memory.
    stream: the model takes in a signal without end, so many rows a step, and gives what it gives for the newest window
    (streaming.py); causal: rows of the signal stand where it pads in time. int16: layers of a float model that compute
    with activations of 16 bits: names, with wildcards, or "all"; int4: those with weights of 4 bits. command: what was
    typed, for the header; "": this call. Raises NnomError.
    """
    if name is not None:
        c_name(name)
    if project is not None and out is None:
        raise NnomError(f"project '{project}': give `out`, too, the folder to write it to")
    place = None if project is None or out is None else open_project(Path(out), project)
    p = prepare(load(model, int8_io, int16, int4), x, method, stage=stage, place=places[0])
    report = make_report(p, y, stage, places[1])
    wanted = plan or Plan()
    graph, streaming = p.graph, None
    if stream is not None:
        streaming = stream_of(p, stream, causal, None if y is None or p.calibration is None else np.asarray(y).ravel())
        graph, wanted = streaming.stream.graph, replace(wanted, feed=True)
    core = wanted.compile(graph)
    name = name or _default_name(p.graph)
    options = {"name": name, "method": method, "int8_io": int8_io, "plan": plan, "stream": stream, "causal": causal}
    options |= {"project": project, "int16": list(int16) or None, "int4": list(int4) or None}
    told = command or provenance.of_call(
        p.graph.source, {k: v for k, v in options.items() if v not in ("auto", False, None)}
    )
    accuracy = provenance.of_accuracy(report.samples, report.accuracy_float, report.accuracy_int8)
    if streaming is not None and streaming.loss is not None and streaming.loss.accuracy_after is not None:
        accuracy += f"; as a stream, without padding in time: {streaming.loss.accuracy_after:.2%}"
    lines = [line for line in (provenance.of_file(p.graph.source), told, accuracy, *port_lines(p.graph)) if line]
    source, header = core.freeze(name, first_sample(p, core), "\n".join(lines))
    written = None
    if place is not None:
        written = write_project(place, frozen_of(core, graph, name, source, header))
    paths = write_c(Path(out), source, header) if out is not None and written is None else []
    paths = written.paths if written is not None else paths
    result = Conversion(graph, core, name, source, header, paths, report, p, written, streaming)
    if streaming is not None:
        result.hop_cost = cost_of(streaming, core, wanted)
    return result


def first_sample(p: Prepared, core: CoreModel) -> list[np.ndarray]:
    """The self test's input in the inputs' types: the first calibration sample, or fixed noise if there is none."""
    if p.calibration is not None:
        samples = [stored(port, a[0], p.raw) for port, a in zip(core.inputs, p.calibration, strict=True)]
        return [np.resize(x, port.shape) for x, port in zip(samples, core.inputs, strict=True)]  # of a stream: a hop
    rng = np.random.default_rng(1)
    return [noise(rng, port.shape, port.dtype) for port in core.inputs]


def noise(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Numbers from -128 to 127, of float types 128 times smaller; in pieces, because rng makes 64 bits of each."""
    made = np.empty(shape, dtype)
    flat = made.reshape(-1)
    for at in range(0, flat.size, _NOISE_PIECE):
        part = flat[at : at + _NOISE_PIECE]
        n = rng.integers(-128, 128, part.size)
        part[...] = n / 128 if dtype == np.float32 else n
    return made


def write_c(folder: Path, source: str, header: str) -> list[Path]:
    """Writes model.c and model.h, each whole or not at all; their paths."""
    paths = [folder / "model.c", folder / "model.h"]
    for path, text in zip(paths, (source, header), strict=True):
        write_text(path, text)
    return paths
