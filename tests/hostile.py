# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Files made to harm who reads them: each kind once. And the small sound files that they begin as.

KERAS, HDF5 and DATA tell for each kind a pattern of words that must be in the refusal.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Made = tuple[Path, str]
HUGE = 2**29  # float32 elements: 2 GiB


# ---- sound files ----


def dense(name: str = "dense", units: int = 2, **more: Any) -> dict[str, Any]:
    """A layer of Keras 3's configuration."""
    config = {"name": name, "units": units, "activation": "relu", "use_bias": True, **more}
    return {"class_name": "Dense", "module": "keras.layers", "registered_name": None, "config": config}


def front(name: str = "input", shape: tuple[int, ...] = (3,)) -> dict[str, Any]:
    config = {"name": name, "batch_shape": [None, *shape], "dtype": "float32"}
    return {"class_name": "InputLayer", "module": "keras.layers", "registered_name": None, "config": config}


def sequential(layers: list[dict[str, Any]], name: str = "net") -> dict[str, Any]:
    config = {"name": name, "layers": layers}
    return {"class_name": "Sequential", "module": "keras", "registered_name": "Sequential", "config": config}


def weights(change: Callable[[h5py.File], None] | None = None, inner: int = 3, units: int = 2) -> bytes:
    """model.weights.h5 of one Dense; `change` does the harm."""
    file = io.BytesIO()
    with h5py.File(file, "w") as h:
        group = h.create_group("layers/dense/vars")
        group.attrs["name"] = "dense"
        if inner:
            group["0"] = np.ones((inner, units), np.float32)
        group["1"] = np.zeros(units, np.float32)
        if change:
            change(h)
    return file.getvalue() + bytes(64)  # h5py may leave out the last bytes, which are padding


def archive(config: Any = None, arrays: bytes | None = None, **members: bytes) -> bytes:
    """A .keras file. members: further ones, or others in place of these ("metadata": of metadata.json)."""
    file = io.BytesIO()
    text = config if isinstance(config, bytes) else json.dumps(config or sequential([front(), dense()])).encode()
    content = {"config.json": text, "model.weights.h5": weights() if arrays is None else arrays}
    content["metadata.json"] = members.pop("metadata", b'{"keras_version": "3.4.0"}')
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in (content | members).items():
            z.writestr(name, data)
    return file.getvalue()


def legacy(change: Callable[[h5py.File], None] | None = None, config: bytes | None = None) -> bytes:
    """A .h5 file of Keras 2."""
    file = io.BytesIO()
    layer = {"class_name": "Dense", "config": {"name": "dense", "units": 2, "activation": "relu", "use_bias": True}}
    layer["config"]["batch_input_shape"] = [None, 3]
    text = config or json.dumps({"class_name": "Sequential", "config": {"name": "net", "layers": [layer]}}).encode()
    with h5py.File(file, "w") as h:
        h.attrs["model_config"] = text.decode()
        h.attrs["keras_version"] = "2.9.0"
        h.attrs["backend"] = "tensorflow"
        group = h.create_group("model_weights/dense")
        h["model_weights"].attrs["layer_names"] = np.array([b"dense"])
        group.attrs["weight_names"] = np.array([b"dense/kernel:0", b"dense/bias:0"])
        group["dense/kernel:0"] = np.ones((3, 2), np.float32)
        group["dense/bias:0"] = np.zeros(2, np.float32)
        if change:
            change(h)
    return file.getvalue() + bytes(64)  # h5py may leave out the last bytes, which are padding


# ---- HDF5: each harm in a .keras and in a .h5 file ----


def _swap(h: h5py.File, make: Callable[[h5py.Group, str], Any]) -> None:
    """The kernel is made by `make(group, name)`."""
    place = "layers/dense/vars/0" if "layers" in h else "model_weights/dense/dense/kernel:0"
    del h[place]
    group, _, name = place.rpartition("/")
    make(h[group], name)


def _external(g: h5py.Group, n: str) -> None:
    g.create_dataset(n, (3, 2), "f4", external=[("/etc/passwd", 0, 24)])


def _virtual(g: h5py.Group, n: str) -> None:
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (3, 2))
    g.create_virtual_dataset(n, layout)


