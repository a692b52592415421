# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Fuzzes the importer of TFLite files: a damaged file ends in an NnomError or in a model that runs.

    python tests/fuzz/fuzz_tflite.py --seconds 600            one process; findings are saved in build/fuzz
    python tests/fuzz/fuzz_tflite.py --replay build/fuzz/*    runs files again
    python tests/fuzz/fuzz_tflite.py --corpus                 makes tests/fuzz/corpus anew (needs ai-edge-litert)

The seeds are the small models of corpus/, made by tests/oracle. Inputs that give an outcome not seen before (another
message, other layers) are damaged further. One --seed, one sequence of inputs.

A finding: any exception that is no NnomError, more than SLOW seconds, more memory than 20 times the file and a
constant, a crash of the C core. The input at work is in build/fuzz/current, for after a crash.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import re
import sys
import time
import traceback
import tracemalloc
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(Path(__file__).resolve().parent)]

from mutate import mutate  # noqa: E402
from nnom.conversion import prepare  # noqa: E402
from nnom.core import CoreModel  # noqa: E402
from nnom.errors import NnomError  # noqa: E402
from nnom.graph import Graph  # noqa: E402
from nnom.importers.tflite import load_tflite  # noqa: E402

CORPUS = Path(__file__).resolve().parent / "corpus"
SLOW = 5.0  # seconds of processor time for one input of at most 8 kB
HANG = 60  # seconds until the process ends itself
MEMORY_FACTOR, MEMORY_CONSTANT = 20, 2**20  # bytes that the importer may have at once
MEMORY_EVERY = 25  # inputs between two measurements of memory: tracing is slow
RUN_MACS, RUN_BYTES = 2**22, 2**22  # larger models are compiled, not run: a small file can describe them legally
POOL = 2000
LARGEST_SEED, GRAPHS = 3000, 12  # bytes of a file, and number of graphs, in the corpus


class Finding(Exception):
    """A rule that was broken; the text says which."""


def outcome(data: bytes) -> str:
    """Imports, shrinks, compiles and runs one file: the error's text or the layers. Raises what no file may cause."""
    try:
        graph = load_tflite(data, dequantize_weights=True)
        if not graph.is_float:
            graph = prepare(graph).graph
        core = CoreModel(graph)
        if core.totals.macs <= RUN_MACS and activation_bytes(graph) <= RUN_BYTES:
            core.run([np.ones(p.shape, p.dtype) for p in core.inputs])
        return " ".join(n.op for n in graph.nodes)
    except NnomError as e:
        text = str(e)
        if not text:
            raise Finding("an error without a text") from e
        return re.sub(r"-?\d[\d.e+-]*|'[^']*'|\[[^]]*\]", "#", text)


def activation_bytes(graph: Graph) -> int:
    """Bytes of all tensors of a graph."""
    return sum(t.elements * np.dtype(t.dtype).itemsize for t in graph.tensors.values())


def importer_memory(data: bytes) -> int:
    """Most bytes that the importer has at once."""
    tracemalloc.start()
    try:
        load_tflite(data, dequantize_weights=True)
    except NnomError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak


def check(data: bytes, memory: bool = False) -> str:
    """The outcome of one input; Finding or another exception if it breaks a rule."""
    faulthandler.dump_traceback_later(HANG, exit=True)
    begin = time.process_time()
    try:
        text = outcome(data)
    finally:
        faulthandler.cancel_dump_traceback_later()
    seconds = time.process_time() - begin
    if seconds > SLOW:
        raise Finding(f"{seconds:.1f} s for {len(data)} bytes: {text[:200]}")
    if memory:
        peak = importer_memory(data)
        if peak > MEMORY_FACTOR * len(data) + MEMORY_CONSTANT:
            raise Finding(f"the importer takes {peak} bytes for a file of {len(data)}: {text[:200]}")
    return text


def corpus() -> list[bytes]:
    """The seeds, in the order of their names."""
    return [p.read_bytes() for p in sorted(CORPUS.glob("*.tflite"))]


def fuzz(seconds: float, seed: int, folder: Path) -> tuple[int, int, int]:
    """Runs for a time; (inputs, different outcomes, findings). Findings are saved in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    current = folder / "current"
    rng, seeds = random.Random(seed), corpus()
    pool, seen, found = list(seeds), {check(s, True) for s in seeds}, {}
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutate(rng.choice(pool), seeds, rng)
        current.write_bytes(data)
        try:
            text = check(data, count % MEMORY_EVERY == 0)
        except Exception as e:
            text = "".join(traceback.format_exception(e)[-3:])
            place = f"{type(e).__name__} {traceback.extract_tb(e.__traceback__)[-1].lineno}"
            if place not in found:
                found[place] = folder / f"finding-{len(found)}.tflite"
                found[place].write_bytes(data)
                print(f"finding after {count} inputs, {found[place]}:\n{text}", flush=True)
        if text not in seen:
            seen.add(text)
            pool.append(data)
            if len(pool) > POOL:
                pool[rng.randrange(len(seeds), POOL)] = pool.pop()
        count += 1
    return count, len(seen), len(found)


def make_corpus() -> None:
    """One small model per operator, in int8 and a few in float, and some graphs."""
    from oracle import cases

    CORPUS.mkdir(exist_ok=True)
    for old in CORPUS.glob("*.tflite"):
        old.unlink()
    wanted = [(op, "int8") for op in cases.OPERATORS]
    wanted += [(op, "float32") for op in ("CONV_2D", "FULLY_CONNECTED", "MEAN", "SQRT", "ADD", "RESIZE_BILINEAR")]
    for op, dtype in wanted:
        made = (cases.single(op, np.random.default_rng([seed, 77]), dtype).data for seed in range(40))
        smallest = min(made, key=len)
        (CORPUS / f"{op.lower()}_{dtype}.tflite").write_bytes(smallest)
    graphs = sorted((cases.graph(np.random.default_rng([seed, 78])).data for seed in range(150)), key=len)
    graphs = [data for data in graphs if len(data) < LARGEST_SEED]
    for i, data in enumerate(graphs[:: -(-len(graphs) // GRAPHS)]):
        (CORPUS / f"graph{i}.tflite").write_bytes(data)


def main() -> int:
    """Returns 1 if there are findings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz", metavar="FOLDER")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--corpus", action="store_true", help="make the corpus anew")
    options = parser.parse_args()
    faulthandler.enable()
    np.seterr(all="ignore")
    if options.corpus:
        make_corpus()
        return 0
    for path in options.replay or []:
        print(f"{path}: {check(path.read_bytes(), True)}", flush=True)
    if options.replay:
        return 0
    count, outcomes, findings = fuzz(options.seconds, options.seed, options.out)
    print(f"{count} inputs, {outcomes} different outcomes, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
