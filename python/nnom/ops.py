# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The book of operators: one entry for each operator of nnom.graph. Everything that is asked of one stands here.

    entry = OPERATORS[node.op]      # or node.entry
    check_node(node)                # OperatorError, with the name of what is wrong; Graph.add does it

A new operator: its entry here, and the importers that make it; a function in mapping.py if it has weights or its
constructor takes something else than its attributes in their order. Passes, quantisation and reports ask the entry;
they compare names only where they mean that operator alone. How to check what attributes may be is in attributes.py.

Attributes: stride, dilation, kernel (h, w); padding (top, bottom, left, right), resolved to numbers by the importer;
shape, begin, size, multiples, perm of h, w, c; axis 0 h, 1 w, 2 c. activation: a clamp fused into the node. Weights are
float32, or int8 with `scale`; a bias is float32, or int32 in units of input scale * weight scale. In layers of int16 it
is int64 or int32, which also tells how sums are kept (nnom_layer_set_bias_bits() in nnom.h).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .attributes import AXES, AXIS, FLAG, INDICES, PAIR, REAL, SIDES, TRIPLE, WHOLE, Attribute, choice
from .errors import OperatorError

if TYPE_CHECKING:
    from .graph import Node

Shape = tuple[int, int, int]
Macs = Callable[[Shape, Shape, tuple[int, ...]], int]  # of shapes of input, output, weights


@dataclass(frozen=True)
class Quant:
    """Affine quantisation of a tensor: real = scale * (q - zero_point)."""

    scale: float
    zero_point: int = 0


# ---- Functions of one value: the operator "activation" ----


@dataclass(frozen=True)
class Function:
    """A kind of activation. layer: its constructor in the core, if it has one. parameter: it takes attribute `alpha`.

    clamp: the core can fuse it into the layer before. quant: that its int8 output always has.
    """

    layer: str
    parameter: bool = False
    clamp: bool = False
    quant: Quant | None = None


_PLAIN = """hard_swish gelu gelu_tanh exp log sqrt rsqrt abs neg square sin cos floor ceil round sign softplus
log_sigmoid softsign silu mish selu"""
FUNCTIONS: dict[str, Function] = {
    **{name: Function(f"nnom_act_{name}", clamp=True) for name in ("relu", "relu6", "relu_n1_to_1")},
    **{name: Function(f"nnom_act_{name}") for name in _PLAIN.split()},
    **{name: Function(f"nnom_act_{name}", parameter=True) for name in ("leaky_relu", "elu", "celu", "hard_sigmoid")},
    "pow": Function("nnom_act_power", parameter=True),
    "hard_shrink": Function("", parameter=True),
    "tanh": Function("nnom_act_tanh", quant=Quant(1 / 128, 0)),
    "sigmoid": Function("nnom_act_sigmoid", quant=Quant(1 / 256, -128)),
}
CLAMPS = tuple(name for name, function in FUNCTIONS.items() if function.clamp)
RELATIONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
CELL_ACTIVATIONS = ("tanh", "sigmoid", "relu", "linear")  # in the order of nnom_cell_activation_t
REDUCTIONS = ("mean", "sum", "max", "min")


def function(kind: str) -> Function:
    """The entry of a kind of activation; of one that is not known: without a layer."""
    return FUNCTIONS.get(kind, Function(""))


# ---- Operators ----