def _link_out(g: h5py.Group, n: str) -> None:
    g[n] = h5py.ExternalLink("/tmp/other.h5", "/x")


def _soft(g: h5py.Group, n: str) -> None:
    g[n] = h5py.SoftLink(g.name)


def _cycle(g: h5py.Group, n: str) -> None:
    g[n] = g


def _references(g: h5py.Group, n: str) -> None:
    data = g.create_dataset(n, (3, 2), h5py.ref_dtype)
    data[0, 0] = g.ref


def _filter(g: h5py.Group, n: str) -> None:
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((3, 2))
    plist.set_filter(h5py.h5z.FILTER_FLETCHER32)
    h5py.h5d.create(g.id, n.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((3, 2)), plist)


def _unallocated(g: h5py.Group, n: str) -> None:
    g.create_dataset(n, (HUGE // 2, 2), "f4")


def _unallocated_chunks(g: h5py.Group, n: str) -> None:
    g.create_dataset(n, (HUGE // 2, 2), "f4", chunks=(2**16, 2), compression="gzip")


def _bomb(g: h5py.Group, n: str) -> None:
    """64 MiB of zeros in 64 KiB."""
    data = g.create_dataset(n, (2**24, 1), "f4", chunks=(2**22, 1), compression="gzip")
    data[:] = np.zeros((2**24, 1), np.float32)


def _many_bombs(g: h5py.Group, n: str) -> None:
    for k in range(8):
        data = g.create_dataset(n if k == 0 else f"{n}{k}", (2**21, 1), "f4", chunks=(2**21, 1), compression="gzip")
        data[:] = np.zeros((2**21, 1), np.float32)


def _deep(g: h5py.Group, n: str) -> None:
    for _ in range(3000):
        g = g.create_group("g")


HDF5: dict[str, tuple[Callable[[h5py.Group, str], None], str]] = {
    "external_storage": (_external, "another file"),
    "virtual": (_virtual, "virtual dataset"),
    "external_link": (_link_out, "external link"),
    "soft_cycle": (_soft, "soft link"),
    "hard_cycle": (_cycle, "linked twice"),
    "references": (_references, "references to objects"),
    "unknown_filter": (_filter, "filter"),
    "unallocated": (_unallocated, "not in the file|more bytes than the file"),
    "unallocated_chunks": (_unallocated_chunks, "not in the file|pieces are in the file|inflates"),
    "gzip_bomb": (_bomb, "inflates|not in the file"),
    "gzip_bombs": (_many_bombs, "inflates|exceeds|shape|expected"),
    "deep_groups": (_deep, "nested more than"),
}


# ---- .keras ----


def nested_twice(levels: int, legacy_form: bool = False) -> dict[str, Any]:
    """A functional model that calls one model twice, which calls one twice ..."""
    inner: dict[str, Any] = {"class_name": "Activation", "config": {"name": "a", "activation": "relu"}}
    for k in range(levels):
        x = {"class_name": "InputLayer", "name": "x", "config": {"name": "x", "batch_input_shape": [None, 3]}}
        name = inner["config"]["name"]
        nodes = [[["x", 0, 0, {}]], [[name, 0 if k == 0 else 1, 0, {}]]]
        layers = [{**x, "inbound_nodes": []}, {**inner, "name": name, "inbound_nodes": nodes}]
        ends = {"input_layers": [["x", 0, 0]], "output_layers": [[name, 1 if k == 0 else 2, 0]]}
        inner = {"class_name": "Functional", "config": {"name": f"m{k}", "layers": layers, **ends}}
    return inner


def _huge_json() -> bytes:
    return b'{"a": "' + b" " * (300 * 2**20) + b'"}'


def _zipped(name: str) -> bytes:
    return {
        "metadata_bomb": lambda: archive(metadata=_huge_json()),
        "config_bomb": lambda: archive(_huge_json()),
        "weights_bomb": lambda: archive(arrays=bytes(300 * 2**20)),
        "many_members": lambda: archive(**{f"assets/{i}": b"" for i in range(12_000)}),
        "deep_json": lambda: archive(b'{"a":' * 900 + b"1" + b"}" * 900),
        "deeper_json": lambda: archive(b"[" * 200_000 + b"]" * 200_000),
        "wide_json": lambda: archive(b"[" + b"[]," * 3_000_000 + b"[]]"),
        "nested_twice": lambda: archive(nested_twice(14)),
        "nested_twice_deeply": lambda: archive(nested_twice(30)),
        "huge_input": lambda: archive(sequential([front(shape=(2**29,)), dense()])),
        "huge_units": lambda: archive(sequential([front(), dense(units=2**30)])),
        "lambda": lambda: archive(sequential([front(), _lambda()])),
        "big_number": lambda: archive(b'{"a": ' + b"9" * 1_000_000 + b"}"),
        "header_only": lambda: b"PK\x03\x04" + bytes(100),
    }[name]()


def _lambda() -> dict[str, Any]:
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None, "closure": None}}
    return {"class_name": "Lambda", "module": "keras.layers", "config": {"name": "f", "function": code}}


KERAS = {
    "metadata_bomb": "inflates to", "config_bomb": "inflates to", "weights_bomb": "inflates to",
    "many_members": "members", "deep_json": "nested|deep", "deeper_json": "JSON", "wide_json": "inflates|expected",
    "nested_twice": "layers once nested", "nested_twice_deeply": "layers once nested",
    "huge_input": "shape|expected|elements|kernel", "huge_units": "shape|expected|units", "lambda": "Lambda",
    "big_number": "JSON", "header_only": "damaged",
}  # fmt: skip


def hostile_model(kind: str, name: str, folder: Path) -> Made:
    """kind: "keras", "keras-hdf5", "h5" or "tflite"; the file and a pattern of words in the refusal."""
    if kind == "keras":
        path, data, words = folder / "m.keras", _zipped(name), KERAS[name]
    elif kind == "keras-hdf5":
        make, words = HDF5[name]
        path, data = folder / "m.keras", archive(arrays=weights(lambda h: _swap(h, make)))
    else:
        make, words = HDF5[name]
        path, data = folder / "m.h5", legacy(lambda h: _swap(h, make))
    path.write_bytes(data)
    return path, words


# ---- data ----


def npy_header(descr: str, shape: str, version: int = 1) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text


def _npz(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in members.items():
            z.writestr(f"{name}.npy", data)
    return file.getvalue()


def _pickled() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}, None], object), allow_pickle=True)
    return file.getvalue()


