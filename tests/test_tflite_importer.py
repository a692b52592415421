# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The TFLite importer: real models, random models against LiteRT's reference kernels, refusals, damaged files."""

from __future__ import annotations

import json
import os
import sys
import time
import tracemalloc
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]
pytest.importorskip("tflite", reason="needs the package tflite")
pytest.importorskip("ai_edge_litert", reason="needs the package ai-edge-litert")

from nnom.core import CoreModel  # noqa: E402
from nnom.errors import ModelError, NnomError, UnsupportedError  # noqa: E402
from nnom.graph import Graph, Quant  # noqa: E402
from nnom.importers.tflite import load_tflite  # noqa: E402
from oracle import cases  # noqa: E402
from oracle.ir_numpy import MOVES, run_graph  # noqa: E402
from oracle.reference import Reference, expected  # noqa: E402
from oracle.writer import Model  # noqa: E402

SHARED = Path(os.environ.get("NNOM_SHARED", ROOT.parent / "shared"))
with_shared = pytest.mark.skipif(not (SHARED / "models.json").exists(), reason=f"no models in {SHARED}")


def shared_models() -> list[dict]:
    path = SHARED / "models.json"
    listed = json.loads(path.read_text()) if path.exists() else []
    return [m for m in listed if m["file"].endswith(".tflite")]


def ops(graph: Graph) -> Counter:
    return Counter(n.op for n in graph.nodes)


# -- real models ------------------------------------------------------------------------------------------------------

COUNTED = {
    "CONV_2D": "conv2d",
    "DEPTHWISE_CONV_2D": "depthwise_conv2d",
    "FULLY_CONNECTED": "dense",
    "ADD": "add",
    "MUL": "mult",
    "SOFTMAX": "softmax",
    "MAX_POOL_2D": "max_pool",
    "AVERAGE_POOL_2D": "avg_pool",
}


@with_shared
@pytest.mark.parametrize("model", shared_models(), ids=lambda m: Path(m["file"]).stem)
def test_real_model(model: dict) -> None:
    """Every model of the collection: the operators and shapes that its list says, or a refusal that names the cause."""
    path = SHARED / model["file"]
    hybrid = any(k.startswith("CONV_2D:FLOAT32xINT8") for k in model["weights"])
    if hybrid:
        with pytest.raises(UnsupportedError, match="dequantize_weights") as refusal:
            load_tflite(path)
            # all five convolutions, not the first alone
            assert "5 unsupported" in str(refusal.value) and "(and 4 more like it: operators 2, 4, 6, 8)" in str(
                refusal.value
            )
    graph = load_tflite(path, dequantize_weights=hybrid)
    for source, op in COUNTED.items():
        assert ops(graph)[op] == model["ops"].get(source, 0), op
    for names, listed in ((graph.inputs, model["inputs"]), (graph.outputs, model["outputs"])):
        assert len(names) == len(listed)
        for name, (dtype, shape, *_) in zip(names, listed, strict=True):
            assert graph.tensors[name].elements == np.prod(shape)
            assert graph.tensors[name].dtype == dtype.lower()
    assert graph.is_float == all(t[0] == "FLOAT32" for t in model["inputs"])
    assert not {n.output for n in graph.nodes} - graph.tensors.keys()


@with_shared
@pytest.mark.parametrize(
    "name", ["ic/resnet8_float", "mnist/mnist_valid_float", "small/magic_wand_float", "small/micro_kws_m_float"]
)
def test_real_float_model_computes_the_same(name: str) -> None:
    path = SHARED / "models" / f"{name}.tflite"
    golden = np.load(SHARED / "golden" / f"{path.stem}.npz")
    graph = load_tflite(path)
    for i in range(2):
        (got,) = run_graph(graph, [golden["in0"][i]])
        np.testing.assert_allclose(got.reshape(-1), golden["out0_tflm"][i].reshape(-1), atol=2e-4)


