# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TFLite files as converters and people write them, against TFLite Micro: each test stands for a kind of file."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="needs the package tflite-micro")
pytest.importorskip("ai_edge_litert", reason="needs the package ai-edge-litert")

from ai_edge_litert import schema_py_generated as schema  # noqa: E402
from nnom.core import CoreModel  # noqa: E402
from nnom.errors import ModelError, UnsupportedError  # noqa: E402
from nnom.importers.tflite import load_tflite  # noqa: E402
from oracle import shared  # noqa: E402
from oracle.micro import Micro  # noqa: E402
from oracle.reference import Reference  # noqa: E402
from oracle.writer import Model  # noqa: E402

RNG = np.random.default_rng


def random(tensor, rng: np.random.Generator) -> np.ndarray:
    """A random input as LiteRT or TFLite Micro describe it."""
    shape, dtype = tensor["shape"], np.dtype(tensor["dtype"])
    if dtype.kind == "f":
        return rng.normal(0, 1, shape).astype(dtype)
    low, high = (0, 8) if dtype.itemsize > 1 else (np.iinfo(dtype).min, np.iinfo(dtype).max + 1)
    return rng.integers(low, high, shape).astype(dtype)


def same(data: bytes, oracle: type = Micro, samples: int = 12, tolerance: float = 0.0) -> None:
    """Every output equals the oracle's: bytes, or within `tolerance` of the largest value."""
    core, judge, rng = CoreModel(load_tflite(data)), oracle(data), RNG(1)
    for _ in range(samples):
        inputs = [random(t, rng) for t in judge.inputs]
        for ours, theirs in zip(core.run([x.reshape(-1) for x in inputs]), judge.run(inputs), strict=True):
            far = np.abs(ours.reshape(-1).astype(np.float64) - theirs.reshape(-1)).max()
            assert far <= tolerance * max(1.0, float(np.abs(theirs).max()))


def ints(m: Model, *values: int) -> int:
    return m.tensor([len(values)], "int32", data=np.array(values))


def weights(m: Model, shape: list[int], axis: int = 0, seed: int = 3) -> int:
    scales = 0.01 + 0.002 * np.arange(shape[axis])
    return m.tensor(shape, "int8", scales, axis=axis, data=RNG(seed).integers(-127, 128, shape))


# -- axes -------------------------------------------------------------------------------------------------------------


SHAPES = [
    ((5, 3), (5, 1)),
    ((4, 2, 3), (4, 1, 1)),
    ((4, 1, 3), (1, 5, 3)),
    ((2, 3, 4, 5), (5,)),
    ((2, 3, 4, 5), (2, 1, 1, 1)),
]


@pytest.mark.parametrize("name", ["ADD", "SUB", "MUL", "SQUARED_DIFFERENCE"])
@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_broadcasts_whose_first_axis_is_no_batch(name: str, shapes: tuple, dtype: str) -> None:
    """The scales are such that sums often lie between two steps, where the last bit of a multiplier decides."""
    m, int8 = Model(), dtype == "int8"
    a = m.tensor(shapes[0], dtype, 0.05 if int8 else None, 3)
    b = m.tensor(shapes[1], dtype, 0.02 if int8 else None, -7)
    y = m.tensor(np.broadcast_shapes(*shapes), dtype, 0.1 if int8 else None, 5)
    m.op(name, [a, b], [y])
    same(m.build([a, b], [y]), samples=30, tolerance=0 if int8 else 1e-6)


@pytest.mark.parametrize(
    "scales", [(0.05, 0.02, 0.1), (0.3, 0.001, 0.004), (0.002, 0.4, 0.03), (0.0173, 0.0057, 0.013)]
)
def test_quotients(scales: tuple[float, float, float]) -> None:
    """All of int8 / int8. Of quotients below half a step the reference shifts by over 31 bits, x / 0 it leaves open."""
    x, y = (v.reshape(-1) for v in np.meshgrid(np.arange(-128, 128), np.delete(np.arange(-128, 128), 121)))
    m = Model()
    a, b = m.tensor([1, x.size], "int8", scales[0], 3), m.tensor([1, x.size], "int8", scales[1], -7)
    out = m.tensor([1, x.size], "int8", scales[2], 5)
    m.op("DIV", [a, b], [out])
    data, inputs = m.build([a, b], [out]), [x.astype(np.int8), y.astype(np.int8)]
    ours, theirs = (r.reshape(-1) for r in (*CoreModel(load_tflite(data)).run(inputs), *Micro(data).run(inputs)))
    real = np.abs(scales[0] * (x - 3) / (scales[1] * (y + 7)) / scales[2])
    assert np.array_equal(ours[real > 0.5], theirs[real > 0.5]) and np.all(ours[real < 0.499] == 5)


