# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""A search for numbers that requantise wrongly: every layer that requantises, with scales, weights, biases and zero
points out of all of their ranges, extremes preferred, against integers of unlimited width.

    NNOM_CORE_LIBRARY=core.so python tests/requantise.py NUMBER SEED

runs random models of one layer until NUMBER outputs were requantised; core.so: built with -fsanitize=undefined.
Prints what it found wrong and exits with 1, or a line with the count. Every model runs or is refused with a text.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from exact import HUGE, Array, mean_multiplier, multiplier, quotient, requantise
from nnom.core import CoreModel, targets
from nnom.errors import CoreError
from nnom.graph import Graph, Node, Quant, Tensor, Weight

TARGETS = tuple(targets())  # every kernel variant

# ---- Random numbers ----

SCALES = (1e-38, 1e-30, 2.0**-20, 1.0 / 256, 1.0, 1.0 - 2.0**-24, 2.0 - 2.0**-22, 2.0**15, 2.0**31, 1e30)


@dataclass
class Case:
    """One layer: its graph, its inputs, and what its outputs are before zero point and limits."""

    graph: Graph
    inputs: list[Array]
    values: Callable[[], Array]


class Maker:
    """Random parts of a case. `near`: scales fit each other so that factors are within 2^-4 to 2^34."""

    def __init__(self, seed: int, number: int):
        self.rng = np.random.default_rng([seed, number])
        self.near = self.rng.random() < 0.7
        self.graph = Graph("g", f"seed {seed}, model {number}")
        self.inputs: list[Array] = []

    def pick(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def scale(self, over: float = 1.0) -> float:
        """float32 > 0; near: `over` divided by a factor."""
        if self.near:
            factor = self.pick(2.0 ** self.rng.uniform(-4, 34), 2.0 ** self.rng.integers(-4, 34), 1.9999999, 0.99999994)
            return float(np.float32(min(max(over / factor, 1e-37), 1e30)))
        return float(np.float32(self.pick(self.pick(*SCALES), 2.0 ** self.rng.uniform(-120, 99))))

    def zero(self) -> int:
        return int(self.pick(-128, 127, 0, self.rng.integers(-128, 128)))

    def input_scale(self) -> float:
        return float(np.float32(self.pick(*SCALES[2:7], 2.0 ** self.rng.uniform(-9, 3)))) if self.near else self.scale()

    def bytes(self, shape) -> Array:
        kind = self.rng.integers(4)
        if kind == 0:
            return self.rng.choice(np.array([-128, 127]), shape)
        if kind == 1:
            return np.full(shape, self.pick(-128, 127, 1, 0))
        return self.rng.integers(-128, 128, shape)

    def words(self, shape, limits) -> Array:
        if self.rng.random() < 0.3:
            return self.rng.choice(np.array([limits.min, limits.max]), shape)
        return self.rng.integers(limits.min, limits.max + 1, shape)

    def zero_of(self, dtype: str) -> int:
        limits = np.iinfo(dtype)
        return int(self.pick(limits.min, limits.max, 0, self.rng.integers(limits.min, limits.max + 1)))

    def input(self, shape, dtype: str = "int8") -> tuple[str, Array, Quant]:
        """Name, x - zero point, quantisation."""
        name, quant = f"in{len(self.inputs)}", Quant(self.input_scale(), self.zero_of(dtype))
        self.graph.add_tensor(Tensor(name, shape, dtype, quant))
        self.graph.inputs.append(name)
        values = self.bytes(shape) if dtype == "int8" else self.words(shape, np.iinfo(dtype))
        self.inputs.append(values.astype(dtype))
        return name, self.inputs[-1].astype(np.int64) - quant.zero_point, quant

    def case(self, op: str, names: list[str], shape, quant: Quant, values, **more) -> Case:
        weights, dtype = more.pop("weights", {}), more.pop("dtype", "int8")
        self.graph.add(Node(op, op, names, "out", more, weights), shape, dtype, quant)
        self.graph.outputs = ["out"]
        return Case(self.graph, self.inputs, values)

    def clamp(self) -> str:
        return self.pick("none", "none", "none", "relu")


def weighted(m: Maker) -> Case:
    """1x1 kernels: the accumulators themselves are tested elsewhere."""
    op = m.pick("dense", "conv2d", "conv2d", "depthwise_conv2d", "conv2d_transpose")
    depthwise = op == "depthwise_conv2d"
    shape = (1, 1, 64) if op == "dense" else (24, 24, 8)
    name, x, q = m.input(shape)
    outputs = 8 if depthwise else (1024 if op == "dense" else int(m.pick(4, 8)))
    w = m.bytes((1, outputs) if depthwise else (outputs, shape[2])).astype(np.int64)
    bias_most = m.pick(0, 255, 1 << 16, 1 << 24, 1 << 30, (1 << 31) - 1)
    bias = m.rng.integers(-bias_most, bias_most + 1, outputs)
    room = (1 << 31) - 1 - 128 * np.abs(w).sum(axis=0 if depthwise else 1)
    most = room - np.abs(q.zero_point * w.sum(axis=0 if depthwise else 1))
    bias = np.where(m.rng.random(outputs) < 0.5, bias, m.pick(-1, 1) * (most - m.rng.integers(0, 400, outputs)))
    bias = np.clip(bias, -(2**31), 2**31 - 1)
    scales = np.array([np.float32(m.pick(1.0, 2.0**-7, 1.9999999)) for _ in range(outputs)], np.float32)
    if not m.near:
        scales *= np.float32(2.0 ** m.rng.integers(-40, 20))
    out = Quant(m.scale(q.scale * float(scales.max())), m.zero())
    layout = {
        "dense": (outputs, shape[2]),
        "conv2d": (outputs, 1, 1, shape[2]),
        "depthwise_conv2d": (1, 1, outputs),
        "conv2d_transpose": (outputs, 1, 1, shape[2]),
    }[op]

    def values() -> Array:
        flat = x.reshape(-1, shape[2])
        acc = (flat * w if depthwise else flat @ w.T) + bias
        columns = [requantise(acc[:, o], *multiplier(q.scale * float(scales[o]) / out.scale)) for o in range(outputs)]
        return np.stack(columns, 1)

    weights = {"weights": Weight(w.reshape(layout).astype(np.int8), scales), "bias": Weight(bias.astype(np.int32))}
    geometry = {} if op == "dense" else {"stride": (1, 1), "padding": (0, 0, 0, 0)}
    return m.case(op, [name], (*shape[:2], outputs), out, values, weights=weights, activation=m.clamp(), **geometry)


def summed(m: Maker) -> Case:
    op = m.pick("add", "sub")
    (a, x, q), (b, y, r) = m.input((20, 20, 8)), m.input((20, 20, 8))
    real = np.float64 if op == "add" else np.float32
    twice = real(2.0) * real(max(q.scale, r.scale))
    out = Quant(m.scale(float(twice)), m.zero())

    def values() -> Array:
        with np.errstate(all="ignore"):
            factors = [float(real(s) / twice) for s in (q.scale, r.scale)]
            last = float(twice / (real(1 << 20) * real(out.scale)))
        u, v = (requantise(z << 20, *multiplier(f)) for z, f in zip((x, y), factors, strict=True))
        return requantise(u + v if op == "add" else u - v, *multiplier(last))

    return m.case(op, [a, b], (20, 20, 8), out, values, activation=m.clamp())


def product(m: Maker) -> Case:
    op = m.pick("mult", "prelu", "batch_matmul")
    (a, x, q), (b, y, r) = m.input((1, 32, 32)), m.input((1, 32, 32))
    both = float(np.float32(q.scale) * np.float32(r.scale)) if op == "batch_matmul" else q.scale * r.scale
    out = Quant(m.scale(both), m.zero())

    def values() -> Array:
        factor = multiplier(both / out.scale)
        if op == "batch_matmul":
            return requantise(x[0] @ y[0], *factor)
        scaled = requantise(x * y, *factor)
        return scaled if op == "mult" else np.where(x >= 0, requantise(x, *multiplier(q.scale / out.scale)), scaled)

    more = {"adj_x": False, "adj_y": False} if op == "batch_matmul" else {}
    if op == "mult":
        more["activation"] = m.clamp()
    return m.case(op, [a, b], (1, 32, 32), out, values, **more)


def squared(m: Maker) -> Case:
    (a, x, q), (b, y, r) = m.input((20, 20, 8)), m.input((20, 20, 8))
    twice = 2.0 * max(q.scale, r.scale)
    out = Quant(m.scale(twice * twice / 2.0**14 * 2.0**30) if m.near else m.scale(), m.zero())

    def values() -> Array:
        u, v = (requantise(z * 128, *multiplier(t.scale / twice)) for z, t in ((x, q), (y, r)))
        real = twice * twice / float(np.float32(16384.0) * np.float32(out.scale))
        return requantise((u - v) ** 2, *multiplier(real))

    return m.case("squared_difference", [a, b], (20, 20, 8), out, values, activation=m.clamp())


def divided(m: Maker) -> Case:
    (a, x, q), (b, y, r) = m.input((20, 20, 4)), m.input((20, 20, 4))
    out = Quant(m.scale(q.scale / r.scale * 2.0 ** float(m.pick(0, 12, 20))), m.zero())

    def values() -> Array:
        factor = multiplier(q.scale / (r.scale * out.scale))
        pairs = zip(x.ravel().tolist(), y.ravel().tolist(), strict=True)
        return np.array([quotient(u, v, *factor) for u, v in pairs])

    return m.case("div", [a, b], (20, 20, 4), out, values, activation=m.clamp())


def by_rows(m: Maker) -> Case:
    (a, x, q), (b, y, r) = m.input((1, 40, 32)), m.input((1, 24, 32))
    out = Quant(m.scale(q.scale * r.scale), m.zero())
    most = int(m.pick(0, 255, 1 << 16, 1 << 24, (1 << 31) - 1 - 65025 * 32))
    bias = m.rng.integers(-most, most + 1, 24)
    bias = np.where(m.rng.random(24) < 0.5, bias, m.pick(-1, 1) * most)

    def values() -> Array:
        return requantise(x[0] @ y[0].T + bias, *multiplier(q.scale * r.scale / out.scale))

    weights = {"bias": Weight(bias.astype(np.int32))}
    return m.case("dense_by_rows", [a, b], (1, 40, 24), out, values, weights=weights)


def between(m: Maker) -> Case:
    """Quantize from and to 16 bits."""
    types = ("int8", "uint8", "int16")
    source, to = m.pick(*types), m.pick(*types, "int16")
    name, x, q = m.input((32, 32, 4), source)
    out = Quant(m.scale(q.scale), m.zero_of(to))
    return m.case(
        "quantize", [name], (32, 32, 4), out, lambda: requantise(x, *multiplier(q.scale / out.scale)), dtype=to
    )


def extremum(m: Maker) -> Case:
    op = m.pick("maximum", "minimum", "concat")
    (a, x, q), (b, y, r) = m.input((20, 20, 8)), m.input((20, 20, 8))
    out = Quant(m.scale(max(q.scale, r.scale)), m.zero())
    shape = (20, 20, 16) if op == "concat" else (20, 20, 8)

    def values() -> Array:
        u, v = requantise(x, *multiplier(q.scale / out.scale)), requantise(y, *multiplier(r.scale / out.scale))
        if op == "concat":
            return np.concatenate([u, v], 2)
        return np.maximum(u, v) if op == "maximum" else np.minimum(u, v)

    return m.case(op, [a, b], shape, out, values, **({"axis": 2} if op == "concat" else {}))


def single(m: Maker) -> Case:
    op = m.pick("quantize", "relu", "leaky_relu", "abs")
    name, x, q = m.input((32, 32, 8))
    out, alpha = Quant(m.scale(q.scale), m.zero()), float(np.float32(m.pick(0.1, -0.3, 1e-20, 7.0, -1e9)))

    def values() -> Array:
        with np.errstate(all="ignore"):
            in_float = float(np.float32(q.scale) / np.float32(out.scale))
            slope = float(np.float32(q.scale) * np.float32(abs(alpha)) / np.float32(out.scale))
        if op == "quantize":
            return requantise(x, *multiplier(q.scale / out.scale))
        if op == "leaky_relu":
            below = requantise(x, *multiplier(slope)) * (-1 if alpha < 0 else 1)
            return np.where(x >= 0, requantise(x, *multiplier(in_float)), below)
        y = requantise(np.abs(x) if op == "abs" else x, *multiplier(in_float))
        return np.maximum(y, 0) if op == "relu" else y

    if op == "quantize":
        return m.case(op, [name], (32, 32, 8), out, values)
    more = {"alpha": alpha} if op == "leaky_relu" else {}
    return m.case("activation", [name], (32, 32, 8), out, values, kind=op, **more)


def pooled(m: Maker) -> Case:
    kind, way = m.pick("max", "avg", "sum"), m.pick("pool", "global", "reduce")
    side = int(m.pick(1, 2, 3, 5, 8))
    h = side if way == "global" else 8 * side
    name, x, q = m.input((h, h, 256 if way == "global" else 8))
    if m.rng.random() < 0.05:
        m.inputs[0][...], x = 127, np.full_like(x, 127 - q.zero_point)
    out = Quant(m.scale(q.scale), m.zero())
    width = h // side if way != "reduce" else h

    def values() -> Array:
        c = x.shape[2]
        cells = x.reshape(h // side, side, width, h // width, c)
        cells = cells.transpose(0, 2, 4, 1, 3).reshape(h // side, width, c, -1)
        if way == "reduce":
            cells = x.reshape(h, h, c).transpose(1, 2, 0)[None]
        factor, n = multiplier(q.scale / out.scale), cells.shape[-1]
        if kind == "avg":
            factor = mean_multiplier(*factor, n)
        return requantise(cells.max(-1) if kind == "max" else cells.sum(-1), *factor)

    if way == "reduce":
        name_of = {"max": "max", "avg": "mean", "sum": "sum"}
        return m.case("reduce", [name], (1, h, 8), out, values, kind=name_of[kind], axes=[0])
    shape = (1, 1, 256) if way == "global" else (8, 8, 8)
    if way == "global":
        return m.case(f"global_{kind}_pool", [name], shape, out, values)
    return m.case(f"{kind}_pool", [name], shape, out, values, kernel=(side, side), stride=(side, side))


def softmax(m: Maker) -> Case:
    """The last step: from units of 1/256, as the default output shows them, to another scale."""
    name, _, q = m.input((16, 16, 8))
    out = Quant(m.scale(1 / 256), m.zero())
    plain = Graph("plain", "softmax", {name: Tensor(name, (16, 16, 8), "int8", q)}, inputs=[name])
    plain.add(Node("softmax", "s", [name], "y", {}, {}), (16, 16, 8), "int8", Quant(1 / 256, -128))
    plain.outputs = ["y"]

    def values() -> Array:
        units = CoreModel(plain).run(m.inputs)[0].astype(np.int64) + 128
        y = requantise(units, *multiplier(1.0 / (256.0 * out.scale)))
        return np.where(units == 255, -HUGE * 4, y)  # 255 or 256: not known

    return m.case("softmax", [name], (16, 16, 8), out, values)


LAYERS = (weighted, weighted, weighted, summed, product, extremum, single, pooled, softmax)
LAYERS += (squared, divided, by_rows, between)


def wrong(case: Case, got: Array) -> str:
    """What is wrong with a result, "" if nothing."""
    node = case.graph.nodes[0]
    quant, limits = case.graph.tensors["out"].quant, np.iinfo(case.graph.tensors["out"].dtype)
    assert quant is not None
    before = case.values().reshape(got.shape)
    low = quant.zero_point if node.activation == "relu" or node.attrs.get("kind") == "relu" else limits.min
    expected = np.clip(before + quant.zero_point, low, limits.max)
    bad = (got != expected) & (before > -HUGE * 2)
    if not bad.any():
        return ""
    at = tuple(np.argwhere(bad)[0])
    return f"{case.graph.source}: {node.op} gives {got[at]} at {at}, expected {expected[at]} ({bad.sum()} are wrong)"


def search(number: int, seed: int) -> tuple[list[str], Counter]:
    """Until `number` outputs were compared: what is wrong, and the counts."""
    errors: list[str] = []
    count: Counter = Counter()
    while count["outputs"] < number and len(errors) < 20:
        maker = Maker(seed, count["models"])
        case = maker.pick(*LAYERS)(maker)
        count["models"] += 1
        try:
            model = CoreModel(case.graph, target=TARGETS[count["models"] % len(TARGETS)])
            got = model.run(case.inputs)[0].astype(np.int64)
            text = wrong(case, got)
        except CoreError as e:
            count["refused"] += 1
            text = "" if "layer '" in str(e) else f"{case.graph.source}: refused without a reason: {e}"
            got = np.zeros(0)
        errors += [text] if text else []
        count["outputs"] += got.size
        count[case.graph.nodes[0].op] += got.size
    return errors, count


if __name__ == "__main__":
    found, counts = search(int(sys.argv[1]), int(sys.argv[2]))
    print("\n".join(found) or f"{counts['outputs']} outputs of {counts['models']} models, {counts['refused']} refused")
    print(dict(counts))
    sys.exit(1 if found else 0)
