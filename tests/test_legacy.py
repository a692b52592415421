# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The calls of the 2019 scripts still give what a program of that time can use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

import nnom  # noqa: E402
from nnom.binding import library_path  # noqa: E402
from nnom.errors import DataError, NnomError  # noqa: E402
from nnom.run_library import library_sources  # noqa: E402

MODEL = ROOT / "examples" / "uci_har" / "model.keras"
RNG = np.random.default_rng(5)
X = RNG.normal(0, 0.5, (300, 128, 9)).astype(np.float32)
Y = RNG.integers(0, 6, 300)

MAIN = """
#include <stdio.h>
#include <string.h>
#include "nnom.h"
#include "weights.h"
static const int8_t sample[] = {%s};
int main(void)
{
    nnom_model_t *model = nnom_model_create();
    memcpy(nnom_input_data, sample, sizeof(nnom_input_data));
    model_run(model);
    for (size_t i = 0; i < sizeof(nnom_output_data); i++) {
        printf("%%d ", nnom_output_data[i]);
    }
    return sizeof(sample) != sizeof(nnom_input_data);
}
"""


def test_generate_model_gives_a_header_that_an_old_main_includes(tmp_path):
    result = nnom.generate_model(MODEL, X[:32], tmp_path / "weights.h")
    sample = result.core.inputs[0].quantize(X[40].reshape(128, 1, 9))
    (tmp_path / "main.c").write_text(MAIN % ", ".join(map(str, sample.reshape(-1))))
    core, (_, includes) = library_path(), library_sources()
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}", *(f"-I{i}" for i in includes)]
    sources = [str(tmp_path / "main.c"), str(core), f"-Wl,-rpath,{core.parent}"]
    subprocess.run(["gcc", *flags, *sources, "-o", str(tmp_path / "main")], check=True)
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    assert [int(v) for v in done.stdout.split()] == result.core.run([sample])[0].reshape(-1).tolist()


def test_evaluate_model(capsys):
    e = nnom.evaluate_model(MODEL, X[:20], np.eye(6)[Y[:20]])
    assert e.form == "float" and "accuracy" in capsys.readouterr().out
    assert nnom.evaluate_model(MODEL, X[:20], Y[:20], X).form == "int8"


def test_test_file_in_groups_of_128(tmp_path):
    x = RNG.integers(-128, 128, (300, 4)).astype(np.int8)
    data = nnom.generate_test_bin(x, Y, tmp_path / "t.bin").read_bytes()
    assert len(data) == 300 * 5
    group = np.frombuffer(data[128 * 5 : 256 * 5], np.int8)
    assert (group[:128] == Y[128:256]).all() and (group[128:].reshape(128, 4) == x[128:256]).all()
    assert (np.frombuffer(data[256 * 5 : 256 * 5 + 44], np.int8) == Y[256:]).all()


@pytest.mark.parametrize(("largest", "step"), [(0.9, 1 / 128), (1.0, 1 / 128), (1.1, 1 / 64), (255, 2), (0, 1 / 128)])
def test_reals_take_the_finest_q_format_that_holds_them(tmp_path, largest, step):
    x = np.array([[largest, 0.0]])
    data = nnom.generate_test_bin(x, [1], tmp_path / "t.bin").read_bytes()
    assert np.frombuffer(data, np.int8)[1] == min(round(largest / step), 127)


def test_quantised_as_the_model(tmp_path):
    result = nnom.convert(MODEL, X[:32])
    data = nnom.generate_test_bin(X[:3], Y[:3], tmp_path / "t.bin", result).read_bytes()
    assert data[3:] == result.core.inputs[0].quantize(X[:3]).tobytes()


def test_refuses(tmp_path):
    for x, y in ((np.full((2, 2), np.nan), [0, 1]), (X[:2], [0]), (X[:2], [0, 200]), (X[:0], [])):
        with pytest.raises(DataError):
            nnom.generate_test_bin(x, y, tmp_path / "t.bin")
    with pytest.raises(NnomError, match="cannot be written"):
        nnom.generate_test_bin(X[:2], [0, 1], "/proc/nowhere/t.bin")
    assert not (tmp_path / "t.bin").exists()