@dataclass(frozen=True)
class Operator:
    """What is known of an operator. What is not said of it, it does not.

    layer: its constructor in the core. inputs: (least, most). attrs, weights: by name; a weight is (axes, needed).

    Quantisation. same_quant: input and output share one, as the core only moves the values. quant: what the int8
    output always has. rescales: brings its inputs to the output's scale and then chooses, so that saturating before or
    after is the same. decisive: no range may clip what it reads. integers: the output holds whole numbers in any graph.

    Values. view: the bytes stay, the shape changes. moves: each value of the output is one of the input. blends: of
    those with same_quant, computes new values. still: it changes nothing if shape and quantisation stay. commutes: its
    inputs may be exchanged. clamps: the core fuses a clamp into it.

    Windows. pool, global_pool; window: slides kernel, stride, padding over h and w; pads_zero: its padding counts as 0.
    turns: h and w may be exchanged, with the attributes. by_rows: each row of the output is made of the same row of the
    inputs, or of one that is repeated: of concat, gather, reduce, slice, tile, transpose unless attributes take h.

    linear: axis of the weights along which the output channels lie, of layers that sum products with constants.
    ranges: how bounds of the output follow (passes/ranges.py): "sums", "rising", "corners", "table", "slopes".
    channels: what it does to them (passes/channels.py): "keep", "pairs", "view", "mix", "repeat", "join", "slice", or
    "unless" attributes say otherwise. macs: of shapes of input, output and weights. gates: of a recurrent layer's cell.
    wide: it takes int16 activations as well.
    """

    layer: str
    inputs: tuple[int, int] = (1, 1)
    attrs: Mapping[str, Attribute] = field(default_factory=dict)
    weights: Mapping[str, tuple[int, bool]] = field(default_factory=dict)
    same_quant: bool = False
    quant: Quant | None = None
    rescales: bool = False
    decisive: bool = False
    integers: bool = False
    view: bool = False
    moves: bool = False
    blends: bool = False
    still: bool = False
    commutes: bool = False
    clamps: bool = False
    pool: bool = False
    global_pool: bool = False
    window: bool = False
    pads_zero: bool = False
    turns: bool = False
    by_rows: bool = False
    linear: int | None = None
    ranges: str = ""
    channels: str = ""
    macs: Macs | None = None
    gates: int = 0
    wide: bool = False

    @property
    def keeps_order(self) -> bool:
        """Whether saturating before it or after it is the same: it moves or chooses values."""
        return (self.same_quant and not self.blends) or self.rescales

    @property
    def sums(self) -> bool:
        """It computes sums or products that nothing has rounded or clamped yet: a clamp goes into it in float, too."""
        return self.linear is not None or self.ranges == "corners"


_STEPS = {"stride": PAIR.default((1, 1)), "padding": SIDES.default((0, 0, 0, 0))}
_WINDOW = {**_STEPS, "dilation": PAIR.default((1, 1))}
_POOL = {"kernel": PAIR, **_STEPS}
_RESIZE = {"shape": TRIPLE, "align_corners": FLAG.default(False), "half_pixel_centers": FLAG.default(False)}
_CHANNELS = {"channels": WHOLE.times(2).default((0, 0))}
_TWO = (2, 2)


def _conv(layer: str, rank: int, linear: int, macs: Macs, **more: object) -> Operator:
    weights = {"weights": (rank, True), "bias": (1, False)}
    common = {"clamps": True, "wide": True}
    return Operator(layer, weights=weights, linear=linear, macs=macs, **common, **more)  # type: ignore[arg-type]


def _pool(layer: str, **more: object) -> Operator:
    common = {"attrs": _POOL, "pool": True, "window": True, "wide": True}
    return Operator(layer, **common, clamps=True, turns=True, ranges="rising", channels="keep", **more)  # type: ignore


def _global(layer: str, **more: object) -> Operator:
    common = {"global_pool": True, "clamps": True, "turns": True, "wide": True}
    return Operator(layer, **common, ranges="rising", channels="keep", **more)  # type: ignore[arg-type]


def _two(layer: str, **more: object) -> Operator:
    common = {"clamps": True, "turns": True, "by_rows": True, "channels": "pairs"}
    return Operator(layer, _TWO, **common, **more)  # type: ignore[arg-type]


def _move(layer: str, attrs: Mapping[str, Attribute] | None = None, **more: object) -> Operator:
    """Its output's values are its input's, in other places."""
    common = {"same_quant": True, "moves": True, "ranges": "rising", "wide": True}
    return Operator(layer, attrs=attrs or {}, **(common | more))  # type: ignore[arg-type]