@with_shared
def test_conv1d_by_expand_dims_leaves_no_reshape_between() -> None:
    graph = load_tflite(SHARED / "models/har/har_cnn1d_int8.tflite")
    assert graph.tensors[graph.inputs[0]].shape == (128, 1, 9)
    assert ops(graph) == {"reshape": 1, "conv2d": 2, "max_pool": 2, "flatten": 1, "dense": 2, "softmax": 1}
    per_channel = [n.weights["weights"].scale.size for n in graph.nodes if n.weights]
    assert per_channel == [16, 32, 32, 6]


GOLDEN = (
    "ad/autoencoder_int8 har/har_cnn1d_int8 ic/resnet8_int8 kws/kws_dscnn_int8 mnist/mnist_dw_int8 "
    "mnist/mnist_valid_int8 rnn/rnnoise_int8 small/hello_world_int8 small/micro_kws_m_int8 small/micro_speech_int8 "
    "sww/streaming_wakeword_int8"
)


@with_shared
@pytest.mark.parametrize("stem", GOLDEN.split())
def test_oracle_gives_the_golden_bytes(stem: str) -> None:
    """LiteRT's reference kernels, dense layers written as convolutions, equal TFLite Micro."""
    path = SHARED / "models" / f"{stem}.tflite"
    golden = np.load(SHARED / "golden" / f"{path.stem}.npz")
    model, inputs, outputs = Model.read(path.read_bytes())
    reference = Reference(model.build_without_dense(inputs, outputs))
    for i in range(4):
        got = reference.run([golden[f"in{k}"][i] for k in range(len(inputs))])
        for k, array in enumerate(got):
            assert np.array_equal(array.reshape(-1), golden[f"out{k}_tflm"][i].reshape(-1))


# -- random models ----------------------------------------------------------------------------------------------------


def agrees(case: cases.Case, exact: bool) -> None:
    want = expected(case)
    with np.errstate(all="ignore"):
        got = run_graph(load_tflite(case.data), case.inputs)
    for a, b in zip(got, want, strict=True):
        if exact or a.dtype == np.int32:
            assert np.array_equal(a.reshape(-1), b.reshape(-1)), case.text
        else:
            np.testing.assert_allclose(a.reshape(-1), b.reshape(-1), 1e-3, 1e-4, err_msg=case.text)


FLOAT_OPS = sorted(cases.OPERATORS.keys() - cases.INT8_ONLY)


@pytest.mark.parametrize("name", FLOAT_OPS)
def test_float_operator(name: str) -> None:
    for seed in range(6):
        agrees(cases.single(name, np.random.default_rng(seed), "float32"), exact=False)


@pytest.mark.parametrize("seed", range(12))
def test_float_graph(seed: int) -> None:
    agrees(cases.graph(np.random.default_rng(seed), "float32"), exact=False)


@pytest.mark.parametrize("name", sorted(cases.OPERATORS))
def test_int8_operator(name: str) -> None:
    """Imports; scales and zero points are the file's; operators that move values about give the reference's bytes."""
    for seed in range(6):
        case = cases.single(name, np.random.default_rng(seed))
        graph = load_tflite(case.data)
        for tensor in graph.tensors.values():
            assert tensor.dtype != "int8" or (tensor.quant is not None and tensor.quant.scale > 0)
        if all(n.op in MOVES - {"max_pool"} and n.activation == "none" for n in graph.nodes):
            agrees(case, exact=True)


@pytest.mark.parametrize("seed", range(12))
def test_int8_graph_runs_in_the_reference_and_imports(seed: int) -> None:
    case = cases.graph(np.random.default_rng(seed))
    outputs = expected(case)
    graph = load_tflite(case.data)
    assert [graph.tensors[n].elements for n in graph.outputs] == [o.size for o in outputs]


# -- types at the edges -----------------------------------------------------------------------------------------------