DATA: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "huge_shape": ("x.npy", lambda: npy_header("'<f4'", f"({2**40}, 3)") + bytes(100), "needs .* bytes"),
    "negative_shape": ("x.npy", lambda: npy_header("'<f4'", "(-1, 3)") + bytes(12), "sizes of at least 0"),
    "huge_header": ("x.npy", lambda: b"\x93NUMPY\2\0\xff\xff\xff\x7f" + b" " * 1000, "header of"),
    "code_in_header": ("x.npy", lambda: npy_header("__import__('os').system('true')", "(1,)"), "describes no array"),
    "deep_header": ("x.npy", lambda: npy_header("(" * 4000 + ")" * 4000, "(1,)"), "describes no array"),
    "pickle_in_npy": ("x.npy", _pickled, "Python objects"),
    "pickle": ("x.npy", lambda: b"\x80\x04N.", "a pickle"),
    "bomb": ("x.npz", lambda: _npz(x=npy_header("'<f4'", f"({2**24}, 3)") + bytes(2**24 * 12)), "inflates to"),
    "many_bombs": (
        "x.npz",
        lambda: _npz(**{f"x{i}": npy_header("'u1'", f"({2**23}, 3)") + bytes(2**23 * 3) for i in range(8)}),
        "inflates to",
    ),
    "pickle_in_npz": ("x.npz", lambda: _npz(x=_pickled()), "Python objects"),
    "lying_member": ("x.npz", lambda: _npz(x=npy_header("'<f8'", f"({2**33}, 3)")), "needs .* bytes"),
    "huge_numbers": ("x.csv", lambda: b"1" * 5_000_000 + b"\n", "x.csv"),
}
