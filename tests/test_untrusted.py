# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Hostile files of every kind, given to the command in a process under a limit of address space: each is refused with
one sentence in under 10 s and 500 MB. Sound files of the same making convert, so that it is the harm that is refused.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import h5py
import hostile
import numpy as np
import pytest
from nnom.errors import ModelError, UnsupportedError
from nnom.importers.keras import load_keras
from nnom.importers.keras.hdf5_file import Hdf5File
from nnom.importers.keras.keras_safe import check_objects

ROOT = Path(__file__).resolve().parent.parent
MEMORY, SECONDS, ADDRESSES = 500 * 2**20, 10, 2**31
_CHILD = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, ({addresses}, {addresses}))
sys.path.insert(0, {package!r})
from nnom.cli import main
code = main(sys.argv[1:])
peak = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0]
print(f"\\n@ {{code}} {{int(peak) * 1024}} {{time.process_time()}}")
"""


def measured(*words: object) -> tuple[int, int, str]:
    """Exit code of the command, the most memory that it had in RAM, and its error's text."""
    script = _CHILD.format(addresses=ADDRESSES, package=str(ROOT / "python"))
    command = [sys.executable, "-c", script, *map(str, words)]
    env = {"PATH": "/usr/bin:/bin", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)
    end = re.search(r"^@ (-?\d+) (\d+) ([\d.]+)$", done.stdout, re.M)
    assert end, f"no end of {words}: {done.returncode}\n{done.stderr[-3000:]}"
    assert float(end[3]) < SECONDS, f"{end[3]} s"
    return int(end[1]), int(end[2]), done.stderr


def refused(pattern: str, *words: object) -> None:
    code, peak, error = measured(*words)
    assert code == 1 and error.startswith("nnom: error: ") and "Traceback" not in error, error[-3000:]
    assert re.search(pattern, error) and len(error) < 2000, error[:2000]
    assert "(MemoryError" not in error and "out of memory" not in error, error
    assert peak < MEMORY, f"{peak} bytes"


