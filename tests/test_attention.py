# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Keras layers that multiply tensors of the model, normalise with statistics, or look rows up: as Keras does it.

NNOM_CASES: random models (default 10).
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import pytest
from nnom.core import CoreModel
from nnom.errors import NnomError
from nnom.graph import Graph
from nnom.importers.keras import load_keras
from nnom.quantise import quantise

CASES = int(os.environ.get("NNOM_CASES", "10"))
L = keras.layers
Tensor = keras.KerasTensor


def attended(rng: np.random.Generator, x: Tensor) -> Tensor:
    """Some attention of a sequence to itself or to another one of it."""
    other = L.Dense(x.shape[-1])(x) if rng.integers(2) else x
    match rng.integers(4):
        case 0:
            return L.Attention(use_scale=bool(rng.integers(2)), score_mode=("dot", "concat")[rng.integers(2)])(
                [x, other, x][: rng.integers(2, 4)]
            )
        case 1:
            return L.AdditiveAttention(use_scale=bool(rng.integers(2)))([x, other])
        case _:
            heads, flags = int(rng.integers(1, 5)), {"use_bias": bool(rng.integers(2))}
            # Keras on jax runs values of another size than the keys with a dropout alone.
            flags |= {"value_dim": int(rng.integers(1, 6)), "dropout": 0.1} if rng.integers(2) else {}
            flags |= {"output_shape": int(rng.integers(1, 9))} if rng.integers(3) == 0 else {}
            layer = L.MultiHeadAttention(heads, int(rng.integers(1, 7)), **flags)
            return layer(x, other) if rng.integers(2) else layer(query=x, value=other, key=x)


def normalised(rng: np.random.Generator, x: Tensor) -> Tensor:
    rank = len(x.shape) - 1
    axis = [-1, [rank], list(range(1, rank + 1))][rng.integers(3)]
    match rng.integers(5):
        case 0:
            return L.RMSNormalization(axis=axis)(x)
        case 1:
            divisors = [g for g in range(1, x.shape[-1] + 1) if x.shape[-1] % g == 0]
            return L.GroupNormalization(int(rng.choice([*divisors, -1])), scale=bool(rng.integers(2)))(x)
        case 2:
            return L.UnitNormalization()(x)
        case _:
            return L.LayerNormalization(axis, center=bool(rng.integers(2)), scale=bool(rng.integers(2)))(x)


def dotted(rng: np.random.Generator, x: Tensor) -> Tensor:
    """With what has as many elements along the axis."""
    axis = int(rng.integers(1, 3))
    units = int(rng.integers(1, 6)) if axis == 1 else x.shape[-1]
    return L.Dot(axis, normalize=bool(rng.integers(2)))([x, L.Dense(units)(x)])


def random_model(seed: int) -> keras.Model:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 9)), int(rng.integers(2, 13)))
    if seed % 4 == 0:
        x = L.Input((shape[0],), dtype=("int32", "float32")[rng.integers(2)])
        y = L.Embedding(int(rng.integers(2, 300)), shape[1])(x)
    else:
        x = y = L.Input(shape)
    for _ in range(rng.integers(1, 3)):
        y = (attended, normalised, dotted)[rng.integers(3)](rng, y)
    model = keras.Model(x, y)
    model.set_weights([(rng.normal(0, 0.5, w.shape) + (w.ndim == 1)).astype(np.float32) for w in model.get_weights()])
    return model


def samples(model: keras.Model, count: int, rng: np.random.Generator) -> np.ndarray:
    first = next((layer for layer in model.layers if isinstance(layer, L.Embedding)), None)
    if first is None:
        return rng.normal(0, 1, (count, *model.input_shape[1:])).astype(np.float32)
    return rng.integers(0, first.input_dim, (count, *model.input_shape[1:])).astype(np.int32)


def in_float(graph: Graph, x: np.ndarray) -> np.ndarray:
    core = CoreModel(graph)
    return core.run_many([x.reshape(len(x), *core.inputs[0].shape)])[0]


