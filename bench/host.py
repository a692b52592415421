# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Time of one inference on this computer, on one core, beside LiteRT's default (XNNPACK); and what more cores give.

python bench/host.py [--seconds 3] [--write]: needs the models of shared/models and the package ai-edge-litert.
LiteRT's time is that of invoke() alone; ours is that of nnom_run_many(), which copies inputs and outputs, too. Both in
turn, the best of many short rounds each: other programs make a round slower, never faster.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mlperf import MODELS, SHARED, need
from nnom.compare import Runner
from nnom.conversion import load
from nnom.core import host_model
from nnom.graph import Graph
from nnom.threads import host_threads

FLOATS = {
    "VWW float": "vww/mobilenetv1_025_float.tflite",
    "IC float": "ic/resnet8_float.tflite",
    "AD float": "ad/autoencoder_float.tflite",
}
SAMPLES = 2  # of a round
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "host.md"


def samples(graph: Graph, count: int) -> list[np.ndarray]:
    """Noise in the inputs' types [count, h, w, c]."""
    rng = np.random.default_rng(1)
    tensor = graph.tensors[graph.inputs[0]]
    shape = (count, *tensor.shape)
    if tensor.dtype == "float32":
        return [rng.normal(size=shape).astype(np.float32)]
    return [rng.integers(-128, 128, shape).astype(tensor.dtype)]


def ours(graph: Graph) -> Callable[[], None]:
    """Runs SAMPLES samples on one core."""
    model, data = host_model(graph), samples(graph, SAMPLES)
    outputs = [np.empty((SAMPLES, *p.shape), p.dtype) for p in model.outputs]
    return lambda: model.run_many(data, outputs) and None


def litert(path: Path, graph: Graph) -> Callable[[], None]:
    """The same by LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    net = Interpreter(str(path), num_threads=1)
    net.allocate_tensors()
    detail = net.get_input_details()[0]
    net.set_tensor(detail["index"], samples(graph, 1)[0].reshape(detail["shape"]))

    def run() -> None:
        for _ in range(SAMPLES):
            net.invoke()

    return run


def best(runs: list[Callable[[], None]], seconds: float) -> list[float]:
    """The shortest time of each in turn until the time is over. Seconds."""
    found = [float("inf")] * len(runs)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for k, run in enumerate(runs):
            begin = time.perf_counter()
            run()
            found[k] = min(found[k], time.perf_counter() - begin)
    return found


def speedup(graph: Graph, threads: int, seconds: float) -> float:
    """Of all samples on `threads` cores against one."""
    data = samples(graph, 256)
    runners = [Runner(graph, raw=True, threads=t) for t in (1, threads)]
    one, many = best([lambda r=r: r.run(data) and None for r in runners], seconds)
    return one / many


def measure(models: dict[str, str], seconds: float) -> list[tuple[str, float, float, float]]:
    """(name, our microseconds, LiteRT's, speed on all cores)."""
    rows = []
    for name, file in models.items():
        path = SHARED / file
        graph = load(path)
        mine, theirs = best([ours(graph), litert(path, graph)], seconds)
        more = speedup(graph, host_threads(64), seconds)
        rows.append((name, mine / SAMPLES * 1e6, theirs / SAMPLES * 1e6, more))
        print(
            f"{name:10} {rows[-1][1]:8.1f} us  LiteRT {rows[-1][2]:8.1f} us  ratio {mine / theirs:.2f}  x{more:.2f}",
            flush=True,
        )
    return rows


def processor() -> str:
    """The computer's own name of its cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return "an unknown processor"


def document(rows: list[tuple[str, float, float, float]]) -> str:
    """docs/host.md."""
    table = "\n".join(
        f"| {name} | {mine:.0f} us | {theirs:.0f} us | {mine / theirs:.2f} | {more:.2f} |"
        for name, mine, theirs, more in rows
    )
    ratio = statistics.geometric_mean(mine / theirs for _, mine, theirs, _ in rows)
    return f"""# Speed on a computer

Made by `make bench-host` on {processor()}, {host_threads(64)} cores. Time of one inference on one core:
NNoM as `nnom evaluate` runs a model (`nnom_run_many`, inputs and outputs copied) beside LiteRT's default (XNNPACK,
`invoke()` alone), in one run, the best of many short rounds. Ratio under 1: NNoM is faster. The last column: many
samples with `Runner` on all cores against one; other programs that run meanwhile take their part of it.

| model | NNoM | LiteRT | ratio | all cores against one |
|---|---|---|---|---|
{table}

Geometric mean of the ratios: {ratio:.2f}. The int8 bytes are those of every board, the float bits those of the
portable kernels: no fused additions, and each output adds its taps in the order of the specification.
"""


def main() -> None:
    """Prints the table, and writes it if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each model and engine")
    parser.add_argument("--write", action="store_true", help="docs/host.md")
    args = parser.parse_args()
    need()
    rows = measure({name: file for name, (_, file) in MODELS.items()} | FLOATS, args.seconds)
    if args.write:
        DOCUMENT.write_text(document(rows))


if __name__ == "__main__":
    main()
