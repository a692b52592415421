# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The book of operators: complete, and Graph.add holds every node against it."""

from __future__ import annotations

import numpy as np
import pytest
from nnom import ops
from nnom.errors import ModelError, OperatorError
from nnom.graph import Graph, Node, Tensor, Weight
from nnom.mapping import MAPPING

GOOD = {
    "stride": (1, 1), "dilation": (1, 1), "kernel": (2, 2), "padding": (0, 0, 0, 0), "shape": (1, 1, 1),
    "beta": 1.0, "alpha": 0.5, "alpha_zero_point": 0, "epsilon": 1e-3, "axis": 2, "count": 1, "adj_x": False,
    "adj_y": True, "value": 0.0, "channels": (0, 0), "mode": "reflect", "begin": (0, 0, 0), "size": (1, 1, 1),
    "perm": (0, 2, 1), "multiples": (1, 1, 2), "align_corners": False, "half_pixel_centers": True, "block": 2,
    "axes": (0, 1), "relation": "less", "sequence": True, "backwards": False, "reverse": False, "reset_after": True,
    "state": "int8", "state_scale": 0.5, "state_zero_point": 1, "cell_scale": 0.5, "cell_clip": 1.0, "index": 1,
}  # fmt: skip
BAD = ("three", (1, "a", 2), None, object())


def value(op: str, name: str):
    if name == "kind":
        return "mean" if op == "reduce" else "relu"
    if name == "indices":
        return [0, 1] if op == "gather" else True
    return (1, 1, 1) if (op, name) == ("slice", "stride") else GOOD[name]


def node(op: str) -> Node:
    entry = ops.OPERATORS[op]
    attrs = {name: value(op, name) for name in entry.attrs}
    weights = {name: Weight(np.ones((1,) * axes, np.float32)) for name, (axes, _) in entry.weights.items()}
    return Node(op, "thing", ["x"] * entry.inputs[0], "y", attrs, weights)


def add(one: Node) -> None:
    graph = Graph("g", "g.file")
    graph.add_tensor(Tensor("x", (1, 1, 1)))
    graph.add(one, (1, 1, 1))


def refused(one: Node, what: str) -> None:
    with pytest.raises(OperatorError, match=rf"g\.file: layer 'thing': .*{what}"):
        add(one)


def test_every_layer_has_an_entry_and_every_entry_a_layer() -> None:
    assert set(MAPPING) == set(ops.OPERATORS) - {"batch_norm"}
    assert issubclass(OperatorError, ModelError)


@pytest.mark.parametrize("op", ops.OPERATORS)
def test_wrong_and_missing_attributes_are_refused_by_name(op: str) -> None:
    add(node(op))
    for name, attribute in ops.OPERATORS[op].attrs.items():
        for bad in BAD:
            if bad is None and attribute.standard is None:
                continue
            one = node(op)
            one.attrs[name] = bad
            refused(one, f"'{name}'.*expected")
        one = node(op)
        del one.attrs[name]
        if attribute.required:
            refused(one, f"lacks attribute '{name}'")
        else:
            add(one)
    one = node(op)
    one.attrs["colour"] = 1
    refused(one, "no attribute 'colour'")
    one = node(op)
    one.attrs["activation"] = "tanh"
    refused(one, "'activation'")


@pytest.mark.parametrize("op", ops.OPERATORS)
def test_wrong_weights_and_inputs_are_refused(op: str) -> None:
    entry = ops.OPERATORS[op]
    for name, (axes, required) in entry.weights.items():
        one = node(op)
        one.weights[name] = Weight(np.ones((1,) * (axes + 1), np.float32))
        refused(one, f"'{name}'")
        one = node(op)
        del one.weights[name]
        if required:
            refused(one, f"lacks weights '{name}'")
        else:
            add(one)
    one = node(op)
    one.weights["more"] = Weight(np.ones(1, np.float32))
    refused(one, "no weights 'more'")
    one = node(op)
    one.inputs = ["x"] * (entry.inputs[1] + 1)
    refused(one, "inputs; expected")


def test_functions_with_a_parameter_need_it() -> None:
    for kind, function in ops.FUNCTIONS.items():
        one = node("activation")
        one.attrs = {"kind": kind}
        if function.parameter:
            refused(one, "lacks attribute 'alpha'")
        else:
            add(one)


def test_unknown_operators_are_refused() -> None:
    refused(Node("frobnicate", "thing", ["x"], "y"), "operator 'frobnicate' is not known")
