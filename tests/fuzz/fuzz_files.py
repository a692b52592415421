# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Fuzzes the readers of .keras, .h5, .onnx and data files: a damaged one ends in an NnomError or in what runs.

    python tests/fuzz/fuzz_files.py keras --seconds 600       or h5, onnx, data; findings are saved in build/fuzz-keras
    python tests/fuzz/fuzz_files.py h5 --replay FILE...       runs files again

A finding: any exception that is no NnomError, more than SLOW seconds, more than MEMORY bytes beyond those before,
of .onnx files more than 20 times the file and a constant, a crash. The input at work is in build/fuzz-*/current, for
after a crash. One --seed, one sequence of inputs.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import re
import resource
import sys
import time
import traceback
import tracemalloc
import zlib
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(Path(__file__).resolve().parent)]

from mutate_files import MUTATORS, SEEDS  # noqa: E402
from nnom.core import CoreModel  # noqa: E402
from nnom.data import read_arrays  # noqa: E402
from nnom.errors import NnomError  # noqa: E402
from nnom.graph import Graph  # noqa: E402
from nnom.importers.keras import load_keras  # noqa: E402
from nnom.importers.onnx import load_onnx  # noqa: E402

SLOW, HANG = 10.0, 60  # seconds
MEMORY = 500 * 2**20  # bytes
MEMORY_FACTOR, MEMORY_CONSTANT = 20, 2**20  # bytes that the reader of .onnx files may have at once
RUN_MACS, RUN_BYTES = 2**20, 2**20  # larger models are not compiled: a small file can describe them legally
POOL = 1000


class Finding(Exception):
    """A rule that was broken; the text says which."""


def _use(path: Path, kind: str) -> str:
    """What the file holds, in words without numbers."""
    if kind == "data":
        arrays = read_arrays(path)
        return " ".join(f"{a.dtype}{a.ndim}" for a in arrays.values())
    graph = _load_onnx(path) if kind == "onnx" else load_keras(path)
    if sum(t.elements for t in graph.tensors.values()) < RUN_BYTES:
        core = CoreModel(graph)
        if core.totals.macs <= RUN_MACS:
            core.run([np.ones(p.shape, p.dtype) for p in core.inputs])
    return " ".join(n.op for n in graph.nodes)


def _load_onnx(path: Path) -> Graph:
    """The graph of an .onnx file; of some files the reader's memory is measured."""
    data = path.read_bytes()
    if zlib.crc32(data) % 25:
        return load_onnx(path)
    tracemalloc.start()
    try:
        return load_onnx(path)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        if peak > MEMORY_FACTOR * len(data) + MEMORY_CONSTANT:
            raise Finding(f"the importer takes {peak} bytes for a file of {len(data)}")


def outcome(path: Path, kind: str) -> tuple[bool, str]:
    """(whether it was taken, layers or the error's text)."""
    try:
        return True, _use(path, kind)
    except NnomError as e:
        text = str(e).replace(str(path), "")
        if not text:
            raise Finding("an error without a text") from e
        if re.search(r"MemoryError|Unable to allocate", text):
            raise Finding(f"memory: {text[:200]}") from e
        return False, re.sub(r"-?\d[\d.e+-]*|'[^']*'|\[[^]]*\]|b\".*?\"", "#", text)[:300]


def _memory(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


def check(path: Path, kind: str) -> tuple[bool, str]:
    """The outcome of one input; Finding or another exception if it breaks a rule."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, begin = _memory("VmRSS"), time.process_time()
    faulthandler.dump_traceback_later(HANG, exit=True)
    try:
        result = outcome(path, kind)
    finally:
        faulthandler.cancel_dump_traceback_later()
    seconds, grown = time.process_time() - begin, _memory("VmHWM") - before
    if seconds > SLOW or grown > MEMORY:
        raise Finding(f"{seconds:.1f} s, {grown} bytes: {result[1][:200]}")
    return result


def fuzz(kind: str, seconds: float, seed: int, folder: Path) -> tuple[int, int, int, int]:
    """Runs for a time; (inputs, taken, different outcomes, findings). Findings are saved in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, seeds = random.Random(seed), SEEDS[kind]()
    pool, seen, found = list(seeds), set(), set()
    count, taken, end = 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        name, data = rng.choice(pool)
        current = folder / f"current{Path(name).suffix}"
        data = MUTATORS[kind](data, rng)
        current.write_bytes(data)
        try:
            good, text = check(current, kind)
            taken += good
        except Exception as e:
            text = "".join(traceback.format_exception(e)[-3:])
            place = f"{type(e).__name__} {traceback.extract_tb(e.__traceback__)[-1].lineno}"
            if place not in found:
                found.add(place)
                saved = folder / f"finding-{len(found)}{current.suffix}"
                saved.write_bytes(data)
                print(f"finding after {count} inputs, {saved}:\n{text}", flush=True)
        if text not in seen and len(data) < 2**17:
            seen.add(text)
            pool.append((name, data))
            if len(pool) > POOL:
                pool[rng.randrange(len(seeds), POOL)] = pool.pop()
        count += 1
    return count, taken, len(seen), len(found)


def main() -> int:
    """Returns 1 if there are findings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=sorted(SEEDS))
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="FOLDER")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE")
    options = parser.parse_args()
    faulthandler.enable()
    np.seterr(all="ignore")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))
    for path in options.replay or []:
        print(f"{path}: {check(path, options.kind)}", flush=True)
    if options.replay:
        return 0
    folder = options.out or ROOT / "build" / f"fuzz-{options.kind}"
    count, taken, outcomes, findings = fuzz(options.kind, options.seconds, options.seed, folder)
    refused = count - taken
    print(f"{count} inputs, {refused} refused, {taken} taken, {outcomes} different outcomes, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
