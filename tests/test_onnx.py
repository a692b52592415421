# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""ONNX models against ONNX Runtime with its optimisations off: random single operators and graphs, real models, ports.

NNOM_CASES: random models of each operator (default 3), and four times as many graphs. Real models come from
$NNOM_SHARED (default ../shared).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the package onnx")
ort = pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

import onnx_cases  # noqa: E402
import onnx_quantised  # noqa: E402
from nnom import cli, load, validate  # noqa: E402
from nnom.conversion import convert  # noqa: E402
from nnom.core import CoreModel  # noqa: E402
from nnom.data import samples  # noqa: E402
from nnom.errors import DataError, ModelError, NnomError, UnsupportedError  # noqa: E402
from nnom.graph import Graph  # noqa: E402
from nnom.importers.onnx import load_onnx  # noqa: E402
from nnom.layouts import as_file, as_model  # noqa: E402
from nnom.passes import fold  # noqa: E402
from onnx import TensorProto, helper, numpy_helper, version_converter  # noqa: E402

CASES = int(os.environ.get("NNOM_CASES", "3"))
ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("NNOM_SHARED", ROOT.parent / "shared"))
FLOATS = {"cntk_mnist_float": "mnist", "micro_kws_m_float": "small"}
needs_shared = pytest.mark.skipif(not (SHARED / "models").is_dir(), reason=f"no models in {SHARED}: set NNOM_SHARED")


def reference(data: bytes, feeds: dict[str, np.ndarray]) -> list[np.ndarray] | None:
    """What ONNX Runtime gives; None if it does not run the model."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"]).run(None, feeds)
    except Exception:
        return None


def ours(graph: Graph, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The same from NNoM, in the file's order of axes."""
    core = CoreModel(fold(graph))
    data = [as_model(x, graph.layouts[n]).reshape(p.shape).astype(p.dtype) for n, p, x in
            zip(graph.inputs, core.inputs, feeds.values(), strict=True)]  # fmt: skip
    return [as_file(y, graph.layouts[n]) for n, y in zip(graph.outputs, core.run(data), strict=True)]


def compare(data: bytes, feeds: dict[str, np.ndarray], **options: object) -> bool:
    """Whether ONNX Runtime runs the model; if so, our results are its own to 1e-5."""
    expected = reference(data, feeds)
    if expected is None:
        return False
    got = ours(load_onnx(data, **options), feeds)
    for e, g in zip(expected, got, strict=True):
        assert e.shape == g.shape
        np.testing.assert_allclose(g, e, rtol=1e-5, atol=1e-5)
    return True


@pytest.mark.parametrize("op", onnx_cases.MAKERS)
def test_operator(op: str) -> None:
    rng = np.random.default_rng(sum(map(ord, op)))
    done = sum(compare(*onnx_cases.case(op, rng)) for _ in range(CASES))
    assert done >= CASES // 2


@pytest.mark.parametrize("keep", [False, True])
def test_graphs(keep: bool) -> None:
    """Convolutions, transposes, reshapes, branches that meet."""
    done = sum(compare(*onnx_cases.graph(np.random.default_rng([s, keep])), keep_io_layout=keep) for s in
               range(6 * CASES))  # fmt: skip
    assert done > 5 * CASES


@needs_shared
@pytest.mark.parametrize("name", FLOATS)
def test_real_models(name: str) -> None:
    path = SHARED / "models" / FLOATS[name] / f"{name}.onnx"
    golden = np.load(SHARED / "golden" / f"{name}.onnx.npz")
    graph = load_onnx(path)
    for x, y in zip(golden["in0"], golden["out0_ort"], strict=True):
        got = ours(graph, {"x": x.astype(np.float32)})[0]
        np.testing.assert_allclose(got.reshape(-1), y.reshape(-1), rtol=0, atol=1e-5 * max(1, np.abs(y).max()))


# ---- quantised models ----


@pytest.mark.parametrize("op", onnx_quantised.OPS)
def test_quantised_operator(op: str) -> None:
    """QDQ: the result is int8 until its end, and within one step of ONNX Runtime's."""
    done = 0
    for seed in range(2 * CASES):
        data, feeds, step = onnx_quantised.qdq(op, np.random.default_rng([seed, len(op)]))
        expected = reference(data, feeds)
        if expected is not None:
            graph = load_onnx(data)
            assert op == "Clip" or [n.op for n in graph.nodes if graph.tensors[n.output].dtype == "float32"] == [
                "dequantize"
            ]
            got = ours(graph, feeds)
            assert np.abs(np.rint((got[0] - expected[0]) / step)).max() <= 1
            done += 1
    assert done >= CASES


