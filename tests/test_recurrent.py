# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Recurrent layers: Keras in float and int8, TFLite's LSTM to the byte, states from run to run, on a board.

NNOM_CASES: random Keras models (default 10, `make conformance` 500).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import pytest
from nnom.compare import sqnr
from nnom.conversion import Plan
from nnom.core import CoreModel, targets
from nnom.errors import ModelError, NnomError, UnsupportedError
from nnom.graph import Graph, Weight
from nnom.importers.keras import load_keras
from nnom.importers.tflite import load_tflite
from nnom.importers.tflite.tflite_reader import FileModel, FileOperator, read_model
from nnom.importers.tflite.tflite_walk import Walk
from nnom.quantise import quantise
from nnom.running import run_board

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("NNOM_SHARED", ROOT.parent / "shared"))
CASES = int(os.environ.get("NNOM_CASES", "10"))
L = keras.layers
CELLS = (L.SimpleRNN, L.GRU, L.LSTM)
with_shared = pytest.mark.skipif(not (SHARED / "models.json").exists(), reason=f"no models in {SHARED}")


def random_layer(rng: np.random.Generator, x: keras.KerasTensor, sequence: bool, units: int) -> keras.KerasTensor:
    """A recurrent layer with random arguments, by one of the ways in which people use them."""
    cell = CELLS[rng.integers(3)]
    flags = {"use_bias": bool(rng.integers(2)), "go_backwards": bool(rng.integers(2))}
    flags["activation"] = ("tanh", "tanh", "sigmoid")[rng.integers(3)]
    if cell is L.GRU:
        flags["reset_after"] = bool(rng.integers(2))
    steps = x.shape[1]
    match rng.integers(5):
        case 0:
            flags["go_backwards"] = False
            merge = ("concat", "sum", "mul", "ave")[rng.integers(4)]
            return L.Bidirectional(cell(units, return_sequences=sequence, **flags), merge_mode=merge)(x)
        case 1 if sequence:
            y, *states = cell(units, return_sequences=True, return_state=True, **flags)(x)
            return L.Add()([y, L.RepeatVector(steps)(states[-1])])
        case 2:
            _, *states = cell(units, return_state=True, **flags)(x)
            return cell(units, return_sequences=sequence, **flags)(
                L.RepeatVector(steps)(states[0]), initial_state=states
            )
        case 3:
            return cell(units, return_sequences=sequence, **flags)(L.TimeDistributed(L.Dense(3))(x))
        case _:
            return cell(units, return_sequences=sequence, **flags)(x)


def random_model(seed: int) -> keras.Model:
    """One or two recurrent layers over up to 100 steps, with weights as training leaves them."""
    rng = np.random.default_rng(seed)
    x = y = L.Input((int(rng.integers(1, 101)), int(rng.integers(1, 12))))
    for k in range(count := int(rng.integers(1, 3))):
        sequence = k < count - 1 or bool(rng.integers(2))
        y = random_layer(rng, y, sequence, int(rng.integers(1, 24)))
    model = keras.Model(x, y)
    model.set_weights([_trained(rng, w.shape) for w in model.get_weights()])
    return model


