# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The book of operators: complete, and Graph.add holds every node against it."""

from __future__ import annotations

import numpy as np
import pytest
from nnom import ops
from nnom.attributes import Attribute
from nnom.errors import ModelError, OperatorError
from nnom.graph import Graph, Node, Tensor, Weight
from nnom.mapping import MAPPING

GOOD = (1, 0.5, True, (1, 1), (1, 1, 1), (1, 1, 1, 1))
BAD = ("three", (1, "a", 2), None, object())


def value(attribute: Attribute):
    """One that fits."""
    return next(v for v in (*attribute.names, *GOOD) if attribute.fits(v))


def node(op: str) -> Node:
    entry = ops.OPERATORS[op]
    attrs = {name: value(attribute) for name, attribute in entry.attrs.items()}
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