QUANTISED = {
    "autoencoder_qdq": "ad", "resnet8_qdq": "ic", "kws_dscnn_qdq": "kws", "mobilenetv1_025_qdq": "vww",
    "micro_kws_m_qoperator": "small",
}  # fmt: skip


@needs_shared
@pytest.mark.parametrize("name", QUANTISED)
def test_real_quantised_models(name: str) -> None:
    """They are int8 throughout, but for a softmax at the end, and choose the same classes."""
    path = SHARED / "models" / QUANTISED[name] / f"{name}.onnx"
    golden = np.load(SHARED / "golden" / f"{name}.onnx.npz")
    graph = load_onnx(path)
    floats = [n.op for n in graph.nodes if graph.tensors[n.output].dtype == "float32"]
    assert floats in (["dequantize"], ["dequantize", "softmax"])
    x = golden["in0"].reshape(-1, *graph.layouts[graph.inputs[0]].shape).astype(np.float32)
    got = np.stack([ours(graph, {"x": sample})[0].reshape(-1) for sample in x])
    expected = golden["out0_ort"].reshape(len(x), -1)
    steps = np.abs(got - expected).max() / (np.abs(expected).max() / 127)
    assert steps < 8, steps
    if name != "autoencoder_qdq":
        assert np.array_equal(got.argmax(axis=1), expected.argmax(axis=1))


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_quantised_ports(kind: str) -> None:
    """QLinearConv alone takes and gives stored values. Weights of 7 bits: ONNX Runtime saturates uint8 sums on AVX2."""
    rng = np.random.default_rng(5)
    zero = np.array(3 if kind == "int8" else 120, kind)
    constants = {
        "xs": np.array(0.02, np.float32), "xz": zero, "w": rng.integers(-63, 64, (4, 3, 3, 3)).astype(np.int8),
        "ws": np.array(0.01, np.float32), "wz": np.array(0, np.int8), "ys": np.array(0.05, np.float32), "yz": zero,
        "b": rng.integers(-900, 900, 4).astype(np.int32),
    }  # fmt: skip
    node = helper.make_node("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["y"])
    least = np.iinfo(kind).min
    x = rng.integers(least, least + 256, (1, 3, 6, 5)).astype(kind)
    type_ = {"y": helper.np_dtype_to_tensor_dtype(np.dtype(kind))}
    data, feeds = onnx_cases.model([node], {"x": x}, ["y"], constants, types=type_)
    graph, expected = load_onnx(data), reference(data, feeds)
    assert expected is not None
    (got,) = ours(graph, feeds)
    assert got.dtype == kind and np.abs(got.astype(int) - expected[0].astype(int)).max() <= 1
    assert (got != expected[0]).mean() < 0.02


def test_functions_of_constants() -> None:
    """A function of a constant that is not computed when the file is read."""
    n = helper.make_node
    constants = {"w": np.linspace(-2, 2, 12, dtype=np.float32).reshape(1, 3, 4)}
    nodes = [n("Sigmoid", ["w"], ["s"]), n("Transpose", ["s"], ["t"], perm=[0, 1, 2]), n("MatMul", ["x", "t"], ["y"])]
    x = np.random.default_rng(1).normal(size=(1, 2, 3)).astype(np.float32)
    assert compare(*onnx_cases.model(nodes, {"x": x}, ["y"], constants))


def test_nodes_in_any_order() -> None:
    n = helper.make_node
    nodes = [n("Relu", ["b"], ["c"]), n("Neg", ["a"], ["b"]), n("Abs", ["x"], ["a"]), n("Add", ["c", "a"], ["y"])]
    assert compare(*onnx_cases.model(nodes, {"x": np.ones((1, 3), np.float32)}, ["y"]))


def test_int8_ends() -> None:
    data, _, _ = onnx_quantised.qdq("Gemm", np.random.default_rng(1))
    graph = load_onnx(data, int8_io=True)
    assert {graph.tensors[t].dtype for t in (*graph.inputs, *graph.outputs)} == {"int8"}
    assert set(graph.layouts) == {*graph.inputs, *graph.outputs}


def test_dynamic_range_is_read_as_float() -> None:
    """MatMulInteger of a DynamicQuantizeLinear, as onnxruntime's quantize_dynamic writes it."""
    rng, n = np.random.default_rng(1), helper.make_node
    nodes = [
        n("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        n("MatMulInteger", ["q", "w", "z", "wz"], ["i"]),
        n("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
        n("Mul", ["s", "ws"], ["step"]),
        n("Mul", ["f", "step"], ["m"]),
        n("Add", ["m", "b"], ["y"]),
    ]
    constants = {
        "w": rng.integers(0, 256, (6, 4)).astype(np.uint8), "wz": np.array(120, np.uint8),
        "ws": np.array(0.01, np.float32), "b": rng.normal(size=4).astype(np.float32),
    }  # fmt: skip
    data, feeds = onnx_cases.model(nodes, {"x": onnx_cases.reals(rng, 1, 6)}, ["y"], constants)
    graph, expected = load_onnx(data), reference(data, feeds)
    assert expected is not None and graph.is_float and "dynamic-range" in graph.notes[0]
    np.testing.assert_allclose(ours(graph, feeds)[0], expected[0], atol=0.05)


# ---- what is written as several nodes, or decided when the model is read ----


def _gate(x: str, kind: str) -> list[onnx.NodeProto]:
    """Nodes that are one function of x."""
    n = helper.make_node
    return {
        "silu": [n("Sigmoid", [x], ["a"]), n("Mul", [x, "a"], ["y"])],
        "hard_swish": [n("HardSigmoid", [x], ["a"], alpha=1 / 6), n("Mul", ["a", x], ["y"])],
        "mish": [n("Softplus", [x], ["a"]), n("Tanh", ["a"], ["b"]), n("Mul", [x, "b"], ["y"])],
        "gelu": [
            n("Div", [x, "root"], ["a"]), n("Erf", ["a"], ["b"]), n("Add", ["b", "one"], ["c"]),
            n("Mul", [x, "c"], ["d"]), n("Mul", ["d", "half"], ["y"]),
        ],
        "hard_swish by relu6": [
            n("Add", [x, "three"], ["a"]), n("Clip", ["a", "zero", "six"], ["b"]), n("Mul", [x, "b"], ["c"]),
            n("Div", ["c", "six"], ["y"]),
        ],
    }[kind]  # fmt: skip


NUMBERS = {"root": 2**0.5, "one": 1, "half": 0.5, "three": 3, "zero": 0, "six": 6}


@pytest.mark.parametrize("kind", ["silu", "hard_swish", "mish", "gelu", "hard_swish by relu6"])
def test_functions_of_several_nodes(kind: str) -> None:
    nodes = _gate("x", kind)
    read = {i for node in nodes for i in node.input}
    constants = {k: np.array(v, np.float32) for k, v in NUMBERS.items() if k in read}
    data, feeds = onnx_cases.model(nodes, {"x": np.linspace(-6, 6, 24, dtype=np.float32).reshape(1, 2, 3, 4)}, ["y"],
                                   constants)  # fmt: skip
    graph = load_onnx(data)
    assert [n.attrs["kind"] for n in graph.nodes] == [kind.split()[0]]
    assert compare(data, feeds)


def test_shapes_are_computed() -> None:
    """Shape, Gather, Unsqueeze, Concat, ConstantOfShape, Expand, If: what a static shape decides."""
    n = helper.make_node
    value = helper.make_tensor("v", TensorProto.FLOAT, [1], [0.5])
    then = helper.make_graph(
        [n("Identity", ["z"], ["t"])], "then", [], [helper.make_tensor_value_info("t", TensorProto.FLOAT, None)]
    )
    other = helper.make_graph(
        [n("Neg", ["z"], ["e"])], "else", [], [helper.make_tensor_value_info("e", TensorProto.FLOAT, None)]
    )
    nodes = [
        n("Shape", ["x"], ["shape"]),
        n("Gather", ["shape", "one"], ["c"]),
        n("Unsqueeze", ["c", "axis"], ["c1"]),
        n("Concat", ["first", "c1", "rest"], ["wanted"], axis=0),
        n("ConstantOfShape", ["c1"], ["half"], value=value),
        n("Reshape", ["x", "wanted"], ["flat"]),
        n("Unsqueeze", ["half", "last"], ["column"]),
        n("Shape", ["flat"], ["sides"]),
        n("Expand", ["column", "sides"], ["wide"]),
        n("Mul", ["flat", "wide"], ["z"]),
        n("Equal", ["c", "three"], ["is"]),
        n("If", ["is"], ["y"], then_branch=then, else_branch=other),
    ]
    constants = {
        "one": np.array(1), "axis": np.array([0]), "first": np.array([1]), "rest": np.array([-1]),
        "last": np.array([1]), "three": np.array(3),
    }  # fmt: skip
    x = np.random.default_rng(1).normal(size=(1, 3, 4, 2)).astype(np.float32)
    assert compare(*onnx_cases.model(nodes, {"x": x}, ["y"], constants))


def test_scikit_learn_mlp() -> None:
    """Cast, Scaler, MatMul, Add, Relu, Softmax, ZipMap, and the label by ArgMax and ArrayFeatureExtractor."""
    rng, n = np.random.default_rng(1), helper.make_node
    ml = "ai.onnx.ml"
    nodes = [
        n("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        n("Scaler", ["f"], ["s"], domain=ml, offset=[1.0, 2.0, 3.0], scale=[0.5, 2.0, 1.0]),
        n("MatMul", ["s", "w"], ["m"]), n("Add", ["m", "b"], ["a"]), n("Relu", ["a"], ["r"]),
        n("MatMul", ["r", "w2"], ["m2"]), n("Add", ["m2", "b2"], ["a2"]), n("Softmax", ["a2"], ["p"], axis=1),
        n("ArgMax", ["p"], ["i"], axis=1), n("ArrayFeatureExtractor", ["classes", "i"], ["k"], domain=ml),
        n("Reshape", ["k", "flat"], ["label"]),
        n("ZipMap", ["p"], ["probabilities"], domain=ml, classlabels_int64s=[0, 1]),
    ]  # fmt: skip
    constants = {
        "w": rng.normal(size=(3, 4)).astype(np.float32), "b": rng.normal(size=4).astype(np.float32),
        "w2": rng.normal(size=(4, 2)).astype(np.float32), "b2": rng.normal(size=(1, 2)).astype(np.float32),
        "classes": np.array([0, 1]), "flat": np.array([-1]),
    }  # fmt: skip
    outs = [helper.make_tensor_value_info("label", TensorProto.INT64, [1])]
    outs.append(helper.make_value_info("probabilities", helper.make_sequence_type_proto(helper.make_map_type_proto(
        TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, None)))))  # fmt: skip
    held = [numpy_helper.from_array(a, k) for k, a in constants.items()]
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])]
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid(ml, 1)]
    made = helper.make_model(helper.make_graph(nodes, "g", given, outs, held), opset_imports=opsets, ir_version=8)
    data, x = made.SerializeToString(), np.array([[0.3, 1.0, -2.0]], np.float32)
    expected = reference(data, {"x": x})
    graph = load_onnx(data)
    label, probabilities = ours(graph, {"x": x})
    assert expected is not None and label.reshape(-1) == expected[0]
    np.testing.assert_allclose(probabilities.reshape(-1), list(expected[1][0].values()), rtol=1e-5)
    assert any("dictionary" in note for note in graph.notes)