def _trained(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    width = 0.6 / np.sqrt(shape[0]) if len(shape) > 1 and shape[0] > 2 else 0.3
    return rng.normal(0, width, shape).astype(np.float32)


def decibels(expected: np.ndarray, got: np.ndarray) -> float:
    noise = got - expected
    return float(10 * np.log10(expected.var() / max(noise.var(), 1e-30)))


def quantised(graph: Graph, x: np.ndarray) -> tuple[np.ndarray, Graph]:
    """Real outputs of the quantised form, calibrated with the same samples, and that form."""
    made = quantise(graph, [x], "minmax").graph
    core = CoreModel(made)
    return core.outputs[0].dequantize(core.run_many([core.inputs[0].quantize(x)])[0]).reshape(len(x), -1), made


@pytest.mark.parametrize("seed", range(CASES))
def test_keras_in_float_and_int8(seed: int, tmp_path: Path) -> None:
    """Float within 1e-4; with int16 states at least 35 dB, of what differs between outputs 30 dB; more in 16 bits."""
    model = random_model(seed)
    path = tmp_path / ("m.keras" if seed % 2 else "m.h5")
    model.save(path)
    graph = load_keras(path)
    x = np.random.default_rng(seed).normal(0, 1, (8, *model.input_shape[1:])).astype(np.float32)
    want = np.asarray(model(x)).reshape(8, -1)
    core = CoreModel(graph)
    samples = x.reshape(8, *core.inputs[0].shape)
    np.testing.assert_allclose(core.run_many([samples])[0].reshape(8, -1), want, atol=1e-4 * np.abs(want).max())
    got, made = quantised(graph, samples)
    step = made.quant(made.outputs[0]).scale
    assert sqnr(want, got) >= 35
    assert decibels(want, got) > 30 or want.std() < 8 * step
    graph.int16 = ("all",)
    wide, _ = quantised(graph, samples)
    assert sqnr(want, wide) >= 35


def test_a_model_in_memory_and_a_file_are_the_same(tmp_path: Path) -> None:
    model = random_model(4)
    model.save(tmp_path / "m.keras")
    a, b = load_keras(model), load_keras(tmp_path / "m.keras")
    assert [n.op for n in a.nodes] == [n.op for n in b.nodes]
    for one, other in zip(a.nodes, b.nodes, strict=True):
        for name, weight in one.weights.items():
            np.testing.assert_array_equal(weight.data, other.weights[name].data)


def test_a_state_to_begin_with_counts() -> None:
    """A cell that begins large and becomes small: its scale holds what it begins with, and 16 bits read it so."""
    rng = np.random.default_rng(3)
    x = L.Input((9, 2))
    _, hidden, cell = L.LSTM(5, return_state=True)(x)
    y, _, left = L.LSTM(5, return_state=True)(x * 0.01, initial_state=[hidden * 0.1, cell * 8])
    model = keras.Model(x, L.Dense(3)(L.Concatenate()([y, left])))
    model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
    data = rng.normal(0, 1, (20, 9, 2)).astype(np.float32)
    graph = load_keras(model)
    graph.int16 = ("all",)
    got, made = quantised(graph, data.reshape(20, 9, 1, 2))
    assert sqnr(np.asarray(model(data)), got) >= 40
    assert all(made.tensors[n.output].dtype == "int16" for n in made.nodes)


def test_what_rounding_takes_on_average_goes_into_the_bias() -> None:
    """Weights that all round the same way, inputs that are never negative: 8 bits of weights are not what is lost."""
    x = L.Input((30, 4))
    model = keras.Model(x, L.SimpleRNN(3, activation="tanh")(x))
    w = np.full((4, 3), 10.4 / 127, np.float32)
    w[0] = 1
    model.set_weights([w, np.full((3, 3), 0.1, np.float32), np.full(3, -1.5, np.float32)])
    data = np.random.default_rng(4).uniform(1, 1.1, (20, 30, 4)).astype(np.float32)
    graph = load_keras(model)
    graph.int16 = ("all",)
    assert sqnr(np.asarray(model(data)), quantised(graph, data.reshape(20, 30, 1, 4))[0]) >= 55


def test_stateful_goes_on_from_run_to_run() -> None:
    """stateful=True: two halves of a sequence give what the whole gives; without a sequence each begins anew."""
    x = L.Input(batch_shape=(1, 5, 3))
    model = keras.Model(x, L.LSTM(4, stateful=True)(x))
    graph = load_keras(model)
    halves = np.random.default_rng(0).normal(0, 1, (2, 5, 3)).astype(np.float32)
    model.layers[-1].reset_state()
    want = [np.asarray(model(half[None])) for half in halves]
    graph.sequence = True
    (got,) = CoreModel(graph).run_many([halves.reshape(2, 5, 1, 3)])
    np.testing.assert_allclose(got.reshape(2, -1), np.concatenate(want), atol=1e-5)
    graph.sequence = False
    (anew,) = CoreModel(graph).run_many([halves.reshape(2, 5, 1, 3)])
    np.testing.assert_allclose(anew[0], got[0])
    assert not np.allclose(anew[1], got[1])


def test_a_cell_alone_is_read(tmp_path: Path) -> None:
    """The range of a state is its own, not that of the layer's output; the sequence may be a view of the input."""
    rng = np.random.default_rng(0)
    x = L.Input((48,))
    _, _, cell = L.LSTM(8, return_state=True)(L.Reshape((12, 4))(x))
    model = keras.Model(x, L.Dense(3)(cell))
    model.set_weights([rng.normal(0, 1.2, w.shape).astype(np.float32) for w in model.get_weights()])
    data = rng.normal(0, 2, (100, 48)).astype(np.float32)
    want = np.asarray(model(data))
    core = CoreModel(load_keras(model))
    (got,) = core.run_many([data.reshape(100, *core.inputs[0].shape)])
    np.testing.assert_allclose(got.reshape(want.shape), want, atol=1e-4)
    assert decibels(want, quantised(load_keras(model), data.reshape(100, *core.inputs[0].shape))[0]) > 30


@pytest.mark.parametrize("units, steps", [(1, 1), (1, 7), (5, 1)])
def test_the_smallest(units: int, steps: int) -> None:
    for cell in CELLS:
        x = L.Input((steps, 1))
        model = keras.Model(x, cell(units)(x))
        data = np.random.default_rng(1).normal(0, 1, (4, steps, 1)).astype(np.float32)
        core = CoreModel(load_keras(model))
        (got,) = core.run_many([data.reshape(4, *core.inputs[0].shape)])
        want = np.asarray(model(data)).reshape(4, -1)
        np.testing.assert_allclose(got.reshape(4, -1), want, atol=1e-5)
        for int16 in ((), ("all",)):
            graph = load_keras(model)
            graph.int16 = int16
            quiet, _ = quantised(graph, data.reshape(4, *core.inputs[0].shape))
            assert np.abs(quiet - want).max() < 0.02


def test_full_scale_input_saturates_and_does_not_wrap() -> None:
    """Inputs far outside what was calibrated: gates at their ends, the output as in float."""
    x = L.Input((20, 2))
    model = keras.Model(x, L.LSTM(6, return_sequences=True)(x))
    graph = load_keras(model)
    data = np.random.default_rng(2).normal(0, 1, (16, 20, 1, 2)).astype(np.float32)
    core = CoreModel(quantise(graph, [data], "minmax").graph)
    ends = np.full((1, 20, 1, 2), 127, np.int8)
    (got,) = core.run_many([ends])
    low, high = core.outputs[0].dequantize(np.array([-128, 127], np.int8))
    want = np.clip(np.asarray(model(core.inputs[0].dequantize(ends).reshape(1, 20, 2))), low, high)
    assert np.abs(core.outputs[0].dequantize(got).reshape(want.shape) - want).max() < 0.1


def _refusal(layer: keras.layers.Layer, shape: tuple[int, ...] = (6, 3)) -> str:
    x = L.Input(shape)
    with pytest.raises(UnsupportedError) as error:
        load_keras(keras.Model(x, layer(x)))
    return str(error.value)


def test_what_is_refused_is_named() -> None:
    assert "recurrent_activation 'hard_sigmoid'" in _refusal(L.LSTM(2, recurrent_activation="hard_sigmoid"))
    assert "activation 'softplus'" in _refusal(L.GRU(2, activation="softplus"))
    assert "a GlobalAveragePooling1D for each step" in _refusal(
        L.TimeDistributed(L.GlobalAveragePooling1D()), (4, 6, 3)
    )
    x = L.Input((6, 3))
    with pytest.raises(UnsupportedError, match="mask"):
        load_keras(keras.Model(x, L.LSTM(2)(L.Masking()(x))))
    with pytest.raises(UnsupportedError, match="masks are not supported: use inputs of a fixed length"):
        load_keras(keras.Model([x, mask := L.Input((6,), dtype="bool")], L.GRU(2)(x, mask=mask)))


# ---- TFLite ----


@with_shared
@pytest.mark.parametrize("name", ["mnist/mnist_lstm_int8", "mnist/mnist_lstm_float", "rnn/dtln_lstm_int8"])
def test_tflite_gives_the_reference_s_bytes(name: str) -> None:
    """The golden records are one sequence: states go on."""
    graph = load_tflite(SHARED / "models" / f"{name}.tflite")
    golden = np.load(SHARED / "golden" / f"{Path(name).name}.npz")
    graph.sequence = True
    core = CoreModel(graph)
    (got,) = core.run_many([golden["in0"].reshape(-1, *core.inputs[0].shape)])
    want = golden["out0_tflm"].reshape(got.shape)
    np.testing.assert_allclose(got, want, atol=0 if name.endswith("int8") else 2e-6)


@with_shared
@pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="sudo apt-get install qemu-system-arm")
@pytest.mark.parametrize("board", ["cortex-m4", "cortex-m55"])
def test_states_on_a_board(board: str) -> None:
    """The same bytes as on the host, whole and rolling, in a sequence and each record anew."""
    graph = load_tflite(SHARED / "models/rnn/dtln_lstm_int8.tflite")
    golden = np.load(SHARED / "golden/dtln_lstm_int8.npz")
    for sequence in (True, False):
        graph.sequence = sequence
        core = CoreModel(graph)
        x = golden["in0"][:4].reshape(4, *core.inputs[0].shape)
        ran = run_board(graph, board, [x], "-O2", Plan())
        np.testing.assert_array_equal(ran.outputs[0].reshape(4, -1), core.run_many([x])[0].reshape(4, -1))


