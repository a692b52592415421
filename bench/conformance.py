# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Real .tflite models against the reference kernels, as tables: bytes, accuracy, shrinking (`make conformance`).

    python bench/conformance.py --write docs/conformance.md
    python bench/conformance.py --only kws          models whose path holds that word

Models and data lie in ../shared or $NNOM_SHARED (tests/oracle/shared.py).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import small_files
from nnom.compare import outputs_of, stored
from nnom.conversion import Prepared, classes_of, load, prepare
from nnom.core import CoreModel
from nnom.evaluation import evaluate, float_form
from nnom.passes import measure
from nnom.running import run_board
from oracle import cases, shared
from oracle.reference import Reference

RANDOM = 256
FLOAT_REAL = 200  # real samples of a float model
ON_BOARD = 4
BOARDS = ("cortex-m4", "rv32")
MLPERF = {  # model: what TFLite Micro reached on the same samples
    "kws_dscnn_int8": "90.1 % of 1,000",
    "resnet8_int8": "86.5 % of 200",
    "mobilenetv1_025_int8": "85.4 % of 500",
    "autoencoder_int8": "AUC 0.874 of 124",
}


@dataclass
class Bytes:
    """One int8 model against the reference kernels. ours, theirs: bytes of the first output, real inputs first."""

    path: Path
    real: int
    same: int
    largest: int
    ours: np.ndarray
    theirs: np.ndarray
    inputs: np.ndarray
    boards: dict[str, int]

    @property
    def count(self) -> int:
        return len(self.ours)


@cache
def prepared(path: Path) -> Prepared:
    return prepare(path)


def real_bytes(path: Path, core: CoreModel) -> np.ndarray:
    """All real inputs of a model with one input, stored."""
    data = shared.real(path)
    if path.stem.startswith("hello_world"):
        return np.arange(-128, 128, dtype=np.int8).reshape(-1, 1, 1, 1)
    if data is None:
        return np.zeros((0, *core.inputs[0].shape), np.int8)
    x = data.everything.reshape(-1, *core.inputs[0].shape)
    return stored(core.inputs[0], x, raw=data.stored)


def compare_bytes(path: Path) -> Bytes:
    """Runs both over random and real inputs, and our model on the boards."""
    graph = prepared(path).graph
    core, judge = CoreModel(graph, mode="auto"), shared.reference(path)
    noise = shared.random_inputs([p.shape for p in core.inputs], RANDOM, seed=1)
    real = real_bytes(path, core)
    inputs = [np.concatenate([real, noise[0]])] if len(real) else noise
    ours, theirs, same, largest = [], [], 0, 0
    for i in range(len(inputs[0])):
        sample = [x[i] for x in inputs]
        a, b = core.run(sample), judge.run(sample)
        far = max(int(np.abs(u.ravel().astype(int) - v.ravel()).max()) for u, v in zip(a, b, strict=True))
        same, largest = same + (far == 0), max(largest, far)
        ours.append(a[0].reshape(-1)), theirs.append(b[0].reshape(-1))
    on_boards = {name: same_on_board(path, name) for name in BOARDS}
    return Bytes(path, len(real), same, largest, np.stack(ours), np.stack(theirs), inputs[0], on_boards)


def same_on_board(path: Path, board: str) -> int:
    """Of the first inputs recorded from TFLite Micro, how many give its bytes on a board."""
    graph = prepared(path).graph
    inputs, expected = shared.golden(path)
    given = [x[:ON_BOARD].reshape(ON_BOARD, *graph.tensors[n].shape) for x, n in zip(inputs, graph.inputs, strict=True)]
    got = run_board(graph, board, given).outputs
    flat = [(g.reshape(ON_BOARD, -1), e[:ON_BOARD].reshape(ON_BOARD, -1)) for g, e in zip(got, expected, strict=True)]
    return sum(all(np.array_equal(g[i], e[i]) for g, e in flat) for i in range(ON_BOARD))


def byte_table(found: list[Bytes]) -> Iterator[str]:
    yield "| model | real inputs | random inputs | identical | largest difference | " + " | ".join(BOARDS) + " |"
    yield "|---|---:|---:|---:|---:|" + "---:|" * len(BOARDS)
    for b in found:
        boards = " | ".join(f"{b.boards[name]} of {ON_BOARD}" for name in BOARDS)
        yield f"| {b.path.stem} | {b.real:,} | {RANDOM} | {b.same:,} of {b.count:,} | {b.largest} | {boards} |"