# ---- models that others exported ----


def _backend_models() -> list[Path]:
    """What the package onnx brings for tests of backends: layers and graphs that PyTorch exported, with its outputs."""
    root = Path(onnx.__file__).parent / "backend" / "test" / "data"
    return sorted(p for kind in ("pytorch-converted", "pytorch-operator") for p in (root / kind).glob("*/model.onnx"))


def _tensors(folder: Path, kind: str) -> list[np.ndarray]:
    paths = sorted(folder.glob(f"{kind}_*.pb"), key=lambda p: int(p.stem.split("_")[1]))
    return [numpy_helper.to_array(onnx.TensorProto.FromString(p.read_bytes())) for p in paths]


def test_models_that_pytorch_exported() -> None:
    """Those whose operators and batch are ours come out as PyTorch computed them; all others are refused by name."""
    models, equal, refused = _backend_models(), 0, 0
    for path in models:
        made = onnx.load(path)
        try:
            made = version_converter.convert_version(made, 9)
        except RuntimeError:
            continue  # the package itself cannot
        data = path.parent / "test_data_set_0"
        weights = {t.name for t in made.graph.initializer}
        names = [i.name for i in made.graph.input if i.name not in weights]
        feeds = dict(zip(names, _tensors(data, "input"), strict=False))
        if any(x.dtype == np.float64 for x in feeds.values()):
            continue  # of memory that was not set, as their numbers tell
        try:
            got = ours(load_onnx(made.SerializeToString()), feeds)
        except NnomError as e:
            assert str(e).startswith("model.onnx: ")
            refused += 1
            continue
        for e, g in zip(_tensors(data, "output"), got, strict=True):
            np.testing.assert_allclose(g.reshape(e.shape), e, rtol=1e-4, atol=1e-5, err_msg=str(path))
        equal += 1
    assert len(models) > 80 and equal > 40 and equal + refused > 70, (len(models), equal, refused)


