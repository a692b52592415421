# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Damaged .tflite files by the thousands: 30 s of tests/fuzz, and one small model damaged at every byte and bit;
the calls of the C API in any order (tests/c/test_api.c) for 30 s. NNOM_FUZZ_SECONDS: another number of seconds.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite", reason="needs the package tflite")
sys.path.insert(0, str(Path(__file__).resolve().parent / "fuzz"))

import fuzz_tflite  # noqa: E402
from nnom.errors import NnomError  # noqa: E402
from nnom.importers.tflite import load_tflite  # noqa: E402

SECONDS = os.environ.get("NNOM_FUZZ_SECONDS", "30")


def three_layers() -> bytes:
    """A model of 2 to 3 kB: one number in, dense layers of 16, 16 and 1, as those that approximate a function."""
    pytest.importorskip("ai_edge_litert", reason="needs the package ai-edge-litert")
    from oracle.maker import Maker

    m = Maker(np.random.default_rng(1))
    t = m.input((1, 1), (0.02, -128))
    for inner, units in ((1, 16), (16, 16), (16, 1)):
        w, bias, quant = m.weights((units, inner), 0, t, inner, units, per_channel=False, bias=True)
        y = m.act((1, units), quant)
        m.add("FULLY_CONNECTED", [t, w, *bias], [y], fusedActivationFunction=1 if units > 1 else 0)
        t = y
    return m.case([t]).data


def test_corpus_is_small_and_runs() -> None:
    seeds = fuzz_tflite.corpus()
    assert len(seeds) > 60 and sum(map(len, seeds)) < 150_000 and max(map(len, seeds)) < 3000
    for data in seeds:
        assert load_tflite(data).nodes
        fuzz_tflite.check(data, memory=True)


def test_truncated_at_every_byte() -> None:
    data = three_layers()
    for size in range(len(data)):
        with pytest.raises(NnomError, match="damaged .tflite file"):
            load_tflite(data[:size])


@np.errstate(all="ignore")
def test_every_bit_of_the_first_kilobyte_flipped() -> None:
    """Imported; every eleventh is also shrunk, compiled and run."""
    data = three_layers()
    for bit in range(8 * 1024):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        if bit % 11 == 0:
            fuzz_tflite.check(bytes(broken), memory=bit % 9 == 0)
            continue
        try:
            load_tflite(bytes(broken))
        except NnomError as e:
            assert str(e)


def test_thirty_seconds_of_fuzzing(tmp_path: Path) -> None:
    """A process of its own, so that a crash of the C core is seen."""
    script = Path(fuzz_tflite.__file__)
    command = [sys.executable, str(script), "--seconds", SECONDS, "--seed", "1", "--out", str(tmp_path)]
    package = str(script.parents[2] / "python")
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": package})
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) > 100


def test_thirty_seconds_of_the_c_api() -> None:
    """Under the address and undefined sanitizers, 3,000 models a process."""
    root, target = Path(__file__).resolve().parents[1], "build/tests/san/test_c"
    subprocess.run(["make", "-s", "-j2", "-f", "tests/c/tests.mk", target], cwd=root, check=True)
    end, seed, sums = time.monotonic() + float(SECONDS), 1, [0, 0, 0]
    while time.monotonic() < end:
        command = [str(root / target), "api", "cases=100", f"seed={seed}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        figures = re.match(r"(\d+) models, (\d+) calls, (\d+) models compiled", done.stdout)
        assert done.returncode == 0 and figures, f"seed {seed}:\n{done.stdout}{done.stderr[-4000:]}"
        sums = [a + int(b) for a, b in zip(sums, figures.groups(), strict=True)]
        seed += 1
    print("{} models, {} calls, {} models compiled".format(*sums))
    assert sums[0] >= 3000
