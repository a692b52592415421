# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What `make demo` shows: a trained network becomes C and runs on this computer and on an emulated Cortex-M4.

Every step is a command that can be typed again; files go to build/demo.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
from data import CLASSES, load

ROOT = Path(__file__).resolve().parents[2]
OUT = Path("build") / "demo"
MODEL = "examples/basic_motions/model.keras"


def say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def nnom(arguments: str) -> None:
    """Shows the command and runs it; ends the demo if it fails."""
    print(f"$ .venv/bin/nnom {arguments}", flush=True)
    command = [sys.executable, "-m", "nnom", *shlex.split(arguments)]
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        sys.exit(f"demo: 'nnom {arguments}' failed; its message is above")


def write_data() -> None:
    (ROOT / OUT).mkdir(parents=True, exist_ok=True)
    for name, array in zip(("x_train", "y_train", "x_test", "y_test"), load(), strict=True):
        np.save(ROOT / OUT / f"{name}.npy", array)


def main() -> None:
    write_data()
    say("1. A trained Keras network becomes C: quantised with 40 windows of real sensor data.")
    print(f"   A smart watch's accelerometer and gyroscope, 10 s each; classes: {', '.join(CLASSES)}.\n")
    nnom(f"convert {MODEL} --calibration {OUT}/x_train.npy --labels {OUT}/y_train.npy --name motion -o {OUT}")
    say("2. 40 other windows: what float gets right, and what int8 gets right.\n")
    calibration = f"--calibration {OUT}/x_train.npy"
    nnom(f"evaluate {MODEL} --data {OUT}/x_test.npy --labels {OUT}/y_test.npy {calibration} --top-k 1")
    say("3. The same 40 windows on this computer and on an emulated Cortex-M4; the cost is counted in instructions.\n")
    nnom(f"run {MODEL} --input {OUT}/x_test.npy {calibration} --board cortex-m4")
    say(f"The C that was made: {OUT}/model.c and {OUT}/model.h. To put it into a firmware: README.md, Quickstart.")


if __name__ == "__main__":
    main()