# ---- ports ----


def _conv_model(shape: tuple[object, ...] = (1, 3, 6, 4), nhwc: bool = False) -> bytes:
    rng, n = np.random.default_rng(2), helper.make_node
    first = [n("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2])] if nhwc else [n("Relu", ["x"], ["t"])]
    nodes = [*first, n("Conv", ["t", "w"], ["y"], pads=[1, 1, 1, 1])]
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    outs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    held = [numpy_helper.from_array(rng.normal(size=(2, 3, 3, 3)).astype(np.float32), "w")]
    made = helper.make_model(helper.make_graph(nodes, "g", given, outs, held), ir_version=8,
                             opset_imports=[helper.make_opsetid("ai.onnx", 17)])  # fmt: skip
    return made.SerializeToString()


def test_ports_are_channels_last_unless_asked() -> None:
    graph, kept = load_onnx(_conv_model()), load_onnx(_conv_model(), keep_io_layout=True)
    assert (graph.tensors["x"].shape, graph.tensors[graph.outputs[0]].shape) == ((6, 4, 3), (6, 4, 2))
    assert (kept.tensors["x"].shape, kept.tensors[kept.outputs[0]].shape) == ((3, 6, 4), (2, 6, 4))
    assert not any(n.op == "transpose" for n in graph.nodes)
    assert load_onnx(_conv_model((1, 6, 4, 3), nhwc=True)).tensors["x"].shape == (6, 4, 3)
    assert not load_onnx(_conv_model((1, 6, 4, 3), nhwc=True)).layouts["x"].turned
    x = np.random.default_rng(1).normal(size=(8, 3, 6, 4)).astype(np.float32)
    converted = convert(graph, x)
    for text in ("\n".join(converted.report.warnings), converted.header):
        assert "input 'x' has shape [1, 3, 6, 4] in the file; the model takes 6x4x3" in text


def test_data_in_the_layout_of_the_file_or_the_model() -> None:
    graph = load_onnx(_conv_model())
    x = np.random.default_rng(1).normal(size=(5, 3, 6, 4)).astype(np.float32)
    last = x.transpose(0, 2, 3, 1)
    for given in (x, last, x[:, None], x[0], x[:1]):
        want = last[: len(given)] if given.ndim > 3 and len(given) != 3 else last[:1]
        assert np.array_equal(samples(given, graph)[0], want)
    cube = load_onnx(_conv_model((1, 3, 3, 3)))
    y = np.random.default_rng(1).normal(size=(5, 3, 3, 3)).astype(np.float32)
    with pytest.raises(DataError, match="say which with data_layout: file or model"):
        samples(y, cube)
    cube.data_layout = "file"
    assert np.array_equal(samples(y, cube)[0], y.transpose(0, 2, 3, 1))
    cube.data_layout = "model"
    assert np.array_equal(samples(y, cube)[0], y)


def test_open_axes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert load_onnx(_conv_model(("n", 3, 6, 4))).tensors["x"].shape == (6, 4, 3)
    path = tmp_path / "m.onnx"
    path.write_bytes(_conv_model(("n", 3, "height", "width")))
    with pytest.raises(UnsupportedError, match=r"'x': open axes in shape .*height.*with shapes x=1x3x\?x\?"):
        load(path)
    assert load(path, shapes={"x": (1, 3, 5, 7)}).tensors["x"].shape == (5, 7, 3)
    with pytest.raises(NnomError, match=r"shape \[1, 4, 5, 7\] given"):
        load(path, shapes={"x": (1, 4, 5, 7)})
    with pytest.raises(ModelError, match="of 'z'; the inputs are 'x'"):
        load(path, shapes={"z": (1, 3, 5, 7)})
    assert cli.main(["inspect", str(path), "--shape", "x=1x3x5x7"]) == 0
    assert "5x7x3" in capsys.readouterr().out
    assert cli.main(["inspect", str(path), "--shape", "x=1x3xax7"]) == 1
    keras = tmp_path / "m.tflite"
    keras.write_bytes(b"\0\0\0\0TFL3")
    with pytest.raises(DataError, match="not for TensorFlow Lite"):
        load(keras, shapes={"x": (1,)})


def test_validate_with_onnx_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, x = tmp_path / "m.onnx", np.random.default_rng(1).normal(size=(20, 3, 6, 4)).astype(np.float32)
    path.write_bytes(_conv_model())
    np.save(tmp_path / "x.npy", x)
    for keep in (False, True):
        v = validate(path, x, x, keep_io_layout=keep)
        assert v.runtimes == ["ONNX Runtime", "host float", "host int8"] and not v.missing
        assert v.comparisons[0].max_difference < 1e-5 and v.comparisons[1].sqnr > 30
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    arguments = ["validate", str(path), "--data", str(tmp_path / "x.npy"), "--float"]
    assert cli.main(arguments) == 3


def test_weights_as_inputs_and_beside_the_file(tmp_path: Path) -> None:
    made = onnx.load_from_string(_conv_model())
    made.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, (2, 3, 3, 3)))
    x = np.random.default_rng(1).normal(size=(1, 3, 6, 4)).astype(np.float32)
    assert compare(made.SerializeToString(), {"x": x})
    folder = tmp_path / "model"
    folder.mkdir()
    path = folder / "m.onnx"
    onnx.save(made, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    expected = ours(load_onnx(_conv_model()), {"x": x})[0]
    assert np.array_equal(ours(load_onnx(path), {"x": x})[0], expected)
    with pytest.raises(ModelError, match="give the model's path, not its bytes"):
        load_onnx(path.read_bytes())
    (tmp_path / "secret").write_bytes(bytes(1000))
    (folder / "link").symlink_to(tmp_path / "secret")
    for name in ("../secret", str(tmp_path / "secret"), "link", "a/../../secret", "", "w\0"):
        broken = onnx.load(path, load_external_data=False)
        next(e for e in broken.graph.initializer[0].external_data if e.key == "location").value = name
        (folder / "b.onnx").write_bytes(broken.SerializeToString())
        with pytest.raises(ModelError, match=r"constant 'w': is in .*not in the model's folder"):
            load_onnx(folder / "b.onnx")
    (folder / "w.bin").write_bytes(bytes(10))
    with pytest.raises(ModelError, match=r"of 'w.bin', which has 10"):
        load_onnx(path)


# ---- refusals, damage ----


def test_all_refusals_at_once() -> None:
    n = helper.make_node
    nodes = [n("Erf", ["x"], ["a"]), n("Det", ["a"], ["b"]), n("Loop", ["", "", "a"], ["c"]), n("Erf", ["x"], ["y"])]
    data, _ = onnx_cases.model(nodes, {"x": np.zeros((1, 4), np.float32)}, ["y"])
    with pytest.raises(UnsupportedError) as error:
        load_onnx(data)
    text = str(error.value)
    assert "4 unsupported" in text and "node 0 Erf -> 'a': no counterpart (and 1 more like it: node 3)" in text
    assert "node 2 Loop" in text and "loops unrolled" in text


@pytest.mark.parametrize("opset", [6, 24])
def test_opsets(opset: int) -> None:
    data, _ = onnx_cases.single("Relu", {"x": np.zeros((1, 4), np.float32)}, opset=opset)
    with pytest.raises(UnsupportedError, match=f"operators of opset {opset}; 7 to 23 are read"):
        load_onnx(data)


def _tensor(**fields: object) -> bytes:
    """A model of x + w, w made of fields of TensorProto."""
    w = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    for key, value in fields.items():
        if isinstance(value, list):
            del getattr(w, key)[:]
            getattr(w, key).extend(value)
        else:
            setattr(w, key, value)
    made = onnx.load_from_string(onnx_cases.single("Add", {"x": np.zeros((1, 4), np.float32)}, names=["x", "w"])[0])
    made.graph.initializer.append(w)
    return made.SerializeToString()


HOSTILE = {
    "few bytes": (lambda: _tensor(raw_data=bytes(15)), "15 bytes for shape"),
    "many bytes": (lambda: _tensor(raw_data=bytes(160)), "160 bytes for shape"),
    "few numbers": (lambda: _tensor(float_data=[1.0]), "1 numbers for shape"),
    "huge": (lambda: _tensor(dims=[2**40, 2**40], raw_data=bytes(4)), "at most"),
    "negative": (lambda: _tensor(dims=[-4], raw_data=bytes(16)), "sides of 0 or more"),
    "many axes": (lambda: _tensor(dims=[1] * 40, raw_data=bytes(4)), "more than 32 axes"),
    "type": (lambda: _tensor(data_type=77, raw_data=bytes(16)), "element type 77"),
    "NaN": (lambda: onnx_cases.single("Gemm", {"x": np.zeros((1, 2), np.float32)},
                                      {"w": np.full((2, 2), np.nan, np.float32)})[0], "NaN or infinity"),
    "cycle": (lambda: onnx_cases.model([helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Relu", ["a"],
              ["b"])], {"x": np.zeros((1, 2), np.float32)}, ["b"])[0], "which nothing before it makes"),
    "twice": (lambda: onnx_cases.model([helper.make_node("Relu", ["x"], ["a"])] * 2, {"x": np.zeros(2, np.float32)},
                                       ["a"])[0], "has a value already"),
    "large": (lambda: onnx_cases.single("ConstantOfShape", {}, {"s": np.array([2**20, 2**20])})[0], "more than a file"),
    "tile": (lambda: onnx_cases.single("Tile", {"x": np.zeros((1, 8), np.float32)},
                                       {"n": np.array([60000, 60000])})[0], "expected at most"),
    "wire type": (lambda: b"\x08\x08\x3b", "wire type 3"),
    "length": (lambda: b"\x08\x08\x3a\xff\xff\xff\xff\x0f", "are left"),
    "number": (lambda: b"\x08" + b"\xff" * 11, "more than 10 bytes"),
    "field": (lambda: b"\x00\x00", "field number 0"),
    "empty": (lambda: b"", "no graph"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files(kind: str) -> None:
    make, text = HOSTILE[kind]
    with pytest.raises(ModelError, match=text) as error:
        load_onnx(make())
    assert str(error.value).startswith("model.onnx: ")


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_pools_that_runtimes_crop_are_refused(op: str) -> None:
    """SAME of a window smaller than its stride: ONNX Runtime crops or fails. A convolution pads nothing then."""
    x = np.ones((1, 2, 6, 6), np.float32)
    sizes = {"strides": [3, 3], "kernel_shape": [1, 1], "auto_pad": "SAME_UPPER"}
    with pytest.raises(UnsupportedError, match="of a window of 1, stride 3, over 6; write the pads out"):
        load_onnx(onnx_cases.single(op, {"x": x}, {}, **sizes)[0])
    load_onnx(onnx_cases.single("Conv", {"x": x}, {"w": np.ones((3, 2, 1, 1), np.float32)}, **sizes)[0])


def test_graphs_in_graphs() -> None:
    inner = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [], [])
    for _ in range(30):
        inner = helper.make_graph([helper.make_node("If", ["x"], ["y"], then_branch=inner)], "g", [], [])
    made = helper.make_model(inner, ir_version=8).SerializeToString()
    with pytest.raises(ModelError, match="nested more than 8 deep"):
        load_onnx(made)


def test_truncated_at_every_byte() -> None:
    """Every beginning is refused; but the whole model without what stands behind its opset is the same model."""
    data, feeds = onnx_cases.case("LSTM", np.random.default_rng(3))
    whole, taken = len(load_onnx(data).nodes), 0
    for size in range(len(data)):
        try:
            assert len(load_onnx(data[:size]).nodes) == whole
            taken += 1
        except NnomError as e:
            assert "model.onnx" in str(e)
    assert taken < 3


def test_every_bit_flipped() -> None:
    data, _ = onnx_cases.case("Conv", np.random.default_rng(4))
    assert len(data) < 1500
    for bit in range(8 * len(data)):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        try:
            load_onnx(bytes(broken))
        except NnomError as e:
            assert str(e)