def edges(dtype_in: str, dtype_out: str) -> bytes:
    """x -> QUANTIZE -> RELU -> (DE)QUANTIZE -> y."""
    m = Model()
    x = m.tensor([1, 5], dtype_in, 0.5 if dtype_in == "uint8" else None, 130)
    a, b = m.tensor([1, 5], "int8", 0.5, 2), m.tensor([1, 5], "int8", 0.5, 2)
    y = m.tensor([1, 5], dtype_out, 0.5 if dtype_out == "uint8" else None, 130)
    m.op("QUANTIZE", [x], [a])
    m.op("RELU", [a], [b])
    m.op("DEQUANTIZE" if dtype_out == "float32" else "QUANTIZE", [b], [y])
    return m.build([x], [y])


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_edges_are_kept_or_cut(dtype: str) -> None:
    kept, cut = load_tflite(edges(dtype, dtype)), load_tflite(edges(dtype, dtype), int8_io=True)
    last = "dequantize" if dtype == "float32" else "quantize"
    assert [n.op for n in kept.nodes] == ["quantize", "activation", last]
    assert kept.tensors[kept.inputs[0]].dtype == kept.tensors[kept.outputs[0]].dtype == dtype
    assert [n.op for n in cut.nodes] == ["activation"]
    assert cut.tensors[cut.inputs[0]].quant == Quant(0.5, 2)
    assert cut.tensors[cut.outputs[0]].dtype == "int8"


def test_pixels_without_quantisation_are_numbers() -> None:
    """uint8 -> CAST -> QUANTIZE with scale 1: the bytes less 128. Read by anything else, they need a scale."""
    m = Model()
    x, real = m.tensor([1, 4], "uint8"), m.tensor([1, 4], "float32")
    q, y = m.tensor([1, 4], "int8", 1.0, -128), m.tensor([1, 4], "int8", 1.0, -128)
    m.op("CAST", [x], [real], inDataType=3, outDataType=0)
    m.op("QUANTIZE", [real], [q])
    m.op("RELU", [q], [y])
    pixels = np.array([0, 1, 128, 255], np.uint8)
    (got,) = CoreModel(load_tflite(m.build([x], [y]))).run([pixels.reshape(1, 1, 4)])
    assert got.reshape(-1).tolist() == [-128, -127, 0, 127]
    m.op("RELU", [x], [m.tensor([1, 4], "uint8")])
    with pytest.raises(ModelError, match="no quantisation"):
        load_tflite(m.build([x], [y]))


def test_what_an_operator_makes_needs_a_scale() -> None:
    m = Model()
    x, made, y = m.tensor([1, 4], "int8", 0.5, 0), m.tensor([1, 4], "int8"), m.tensor([1, 4], "float32")
    m.op("RELU", [x], [made])
    m.op("CAST", [made], [y], inDataType=9, outDataType=0)
    with pytest.raises(ModelError, match="no quantisation"):
        load_tflite(m.build([x], [y]))


def test_missing_operand_of_a_constant() -> None:
    m = Model()
    shape = m.tensor([2], "int32", data=np.array([1, 4]))
    m.op("SLICE", [shape, -1, shape], [m.tensor([2], "int32")])
    x, y = m.tensor([1, 4], "float32"), m.tensor([1, 4], "float32")
    m.op("RELU", [x], [y])
    with pytest.raises(ModelError, match="missing"):
        load_tflite(m.build([x], [y]))


def test_convolution_of_what_was_refused() -> None:
    """The refused operator's output has no quantisation: both are listed."""
    m = Model()
    x, y = m.tensor([1, 1, 1, 3], "int8", 0.5, 0), m.tensor([1, 1, 1, 1], "int8", 0.5, 0)
    made = m.tensor([1, 1, 1, 3], "int8")
    w = m.tensor([1, 1, 1, 3], "int8", 0.5, data=np.ones((1, 1, 1, 3)))
    b = m.tensor([1], "int32", 0.25, data=np.zeros(1))
    m.op("CUSTOM", [x], [made])
    m.op("CONV_2D", [made, w, b], [y], padding=1, strideH=1, strideW=1)
    with pytest.raises(UnsupportedError, match="2 unsupported(.|\n)*CUSTOM(.|\n)*CONV_2D.*no quantisation"):
        load_tflite(m.build([x], [y]))