@with_shared
@pytest.mark.parametrize("name", ["rnn/dtln_lstm_int8", "mnist/mnist_lstm_int8"])
def test_golden_bytes_of_every_target(name: str) -> None:
    """Each target's kernels give the same bytes; those of DSP and Helium are taken."""
    graph = load_tflite(SHARED / f"models/{name}.tflite")
    plain = CoreModel(graph)
    x = np.random.default_rng(5).integers(-128, 128, (3, *plain.inputs[0].shape)).astype(np.int8)
    (expected,) = plain.run_many([x])
    for target in targets():
        core = CoreModel(graph, target=target)
        np.testing.assert_array_equal(core.run_many([x])[0], expected)
        source = core.freeze("net", [x[0]])[0]
        assert not target.startswith(("dsp", "mve")) or f"nnom_lstm_s8_last_{target[:3]}_op" in source or (
            f"nnom_lstm_s8_sequence_{target[:3]}_op" in source
        )  # fmt: skip


def _with_changed_lstm(change: Callable[[FileModel, FileOperator], None]) -> Graph:
    """The graph of a file whose LSTM is not as it should be."""
    model = read_model((SHARED / "models/mnist/mnist_lstm_int8.tflite").read_bytes(), "m")
    change(model, next(op for op in model.operators if op.op == "UNIDIRECTIONAL_SEQUENCE_LSTM"))
    graph = Graph("m", "m")
    Walk(model, True, graph).run()
    return graph


