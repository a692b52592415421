# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What the Keras layers are built with: values with Keras's shapes, nodes, constants, activations, checked weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...errors import ModelError
from ...graph import Graph, Node, Shape, Tensor, Weight
from ..layout import Axes, channels_last, in_order
from ..limits import Room
from ..workbench import Refused, fused_clamp
from .keras_config import Config
from .keras_spec import Layer

# Nodes that hand values on as they are: whole numbers stay whole numbers.
MOVES = (
    "reshape", "flatten", "transpose", "slice", "concat", "zero_padding", "mirror_pad", "cropping", "tile", "gather",
    "upsample", "max_pool", "global_max_pool", "maximum", "minimum", "space_to_depth", "depth_to_space",
)  # fmt: skip

# Nodes, and Keras's layers and operations, that tensors of more than three axes may go through.
ANY_RANK = (
    "reshape", "flatten", "transpose", "moveaxis", "swapaxes", "squeeze", "expand_dims",
    "Reshape", "Flatten", "Permute",
)  # fmt: skip

# Keras's names of functions of one value: kind and, where the function has a parameter, its alpha in Keras.
FUNCTIONS: dict[str, tuple[str, float | None]] = {
    "relu": ("relu", None), "relu6": ("relu6", None), "hard_tanh": ("relu_n1_to_1", None), "sigmoid": ("sigmoid", None),
    "tanh": ("tanh", None), "elu": ("elu", 1.0), "selu": ("selu", None), "celu": ("celu", 1.0),
    "leaky_relu": ("leaky_relu", 0.2), "exponential": ("exp", None), "exp": ("exp", None), "log": ("log", None),
    "sqrt": ("sqrt", None), "rsqrt": ("rsqrt", None), "abs": ("abs", None), "absolute": ("abs", None),
    "neg": ("neg", None), "negative": ("neg", None), "square": ("square", None), "softplus": ("softplus", None),
    "softsign": ("softsign", None), "silu": ("silu", None), "swish": ("silu", None), "gelu": ("gelu", None),
    "hard_sigmoid": ("hard_sigmoid", 1 / 6), "hard_silu": ("hard_swish", None), "hard_swish": ("hard_swish", None),
    "mish": ("mish", None), "log_sigmoid": ("log_sigmoid", None), "tanh_shrink": ("tanh_shrink", None),
    "soft_shrink": ("soft_shrink", 0.5), "hard_shrink": ("hard_shrink", 0.5), "squareplus": ("squareplus", 4.0),
    "sparse_plus": ("sparse_plus", None), "sparse_sigmoid": ("hard_sigmoid", 0.5),
}  # fmt: skip


class Value(NamedTuple):
    """A tensor of the graph and its shape in Keras without the batch.

    Rank 0 to 3; more only between layers that move all values (ANY_RANK), as a shuffle of channels is written.
    dtype: in Keras. Whole numbers are floats in the graph, which knows nothing of how they overflow.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def axes(self) -> Axes:
        """Which of h, w, c each axis is."""
        return axes_of(self.shape)

    @property
    def sides(self) -> Shape:
        """(h, w, c)."""
        return sides_of(self.shape)


class Act(NamedTuple):
    """An activation: `kind` "linear", "softmax", "log_softmax" or a function of one value, with its parameter.

    top: results above become this.
    """

    kind: str
    alpha: float | None = None
    top: float | None = None

    @property
    def clamp(self) -> str:
        """What a layer does of it, or "none"."""
        return fused_clamp(self.kind) if self.top is None else "none"


def axes_of(shape: Sequence[int]) -> Axes:
    """The map of Keras's (C), (T, C), (H, W, C)."""
    axes = channels_last((1, *shape))
    if axes is None:
        raise Refused(
            f"shape {tuple(shape)} has more than 3 dimensions", "at most (height, width, channels) is supported"
        )
    return Axes(axes[1:])


def sides_of(shape: Sequence[int]) -> Shape:
    """Keras (C), (T, C), (H, W, C) as (h, w, c); of more axes h is all but the last two."""
    return in_order((1, *shape))


