# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The smooth activations of src/layers/smooth.c against Keras, in float and as int8 tables."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from nnom.core import CoreModel  # noqa: E402
from nnom.graph import Graph, Node, Quant, Tensor  # noqa: E402

KINDS = {
    "softplus": (keras.ops.softplus, None),
    "log_sigmoid": (keras.ops.log_sigmoid, None),
    "softsign": (keras.ops.soft_sign if hasattr(keras.ops, "soft_sign") else keras.ops.softsign, None),
    "silu": (keras.ops.silu, None),
    "mish": (lambda x: x * keras.ops.tanh(keras.ops.softplus(x)), None),
    "selu": (keras.ops.selu, None),
    "celu": (lambda x: keras.ops.celu(x, alpha=0.7), 0.7),
    "hard_sigmoid": (keras.ops.hard_sigmoid, 1 / 6),
}


def model(kind, alpha, dtype, quant_in=None, quant_out=None, h=1, c=256):
    graph = Graph("g", kind)
    graph.add_tensor(Tensor("x", (h, 1, c), dtype, quant_in))
    graph.inputs = ["x"]
    attrs = {"kind": kind} if alpha is None else {"kind": kind, "alpha": alpha}
    graph.outputs = [graph.add(Node("activation", "y", ["x"], "y", attrs), (h, 1, c), dtype, quant_out)]
    return CoreModel(graph)


@pytest.mark.parametrize("kind", KINDS)
def test_float(kind):
    function, alpha = KINDS[kind]
    x = np.concatenate([np.linspace(-9, 9, 253), [-90.0, 0.0, 90.0]]).astype(np.float32)
    got = model(kind, alpha, "float32").run([x])[0].ravel()
    expected = np.asarray(function(x))
    assert np.abs(got - expected).max() <= 1e-5 * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("kind", KINDS)
def test_int8_table(kind):
    function, alpha = KINDS[kind]
    quant_in, quant_out = Quant(0.05, 3), Quant(0.06, -9)
    q = np.arange(-128, 128).astype(np.int8)
    got = model(kind, alpha, "int8", quant_in, quant_out).run([q])[0].ravel()
    real = np.asarray(function(((q.astype(np.int32) - 3) * np.float32(0.05)).astype(np.float32)), np.float64)
    exact = np.clip(real / 0.06 - 9, -128, 127)
    assert np.abs(got - exact).max() <= 0.5 + 1e-3  # rounded to nearest