def test_quotients_of_zero() -> None:
    m = Model()
    a, b, y = (m.tensor([1, 4], "int8", 0.1, 3) for _ in range(3))
    m.op("DIV", [a, b], [y])
    core = CoreModel(load_tflite(m.build([a, b], [y])))
    x, d = np.array([3, 4, -9, 3], np.int8), np.array([9, 3, 3, 3], np.int8)
    assert core.run([x, d])[0].reshape(-1).tolist() == [3, 127, -128, 3]


def test_a_batch_of_rows_and_of_images() -> None:
    m = Model()
    x, y = m.tensor([4, 8], "int8", 0.1, 2), m.tensor([4, 3], "int8", 0.2, 3)
    m.op("FULLY_CONNECTED", [x, weights(m, [3, 8]), -1], [y])
    same(m.build([x], [y]))
    m = Model()
    x, y, z = (m.tensor([3, n, n, c], "int8", 0.1, 2) for n, c in ((6, 4), (3, 5), (1, 5)))
    m.op("CONV_2D", [x, weights(m, [5, 3, 3, 4]), -1], [y], padding=0, strideH=2, strideW=2)
    m.op("AVERAGE_POOL_2D", [y], [z], padding=1, strideH=1, strideW=1, filterHeight=3, filterWidth=3)
    same(m.build([x], [z]))


@pytest.mark.parametrize(
    ("shape", "perm"),
    [((1, 6, 6, 2, 4), (0, 1, 2, 4, 3)), ((2, 3, 4, 5), (3, 1, 0, 2)), ((2, 3, 2, 3, 2), (4, 2, 0, 3, 1))],
)
def test_permutations_of_many_axes(shape: tuple, perm: tuple) -> None:
    m = Model()
    x, y = m.tensor(shape, "int8", 0.1, 2), m.tensor([shape[p] for p in perm], "int8", 0.1, 2)
    m.op("TRANSPOSE", [x, ints(m, *perm)], [y])
    same(m.build([x], [y]), oracle=Reference)


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_four_axes_taken_together_and_apart(axis: int) -> None:
    shape = [2, 3, 4, 5]
    m = Model()
    x, joined = (
        m.tensor(shape, "int8", 0.1, 2),
        m.tensor([n * 2 if i == axis else n for i, n in enumerate(shape)], "int8", 0.1, 2),
    )
    reduced = m.tensor([1 if i == axis else n for i, n in enumerate(shape)], "int8", 0.1, 2)
    begin = [1 if i == axis else 0 for i in range(4)]
    cut = m.tensor([n - b for n, b in zip(shape, begin, strict=True)], "int8", 0.1, 2)
    m.op("CONCATENATION", [x, x], [joined], axis=axis)
    m.op("MEAN", [x, ints(m, axis)], [reduced], keepDims=True)
    m.op("SLICE", [x, ints(m, *begin), ints(m, *(-1,) * 4)], [cut])
    same(m.build([x], [joined, reduced, cut]))


def test_backwards() -> None:
    m = Model()
    x, y, z = (m.tensor([1, n, 4], "int8", 0.1, 2) for n in (10, 5, 5))
    m.op("STRIDED_SLICE", [x, ints(m, 0, -2, 0), ints(m, 0, 0, 0), ints(m, 1, -2, 1)], [y], beginMask=5, endMask=7)
    m.op("REVERSE_V2", [y, ints(m, 1)], [z])
    same(m.build([x], [y, z]), oracle=Reference)


