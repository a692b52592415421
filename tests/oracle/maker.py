# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What the generators of cases.py build models with: random scales, constants and inputs on top of writer.Model."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .writer import Model

Rng = np.random.Generator


@dataclass
class Case:
    """A model and inputs for it."""

    text: str
    data: bytes
    inputs: list[np.ndarray]
    oracle: bytes


@dataclass
class Maker:
    """A model under construction, with what is known of its tensors."""

    rng: Rng
    dtype: str = "int8"
    nibbles: bool = False  # weights are int4
    model: Model = field(default_factory=Model)
    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    quants: dict[int, tuple[float, int]] = field(default_factory=dict)
    inputs: list[int] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def pick(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def num(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def quant(self) -> tuple[float, int]:
        """A scale from 2^-8 to 2 and a zero point, often an extreme one; of int16 the scale / 256, and 0."""
        if self.dtype == "int16":
            return float(np.float32(2 ** self.rng.uniform(-16, -7))), 0
        return float(np.float32(2 ** self.rng.uniform(-8, 1))), self.pick(
            -128, 127, 0, self.num(-128, 127), self.num(-40, 40)
        )

    def act(self, shape, quant: tuple[float, int] | None = None, dtype: str | None = None) -> int:
        dtype = dtype or self.dtype
        quant = quant or self.quant()
        scaled = dtype in ("int8", "uint8", "int16")
        t = self.model.tensor(shape, dtype, quant[0] if scaled else None, quant[1])
        self.shapes[t], self.quants[t] = tuple(int(n) for n in shape), quant
        return t

    def input(self, shape, quant=None, dtype: str | None = None) -> int:
        t = self.act(shape, quant, dtype)
        self.inputs.append(t)
        return t

    def ints(self, values, shape=None) -> int:
        data = np.asarray(values, np.int32)
        return self.model.tensor(data.shape if shape is None else shape, "int32", data=data)

    def constant(self, shape, quant=None, dtype: str | None = None) -> int:
        """A constant operand, if nothing else is said of the activations' type."""
        quant, dtype = quant or self.quant(), dtype or self.dtype
        if dtype == "float32":
            t = self.model.tensor(shape, "float32", data=self.rng.normal(size=shape))
        else:
            most = np.iinfo(dtype).max + 1
            t = self.model.tensor(shape, dtype, quant[0], quant[1], data=self.rng.integers(-most, most, shape))
        self.shapes[t], self.quants[t] = tuple(shape), quant
        return t

    def values(self, t: int) -> np.ndarray:
        """Random content of an input: the extremes are there."""
        shape = self.shapes[t]
        if self.model.tensors[t].type == 0:
            return self.rng.normal(size=shape).astype(np.float32)
        info = np.iinfo({3: np.uint8, 7: np.int16}.get(self.model.tensors[t].type, np.int8))
        data = self.rng.integers(info.min, info.max + 1, shape)
        kind = self.num(0, 5)
        if kind == 0:
            data = self.rng.choice([info.min, info.max], shape)
        elif kind == 1:
            data[...] = self.pick(info.min, info.max)
        return data.astype(info.dtype)

    def add(self, name: str, inputs, outputs, **options) -> None:
        self.model.op(name, inputs, outputs, **options)
        self.text.append(f"{name}{[self.shapes.get(i) for i in inputs[:3]]}{options}")

    def case(self, outputs: list[int]) -> Case:
        data = self.model.build(self.inputs, outputs)
        oracle = self.model.build_without_dense(self.inputs, outputs) if self.dtype == "int8" else data
        return Case(" ".join(self.text), data, [self.values(t) for t in self.inputs], oracle)

    def weights(
        self,
        shape,
        axis: int,
        source: int,
        fan_in: int,
        channels: int,
        per_channel: bool | None = None,
        bias: bool = False,
        bias_type: str = "",
    ):
        """(weights, [bias] or [], quantisation of a fitting output)."""
        if self.dtype == "float32":
            w = self.model.tensor(shape, "float32", data=self.rng.normal(size=shape) / math.sqrt(fan_in))
            b = self.model.tensor([channels], "float32", data=self.rng.normal(size=channels))
            return w, [b] if bias else self.pick([b], []), (1.0, 0)
        many = self.pick(True, True, False) if per_channel is None else per_channel
        many = many and not (self.nibbles and len(shape) == 2)  # TFLite Micro's FULLY_CONNECTED takes one scale then
        base = 2 ** self.rng.uniform(-10, -2)
        scale = (base * 2 ** self.rng.uniform(-3, 3, channels if many else 1)).astype(np.float32)
        most = 7 if self.nibbles else 127
        data = self.rng.integers(-most - self.nibbles, most + 1, shape)
        if self.num(0, 9) == 0:
            data = self.rng.choice([-most, most], shape)
        w = self.model.tensor(shape, "int4" if self.nibbles else "int8", scale, 0, axis, data)
        in_scale = np.float32(self.quants[source][0])
        reach = 73 * 73 * math.sqrt(fan_in) * (256 if self.dtype == "int16" else 1)
        offsets = self.rng.integers(-int(reach), int(reach) + 1, channels)
        kind = (bias_type or self.pick("int64", "int32")) if self.dtype == "int16" else "int32"
        b = self.model.tensor([channels], kind, in_scale * scale, 0, 0, offsets)
        if self.dtype == "int16":  # the reference shifts its sums by 7 bits at most
            out = float(np.float32(in_scale * base * reach / 32768 * 2.0 ** self.rng.uniform(-2, 6)))
            return w, [b] if bias else self.pick([b], [b], []), (max(out, float(in_scale * scale.max()) / 100), 0)
        ratio = 2.0 ** (-self.rng.uniform(0, 3) if self.num(0, 5) == 0 else self.rng.uniform(3, 8))
        out = float(np.float32(in_scale * base * reach / ratio / 16))
        return w, [b] if bias else self.pick([b], [b], []), (min(max(out, 1e-7), 1e5), self.quant()[1])

    def bias_type(self, bias: list[int]) -> dict[str, int]:
        """The option of int16 layers that says what type their bias has; without a bias it decides alone."""
        if self.dtype != "int16":
            return {}
        return {"quantizedBiasType": self.model.tensors[bias[0]].type if bias else self.pick(0, 2, 4)}

    def fused(self) -> int:
        return self.pick(0, 0, 1, 2, 3)

    def scaled(self, t: int, low: float = -1, high: float = 1) -> tuple[float, int]:
        """A quantisation within a few powers of two of tensor t's."""
        return float(np.float32(self.quants[t][0] * 2 ** self.rng.uniform(low, high))), self.quant()[1]
