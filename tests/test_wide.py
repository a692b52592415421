# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""16x8: int16 activations and int8 weights in .tflite files, to the bit as TFLite Micro's reference kernels.

NNOM_CASES: cases per operator (default 8), NNOM_GRAPHS: random graphs (default 40).
"""

import os
import re

import numpy as np
import pytest
from nnom.core import CoreModel
from nnom.errors import CoreError, UnsupportedError
from nnom.importers.tflite import load_tflite
from oracle import cases
from oracle.micro import Micro
from oracle.reference import Reference
from oracle.writer import Model

CASES = int(os.environ.get("NNOM_CASES", "8"))
GRAPHS = int(os.environ.get("NNOM_GRAPHS", "40"))
MICRO = (
    "CONV_2D DEPTHWISE_CONV_2D TRANSPOSE_CONV FULLY_CONNECTED AVERAGE_POOL_2D MAX_POOL_2D ADD SUB MUL CONCATENATION "
    "SOFTMAX LOGISTIC TANH LEAKY_RELU RELU RELU6 PAD PADV2 STRIDED_SLICE SLICE TRANSPOSE RESHAPE SPLIT SPLIT_V PACK "
    "UNPACK RESIZE_NEAREST_NEIGHBOR EXPAND_DIMS QUANTIZE DEQUANTIZE SHAPE MEAN SUM MAXIMUM MINIMUM PRELU BATCH_MATMUL "
    "SQUARED_DIFFERENCE ABS RSQRT"
).split()
# TFLite Micro has these in int8 alone
LITERT = "GATHER TILE MIRROR_PAD SPACE_TO_BATCH_ND REDUCE_MAX REDUCE_MIN RESIZE_BILINEAR GELU LOG NEG EXP".split()
# LiteRT wraps where these leave 16 bits
WRAP = {"NEG": np.negative, "EXP": np.exp}


def same(case, oracle, **options):
    """Whether the core gives what the oracle does, to the bit."""
    expected = oracle(case.data).run(case.inputs)
    out = CoreModel(load_tflite(case.data), **options).run([x.reshape(-1) for x in case.inputs])
    return all(np.array_equal(o.ravel(), e.ravel()) for o, e in zip(out, expected, strict=True))


def nearer(case, function):
    """Whether the core gives what LiteRT does, or what is nearer to the real function."""
    graph = load_tflite(case.data)
    x, y = (graph.quant(name) for name in (graph.inputs[0], graph.outputs[0]))
    (theirs,), (ours,) = Reference(case.data).run(case.inputs), CoreModel(graph).run(case.inputs)
    if x.scale * 32768 > 64:  # exp of the table's ends is beyond float
        return True
    real = np.clip(function(x.scale * case.inputs[0].ravel()) / y.scale, -32768, 32767)
    return ((ours.ravel() == theirs.ravel()) | (np.abs(ours.ravel() - real) < np.abs(theirs.ravel() - real))).all()


def accepted(case):
    """Whether TFLite Micro and NNoM take the scales: products of many operators may get too large or too small."""
    try:
        Micro(case.data)
        CoreModel(load_tflite(case.data))
    except (RuntimeError, CoreError) as e:
        assert re.search("allocate tensors|out of range|does not fit", str(e))
        return False
    return True


@pytest.mark.parametrize("op", MICRO)
def test_operator(op):
    for seed in range(CASES):
        case = cases.single(op, np.random.default_rng([seed, 1601]), "int16")
        assert same(case, Micro), f"seed {seed}: {case.text}"


@pytest.mark.parametrize("op", LITERT)
def test_operator_of_litert(op):
    for seed in range(CASES):
        case = cases.single(op, np.random.default_rng([seed, 1602]), "int16")
        assert nearer(case, WRAP[op]) if op in WRAP else same(case, Reference), f"seed {seed}: {case.text}"


@pytest.mark.parametrize("op", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_weights_of_4_bits(op):
    """int4 weights, two in a byte: the same bytes, and half of them in flash."""
    for seed in range(CASES):
        case = cases.single(op, np.random.default_rng([seed, 1604]), nibbles=True)
        assert same(case, Micro), f"seed {seed}: {case.text}"
        assert same(case, Micro, mode="smallest"), f"seed {seed}: {case.text}"
        assert same(case, Micro, target="dsp"), f"seed {seed}: {case.text}"


def test_graphs():
    """Graphs of 3 to 12 operators, whole, rolling and fed: the same bytes."""
    compared = 0
    for seed in range(GRAPHS):
        case = cases.graph(np.random.default_rng([seed, 1603]), "int16")
        if not accepted(case):
            continue
        compared += 1
        one = len(load_tflite(case.data).inputs) == 1
        ways = [{}, {"mode": "auto"}, {"mode": "smallest"}, {"mode": "smallest", "feed": True}]
        for options in ways if one else ways[:3]:
            assert same(case, Micro, **options), f"seed {seed} {options}: {case.text}"
    assert compared > 0.9 * GRAPHS


def dense(bias="int64", x_zero=0, x_type="int16", op="FULLY_CONNECTED"):
    m = Model()
    x = m.tensor([1, 4], x_type, 0.01, x_zero)
    w = m.tensor([2, 4], "int8", [0.1, 0.2], 0, 0, np.ones((2, 4)))
    b = m.tensor([2], bias, [0.001, 0.002], 0, 0, np.array([100, -100]))
    y = m.tensor([1, 2], "int16", 0.01)
    if op == "FULLY_CONNECTED":
        m.op(op, [x, w, b], [y])
    else:
        m.op(op, [x], [y])
    return m.build([x], [y])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"bias": "float32"}, "bias of type FLOAT32; expected int64 or int32 or int16"),
        ({"x_zero": 3}, "zero point 3; expected 0"),
        ({"x_type": "int8"}, "mixes types INT16, INT8"),
        ({"op": "ELU"}, "int16 activations; quantise them to int8"),
    ],
)
def test_refused(options, match):
    with pytest.raises(UnsupportedError, match=match):
        load_tflite(dense(**options))


def test_long_biases_keep_their_bits():
    """A bias beyond 32 bits, and the reference's answer."""
    m = Model()
    x = m.tensor([1, 4], "int16", 2.0**-12)
    w = m.tensor([2, 4], "int8", [2.0**-24, 2.0**-20], 0, 0, np.full((2, 4), 127))
    b = m.tensor([2], "int64", [2.0**-36, 2.0**-32], 0, 0, np.array([3 << 35, -(1 << 34)]))
    y = m.tensor([1, 2], "int16", 2.0**-12)
    m.op("FULLY_CONNECTED", [x, w, b], [y])
    data, inputs = m.build([x], [y]), [np.array([[1, -32768, 32767, 5]], np.int16)]
    assert np.array_equal(CoreModel(load_tflite(data)).run(inputs)[0].ravel(), Micro(data).run(inputs)[0].ravel())
