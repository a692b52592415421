# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Keras models (`.keras`, whole-model `.h5`, or in memory) as float graphs, without importing Keras or TensorFlow."""

from __future__ import annotations

import difflib
from typing import Any

from ...errors import ModelError, UnsupportedError
from ...graph import Graph, Tensor
from ..limits import MAX_LAYERS, MAX_REFUSALS, Budget
from ..workbench import Refusals, Refused, Thing, c_identifier, rename
from . import keras_attention, keras_calls, keras_norms, keras_ops, keras_recurrent, keras_settings
from .keras_build import ANY_RANK, Builder, Handler, Value, few_axes, layer_activation, sides_of
from .keras_file import Source, input_shape, read_source
from .keras_layers import HANDLERS as WINDOW_HANDLERS
from .keras_order import Order
from .keras_shapes import HANDLERS as SHAPE_HANDLERS
from .keras_shapes import MANY_INPUTS
from .keras_spec import Call, Layer, Model, Ref, refs_in

HANDLERS: dict[str, Handler] = {**WINDOW_HANDLERS, **SHAPE_HANDLERS, **keras_norms.HANDLERS}
# Of layers with several outputs, or several inputs that are no list.
MANY_HANDLERS = {**keras_recurrent.table(HANDLERS), **keras_attention.HANDLERS}
REFS_PER_LAYER = 16  # tensors that a layer may read on average before they count as layers

_RECURRENT = ("recurrent convolutions are not supported", "use LSTM or GRU over features that Conv2D makes")
_VOLUME = ("three spatial dimensions are not supported", "use the 2-D layer on slices or on channels")
_ADVICE: dict[str, tuple[str, str]] = {
    "RNN": ("cells put together by hand are not supported", "use SimpleRNN, GRU or LSTM"),
    **dict.fromkeys(("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _RECURRENT),
    **dict.fromkeys(("Conv3D", "Conv3DTranspose", "MaxPooling3D", "AveragePooling3D", "ZeroPadding3D"), _VOLUME),
    **dict.fromkeys(
        ("GroupedQueryAttention", "GroupQueryAttention"),
        ("heads that share keys are not supported", "use MultiHeadAttention"),
    ),
    "Lambda": ("it holds code, not a description", "use layers, or operations such as x + y and keras.ops.relu(x)"),
    "Masking": ("masks are not supported", "use inputs of a fixed length"),
    "ThresholdedReLU": ("it is not continuous", "use ReLU"),
}
_QAT = (
    "a model under quantisation-aware training",
    "convert it with tf.lite.TFLiteConverter (optimizations=[DEFAULT]) and give the .tflite, or the float model",
)
_WRAPPERS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("QuantizeLayer", "QuantizeWrapper", "QuantizeWrapperV2", "QuantizeAnnotate"), _QAT),
    "PruneLowMagnitude": ("a model under pruning", "save what tfmot.sparsity.keras.strip_pruning() gives"),
    "ClusterWeights": ("a model under clustering", "save what tfmot.clustering.keras.strip_clustering() gives"),
}


def load_keras(path_or_model: Any) -> Graph:
    """The float graph of a Keras model.

    `path_or_model`: the path of a `.keras` archive or of a whole-model `.h5`, or a Sequential or functional model in
    memory (Keras 2 or 3). Inputs and outputs of shape (C), (T, C), (H, W, C) become (1, 1, C), (T, 1, C), (H, W, C).
    Raises ModelError for damaged files, UnsupportedError listing all layers without a counterpart.
    """
    return _Importer(read_source(path_or_model)).run()


