# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Damaged .keras, .h5, .onnx, .npy, .npz files by the thousands: 30 s of fuzz/fuzz_files.py for each, all at once.
NNOM_FUZZ_SECONDS: another number of seconds.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

KINDS = tuple(k for k in ("keras", "h5", "onnx", "data") if k != "onnx" or find_spec("onnx"))  # which makes its seeds
SECONDS = os.environ.get("NNOM_FUZZ_SECONDS", "30")


def test_thirty_seconds_of_fuzzing(tmp_path: Path) -> None:
    """Processes of their own, so that a crash of libhdf5 or of the C core is seen."""
    root = Path(__file__).resolve().parents[1]
    env = {**os.environ, "PYTHONPATH": str(root / "python"), "OPENBLAS_NUM_THREADS": "1"}
    running = []
    for kind in KINDS:
        command = [sys.executable, str(root / "tests" / "fuzz" / "fuzz_files.py"), kind, "--seconds", SECONDS]
        command += ["--out", str(tmp_path / kind)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        running.append(subprocess.Popen(command, env=env, **pipes))
    told = [process.communicate()[0] for process in running]
    for kind, process, text in zip(KINDS, running, told, strict=True):
        assert process.returncode == 0, f"{kind}: {text}"
        figures = re.search(r"(\d+) inputs, \d+ refused, (\d+) taken", text)
        assert figures and int(figures[1]) > 100 and int(figures[2]) > 0, f"{kind}: {text}"
        print(f"{kind}: {text}")