def test_split_into_nothing() -> None:
    m = Model()
    axis = m.tensor([1], "int32", data=np.array([0]))
    x = m.tensor([1, 4], "float32")
    m.op("SPLIT", [axis, x], [])
    m.op("RELU", [x], [y := m.tensor([1, 4], "float32")])
    with pytest.raises(ModelError, match="can not be split"):
        load_tflite(m.build([x], [y]))


def test_float_ends_that_compute_cannot_be_cut_off() -> None:
    m = Model()
    x, q = m.tensor([1, 4], "int8", 0.5, 0), m.tensor([1, 4], "int8", 0.25, 3)
    y, z = m.tensor([1, 4], "float32"), m.tensor([1, 4], "float32")
    m.op("RELU", [x], [q])
    m.op("DEQUANTIZE", [q], [y])
    m.op("SOFTMAX", [y], [z], beta=1.0)
    data = m.build([x], [z])
    assert not load_tflite(data).is_float
    with pytest.raises(UnsupportedError, match=r"int8_io=True: output .* cannot become int8, layer .* \(softmax\)"):
        load_tflite(data, int8_io=True)


def test_uint8_model_becomes_int8() -> None:
    m = Model()
    x, y = m.tensor([1, 2, 2, 1], "uint8", 0.5, 3), m.tensor([1, 2, 2, 1], "uint8", 0.25, 255)
    w = m.tensor([1, 1, 1, 1], "uint8", 0.1, 128, data=np.array([200]))
    b = m.tensor([1], "int32", 0.05, data=np.array([7]))
    m.op("CONV_2D", [x, w, b], [y], padding=1, strideH=1, strideW=1)
    graph = load_tflite(m.build([x], [y]), int8_io=True)
    (node,) = graph.nodes
    assert node.weights["weights"].data.reshape(-1).tolist() == [72]
    assert graph.tensors[graph.inputs[0]].quant == Quant(0.5, -125)
    assert graph.tensors[graph.outputs[0]].quant == Quant(0.25, 127)


def test_dequantized_weights_are_exact() -> None:
    m = Model()
    x, y = m.tensor([1, 3], "float32"), m.tensor([1, 2], "float32")
    w = m.tensor([2, 3], "int8", [0.5, 0.25], data=np.array([[1, 2, 3], [4, 5, -6]]))
    m.op("FULLY_CONNECTED", [x, w], [y])
    data = m.build([x], [y])
    with pytest.raises(UnsupportedError, match="dynamic-range"):
        load_tflite(data)
    (node,) = load_tflite(data, dequantize_weights=True).nodes
    assert node.weights["weights"].data.tolist() == [[0.5, 1.0, 1.5], [1.0, 1.25, -1.5]]


# -- refusals ---------------------------------------------------------------------------------------------------------


def chain(*names: str, shape: tuple[int, ...] = (1, 4), dtype: str = "float32") -> bytes:
    m = Model()
    first = t = m.tensor(shape, dtype, name="in")
    for i, name in enumerate(names):
        new = m.tensor(shape, dtype, name=f"mid{i}")
        m.op(name, [t], [new])
        t = new
    return m.build([first], [t])


def test_all_unsupported_operators_are_listed() -> None:
    with pytest.raises(UnsupportedError) as e:
        load_tflite(chain("RELU", "CUSTOM", "HASHTABLE", "RELU", "READ_VARIABLE"))
    text = str(e.value)
    assert "3 unsupported" in text
    for part in (
        "operator 1 CUSTOM 'Invented' -> 'mid1'",
        "operator 2 HASHTABLE -> 'mid2'",
        "operator 4 READ_VARIABLE",
        "no VAR_HANDLE",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("shape", "dtype", "match"),
    [
        ((1, 0), "float32", "fixed shape"),
        ((1, 4), "float16", "FLOAT16"),
    ],
)
def test_refused_inputs(shape: tuple[int, ...], dtype: str, match: str) -> None:
    with pytest.raises(UnsupportedError, match=match):
        load_tflite(chain("RELU", shape=shape, dtype=dtype))


