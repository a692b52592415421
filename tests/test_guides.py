# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The guides' commands, read from their pages and executed where this computer has what they need."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
RUN = re.compile(r"<!-- run(?:: ([^>]+))? -->\n\s*```sh\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", GUIDES, ids=lambda p: p.stem)
def test_guide(page: Path, tmp_path: Path):
    """Commands marked `run` succeed and print what their mark says; files that the page names are there."""
    text = page.read_text()
    shutil.copy(ROOT / "examples" / "basic_motions" / "model.keras", tmp_path)
    np.save(tmp_path / "x.npy", np.random.default_rng(1).normal(size=(16, 100, 6)).astype(np.float32))
    (tmp_path / "nnom").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nnom "$@"\n')
    (tmp_path / "nnom").chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "python")}
    found = RUN.findall(text)
    assert found
    has_arm = bool(shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm"))
    for expected, commands in found:
        if not has_arm and re.search("emulate|arm-none-eabi", commands):
            continue
        words = ["sh", "-ec", commands]
        done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        assert (expected or "") in done.stdout
    for name in re.findall(r"<!-- files: (.*?) -->", text)[:1]:
        missing = [file for file in name.split() if not (tmp_path / file).is_file()]
        assert not missing