def few_axes(given: Any) -> None:
    """Refuses tensors of more than three axes in what a layer is called with."""
    if isinstance(given, Value):
        axes_of(given.shape)
    elif isinstance(given, (list, tuple)):
        for one in given:
            few_axes(one)
    elif isinstance(given, dict):
        few_axes(list(given.values()))


class Builder:
    """Appends nodes to a graph. `v3` says whose defaults apply: Keras 3's or Keras 2's."""

    def __init__(self, graph: Graph, v3: bool):
        self.graph = graph
        self.v3 = v3
        self.scope = ""
        self.room = Room(graph.source)

    def node(
        self,
        op: str,
        name: str,
        inputs: Sequence[Value],
        shape: Sequence[int],
        attrs: dict[str, Any] | None = None,
        weights: dict[str, Weight] | None = None,
        like: Value | None = None,
    ) -> Value:
        """`shape`: of the result, in Keras's form. like: whose type it has, by default the first input."""
        if op not in ANY_RANK:
            axes_of(shape)
        self.room.take(f"layer '{name}'", shape)
        unique = self.graph.unique(self.scope + name)
        node = Node(op, unique, [v.name for v in inputs], unique, attrs or {}, weights or {})
        stored = "int32" if node.entry.integers else self.graph.tensors[(like or inputs[0]).name].dtype
        dtype = stored if stored != "float32" else (like or inputs[0]).dtype if op in MOVES else "float32"
        return Value(self.graph.add(node, sides_of(shape), stored), tuple(shape), dtype)

    def constant(self, name: str, data: np.ndarray) -> Value:
        """`data`: rank 0 to 3, in Keras's form without the batch."""
        self.room.take(f"layer '{name}'", data.shape)
        unique = self.graph.unique(self.scope + name)
        array = np.ascontiguousarray(data, dtype=np.float32)
        if not np.isfinite(array).all():
            raise ModelError(f"{self.graph.source}: layer '{name}' needs constants beyond the range of float32")
        placed = axes_of(array.shape).arranged(array)
        self.graph.add_tensor(Tensor(unique, placed.shape, data=placed))
        return Value(unique, array.shape)

    def reshaped(self, name: str, x: Value, shape: Sequence[int]) -> Value:
        """`x` with another shape of the same number of elements; no node if (h, w, c) stays."""
        if sides_of(shape) == x.sides:
            return x._replace(shape=tuple(shape))
        return self.node("reshape", name, [x], shape, {"shape": sides_of(shape)})

    def activation(self, name: str, x: Value, act: Act) -> Value:
        """`x` through an activation that is a node of its own; x itself if it is linear."""
        if act.top is not None:
            x = self.activation(f"{name}_{act.kind}", x, act._replace(top=None))
            top = self.constant(f"{name}_minimum", np.array(act.top))
            return self.node("minimum", name, [x, top], x.shape, {"activation": "none"})
        if act.kind == "linear":
            return x
        if act.kind in ("softmax", "log_softmax"):
            return self.node(act.kind, name, [x], x.shape)
        if act.kind in COMPOSED:
            return COMPOSED[act.kind](self, name, x, act.alpha or 0.0)
        attrs: dict[str, Any] = {"kind": act.kind}
        if act.alpha is not None:
            attrs["alpha"] = act.alpha
        return self.node("activation", name, [x], x.shape, attrs)

    def activated(
        self,
        op: str,
        layer: Layer,
        x: Value,
        shape: Sequence[int],
        attrs: dict[str, Any],
        weights: dict[str, Weight],
    ) -> Value:
        """A node followed by the layer's activation: clamps are fused, others follow as a node of their own."""
        act = layer_activation(layer, self.v3)
        y = self.node(op, layer.name, [x], shape, {**attrs, "activation": act.clamp}, weights)
        return self.finished(layer, y, act)

    def finished(self, layer: Layer, y: Value, act: Act) -> Value:
        """`y`, whose node has fused the layer's activation if that is a clamp, through any other."""
        return y if act.clamp != "none" else self.activation(f"{layer.name}_{act.kind}", y, act)

    def chain(self, op: str, name: str, values: Sequence[Value]) -> Value:
        """Two or more values combined pairwise; dimensions of size 1 are broadcast."""
        rank = max(len(v.shape) for v in values)
        result = self._ranked(name, values[0], rank)
        for value in values[1:]:
            other = self._ranked(name, value, rank)
            try:
                shape = np.broadcast_shapes(result.shape, other.shape)
            except ValueError:
                raise ModelError(
                    f"{self.graph.source}: layer '{name}' combines shapes {result.shape} and {other.shape}; "
                    "expected equal sizes or 1"
                ) from None
            result = self.node(op, name, [result, other], shape, {"activation": "none"})
        return result

    def _ranked(self, name: str, x: Value, rank: int) -> Value:
        """Missing dimensions are added after the batch, as Keras's merging layers do."""
        return self.reshaped(name + "_shape", x, (1,) * (rank - len(x.shape)) + x.shape)


