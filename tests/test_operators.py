# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Every operator of a TFLite file against LiteRT's reference kernels, to the bit, over random ugly shapes.

NNOM_CASES: cases per operator (default 24, `make conformance` 90: over 5,000), NNOM_GRAPHS: random graphs.
"""

import os

import numpy as np
import pytest
from nnom.core import CoreModel
from nnom.importers.tflite import load_tflite
from oracle import cases, reference

CASES = int(os.environ.get("NNOM_CASES", "24"))
GRAPHS = int(os.environ.get("NNOM_GRAPHS", "150"))
INT8 = list(cases.OPERATORS)
FLOAT = [op for op in cases.OPERATORS if op not in cases.INT8_ONLY]

# LiteRT's int8 kernel negates the stored bytes and ignores scale and zero point: wrong unless they agree and are 0.
# Compared with real arithmetic instead.
DEFECTS = {"NEG"}


def run(case, **options):
    graph = load_tflite(case.data)
    return graph, CoreModel(graph, **options).run([x.reshape(-1) for x in case.inputs])


def difference(out, expected):
    pairs = zip(out, expected, strict=True)
    return max(float(np.abs(o.ravel().astype(np.float64) - e.ravel()).max()) for o, e in pairs)


def negated(graph, case):
    """-x in the output's quantisation, rounded half away from zero; the operator reads its one input."""
    node = graph.nodes[-1]
    quant_in, quant_out = graph.tensors[node.inputs[0]].quant, graph.tensors[node.output].quant
    x = case.inputs[graph.inputs.index(node.inputs[0])].astype(np.float64)
    y = -(x - quant_in.zero_point) * quant_in.scale / quant_out.scale
    return [np.clip(np.trunc(y + np.copysign(0.5, y)) + quant_out.zero_point, -128, 127)]


@pytest.mark.parametrize("op", INT8)
def test_int8_operator(op):
    for seed in range(CASES):
        case = cases.single(op, np.random.default_rng([seed, 1001]), "int8")
        graph, out = run(case)
        expected = negated(graph, case) if op in DEFECTS else reference.expected(case)
        tolerance = 1 if op in cases.ROUNDS_ONCE or op in DEFECTS else 0
        assert difference(out, expected) <= tolerance, f"seed {seed}: {case.text}"


@pytest.mark.parametrize("op", FLOAT)
def test_float_operator(op):
    for seed in range(max(CASES // 3, 1)):
        case = cases.single(op, np.random.default_rng([seed, 1002]), "float32")
        expected = reference.expected(case)
        _, out = run(case)
        largest = max(1.0, max(float(np.abs(e).max()) for e in expected))
        assert difference(out, expected) <= 1e-5 * largest, f"seed {seed}: {case.text}"


def defective(graph):
    """True if the graph has a NEG."""
    return any(n.op == "activation" and n.attrs["kind"] == "neg" for n in graph.nodes)


@pytest.mark.parametrize("block", range(10))
def test_graphs(block):
    """Random graphs of 3 to 12 operators: whole, rolling and fed execution give the reference's bytes."""
    compared = 0
    for seed in range(block, GRAPHS, 10):
        case = cases.graph(np.random.default_rng([seed, 1003]))
        expected = reference.expected(case)
        graph, out = run(case)
        if not defective(graph):
            assert difference(out, expected) == 0, f"seed {seed}: {case.text}"
            compared += 1
        ways = [{"mode": "auto"}, {"mode": "smallest"}, {"mode": "whole", "fast_bytes": 64}]
        ways += [{"mode": "smallest", "feed": True}, {"mode": "whole", "feed": True}] if len(graph.inputs) == 1 else []
        for options in ways:
            _, rolled = run(case, **options)
            assert difference(rolled, out) == 0, f"seed {seed} {options}: {case.text}"
    assert compared > 0