def _set(k: int, **values: object) -> Callable[[FileModel, FileOperator], None]:
    """Changes the tensor that is input k; with `input` it becomes another one of the file."""

    def change(model: FileModel, op: FileOperator) -> None:
        if "input" in values:
            op.inputs = (*op.inputs[:k], values["input"], *op.inputs[k + 1 :])
        for name, value in values.items():
            if name != "input":
                setattr(model.tensors[op.inputs[k]], name, value)

    return change


@with_shared
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set(1, input=-1), "input gate is coupled"),
        (_set(2, dtype="INT16"), "input 2 of type INT16; expected INT8"),
        (_set(3, shape=(28, 20), data=np.zeros((28, 20), np.int8)), r"input 3 has shape \[28, 20\]; expected"),
        (_set(13, dtype="INT64"), "input 13 of type INT64; expected INT32"),
        (_set(14, shape=(5,), data=np.zeros(5, np.int32)), r"input 14 has shape \[5\]; expected \[20\]"),
        (_set(18, input=-1), "expected a variable tensor of 20 numbers as input 18"),
        (_set(19, variable=False), "expected a variable tensor of 20 numbers as input 19"),
        (_set(19, shape=(1, 7)), "expected a variable tensor of 20 numbers as input 19"),
    ],
)  # fmt: skip
def test_an_lstm_of_wrong_parts_is_refused(change: Callable[[FileModel, FileOperator], None], message: str) -> None:
    with pytest.raises(NnomError, match=message):
        _with_changed_lstm(change)


def test_the_core_gets_no_weights_of_another_size() -> None:
    x = L.Input((5, 3))
    graph = load_keras(keras.Model(x, L.GRU(4)(x)))
    node = next(n for n in graph.nodes if n.op == "gru")
    node.weights["bias"] = Weight(node.weights["bias"].data[:-1])
    with pytest.raises(ModelError, match=r"bias of shape \[11\]; expected \[12\]"):
        CoreModel(graph)
