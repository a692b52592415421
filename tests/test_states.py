# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""States in a frozen model: its self test, its values from run to run, nnom_forget()."""

from __future__ import annotations

import ctypes as ct
import shutil
import subprocess
from pathlib import Path

import pytest
from nnom import binding

ROOT = Path(__file__).resolve().parent.parent
MAIN = """
#include "model.h"

int main(void)
{
    if (count_selftest() != NNOM_OK) {
        return 1;
    }
    for (int run = 1; run <= 3; run++) {
        for (int i = 0; i < 4; i++) {
            count_input()[i] = 2;
        }
        if (count_run() != NNOM_OK || count_output()[3] != 7 + 2 * run) {
            return 10 + run;
        }
    }
    nnom_forget(count_model());
    return count_input()[0] = 1, count_run() == NNOM_OK && count_output()[0] == 8 ? 0 : 2;
}
"""


def _frozen_counter(folder: Path) -> None:
    """sum' = sum + input, from 7 on, as model.c and model.h."""
    lib = binding.library()
    start = (ct.c_int8 * 4)(7, 7, 7, 7)
    one = ct.c_float(1 / 128)
    lib.nnom_state.restype = lib.nnom_state_set.restype = ct.c_void_p
    model = lib.nnom_new_model(None)
    hook = lib.nnom_connect
    hook.restype, hook.argtypes = ct.c_bool, [ct.c_void_p, ct.c_void_p]
    shape = binding.Shape(1, 1, 4)
    source = lib.nnom_layer_set_quant(lib.nnom_input_2(shape, None), one, 0)
    state = lib.nnom_layer_set_quant(ct.c_void_p(lib.nnom_state(shape, start)), one, 0)
    total = lib.nnom_layer_set_quant(lib.nnom_add(0), one, 0)
    assert hook(total, source) and hook(total, state)
    lib.nnom_state_set(ct.c_void_p(state), ct.c_void_p(total))
    lib.nnom_set_verbose(model, False)
    assert lib.nnom_compile(model, source, None, None) == 0, lib.nnom_model_error_text(model)
    for name in ("model.c", "model.h"):
        parts: list[bytes] = []
        write = binding.WRITE(lambda _, text, size, parts=parts: parts.append(ct.string_at(text, size)) or 0)
        assert lib.nnom_freeze(model, b"count", name.endswith("h"), write, None) == 0
        (folder / name).write_bytes(b"".join(parts))
    lib.nnom_model_delete(model)


def test_a_frozen_state_keeps_its_value(tmp_path: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("sudo apt-get install gcc")
    _frozen_counter(tmp_path)
    (tmp_path / "main.c").write_text(MAIN)
    sources = [str(f) for f in sorted((ROOT / "src").rglob("*.c"))]
    includes = [f"-I{ROOT / name}" for name in ("include", "port")]
    warnings = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    own = [str(tmp_path / "main.c"), str(tmp_path / "model.c")]
    for file in own:
        subprocess.run(["gcc", *warnings, *includes, "-c", file, "-o", f"{file}.o"], check=True)
    command = ["gcc", *includes, *(f"{file}.o" for file in own), *sources, "-lm", "-o", str(tmp_path / "main")]
    subprocess.run(command, check=True)
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == 0