# -- weights ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("groups", "units"), [(2, 6), (4, 4), (8, 8), (8, 16)])
@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_groups_of_channels(groups: int, units: int, dtype: str) -> None:
    m, shape, int8 = Model(), [units, 3, 3, 8 // groups], dtype == "int8"
    x, y = (
        m.tensor([1, 5, 5, 8], dtype, 0.1 if int8 else None, 2),
        m.tensor([1, 5, 5, units], dtype, 0.2 if int8 else None, -3),
    )
    w = weights(m, shape) if int8 else m.tensor(shape, "float32", data=RNG(3).normal(size=shape))
    b = m.tensor([units], "int32", 0.1 * (0.01 + 0.002 * np.arange(units)), data=RNG(4).integers(-500, 500, units))
    if not int8:
        b = m.tensor([units], "float32", data=RNG(4).normal(size=units))
    m.op("CONV_2D", [x, w, b], [y], padding=0, strideH=1, strideW=1, fusedActivationFunction=1)
    same(m.build([x], [y]), tolerance=1e-6)


def test_zeros_are_a_bias_of_any_scale() -> None:
    m = Model()
    x, y, z = (m.tensor([1, 4, 4, 3], "int8", s, 1) for s in (0.1, 0.3, 0.5))
    zeros = m.tensor([3], "int32", [0.5] * 3, data=np.zeros(3))
    m.op("CONV_2D", [x, weights(m, [3, 3, 3, 3]), zeros], [y], padding=0, strideH=1, strideW=1)
    m.op("CONV_2D", [y, weights(m, [3, 1, 1, 3], seed=9), zeros], [z], padding=0, strideH=1, strideW=1)
    same(m.build([x], [z]))


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize("bias", [False, True])
def test_dense_of_two_activations(dtype: str, bias: bool) -> None:
    m, int8 = Model(), dtype == "int8"
    x, w, y = (m.tensor(s, dtype, q if int8 else None, 4) for s, q in (([3, 8], 0.1), ([5, 8], 0.02), ([3, 5], 0.13)))
    b = m.tensor([5], "int32", 0.002, data=RNG(0).integers(-900, 900, 5)) if bias and int8 else -1
    if bias and not int8:
        b = m.tensor([5], "float32", data=RNG(0).normal(size=5))
    m.op("FULLY_CONNECTED", [x, w, b], [y], fusedActivationFunction=1)
    same(m.build([x, w], [y]), tolerance=1e-6)


def test_data_behind_the_flatbuffer() -> None:
    m = Model()
    x, y = m.tensor([1, 8], "float32"), m.tensor([1, 3], "float32")
    m.op("FULLY_CONNECTED", [x, m.tensor([3, 8], "float32", data=RNG(0).normal(size=(3, 8))), -1], [y])
    plain = m.build([x], [y])
    buffer = m.buffers[-1]
    raw, buffer.data = bytes(buffer.data), None
    buffer.offset, buffer.size = 2, len(raw)
    buffer.offset = (len(m.build([x], [y])) + 15) // 16 * 16
    moved = m.build([x], [y]).ljust(buffer.offset, b"\0") + raw
    values = RNG(1).normal(size=8).astype(np.float32)
    outs = [CoreModel(load_tflite(d)).run([values])[0].tolist() for d in (plain, moved)]
    assert outs[0] == outs[1]
    with pytest.raises(ModelError, match="the file ends at"):
        load_tflite(moved[:-1])


# -- constants, truth, indices ----------------------------------------------------------------------------------------


def test_a_constant_that_is_an_output_and_one_that_is_quantised() -> None:
    m = Model()
    x, y = m.tensor([1, 4], "int8", 0.1, 0), m.tensor([1, 4], "int8", 0.2, 3)
    fixed = m.tensor([1, 4], "int8", 0.1, 0, data=np.array([-20, 94, 118, -54]))
    real = m.tensor([1, 4], "float32", data=np.array([0.24, -0.25, 0.35, 99.0]))
    made = m.tensor([1, 4], "int8", 0.1, -4)
    again = m.tensor([1, 4], "int8", 0.07, 2)
    m.op("QUANTIZE", [real], [made])
    m.op("QUANTIZE", [fixed], [again])
    m.op("ADD", [x, made], [y])
    same(m.build([x], [y, fixed, again]))


def test_bytes_without_a_scale_that_are_only_moved() -> None:
    m = Model()
    x, y, z = m.tensor([1, 2, 3], "int8"), m.tensor([1, 3, 2], "int8"), m.tensor([1, 6], "int8")
    m.op("TRANSPOSE", [x, ints(m, 0, 2, 1)], [y])
    m.op("RESHAPE", [y, ints(m, 1, 6)], [z])
    same(m.build([x], [z]), oracle=Reference)


@pytest.mark.parametrize("name", ["EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"])
@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_comparing_and_choosing(name: str, dtype: str) -> None:
    m, int8 = Model(), dtype == "int8"
    a, b = m.tensor([2, 40], dtype, 0.1 if int8 else None, 3), m.tensor([2, 40], dtype, 0.1 if int8 else None, 3)
    limit = m.tensor([1], dtype, 0.004 if int8 else None, -9, data=np.array([-120 if int8 else 0.3]))
    y = m.tensor([2, 40], dtype, 0.1 if int8 else None, 3)
    truth = m.tensor([2, 40], "bool")
    m.op(name, [a, limit], [truth])
    m.op("SELECT_V2", [truth, a, b], [y])
    same(m.build([a, b], [y]))


def test_embedding_whose_indices_may_count_from_the_end() -> None:
    m = Model()
    x, y = m.tensor([1, 6], "int32"), m.tensor([1, 6, 3], "float32")
    negative, wrapped, index = m.tensor([1, 6], "bool"), m.tensor([1, 6], "int32"), m.tensor([1, 6], "int32")
    m.op("LESS", [x, ints(m, 0)], [negative])
    m.op("ADD", [x, ints(m, 9)], [wrapped])
    m.op("SELECT", [negative, wrapped, x], [index])
    table = RNG(0).normal(size=(9, 3)).astype(np.float32)
    m.op("GATHER", [m.tensor([9, 3], "float32", data=table), index], [y])
    core = CoreModel(load_tflite(m.build([x], [y])))
    indices = np.array([0, 8, -1, -9, 3, -4], np.int32)
    assert np.array_equal(core.run([indices])[0].reshape(6, 3), table[indices])


def test_the_largest_and_where_they_are() -> None:
    m = Model()
    x, v, i = m.tensor([2, 9], "int8", 0.1, 3), m.tensor([2, 4], "int8", 0.1, 3), m.tensor([2, 4], "int32")
    m.op("TOPK_V2", [x, m.tensor([], "int32", data=np.array(4))], [v, i])
    same(m.build([x], [v, i]), oracle=Reference)


@pytest.mark.parametrize("name", ["SIN", "COS", "FLOOR", "CEIL", "ROUND", "SQUARE"])
def test_functions_of_one_value(name: str) -> None:
    m = Model()
    x, y = m.tensor([1, 50], "float32"), m.tensor([1, 50], "float32")
    m.op(name, [x], [y])
    same(m.build([x], [y]), oracle=Reference, tolerance=1e-6)
    halves = np.arange(-25, 25, dtype=np.float32) / 2
    ours, theirs = CoreModel(load_tflite(m.build([x], [y]))).run([halves]), Reference(m.build([x], [y])).run([halves])
    assert np.allclose(ours[0].reshape(-1), theirs[0].reshape(-1), rtol=0, atol=1e-5)


def test_powers() -> None:
    m = Model()
    x, positive, y, z = (m.tensor([1, 20], "float32") for _ in range(4))
    m.op("ABS", [x], [positive])
    m.op("POW", [positive, m.tensor([], "float32", data=np.array(1.5))], [y])
    m.op("POW", [positive, x], [z])
    same(m.build([x], [y, z]), oracle=Reference, tolerance=1e-6)


def test_spectrum_of_rows() -> None:
    m = Model()
    x, y = m.tensor([1, 3, 1, 16], "float32"), m.tensor([1, 3, 1, 9], "float32")
    bins = m.tensor([1, 3, 1, 9], "complex64")
    m.op("RFFT2D", [x, ints(m, 1, 16)], [bins])
    m.op("COMPLEX_ABS", [bins], [y])
    core = CoreModel(load_tflite(m.build([x], [y])))
    rows = RNG(0).normal(size=(3, 16)).astype(np.float32)
    assert np.allclose(core.run([rows])[0].reshape(3, 9), np.abs(np.fft.rfft(rows)), atol=1e-5)


def test_dilated_convolution_in_phases_with_its_bias_inside() -> None:
    """SPACE_TO_BATCH_ND, CONV_2D, ADD of a bias, RELU, BATCH_TO_SPACE_ND over time, as Conv1D is exported."""
    m = Model()
    x, y = m.tensor([1, 12, 3], "int8", 0.1, 2), m.tensor([1, 12, 4], "int8", 0.2, -3)
    phases, wide = m.tensor([2, 7, 3], "int8", 0.1, 2), m.tensor([2, 1, 7, 3], "int8", 0.1, 2)
    made, flat = m.tensor([2, 1, 6, 4], "int8", 0.15, 1), m.tensor([2, 6, 4], "int8", 0.15, 1)
    added = m.tensor([2, 6, 4], "int8", 0.2, -3)
    b = m.tensor([4], "int8", 0.01, 0, data=np.array([-90, 3, 50, 127]))
    m.op("SPACE_TO_BATCH_ND", [x, ints(m, 2), m.tensor([1, 2], "int32", data=np.array([[2, 0]]))], [phases])
    m.op("RESHAPE", [phases, ints(m, 2, 1, 7, 3)], [wide])
    none = m.tensor([4], "int32", 0.1 * (0.01 + 0.002 * np.arange(4)), data=np.zeros(4))
    m.op("CONV_2D", [wide, weights(m, [4, 1, 2, 3]), none], [made], padding=1, strideH=1, strideW=1)
    m.op("RESHAPE", [made, ints(m, 2, 6, 4)], [flat])
    m.op("ADD", [flat, b], [added], fusedActivationFunction=1)
    m.op("BATCH_TO_SPACE_ND", [added, ints(m, 2), m.tensor([1, 2], "int32", data=np.array([[0, 0]]))], [y])
    data = m.build([x], [y])
    graph = load_tflite(data)
    assert [n.op for n in graph.nodes if n.op not in ("reshape", "flatten")] == ["conv2d", "add"]
    same(data, oracle=Reference)  # TFLite Micro pads with the stored 0, whatever the zero point is


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_a_refusal_is_not_hidden_by_an_error_after_it() -> None:
    """Custom operators are named beside a tensor without quantisation, and before a reshape that cannot be."""
    m = Model()
    x, y, z = m.tensor([1, 4], "int8"), m.tensor([1, 4], "int8", 0.1), m.tensor([1, 4], "int8", 0.1)
    m.op("RELU", [x], [y])
    m.op("CUSTOM", [y], [z])
    with pytest.raises(UnsupportedError, match="1 CUSTOM 'Invented'(.|\n)*after that: .*no quantisation"):
        load_tflite(m.build([x], [z]))
    m = Model()
    x, y, z = m.tensor([1, 4], "float32"), m.tensor([1, 1], "float32"), m.tensor([2, 2], "float32")
    m.op("CUSTOM", [x], [y])
    m.op("RESHAPE", [y, ints(m, 2, 2)], [z])
    with pytest.raises(UnsupportedError, match="0 CUSTOM 'Invented'(.|\n)*after that: .*can not become"):
        load_tflite(m.build([x], [z]))


def test_refusals_of_one_kind_are_one_line() -> None:
    m = Model()
    tensors = [m.tensor([1, 4], "float32") for _ in range(5)]
    for a, b in zip(tensors, tensors[1:], strict=False):
        m.op("CUSTOM", [a], [b])
    with pytest.raises(UnsupportedError) as e:
        load_tflite(m.build([tensors[0]], [tensors[-1]]))
    assert "4 unsupported" in str(e.value) and len(str(e.value).splitlines()) == 2
    assert "and 3 more like it: operators 1, 2, 3" in str(e.value)


def test_int4_and_sparse_weights_are_named() -> None:
    for dtype in ("int4", "sparse"):
        m = Model()
        x, y = m.tensor([1, 8], "float32"), m.tensor([1, 4], "float32")
        w = m.tensor([4, 8], dtype if dtype == "int4" else "float32", data=np.zeros((4, 8)))
        if dtype == "sparse":
            m.tensors[w].sparsity = schema.SparsityParametersT()
        m.op("FULLY_CONNECTED", [x, w, -1], [y])
        with pytest.raises(UnsupportedError, match=f"{dtype}.* weights"):
            load_tflite(m.build([x], [y]))


def test_axes_left_open_have_the_files_sizes_and_are_noted() -> None:
    m = Model()
    x, y = m.tensor([1, 2, 4], "float32"), m.tensor([1, 2, 4], "float32")
    m.tensors[x].shapeSignature = [1, -1, 4]
    m.op("RELU", [x], [y])
    (note,) = load_tflite(m.build([x], [y])).notes
    assert "axes [1] open" in note and "[1, 2, 4]" in note


# -- other people's files ---------------------------------------------------------------------------------------------

REASONS = (
    "control flow", "keeps state", "int16 activations", "INT16", "int4 weights", "sparse float32 weights",
    "convolves three axes", "no quantisation",
)  # fmt: skip


@pytest.mark.skipif(not (shared.SHARED / "cases" / "tflite").is_dir(), reason=shared.ABSENT)
def test_small_files_are_equal_or_refused_for_a_reason() -> None:
    sys.path.insert(0, str(shared.ROOT / "bench"))
    import small_files

    for path in small_files.files():
        verdict = small_files.compare(path).verdict
        refused = verdict.startswith("refused") and any(reason in verdict for reason in REASONS)
        assert verdict.startswith("equal") or refused, f"{path.stem}: {verdict}"


# -- more axes than three ---------------------------------------------------------------------------------------------


def _moved(steps: list[tuple[str, list[int], list[int]]]) -> bytes:
    """Of [1, 3, 4, 8] by operators with a list of numbers: (operator, numbers, shape)."""
    m = Model()
    x = last = m.tensor([1, 3, 4, 8], "int8", 0.1, 2)
    for name, numbers, shape in steps:
        made = m.tensor(shape, "int8", 0.1, 2)
        m.op(name, [last, ints(m, *numbers)], [made])
        last = made
    return m.build([x], [last])


@pytest.mark.parametrize(
    "steps",
    [
        [  # channels shuffled, as ShuffleNet does
            ("RESHAPE", [1, 3, 4, 2, 4], [1, 3, 4, 2, 4]),
            ("TRANSPOSE", [0, 1, 2, 4, 3], [1, 3, 4, 4, 2]),
            ("RESHAPE", [1, 3, 4, 8], [1, 3, 4, 8]),
        ],
        [  # pixels out of channels
            ("RESHAPE", [1, 3, 4, 2, 2, 2], [1, 3, 4, 2, 2, 2]),
            ("TRANSPOSE", [0, 1, 3, 2, 4, 5], [1, 3, 2, 4, 2, 2]),
            ("RESHAPE", [1, 6, 8, 2], [1, 6, 8, 2]),
        ],
        [  # UpSampling2D of Keras 3
            ("RESHAPE", [1, 3, 1, 4, 1, 8], [1, 3, 1, 4, 1, 8]),
            ("TILE", [1, 1, 2, 1, 3, 1], [1, 3, 2, 4, 3, 8]),
            ("RESHAPE", [1, 6, 12, 8], [1, 6, 12, 8]),
        ],
    ],
)  # fmt: skip
def test_five_and_six_axes(steps: list[tuple[str, list[int], list[int]]]) -> None:
    """TFLite Micro takes five at most."""
    same(_moved(steps), oracle=Reference)


# -- weights with a zero point ----------------------------------------------------------------------------------------


def _uint8(m: Model, shape: list[int], zero: int, seed: int) -> int:
    """Weights as the first converters made them."""
    return m.tensor(shape, "uint8", 0.01, zero, data=RNG(seed).integers(0, 256, shape))


def _same_in_uint8(data: bytes, most: int = 0) -> None:
    """Every output equals LiteRT's, within `most`."""
    core, judge, rng = CoreModel(load_tflite(data)), Reference(data), RNG(1)
    for _ in range(12):
        x = rng.integers(0, 256, judge.inputs[0]["shape"]).astype(np.uint8)
        (ours,) = core.run([x.reshape(core.inputs[0].shape)])
        far = ours.reshape(-1).astype(int) - judge.run([x])[0].reshape(-1)
        assert np.abs(far).max() <= most


@pytest.mark.parametrize("zero", [3, 100, 128, 151, 255])
@pytest.mark.parametrize("stride, dilation, same_padding", [(1, 1, True), (2, 1, True), (1, 2, False), (2, 1, False)])
@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D"])
def test_weights_of_nine_bits(kind: str, zero: int, stride: int, dilation: int, same_padding: bool) -> None:
    m = Model()
    x = m.tensor([1, 7, 6, 3], "uint8", 0.05, 120)
    rows, columns = (-(-n // stride) if same_padding else (n - 1 - 2 * dilation) // stride + 1 for n in (7, 6))
    conv = kind == "CONV_2D"
    shape = [4, 3, 3, 3] if conv else [1, 3, 3, 6]
    y = m.tensor([1, rows, columns, 4 if conv else 6], "uint8", 0.08, 110)
    b = m.tensor([4 if conv else 6], "int32", 0.05 * 0.01, data=RNG(2).integers(-900, 900, 4 if conv else 6))
    more = {} if conv else {"depthMultiplier": 2}
    m.op(
        kind, [x, _uint8(m, shape, zero, 5), b], [y], padding=0 if same_padding else 1, strideH=stride, strideW=stride,
        dilationHFactor=dilation, dilationWFactor=dilation, **more,
    )  # fmt: skip
    _same_in_uint8(m.build([x], [y]))


@pytest.mark.parametrize("shape", [[1, 20], [1, 2, 5, 2], [4, 20]])
def test_dense_weights_of_nine_bits(shape: list[int]) -> None:
    """LiteRT rounds a dense layer once, TFLite Micro and NNoM twice: a step at most."""
    m = Model()
    x = m.tensor(shape, "uint8", 0.05, 120)
    y = m.tensor([shape[0], 7], "uint8", 0.08, 110)
    b = m.tensor([7], "int32", 0.05 * 0.01, data=RNG(2).integers(-900, 900, 7))
    m.op("FULLY_CONNECTED", [x, _uint8(m, [7, 20], 137, 5), b], [y])
    _same_in_uint8(m.build([x], [y]), most=1)


def test_weights_that_take_more_than_nine_bits_are_refused() -> None:
    m = Model()
    x, y = m.tensor([1, 2], "uint8", 0.05, 120), m.tensor([1, 1], "uint8", 0.08, 110)
    m.op("FULLY_CONNECTED", [x, m.tensor([1, 2], "uint8", 0.01, 0, data=np.array([[0, 255]]))], [y])
    with pytest.raises(UnsupportedError, match="weights from 0 to 255 steps; expected -256 to 254"):
        load_tflite(m.build([x], [y]))


# -- made of other layers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_truths_together(dtype: str) -> None:
    m, scale = Model(), 0.1 if dtype == "int8" else None
    a, b = m.tensor([2, 3, 40], dtype, scale, 3), m.tensor([2, 3, 40], dtype, scale, 3)
    less, more, both, one, none = (m.tensor([2, 3, 40], "bool") for _ in range(5))
    m.op("LESS", [a, b], [less])
    m.op("GREATER_EQUAL", [a, m.tensor([1], dtype, scale, 3, data=np.array([10 if scale else 0.3]))], [more])
    m.op("LOGICAL_AND", [less, more], [both])
    m.op("LOGICAL_OR", [less, more], [one])
    m.op("LOGICAL_NOT", [one], [none])
    outputs = []
    for truth in (both, none):
        outputs.append(m.tensor([2, 3, 40], dtype, scale, 3))
        m.op("SELECT_V2", [truth, a, b], [outputs[-1]])
    same(m.build([a, b], outputs))


def test_all_and_any() -> None:
    m = Model()
    a, b = m.tensor([4, 3], "float32"), m.tensor([4, 1], "float32")
    truth, every, some = m.tensor([4, 3], "bool"), m.tensor([4, 1], "bool"), m.tensor([4, 1], "bool")
    m.op("GREATER", [a, m.tensor([1], "float32", data=np.array([-0.5]))], [truth])
    m.op("REDUCE_ALL", [truth, ints(m, 1)], [every], keepDims=True)
    m.op("REDUCE_ANY", [truth, ints(m, 1)], [some], keepDims=True)
    y, z = m.tensor([4, 1], "float32"), m.tensor([4, 1], "float32")
    twice = m.tensor([4, 1], "float32")
    m.op("ADD", [b, b], [twice])
    m.op("SELECT_V2", [every, b, twice], [y])
    m.op("SELECT_V2", [some, b, twice], [z])
    same(m.build([a, b], [y, z]), oracle=Reference)


def test_sums_of_many() -> None:
    m = Model()
    xs = [m.tensor([2, 3, 5], "float32") for _ in range(4)]
    y, z = m.tensor([2, 3, 5], "float32"), m.tensor([2, 3, 5], "float32")
    m.op("ADD_N", xs, [y])
    zeros = m.tensor([2, 3, 5], "float32")
    m.op("ZEROS_LIKE", [y], [zeros])
    m.op("SUB", [zeros, y], [z])
    same(m.build(xs, [y, z]))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("exclusive, reverse", [(False, False), (True, False), (False, True), (True, True)])
def test_running_sums(axis: int, exclusive: bool, reverse: bool) -> None:
    m = Model()
    x, y = m.tensor([3, 4, 5], "float32"), m.tensor([3, 4, 5], "float32")
    m.op("CUMSUM", [x, m.tensor([], "int32", data=np.array(axis))], [y], exclusive=exclusive, reverse=reverse)
    same(m.build([x], [y]), tolerance=1e-6)


@pytest.mark.parametrize("padding, activation, out", [(1, 0, (2, 3)), (0, 1, (3, 3))])
def test_roots_of_means_of_squares(padding: int, activation: int, out: tuple[int, int]) -> None:
    m = Model()
    x, y = m.tensor([1, 5, 6, 3], "float32"), m.tensor([1, *out, 3], "float32")
    sizes = {"filterHeight": 3, "filterWidth": 2, "strideH": 2, "strideW": 2, "fusedActivationFunction": activation}
    m.op("L2_POOL_2D", [x], [y], padding=padding, **sizes)
    same(m.build([x], [y]), tolerance=1e-6)


def test_whole_quotients() -> None:
    m = Model()
    a, y = (m.tensor([2, 30], "float32") for _ in range(2))
    b = m.tensor([30], "float32", data=np.linspace(-1.7, 1.8, 30).astype(np.float32))  # the reference refuses 0
    m.op("FLOOR_DIV", [a, b], [y])
    same(m.build([a], [y]))


def test_rows_by_index() -> None:
    m = Model()
    x, index = (
        m.tensor([4, 3, 2], "int8", 0.1, 3),
        m.tensor([5, 2], "int32", data=np.array([[0, 1], [3, 2], [1, 1], [3, 0], [0, 0]])),
    )
    y = m.tensor([5, 2], "int8", 0.1, 3)
    m.op("GATHER_ND", [x, index], [y])
    same(m.build([x], [y]))


@pytest.mark.parametrize("name", ["EMBEDDING_LOOKUP", "GATHER_ND"])
def test_rows_by_computed_index(name: str) -> None:
    m, table = Model(), RNG(0).normal(size=(9, 3)).astype(np.float32)
    shape = [6] if name == "EMBEDDING_LOOKUP" else [6, 1]
    x, y, rows = m.tensor(shape, "int32"), m.tensor([6, 3], "float32"), m.tensor([9, 3], "float32", data=table)
    m.op(name, [x, rows] if name == "EMBEDDING_LOOKUP" else [rows, x], [y])
    indices = np.array([0, 8, 1, 1, 3, 5], np.int32)
    assert np.array_equal(CoreModel(load_tflite(m.build([x], [y]))).run([indices])[0].reshape(6, 3), table[indices])


@pytest.mark.parametrize("name", ["ADD_N", "CUMSUM", "L2_POOL_2D", "FLOOR_DIV"])
def test_what_is_for_float_alone(name: str) -> None:
    m = Model()
    x, y = m.tensor([1, 2, 2, 4], "int8", 0.1, 3), m.tensor([1, 2, 2, 4], "int8", 0.1, 3)
    m.op(name, [x] if name == "L2_POOL_2D" else [x, ints(m, 1) if name == "CUMSUM" else x], [y])
    with pytest.raises(UnsupportedError, match=f"{name}.*int8; expected float32"):
        load_tflite(m.build([x], [y]))