class _Importer:
    def __init__(self, source: Source):
        self.source = source
        self.graph = Graph(name=c_identifier(source.stem), source=source.place)
        self.builder = Builder(self.graph, v3=not source.version.startswith(("1.", "2.")))
        self.refusals = Refusals(self.graph, "layer cannot be converted", "layers cannot be converted", MAX_REFUSALS)
        self.uses = Budget(MAX_LAYERS)

    def run(self) -> Graph:
        model = self.source.model
        _check_wrappers(model, self.source.place)
        self._check(model)
        names = model.input_names or [""] * len(model.inputs)
        inputs = [self._input(model, ref, name) for ref, name in zip(model.inputs, names, strict=True)]
        outputs = self._model(model, inputs, "")
        self.refusals.stop_if_refused()
        keras_attention.check_indices(self.graph)
        self._outputs([v for v in outputs if v is not None], model.output_names)
        self.graph.prune()
        return self.graph

    def _input(self, model: Model, ref: Ref, name: str) -> Value | None:
        """The tensor of an input, called as in the dict that the model takes, else like its layer."""
        layer = next(layer for layer in model.layers if layer.name == ref.layer)
        try:
            shape = input_shape(layer)
        except Refused as e:
            self.refusals.refuse(self._thing(layer), e)
            return None
        self.builder.room.take(f"layer '{layer.name}'", shape)
        tensor = self.graph.add_tensor(Tensor(self.graph.unique(name or layer.name), sides_of(shape)))
        self.graph.inputs.append(tensor.name)
        dtype = layer.config.get("dtype")
        return Value(tensor.name, shape, dtype if dtype in keras_settings.INTEGERS else "float32")

    def _outputs(self, values: list[Value], names: list[str]) -> None:
        """Each output gets a tensor of its own, even one that is an input or comes twice; dicts name them."""
        for value in values:
            name = value.name
            if name in self.graph.inputs or name in self.graph.outputs or self.graph.tensors[name].data is not None:
                shape = {"shape": value.sides}
                name = self.builder.node("reshape", f"{name}_copy", [value], value.shape, shape).name
            self.graph.outputs.append(name)
        for index, name in enumerate(names):
            if name and name != self.graph.outputs[index]:
                if name in self.graph.tensors and name not in self.graph.inputs:
                    rename(self.graph, name, self.graph.unique(name))
                rename(self.graph, self.graph.outputs[index], self.graph.unique(name))

    # ---- refusals ------------------------------------------------------------------------------------------

    def _check(self, model: Model) -> None:
        """Finds what no input shape can make right, in all layers, reached or not."""
        for layer in model.layers:
            if layer.model is not None:
                self._check(layer.model)
                continue
            try:
                _check_layer(layer, self.builder.v3)
            except Refused as e:
                self.refusals.refuse(self._thing(layer), e)

    def _thing(self, layer: Layer) -> Thing:
        return Thing(layer.where.removeprefix(f"{self.source.place}: "))

    # ---- graph ---------------------------------------------------------------------------------------------

    def _model(self, model: Model, inputs: list[Value | None], scope: str) -> list[Value | None]:
        """Runs a model's layers as their inputs become known. None stands for what a refused layer would have made."""
        values: dict[Ref, Value | None] = dict(zip(model.inputs, inputs, strict=True))
        uses = [(layer, i) for layer in model.layers for i in range(len(layer.calls))]
        needs = [set(refs_in([layer.calls[i].args, layer.calls[i].kwargs])) for layer, i in uses]
        self._spend(max(len(model.layers), len(uses), sum(map(len, needs)) // REFS_PER_LAYER))
        read: dict[tuple[str, int], set[Ref]] = {}
        for ref in {*model.outputs, *(ref for refs in needs for ref in refs)}:
            read.setdefault(ref[:2], set()).add(ref)
        order = Order(needs, values)
        for k in order:
            layer, i = uses[k]
            made, node = self._call(layer, layer.calls[i], values, scope), layer.first_node + i
            if made is None:  # of a refused layer, whatever number of outputs it has
                new: dict[Ref, Value | None] = dict.fromkeys(read.get((layer.name, node), ()))
            else:
                new = {Ref(layer.name, node, t): v for t, v in enumerate(made)}
            values.update(new)
            order.made(new)
        if (stuck := order.first_stuck()) is not None:
            layer, i = uses[stuck]
            missing = next(r for r in refs_in([layer.calls[i].args, layer.calls[i].kwargs]) if r not in values)
            raise ModelError(f"{layer.where}: {_never_made(missing, values)}")
        for ref in model.outputs:
            if ref not in values:
                raise ModelError(f"{self.source.place}: an output of model '{model.name}': {_never_made(ref, values)}")
        return [values[ref] for ref in model.outputs]

    def _spend(self, layers: int) -> None:
        if not self.uses.take(layers):
            raise ModelError(
                f"{self.source.place}: more than {MAX_LAYERS} layers once nested models are expanded; "
                "models nested in each other multiply"
            )

    def _call(self, layer: Layer, call: Call, values: dict[Ref, Value | None], scope: str) -> list[Value | None] | None:
        """The layer's outputs; None if it is refused."""
        found = [values[ref] for ref in refs_in(call.args)]
        if layer.model is not None:
            return self._nested(layer, call, found, scope)
        hidden = any(values[ref] is None for ref in refs_in(call.args) + refs_in(call.kwargs))
        if hidden or self._thing(layer) in self.refusals:
            return None
        self.builder.scope = scope
        try:
            return list(self._convert(layer, call, [v for v in found if v is not None], values))
        except Refused as e:
            self.refusals.refuse(self._thing(layer), e)
            return None

    def _nested(self, layer: Layer, call: Call, found: list[Value | None], scope: str) -> list[Value | None] | None:
        model = layer.model
        assert model is not None
        try:
            keras_calls.check(layer, call, self.builder.v3)
        except Refused as e:
            self.refusals.refuse(self._thing(layer), e)
            return None
        if len(found) != len(model.inputs):
            raise ModelError(f"{layer.where}: is called with {len(found)} tensors; expected {len(model.inputs)}")
        return self._model(model, found, f"{scope}{layer.name}/")

    def _convert(self, layer: Layer, call: Call, found: list[Value], values: dict[Ref, Value | None]) -> list[Value]:
        if layer.is_op or layer.cls in keras_ops.LAMBDAS:
            args, kwargs = _filled(call.args, values), _filled(call.kwargs, values)
            return keras_ops.convert(self.builder, layer, args, kwargs)
        keras_calls.check(layer, call, self.builder.v3)
        named = [values[ref] for key in keras_calls.TENSORS.get(layer.cls, ()) for ref in refs_in(call.kwargs.get(key))]
        if layer.cls not in ANY_RANK:
            few_axes([*found, *named])
        if layer.cls in MANY_HANDLERS and (found or named):
            return MANY_HANDLERS[layer.cls](self.builder, layer, [*found, *(v for v in named if v is not None)])
        if not found or (len(found) > 1 and layer.cls not in MANY_INPUTS):
            raise ModelError(f"{layer.where}: is called with {len(found)} tensors; expected one")
        return [HANDLERS[layer.cls](self.builder, layer, found)]


def _never_made(ref: Ref, values: dict[Ref, Value | None]) -> str:
    """Why a tensor is missing when nothing is left to compute."""
    count = sum(known[:2] == ref[:2] for known in values)
    if count:
        return f"reads output {ref.tensor} of layer '{ref.layer}', which has {count}; the file is damaged"
    return f"its input from layer '{ref.layer}' is never made: the file's graph has a loop or a gap"


def _filled(tree: Any, values: dict[Ref, Value | None]) -> Any:
    """The arguments with Values in place of Refs."""
    if isinstance(tree, Ref):
        return values[tree]
    if isinstance(tree, (list, tuple)):
        return [_filled(v, values) for v in tree]
    if isinstance(tree, dict):
        return {k: _filled(v, values) for k, v in tree.items()}
    return tree


def _check_wrappers(model: Model, place: str) -> None:
    """One sentence for models that tfmot has wrapped layer by layer."""
    for leaf in model.leaves():
        cls = leaf.cls.rsplit(">", 1)[-1]
        if cls in _WRAPPERS:
            what, advice = _WRAPPERS[cls]
            raise UnsupportedError(
                f"{place}: {what} of tfmot (layer '{leaf.name}', {cls}); expected plain layers: {advice}"
            )


def _check_layer(layer: Layer, v3: bool) -> None:
    """Refusals that follow from class and settings alone."""
    if layer.cls == "InputLayer":
        keras_settings.check(layer)
        return
    if layer.is_op or layer.cls in keras_ops.LAMBDAS:
        if not keras_ops.supported(layer):
            name = keras_ops.operation_name(layer)
            raise Refused(f"operation '{name}' is not supported", _nearest(name, keras_ops.names()))
        return
    keras_settings.check_origin(layer)
    if layer.cls not in HANDLERS and layer.cls not in MANY_HANDLERS:
        reason, advice = _ADVICE.get(layer.cls, ("this class is not supported", ""))
        raise Refused(reason, advice or _nearest(layer.cls, sorted({**HANDLERS, **MANY_HANDLERS})))
    keras_settings.check(layer)
    layer_activation(layer, v3)


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"the nearest supported one is '{close[0]}'" if close else "express it with supported layers"