def dense(
    weights=None,
    x_quant=(0.5, 0),
    w_quant=(0.5, 0),
    y_quant=(0.5, 0),
    activation=0,
    w_type="int8",
    bias_scale=0.25,
    axis=0,
    bias_axis=0,
    bias=0,
) -> bytes:
    m = Model()
    x, y = m.tensor([1, 3], "int8", *x_quant), m.tensor([1, 2], "int8", *y_quant)
    w = m.tensor([2, 3], w_type, *w_quant, axis=axis, data=np.ones((2, 3)) if weights is None else weights)
    b = m.tensor([2], "int32", bias_scale, axis=bias_axis, data=np.full(2, bias))
    m.op("FULLY_CONNECTED", [x, w, b], [y], fusedActivationFunction=activation)
    return m.build([x], [y])


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({}, None, ""),
        ({"w_type": "int16"}, UnsupportedError, "weights of type INT16"),
        ({"w_type": "uint8", "w_quant": (0.5, 100)}, None, ""),
        ({"w_quant": (0.5, 3)}, None, ""),
        ({"activation": 4}, UnsupportedError, "fused activation tanh"),
        ({"activation": 77}, UnsupportedError, "fused activation"),
        ({"x_quant": (None, 0)}, ModelError, "no quantisation"),
        ({"y_quant": (None, 0)}, ModelError, "no quantisation"),
        ({"w_quant": (None, 0)}, ModelError, "no quantisation"),
        ({"x_quant": (0.0, 0)}, ModelError, "scale 0.0"),
        ({"x_quant": (-1.0, 0)}, ModelError, "scale -1"),
        ({"y_quant": (float("nan"), 0)}, ModelError, "scale nan"),
        ({"y_quant": (float("inf"), 0)}, ModelError, "scale inf"),
        ({"w_quant": (0.0, 0)}, ModelError, "scale of 0"),
        ({"x_quant": (0.5, 128)}, ModelError, "zero point 128"),
        ({"bias_scale": 3.0, "bias": 1}, ModelError, "bias scale 3"),
        ({"bias_scale": 3.0}, None, ""),  # zeros, which converters let layers of other scales share
        ({"w_quant": ([0.5, 0.5], 0), "bias_scale": [0.25, 0.25], "bias_axis": 3}, None, ""),  # TFLM's person_detect
        ({"bias_scale": [0.25, 0.25, 0.25]}, ModelError, "3 scales for 2 channels"),
        ({"w_quant": ([0.5, 0.5, 0.5], 0)}, ModelError, "3 scales along axis 0"),
        ({"w_quant": ([0.5, 0.5, 0.5], 0), "axis": 1}, UnsupportedError, "along axis 1"),
        ({"w_quant": ([0.5, 0.5], 0), "axis": 7}, ModelError, "along axis 7"),
    ],
)
def test_quantisation_of_weights_and_activations(change: dict, error: type | None, match: str) -> None:
    data = dense(**change)
    if error is None:
        assert load_tflite(data).nodes[0].op == "dense"
    else:
        with pytest.raises(error, match=match):
            load_tflite(data)


# -- damaged files ----------------------------------------------------------------------------------------------------


def survives(data: bytes) -> None:
    try:
        load_tflite(data)
    except NnomError as e:
        assert str(e)


def sample() -> bytes:
    return cases.graph(np.random.default_rng(5)).data


def test_empty_and_foreign_files(tmp_path: Path) -> None:
    for data in (b"", b"\0", b"TFL3", b"\x89PNG\r\n\x1a\n" * 4, b"\0" * 64, b"\xff" * 64):
        with pytest.raises(ModelError, match="damaged .tflite file"):
            load_tflite(data)
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"")
    with pytest.raises(ModelError, match=r"broken\.tflite.*0 bytes"):
        load_tflite(path)
    with pytest.raises(ModelError, match="can not be read"):
        load_tflite(tmp_path / "absent.tflite")