# ---- functions that the core does not have, of those that it has ----


def _number(b: Builder, op: str, name: str, x: Value, value: float) -> Value:
    """`x` and one number."""
    constant = b.constant(f"{name}_by", np.full((1,) * len(x.shape), value))
    return b.node(op, name, [x, constant], x.shape, {"activation": "none"})


def _both(b: Builder, op: str, name: str, x: Value, y: Value) -> Value:
    return b.node(op, name, [x, y], x.shape, {"activation": "none"})


def _tanh_shrink(b: Builder, name: str, x: Value, alpha: float) -> Value:
    """x - tanh(x)."""
    return _both(b, "sub", name, x, b.activation(f"{name}_tanh", x, Act("tanh")))


def _soft_shrink(b: Builder, name: str, x: Value, alpha: float) -> Value:
    """relu(x - alpha) - relu(-x - alpha)."""
    if alpha < 0:
        raise Refused(f"argument 'threshold' is {alpha:g}", "a number >= 0 is expected")
    above = b.activation(f"{name}_above", _number(b, "sub", f"{name}_less", x, alpha), Act("relu"))
    turned = _number(b, "sub", f"{name}_turned", b.activation(f"{name}_neg", x, Act("neg")), alpha)
    return _both(b, "sub", name, above, b.activation(f"{name}_below", turned, Act("relu")))


def _sparse_plus(b: Builder, name: str, x: Value, alpha: float) -> Value:
    """(clip(x, -1, 1) + 1)^2 / 4 + relu(x - 1)."""
    middle = _number(b, "add", f"{name}_plus", b.activation(f"{name}_clip", x, Act("relu_n1_to_1")), 1.0)
    curve = _number(b, "mult", f"{name}_curve", b.activation(f"{name}_square", middle, Act("square")), 0.25)
    line = b.activation(f"{name}_line", _number(b, "sub", f"{name}_less", x, 1.0), Act("relu"))
    return _both(b, "add", name, curve, line)


def _squareplus(b: Builder, name: str, x: Value, alpha: float) -> Value:
    """(x + sqrt(x^2 + alpha)) / 2."""
    raised = _number(b, "add", f"{name}_raised", b.activation(f"{name}_square", x, Act("square")), alpha)
    total = _both(b, "add", f"{name}_sum", x, b.activation(f"{name}_sqrt", raised, Act("sqrt")))
    return _number(b, "mult", name, total, 0.5)


COMPOSED: dict[str, Callable[[Builder, str, Value, float], Value]] = {
    "tanh_shrink": _tanh_shrink,
    "soft_shrink": _soft_shrink,
    "sparse_plus": _sparse_plus,
    "squareplus": _squareplus,
}


Handler = Callable[[Builder, Layer, list[Value]], Value]


def expect_rank(layer: Layer, x: Value, *ranks: int) -> None:
    """ModelError unless the input has one of these numbers of dimensions, the batch not counted."""
    if len(x.shape) not in ranks:
        wanted = " or ".join(str(r + 1) for r in ranks)
        raise ModelError(f"{layer.where}: its input has shape (batch, {str(x.shape)[1:]}; expected {wanted} dimensions")


def arrays(layer: Layer, *expected: tuple[str, tuple[int, ...] | None]) -> list[np.ndarray]:
    """The layer's weights as float32 after a check of number, shape (None: any) and content."""
    wanted = ", ".join(f"{name} {list(shape) if shape is not None else ''}".strip() for name, shape in expected)
    if len(layer.arrays) != len(expected):
        raise ModelError(
            f"{layer.where}: the file holds {len(layer.arrays)} arrays of weights; expected {len(expected)}: {wanted}"
        )
    found = []
    for (name, shape), array in zip(expected, layer.arrays, strict=True):
        if shape is not None and array.shape != shape:
            raise ModelError(f"{layer.where}: {name} has shape {list(array.shape)}; expected {list(shape)}")
        found.append(_float32(layer, name, array))
    return found