def _recurrent(layer: str, gates: int, states: int, **more: Attribute) -> Operator:
    """Steps along h. Inputs: a sequence, and all `states` at the beginning or none. recurrent.py tells more.

    Weights: weights [gates * units, features], recurrent [gates * units, units], biases [gates * units]; gates in the
    order of nnom_rnn.h. sequence: the output is that of each step; backwards: the last comes first; reverse: the
    sequence that comes out is turned round. state: "int16", or "int8" with scale and zero point.
    """
    flags = dict.fromkeys(("sequence", "backwards", "reverse"), FLAG.default(False))
    state = {
        "state": choice("int8", "int16").default("int16"),
        "state_scale": REAL.default(0.0),
        "state_zero_point": WHOLE.default(0),
    }
    return Operator(
        layer,
        (1, 1 + states),
        {"kind": choice(*CELL_ACTIVATIONS), **flags, **state, **more},
        {"weights": (2, True), "recurrent": (2, True), "bias": (1, False), "recurrent_bias": (1, False)},
        gates=gates,
        wide=True,
        macs=lambda x, y, w: x[0] * w[0] * (w[1] + w[0] // gates),
    )


OPERATORS: dict[str, Operator] = {
    "conv2d": _conv(  # weights [out, kh, kw, in]
        "nnom_conv2d_7", 4, 0, lambda x, y, w: math.prod(y) * math.prod(w[1:]),
        attrs=_WINDOW, window=True, pads_zero=True, turns=True, ranges="sums", channels="mix",
    ),
    "depthwise_conv2d": _conv(  # weights [kh, kw, out], out = in * multiplier
        "nnom_dw_conv2d_7", 3, 2, lambda x, y, w: math.prod(y) * w[0] * w[1],
        attrs=_WINDOW, window=True, pads_zero=True, turns=True, ranges="sums", channels="repeat",
    ),
    "conv2d_transpose": _conv(  # weights [out, kh, kw, in]
        "nnom_conv2d_transpose_7", 4, 0, lambda x, y, w: math.prod(x) * math.prod(w[:3]),
        attrs=_WINDOW, turns=True, channels="mix",
    ),
    "dense": _conv(  # weights [units, h * w * c of the input]
        "nnom_dense", 2, 0, lambda x, y, w: math.prod(w), ranges="sums", channels="mix",
    ),
    "max_pool": _pool("nnom_max_pool", same_quant=True, moves=True),
    "avg_pool": _pool("nnom_avg_pool"),
    "sum_pool": _pool("nnom_sum_pool", pads_zero=True),
    "global_max_pool": _global("nnom_global_max_pool", same_quant=True, moves=True),
    "global_avg_pool": _global("nnom_global_avg_pool"),
    "global_sum_pool": _global("nnom_global_sum_pool"),
    "flatten": _move("nnom_flatten", view=True, still=True, channels="view"),
    "reshape": _move("nnom_reshape", {"shape": TRIPLE}, view=True, still=True, channels="view"),
    "softmax": Operator(
        "nnom_softmax", attrs={"beta": REAL.default(1.0)}, quant=Quant(1 / 256, -128), decisive=True, turns=True,
        by_rows=True, wide=True,
    ),
    "log_softmax": Operator("nnom_log_softmax", quant=Quant(16 / 256, 127), decisive=True, turns=True, by_rows=True),
    "l2_norm": Operator("nnom_l2_norm", quant=Quant(1 / 128, 0), turns=True, by_rows=True),
    "activation": Operator(  # alpha: of those functions that take it
        "nnom_act_layer", attrs={"kind": choice(*FUNCTIONS), "alpha": REAL.default(None)},
        turns=True, ranges="table", channels="keep", by_rows=True, wide=True,
    ),
    "prelu": Operator(  # slopes: weights "alpha" [c], or a second input
        "nnom_prelu", (1, 2), {"alpha_zero_point": WHOLE.default(0)}, {"alpha": (1, False)},
        turns=True, ranges="slopes", channels="pairs", by_rows=True, wide=True,
    ),
    "batch_norm": Operator(  # folded before quantisation
        "", attrs={"epsilon": REAL}, weights=dict.fromkeys(("gamma", "beta", "mean", "variance"), (1, True)),
    ),
    "concat": Operator(
        "nnom_concat", (1, 65535), {"axis": AXIS}, turns=True, ranges="rising", channels="join", by_rows=True,
        wide=True,
    ),
    "add": _two("nnom_add", ranges="corners", wide=True),
    "sub": _two("nnom_sub", ranges="corners", wide=True),
    "mult": _two("nnom_mult", ranges="corners", commutes=True, wide=True),
    "maximum": _two("nnom_maximum", ranges="rising", commutes=True, rescales=True, wide=True),
    "minimum": _two("nnom_minimum", ranges="rising", commutes=True, rescales=True, wide=True),
    "squared_difference": Operator("nnom_squared_difference", _TWO, by_rows=True, wide=True),
    "div": Operator("nnom_divide", _TWO, by_rows=True),
    "pow": Operator("nnom_power", _TWO, by_rows=True),  # in float alone
    "compare": Operator(  # 1 or 0 in the inputs' type
        "nnom_compare", _TWO, {"relation": choice(*RELATIONS)}, quant=Quant(1.0, 0), by_rows=True,
    ),
    "select": Operator("nnom_select", (3, 3), by_rows=True),  # condition, two inputs of one type
    "look_up": Operator("nnom_look_up", _TWO, same_quant=True, blends=True),  # int32 indices (n, 1, 1), a table's rows
    "top_k": Operator(  # indices: whether these are the output
        "nnom_top_k", attrs={"count": WHOLE, "indices": FLAG}, by_rows=True,
    ),
    "dense_by_rows": Operator(  # rows of one times rows of the other; bias [rows of the second]
        "nnom_dense_by_rows", _TWO, weights={"bias": (1, False)},
    ),
    "batch_matmul": Operator("nnom_batch_matmul", _TWO, {"adj_x": FLAG, "adj_y": FLAG}, wide=True),
    "zero_padding": _move(  # value: a real number
        "nnom_pad", {"padding": SIDES, "value": REAL.default(0.0), **_CHANNELS},
        moves=False, still=True, turns=True, channels="unless",
    ),
    "mirror_pad": _move(
        "nnom_mirror_pad", {"padding": SIDES, "mode": choice("reflect", "symmetric"), **_CHANNELS},
        still=True, turns=True, channels="unless",
    ),
    "slide": _move("nnom_slide", {"rows": WHOLE}, moves=False, ranges=""),  # of all rows that ever came the last ones
    "cropping": _move("nnom_cropping", {"padding": SIDES}, still=True, turns=True, channels="keep"),
    "upsample": _move("nnom_upsample", {"kernel": PAIR.default((1, 1))}, still=True, turns=True, channels="keep"),
    "slice": _move(
        "nnom_slice", {"begin": TRIPLE, "size": TRIPLE, "stride": TRIPLE.default((1, 1, 1))},
        turns=True, channels="slice", by_rows=True,
    ),
    "transpose": _move("nnom_transpose", {"perm": AXIS.times(3)}, channels="unless", by_rows=True),
    "gather": _move("nnom_gather", {"axis": AXIS, "indices": INDICES}, turns=True, channels="unless", by_rows=True),
    "tile": _move("nnom_tile", {"multiples": TRIPLE}, still=True, turns=True, channels="unless", by_rows=True),
    "resize_nearest": _move("nnom_resize_nearest", _RESIZE, still=True, turns=True, channels="keep"),
    "resize_bilinear": _move(
        "nnom_resize_bilinear", _RESIZE, moves=False, blends=True, turns=True, ranges="", channels="keep",
    ),
    "space_to_depth": _move("nnom_space_to_depth", {"block": WHOLE}),
    "depth_to_space": _move("nnom_depth_to_space", {"block": WHOLE}),
    "quantize": Operator("nnom_quantize", still=True, turns=True, ranges="table", channels="keep", by_rows=True),
    "dequantize": Operator("nnom_quantize", turns=True, by_rows=True),  # types of the three: those of the tensors
    "cast": Operator("nnom_cast", by_rows=True),
    "reduce": Operator(
        "nnom_reduce", attrs={"kind": choice(*REDUCTIONS), "axes": AXES}, turns=True, ranges="rising",
        channels="unless", macs=lambda x, y, w: math.prod(x), by_rows=True, wide=True,
    ),
    "simple_rnn": _recurrent("nnom_simple_cell_s", 1, 1),
    "gru": _recurrent("nnom_gru_cell_s", 3, 1, reset_after=FLAG.default(False)),
    "lstm": _recurrent(
        "nnom_lstm_cell_s", 4, 2,
        cell_scale=REAL.default(0.0), cell_clip=REAL.default(0.0), tflite_curves=FLAG.default(False),
    ),
    "svdf": Operator(  # input 1: the state [units * rank, memory]; part 1: what is left of it; time: int16
        "nnom_svdf", (2, 2), {"rank": WHOLE}, {"weights": (2, True), "time": (2, True), "bias": (1, False)},
        macs=lambda x, y, w: w[0] * w[1],
    ),
    "part": Operator("nnom_layer_part", attrs={"index": WHOLE}),  # a further output of the layer that it reads
    "arg_max": Operator("nnom_arg_max", attrs={"axis": AXIS}, integers=True),
    "arg_min": Operator("nnom_arg_min", attrs={"axis": AXIS}, integers=True),
}  # fmt: skip
_ACTIVATION = choice("none", *CLAMPS).default("none")  # every operator takes it


def known(op: str) -> Operator:
    """The entry of an operator. OperatorError if there is none."""
    if op not in OPERATORS:
        raise OperatorError(f"operator '{op}' is not known; see nnom.ops")
    return OPERATORS[op]


def check_node(node: Node) -> None:
    """OperatorError, if a node's inputs, attributes or weights are not those of its entry."""
    entry = known(node.op)
    least, most = entry.inputs
    if not least <= len(node.inputs) <= most:
        count = str(least) if least == most else f"{least} to {most}"
        raise OperatorError(f"{node.op} has {len(node.inputs)} inputs; expected {count}")
    _check_attributes(node, entry)
    _check_weights(node, entry)


def _check_attributes(node: Node, entry: Operator) -> None:
    allowed = {**entry.attrs, "activation": _ACTIVATION}
    for name, value in node.attrs.items():
        if name not in allowed:
            raise OperatorError(f"{node.op} has no attribute '{name}'; expected {', '.join(allowed)}")
        wrong = allowed[name].wrong(value)
        if wrong:
            raise OperatorError(f"attribute '{name}' of {node.op} is {value!r:.60}; expected {wrong}")
    missing = [name for name, attribute in entry.attrs.items() if attribute.required and name not in node.attrs]
    if node.op == "activation" and not missing and node.attrs.get("alpha") is None:
        missing += ["alpha"] if FUNCTIONS[node.attrs["kind"]].parameter else []
    if missing:
        raise OperatorError(f"{node.op} lacks attribute '{missing[0]}'")


def _check_weights(node: Node, entry: Operator) -> None:
    for name, weight in node.weights.items():
        if name not in entry.weights:
            raise OperatorError(f"{node.op} has no weights '{name}'; expected {', '.join(entry.weights) or 'none'}")
        axes = entry.weights[name][0]
        if weight.data.ndim != axes:
            raise OperatorError(f"weights '{name}' of {node.op} have {weight.data.ndim} axes; expected {axes}")
    for name, (_, required) in entry.weights.items():
        if required and name not in node.weights:
            raise OperatorError(f"{node.op} lacks weights '{name}'")