# ---- Accuracy of the MLPerf Tiny models ----


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: the share of pairs that the scores put in the right order."""
    a, b = scores[positive == 1], scores[positive == 0]
    return float(((a[:, None] > b[None]) + 0.5 * (a[:, None] == b[None])).mean())


def clip_scores(x: np.ndarray, y: np.ndarray, clips: int) -> np.ndarray:
    """Mean squared error of reconstruction per clip. x, y: real [windows, 640]."""
    return ((x.reshape(len(x), -1) - y.reshape(len(y), -1)) ** 2).mean(axis=1).reshape(clips, -1).mean(axis=1)


def accuracies(b: Bytes) -> tuple[str, str, str]:
    """(ours, theirs, agreement) of a model on its labelled samples."""
    core, data = CoreModel(prepared(b.path).graph), shared.real(b.path)
    if data.y is not None:
        ours, theirs = (classes_of(o[: len(data.y)]) for o in (b.ours, b.theirs))
        shares = (f"{(c == data.y).mean():.1%} of {len(data.y):,}" for c in (ours, theirs))
        return *shares, f"{(ours == theirs).mean():.2%} the same class"
    clips, anomalous = shared.ad_clips()
    scores = [clip_scores(data.x, core.outputs[0].dequantize(o[: len(data.x)]), len(clips)) for o in (b.ours, b.theirs)]
    values = (f"AUC {auc(s, anomalous):.3f} of {len(clips)}" for s in scores)
    return *values, f"{(scores[0] == scores[1]).mean():.2%} the same score"


def accuracy_table(found: list[Bytes]) -> Iterator[str]:
    yield "| model | NNoM | reference kernels | TFLite Micro, recorded | agreement |"
    yield "|---|---:|---:|---:|---:|"
    for b in found:
        data = shared.real(b.path)
        if data is not None and (data.y is not None or b.path.stem in MLPERF):
            ours, theirs, same = accuracies(b)
            yield f"| {b.path.stem} | {ours} | {theirs} | {MLPERF.get(b.path.stem, recorded(b.path))} | {same} |"


def recorded(path: Path) -> str:
    """What models.json says."""
    entry = next(m for m in shared.listing() if m["file"].endswith(path.name))
    return "; ".join(f"{share:.1%} of {count:,}" for _, count, share in entry["accuracy"] or [])


# ---- Float models ----


def real_values(path: Path) -> np.ndarray | None:
    """Real samples [n, ...] as float32, the labelled ones first."""
    data = shared.real(path)
    if data is None:
        return None
    if not data.stored:
        return data.x
    scale, zero = shared.stored_scale(path)
    return (data.x.astype(np.float32) - zero) * np.float32(scale)


def float_error(path: Path) -> tuple[int, float]:
    """(inputs, largest difference to LiteRT in units of the largest output, at least 1)."""
    core, judge = CoreModel(float_form(load(path)).graph), Reference(path.read_bytes())
    rng, shape = np.random.default_rng(1), core.inputs[0].shape
    real = real_values(path)
    spread = 1.0 if real is None else float(real.std())
    samples = [rng.normal(0, spread, (RANDOM, *shape)).astype(np.float32)]
    if real is not None:
        samples.append(real[:FLOAT_REAL].reshape(-1, *shape))
    worst = 0.0
    for x in (every := np.concatenate(samples)):
        for a, b in zip(core.run([x]), judge.run([x]), strict=True):
            worst = max(worst, float(np.abs(a.ravel() - b.ravel()).max()) / max(1.0, float(np.abs(b).max())))
    return len(every), worst


def quantised_here(path: Path) -> tuple[str, str, str]:
    """(float, int8, difference) on real data; calibrated on training data, or on a tenth of the data, then left out."""
    data, x = shared.real(path), real_values(path)
    if path.stem.startswith("autoencoder"):
        return quantised_autoencoder(path)
    if data is None or data.y is None:
        return "no labelled data", "", ""
    if data.train is not None:
        calibration, test, labels = data.train, x, data.y
    else:
        tenth = np.arange(len(x)) % 10 == 0
        calibration, test, labels = x[tenth], x[~tenth], data.y[~tenth]
    e = evaluate(path, test, labels, calibration)
    points = 100 * (e.accuracy - e.accuracy_float)
    return f"{e.accuracy_float:.2%} of {e.count:,}", f"{e.accuracy:.2%}", f"{points:+.2f}"


def quantised_autoencoder(path: Path) -> tuple[str, str, str]:
    """AUC; calibrated on every fifth clip if that is normal, those are left out."""
    clips, anomalous = shared.ad_clips()
    used = (anomalous == 0) & (np.arange(len(clips)) % 5 == 0)
    p = prepare(path, clips[used].reshape(-1, clips.shape[-1]))
    rest = clips[~used]
    x = rest.reshape(-1, 1, 1, clips.shape[-1])
    values = [auc(clip_scores(x, outputs_of(g, [x])[0], len(rest)), anomalous[~used]) for g in (p.floats, p.graph)]
    return f"AUC {values[0]:.4f} of {len(rest)}", f"{values[1]:.4f}", f"{100 * (values[1] - values[0]):+.2f}"


def float_table(paths: list[Path]) -> Iterator[str]:
    yield "| model | inputs | largest difference to LiteRT | accuracy in float | in int8, quantised here | points |"
    yield "|---|---:|---:|---:|---:|---:|"
    for path in paths:
        form = path.suffix if path in shared.models("float32") else "other"
        inputs, error = float_error(path) if form == ".tflite" else (0, 0.0)
        difference = f"{inputs} | {error:.1e}" if inputs else " | "
        yield f"| {path.name} | {difference} | " + " | ".join(quantised_here(path)) + " |"


def float_paths() -> list[Path]:
    """Float and dynamic-range .tflite models, and Keras models."""
    keras = [shared.SHARED / m["file"] for m in shared.listing() if m["file"].endswith((".keras", ".h5"))]
    return [*shared.models("float32"), *shared.models("hybrid"), *keras]


# ---- Shrinking, and the cost of converting ----


def shrink_table(paths: list[Path]) -> Iterator[str]:
    yield "| model | MACs | after | weight bytes | after | activation bytes | after | passes (changes) |"
    yield "|---|---:|---:|---:|---:|---:|---:|---|"
    for path in paths:
        p = prepared(path)
        a, b = measure(p.quantised), measure(p.graph)
        changes: dict[str, int] = {}
        for r in p.shrinking:
            changes[r.name] = changes.get(r.name, 0) + len(r.changes)
        text = ", ".join(f"{name} ({n})" for name, n in changes.items()) or "none"
        pairs = ((a.macs, b.macs), (a.weight_bytes, b.weight_bytes), (a.activation_bytes, b.activation_bytes))
        yield f"| {path.stem} | " + " | ".join(f"{u:,} | {v:,}" for u, v in pairs) + f" | {text} |"


def convert_cost(path: Path) -> tuple[float, float, float]:
    """(seconds, processor seconds, megabytes) of `nnom convert`, a process of its own."""
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        "u = resource.getrusage(resource.RUSAGE_CHILDREN); print(u.ru_utime + u.ru_stime, u.ru_maxrss)"
    )
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-c", script, sys.executable, "-m", "nnom", "convert", str(path), "-o", out]
        begin = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds = time.monotonic() - begin
    busy, kilobytes = map(float, done.stdout.split())
    return seconds, busy, kilobytes / 1000


def cost_lines(paths: list[Path]) -> Iterator[str]:
    yield "| model | file | time | processor time | memory |"
    yield "|---|---:|---:|---:|---:|"
    for path in sorted(paths, key=lambda p: -p.stat().st_size)[:3]:
        seconds, busy, megabytes = convert_cost(path)
        size = path.stat().st_size / 1000
        yield f"| {path.stem} | {size:,.0f} kB | {seconds:.1f} s | {busy:.1f} s | {megabytes:.0f} MB |"


# ---- The document ----

HEAD = """<!-- SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception -->
# Conformance