def _float32(layer: Layer, name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        raise ModelError(
            f"{layer.where}: {name} is of type {array.dtype}; expected floating point: save the model in float32"
        )
    with np.errstate(over="ignore"):  # found right below
        result = np.asarray(array, dtype=np.float32)
    if not np.isfinite(result).all():
        count = int((~np.isfinite(result)).sum())
        raise ModelError(
            f"{layer.where}: {name} holds {count} NaN or infinite values of {result.size}; train it again, or clip them"
        )
    return result


def cached(layer: Layer, make: Callable[[], Any]) -> Any:
    """`make()` of the first use, for all uses of the layer: they share its weights."""
    if "made" not in layer.cache:
        layer.cache["made"] = make()
    return layer.cache["made"]


def layer_activation(layer: Layer, v3: bool) -> Act:
    """The activation of a layer that has one built in."""
    return parse_activation(layer.config.get("activation"), layer.where, v3)


def parse_activation(value: Any, where: str, v3: bool) -> Act:
    """`value`: a name, a serialised function or a serialised activation layer; None is linear."""
    if value is None:
        return Act("linear")
    if isinstance(value, dict):
        inner = value.get("config")
        if value.get("class_name") == "function" and isinstance(inner, str):
            return parse_activation(inner, where, v3)
        if isinstance(inner, dict) and value.get("class_name") in _LAYERS:
            config = Config(f"{where}: activation {value['class_name']}", inner)
            return _LAYERS[value["class_name"]](config, v3)
        raise Refused(
            "its activation is a function of your own or of an unknown kind", "use a named activation of Keras"
        )
    if not isinstance(value, str):
        raise ModelError(f"{where}: setting 'activation' is {str(value)[:60]}; expected a name")
    if value in ("linear", "softmax", "log_softmax"):
        return Act(value)
    if value not in FUNCTIONS:
        raise Refused(f"activation '{value}' is unknown", "use relu, sigmoid, tanh or another function of one value")
    kind, alpha = FUNCTIONS[value]
    if value == "hard_sigmoid" and not v3:
        alpha = 0.2  # Keras 2: clip(0.2 x + 0.5, 0, 1)
    return Act(kind, alpha)


def relu_activation(config: Config, v3: bool) -> Act:
    """ReLU(max_value, negative_slope, threshold): another maximum than 6 is a minimum with a constant."""
    slope, threshold, top = (
        config.real(key, 0.0) if config.get(key) is not None else None
        for key in ("negative_slope", "threshold", "max_value")
    )
    if threshold:
        raise Refused(f"ReLU with threshold {threshold:g} is not continuous", "use threshold 0")
    if top is not None and top < 0:
        raise config.fail("max_value", "none, or a number >= 0")
    if top == 6 and not slope:
        return Act("relu6")
    return Act("leaky_relu", slope, top) if slope else Act("relu", None, top)


def leaky_activation(config: Config, v3: bool) -> Act:
    """LeakyReLU: `alpha` in Keras 2, `negative_slope` in Keras 3."""
    key = "negative_slope" if "negative_slope" in config.values else "alpha"
    return Act("leaky_relu", config.real(key, 0.3))


def softmax_activation(config: Config, v3: bool) -> Act:
    """Softmax over the last axis, as a layer's activation; others are refused."""
    if config.get("axis", -1) not in (-1, [-1]):
        raise Refused(f"softmax over axis {config.get('axis')}", "use a Softmax layer of its own")
    return Act("softmax")


_LAYERS: dict[str, Callable[[Config, bool], Act]] = {
    "ReLU": relu_activation,
    "LeakyReLU": leaky_activation,
    "ELU": lambda config, v3: Act("elu", config.real("alpha", 1.0)),
    "Softmax": softmax_activation,
    "Activation": lambda config, v3: parse_activation(config.get("activation"), config.where, v3),
}