@pytest.mark.parametrize("seed", range(CASES))
def test_as_keras_in_float(seed: int, tmp_path: Path) -> None:
    model = random_model(seed)
    path = tmp_path / ("m.keras", "m.h5")[seed % 2]
    model.save(path)
    x = samples(model, 8, np.random.default_rng(seed))
    want = np.asarray(model(x)).reshape(8, -1)
    for graph in (load_keras(path), load_keras(model)):
        got = in_float(graph, x).reshape(8, -1)
        np.testing.assert_allclose(got, want, atol=1e-4 * max(1.0, np.abs(want).max()))


def test_a_transformer_s_block_in_int8() -> None:
    """Attention, addition, normalisation, dense: 20 dB with int8 between all of them."""
    rng = np.random.default_rng(3)
    x = L.Input((12, 16))
    y = L.LayerNormalization()(L.Add()([x, L.MultiHeadAttention(4, 4)(x, x)]))
    y = L.LayerNormalization()(L.Add()([y, L.Dense(16)(L.Dense(32, activation="relu")(y))]))
    model = keras.Model(x, L.Dense(5)(L.GlobalAveragePooling1D()(y)))
    data = rng.normal(0, 1, (200, 12, 16)).astype(np.float32)
    want = np.asarray(model(data))
    graph = load_keras(model)
    core = CoreModel(quantise(graph, [data.reshape(200, 12, 1, 16)], "auto").graph)
    got = core.outputs[0].dequantize(core.run_many([core.inputs[0].quantize(data.reshape(200, 12, 1, 16))])[0])
    noise = got.reshape(want.shape) - want
    assert 10 * np.log10(want.var() / noise.var()) > 20


def test_an_embedding_in_int8() -> None:
    """Indices stay whole numbers beyond 127, also in the int8 form."""
    x = L.Input((6,), dtype="int32")
    model = keras.Model(x, L.Dense(3)(L.Flatten()(L.Embedding(500, 4)(x))))
    model.set_weights([np.random.default_rng(0).normal(0, 1, w.shape).astype(np.float32) for w in model.get_weights()])
    data = np.random.default_rng(1).integers(0, 500, (100, 6)).astype(np.int32)
    want = np.asarray(model(data))
    graph = load_keras(model)
    core = CoreModel(quantise(graph, [data.reshape(100, *CoreModel(graph).inputs[0].shape)], "minmax").graph)
    got = core.outputs[0].dequantize(core.run_many([data.reshape(100, *core.inputs[0].shape)])[0]).reshape(want.shape)
    assert 10 * np.log10(want.var() / (got - want).var()) > 30


def _refusal(x: Tensor, y: Tensor) -> str:
    with pytest.raises(NnomError) as error:
        load_keras(keras.Model(x, y))
    return str(error.value)


def test_what_is_refused_is_named() -> None:
    x = L.Input((6, 4))
    heads = L.MultiHeadAttention(2, 3)
    assert "use_causal_mask" in _refusal(x, heads(x, x, use_causal_mask=True))
    assert "return_attention_scores" in _refusal(x, heads(x, x, return_attention_scores=True)[0])
    assert "setting 'use_gate'" in _refusal(x, L.MultiHeadAttention(2, 3, use_gate=True)(x, x))
    assert "heads that share keys" in _refusal(x, L.GroupQueryAttention(2, 2, 1)(x, x))
    i = L.Input((6,), dtype="int32")
    assert "setting 'mask_zero'" in _refusal(i, L.Embedding(9, 4, mask_zero=True)(i))
    assert "indices that the model computes" in _refusal(x, L.Embedding(9, 4)(L.Flatten()(L.ReLU()(x))))
    f = L.Input((6,))
    assert "computes with them" in _refusal(f, L.Add()([L.Flatten()(L.Embedding(9, 1)(f)), L.ReLU()(f)]))