Made by `make conformance`, which also compares {single:,} models of one operator and 600 random graphs with LiteRT
(`tests/test_operators.py`) and 2,000 random graphs in rolling and whole execution (`tests/test_rolling.py`).

The reference: LiteRT's built-in reference kernels (`BUILTIN_REF`, no XNNPACK). LiteRT's FULLY_CONNECTED scales its sums
with one rounding, TFLite Micro's and all convolutions with two; NNoM follows TFLite Micro, so the reference runs dense
layers as 1 x 1 convolutions. In this form it gives the bytes recorded from TFLite Micro for the same models.

Releases of TFLite Micro differ in one product: until August 2026 FULLY_CONNECTED multiplied its input's and its one
weight scale in float; later ones, all convolutions and NNoM multiply in double (SPEC.md 4.1). The last bits of some
multipliers differ; the recorded outputs hold in both forms.

Known differences, each a defect or a choice of the engine named. LiteRT: NEG of int8 negates the stored byte whatever
scale and zero point are (NNoM: the real number, rounded); SUM of int8 adds bytes without scaling in the reference
kernels and rounds once in the others (NNoM: twice, as TFLite Micro; within 1). TFLite Micro: TANH and LOGISTIC saturate
far too early where the input's scale is above 4 (LiteRT and NNoM: right); weights behind the flatbuffer are read as
zeros; DEQUANTIZE of a constant takes the first of its scales for all channels; SPACE_TO_BATCH_ND pads int8 with the
stored 0. Both: DIV of int8 shifts quotients far below half a step by over 31 bits and gives -128 or 127 (NNoM: 0).
Models with recurrent operators or variables: `tests/test_recurrent.py`, `tests/test_variables.py`.
"""


def small_section(only: str) -> Iterator[str]:
    yield "\n## Small files, one kind of model each\n"
    yield f"Each over {small_files.SAMPLES} random inputs; all outputs count: bytes, in float within"
    yield f"{small_files.TOLERANCE:.0e} of the largest value, or of 1 if that is less. The oracle is TFLite Micro;"
    yield "where it cannot run the file or misreads it, LiteRT's reference kernels (dense layers as convolutions, as"
    yield "above; weights of int8 beside float activations as float).\n"
    yield from small_files.table(only)


def document(only: str) -> Iterator[str]:
    """The lines, as they are measured."""
    ints = [p for p in shared.models("int8") if only in str(p)]
    yield HEAD.format(single=90 * len(cases.OPERATORS))
    yield "## int8 models: bytes\n"
    yield "On this computer over all real inputs and random ones (noise, extremes, constants, ramps); on emulated"
    yield f"boards over the first {ON_BOARD} inputs recorded from TFLite Micro. The models run shrunk. Real inputs of"
    yield "hello_world are all that there are.\n"
    found = []
    for path in ints:
        found.append(compare_bytes(path))
        print(f"{path.stem}: {found[-1].same} of {found[-1].count}, {found[-1].boards}", file=sys.stderr, flush=True)
    yield from byte_table(found)
    yield "\n## int8 models: accuracy\n"
    yield from accuracy_table(found)
    yield "\n## Float models\n"
    yield "Differences are relative to the largest output, or to 1 if that is less. int8: quantised by NNoM from"
    yield "training data where there are some, else from a tenth of the data, which is not counted. LiteRT quantises"
    yield "the activations of the hybrid (dynamic-range) model in every run; NNoM computes it in float, or in int8.\n"
    yield from float_table([p for p in float_paths() if only in str(p)])
    yield from small_section(only)
    yield "\n## What shrinking saves\n"
    yield "No output byte changes. Activation bytes: all tensors together, not the arena.\n"
    yield from shrink_table(ints)
    yield "\n## What converting costs\n"
    yield "`nnom convert` of the three largest files, a process of its own, start of Python included.\n"
    yield from cost_lines(ints)


def main() -> int:
    """Prints, and writes a file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables to this file, too")
    parser.add_argument("--only", default="", metavar="WORD", help="only models whose path holds this word")
    options = parser.parse_args()
    if not shared.here():
        print(shared.ABSENT)
        return 1
    lines = []
    for line in document(options.only):
        print(line, flush=True)
        lines.append(line)
    if options.write:
        options.write.write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