def data_file(folder: Path) -> Path:
    np.save(folder / "good.npy", np.random.default_rng(1).random((20, 3), np.float32))
    return folder / "good.npy"


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_the_sound_files_convert(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(hostile.archive() if name == "m.keras" else hostile.legacy())
    words = ("convert", tmp_path / name, "--calibration", data_file(tmp_path), "-o", tmp_path / "out")
    code, peak, error = measured(*words)
    assert code == 0 and (tmp_path / "out" / "model.c").exists(), error
    assert peak < 150 * 2**20


@pytest.mark.parametrize("name", hostile.KERAS)
def test_archives(name: str, tmp_path: Path) -> None:
    path, words = hostile.hostile_model("keras", name, tmp_path)
    refused(words, "convert", path, "--calibration", data_file(tmp_path), "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["keras-hdf5", "h5"])
@pytest.mark.parametrize("name", hostile.HDF5)
def test_hdf5(kind: str, name: str, tmp_path: Path) -> None:
    path, words = hostile.hostile_model(kind, name, tmp_path)
    refused(words, "convert", path, "--calibration", data_file(tmp_path), "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_text_longer_than_the_file(tmp_path: Path) -> None:
    """A reference to a text of 2 GiB: libhdf5 allocates that before it looks at the heap."""
    data = bytearray(hostile.legacy())
    with h5py.File(io.BytesIO(bytes(data)), "r") as file:
        length = len(file.attrs["model_config"])
    at = data.find(b"model_config")
    at = data.find(length.to_bytes(4, "little"), at)
    assert 0 < at - data.find(b"model_config") < 200
    data[at : at + 4] = (2**31 - 1).to_bytes(4, "little")
    (tmp_path / "m.h5").write_bytes(data)
    refused("longer than the file", "inspect", tmp_path / "m.h5")


def test_tree_whose_node_is_its_own_neighbour(tmp_path: Path) -> None:
    """libhdf5 walks along the neighbours for ever."""
    data = bytearray(hostile.legacy())
    at = data.rfind(b"TREE")
    data[at + 16 : at + 24] = at.to_bytes(8, "little")
    (tmp_path / "m.h5").write_bytes(data)
    refused("cycle of tree nodes", "inspect", tmp_path / "m.h5")


@pytest.mark.parametrize("name", hostile.DATA)
def test_data(name: str, tmp_path: Path) -> None:
    (tmp_path / "m.keras").write_bytes(hostile.archive())
    file, make, words = hostile.DATA[name]
    (tmp_path / file).write_bytes(make())
    refused(words, "convert", tmp_path / "m.keras", "--calibration", tmp_path / file, "-o", tmp_path / "out")


@pytest.mark.parametrize("name", ["nested_twice", "metadata_bomb", "many_members"])
def test_inspect(name: str, tmp_path: Path) -> None:
    """The same door: the command that is tried first on a strange file."""
    path, words = hostile.hostile_model("keras", name, tmp_path)
    refused(words, "inspect", path)


def test_memory_is_bounded_by_the_file(tmp_path: Path) -> None:
    """A sound model of 8 MB of weights: at most 20 times the file and 150 MB."""
    layers = [hostile.front(shape=(1024,)), hostile.dense(units=2048)]
    rng = np.random.default_rng(1)
    arrays = hostile.weights(lambda h: h["layers/dense/vars/0"].write_direct(
        rng.standard_normal((1024, 2048)).astype(np.float32)), 1024, 2048)  # fmt: skip
    data = hostile.archive(hostile.sequential(layers), arrays)
    (tmp_path / "m.keras").write_bytes(data)
    np.save(tmp_path / "x.npy", rng.random((8, 1024), np.float32))
    words = ("convert", tmp_path / "m.keras", "--calibration", tmp_path / "x.npy", "-o", tmp_path / "out")
    code, peak, error = measured(*words)
    assert code == 0, error
    assert peak < 20 * len(data) + 150 * 2**20, f"{peak} bytes for a file of {len(data)}"


@pytest.mark.parametrize("rows", [10**7, 6 * 10**7])
def test_tflite_of_ten_million_rows(rows: int, tmp_path: Path) -> None:
    """A kilobyte that names a huge input: refused, or converted in memory that does not follow the rows."""
    pytest.importorskip("ai_edge_litert", reason="needs the package ai-edge-litert")
    from oracle.maker import Maker

    m = Maker(np.random.default_rng(1))
    x = m.input((1, rows, 1), (0.02, -128))
    y = m.act((1, rows, 1), (0.02, -128))
    m.add("RELU", [x], [y])
    (tmp_path / "m.tflite").write_bytes(m.model.build(m.inputs, [y]))
    for words in (("convert", tmp_path / "m.tflite", "-o", tmp_path / "out"), ("inspect", tmp_path / "m.tflite")):
        code, peak, error = measured(*words)
        assert code in (0, 1) and "Traceback" not in error and peak < MEMORY, (code, peak, error)


@pytest.mark.parametrize("layer", [
    {"class_name": "UpSampling2D", "config": {"name": "y", "size": [300, 300], "interpolation": "bilinear"}},
    {"class_name": "ZeroPadding2D", "config": {"name": "y", "padding": [[9000, 0], [0, 9000]]}},
    {"class_name": "Resizing", "config": {"name": "y", "height": 6000, "width": 6000}},
    {"class_name": "Reshape", "config": {"name": "y", "target_shape": [900, 3]}},
])  # fmt: skip
def test_tensors_of_any_size_in_a_small_file(layer: dict[str, object], tmp_path: Path) -> None:
    """Calibration takes some 40 bytes for each element: 7 GB for 1 kB of upsampling."""
    path = tmp_path / "m.keras"
    shape = (30, 30, 3) if layer["class_name"] != "Reshape" else (2**20, 2**9)
    path.write_bytes(
        hostile.archive(hostile.json.dumps(hostile.sequential([hostile.front("x", shape), layer])).encode())
    )
    with pytest.raises(ModelError, match="at most 16777216 elements"):
        load_keras(path)


def test_keras_reads_what_was_looked_through(tmp_path: Path) -> None:
    """An archive under the name of HDF5: Keras would look for HDF5 further on in the file."""
    path = tmp_path / "m.h5"
    path.write_bytes(hostile.archive())
    with pytest.raises(UnsupportedError, match="its content asks for the name 'm.keras'"):
        check_objects(path)


@pytest.mark.parametrize("name", ["external_storage", "virtual"])
def test_what_lies_elsewhere_is_not_even_opened(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """libhdf5 2.0 crashes when it opens a damaged virtual dataset."""
    path, words = hostile.hostile_model("h5", name, tmp_path)
    opened: list[bytes] = []
    real = hostile.h5py.h5o.open
    monkeypatch.setattr(hostile.h5py.h5o, "open", lambda group, raw: opened.append(raw) or real(group, raw))
    with pytest.raises(ModelError, match=words):
        Hdf5File(path.read_bytes(), "m.h5").__enter__()
    assert opened and b"kernel:0" not in opened


@pytest.mark.parametrize("change", [
    {"class_name": "Lambda", "config": {}},
    {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}},
    {"class_name": "system", "module": "os", "config": {}},
    {"class_name": "Thing", "module": "kerasx.evil", "config": {}},
    {"class_name": "eval", "module": "builtins", "config": {}},
    {"class_name": "function", "module": "keras.src.utils.file_utils", "config": "get_file"},
])  # fmt: skip
@pytest.mark.parametrize("form", ["keras", "h5"])
def test_objects_that_keras_may_not_build(change: dict[str, object], form: str, tmp_path: Path) -> None:
    """Wherever the configuration names them, even in arguments that the importer ignores."""
    good = hostile.sequential([hostile.front(), hostile.dense()])
    bad = hostile.sequential([hostile.front(), hostile.dense(kernel_regularizer=change)])
    for config, is_bad in ((good, False), (bad, True)):
        path = tmp_path / f"m.{form}"
        text = hostile.json.dumps(config).encode()
        path.write_bytes(hostile.archive(text) if form == "keras" else hostile.legacy(config=text))
        if is_bad:
            with pytest.raises(UnsupportedError, match="original=False"):
                check_objects(path)
        else:
            check_objects(path)