def test_truncated_everywhere() -> None:
    data = dense()
    for size in range(len(data)):
        with pytest.raises(NnomError):
            load_tflite(data[:size])
    data = sample()
    for size in range(0, len(data), max(len(data) // 400, 1)):
        with pytest.raises(NnomError):
            load_tflite(data[:size])


def test_flipped_bits() -> None:
    data, rng = sample(), np.random.default_rng(1)
    for at in rng.choice(len(data), 250):
        broken = bytearray(data)
        broken[at] ^= 1 << int(rng.integers(8))
        survives(bytes(broken))
    small = dense()
    for at in range(0, min(len(small), 1024), 2):
        broken = bytearray(small)
        broken[at] ^= 0x80
        survives(bytes(broken))


def test_words_overwritten_with_extremes() -> None:
    data = dense()
    for at in range(0, len(data) - 4, 4):
        for word in (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\x01\0\0\0", b"\0\0\0\0"):
            survives(data[:at] + word + data[at + 4 :])


def test_indices_out_of_range() -> None:
    for inputs, outputs in (([0, 99], [2]), ([0, -5], [2]), ([0, 1], [50]), ([77], [2])):
        m = Model()
        for _ in range(3):
            m.tensor([1, 4], "float32")
        m.op("ADD", inputs, outputs)
        with pytest.raises(ModelError, match="name tensor"):
            load_tflite(m.build([0, 1], [2]))


def test_cycles_and_doubles() -> None:
    m = Model()
    a, b, c = (m.tensor([1, 4], "float32", name=n) for n in "abc")
    m.op("ADD", [a, c], [b])
    m.op("RELU", [b], [c])
    with pytest.raises(ModelError, match="'c' before any operator makes it"):
        load_tflite(m.build([a], [c]))
    m = Model()
    a, b = (m.tensor([1, 4], "float32", name=n) for n in "ab")
    m.op("RELU", [a], [b])
    m.op("TANH", [a], [b])
    with pytest.raises(ModelError, match="'b', which has a value already"):
        load_tflite(m.build([a], [b]))


@pytest.mark.parametrize("shape", [(2**30, 2**30), (-1, 4), (2**31 - 1, 2**31 - 1, 2**31 - 1), (65536, 65536)])
def test_shapes_without_sense(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="shape"):
        load_tflite(chain("RELU", shape=shape))


def test_buffer_shorter_than_its_tensor() -> None:
    with pytest.raises(ModelError, match="needs 6 bytes, buffer 1 holds 3"):
        load_tflite(dense(weights=np.ones(3)))


def test_duplicate_names_become_unique() -> None:
    m = Model()
    a, b, c = (m.tensor([1, 4], "float32", name="same") for _ in range(3))
    m.op("RELU", [a], [b])
    m.op("TANH", [b], [c])
    assert len(load_tflite(m.build([a], [c])).tensors) == 3


def test_constants_that_grow_are_refused() -> None:
    m = Model()
    one = m.tensor([1], "float32", data=np.ones(1))
    times = m.tensor([1], "int32", data=np.array([2**25]))
    big, x, y = m.tensor([2**25], "float32"), m.tensor([1, 1], "float32"), m.tensor([1, 2**25], "float32")
    m.op("TILE", [one, times], [big])
    m.op("ADD", [x, big], [y])
    with pytest.raises(ModelError, match="more than a file of this size"):
        load_tflite(m.build([x], [y]))


def test_time_and_memory_stay_in_proportion() -> None:
    """1,200 tensors of one name, each made by an operator."""
    m = Model()
    t = [m.tensor([1, 4], "float32", name="n") for _ in range(1200)]
    for a, b in pairwise(t):
        m.op("RELU", [a], [b])
    data = m.build([t[0]], [t[-1]])
    start = time.process_time()
    load_tflite(data)
    assert time.process_time() - start < 5
    tracemalloc.start()
    load_tflite(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * len(data) + 2**20
