# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Keras configurations (JSON of Keras 2 and 3) as plain, checked objects: which layers exist and who feeds whom.

Nothing here knows what a layer computes. A Sequential becomes the same `Model` as a functional graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ...errors import ModelError, UnsupportedError
from .keras_config import Config, is_int, plain, short
from .keras_config import is_real as is_real
from .keras_config import numbers as numbers

MAX_NAME = 1000  # letters of a layer's name and class
MAX_NESTING = 32  # models in models, lists in lists: far more than anyone builds, far less than Python's stack


class Ref(NamedTuple):
    """Output `tensor` of the `node`-th use of `layer`, as Keras counts them."""

    layer: str
    node: int
    tensor: int


@dataclass
class Call:
    """One use of a layer. `args` and `kwargs` are trees of lists with Ref leaves, numbers and arrays."""

    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass
class Layer:
    """A layer or (`is_op`) a bare operation of keras.ops; `arrays` in the order of get_weights()."""

    cls: str
    name: str
    config: Config
    trainable: bool = True
    is_op: bool = False
    model: Model | None = None
    calls: list[Call] = field(default_factory=list)
    first_node: int = 0
    arrays: list[np.ndarray] = field(default_factory=list)
    origin: tuple[Any, Any] = (None, None)  # module and registered name, where Keras 3 wrote them
    cache: dict[str, Any] = field(default_factory=dict)  # made once from the weights, shared by all uses of the layer

    @property
    def where(self) -> str:
        """File, layer and class, as messages begin."""
        return self.config.where


@dataclass
class Model:
    """A graph of layers; the tensors that it takes and gives; their names where it does so in dicts, "" elsewhere."""

    name: str
    layers: list[Layer]
    inputs: list[Ref]
    outputs: list[Ref]
    input_names: list[str] = field(default_factory=list)
    output_names: list[str] = field(default_factory=list)

    def leaves(self) -> Iterator[Layer]:
        """All layers that are no models themselves, in the order of the configuration."""
        for layer in self.layers:
            if layer.model is None:
                yield layer
            else:
                yield from layer.model.leaves()


def parse_model(config: Any, source: str, depth: int = 0) -> Model:
    """`config`: {"class_name", "config"} of a Sequential or functional model, nested models included."""
    if depth > MAX_NESTING:
        raise ModelError(
            f"{source}: models are nested more than {MAX_NESTING} deep; the file is damaged or was made by a program"
        )
    top = Config(f"{source}: model configuration", config)
    cls = top.text("class_name", "")
    body = top.get("config")
    if cls == "Sequential" and isinstance(body, list):  # Keras before 2.2.3
        body = {"name": "sequential", "layers": body}
    inner = Config(f"{source}: model of class '{cls}'", body if isinstance(body, dict) else None)
    if not _is_model(config):
        raise UnsupportedError(
            f"{source}: a model of class '{cls}' (subclassed) does not describe its graph; "
            "build it as a Sequential or functional model (keras.Model(inputs, outputs)) and save that"
        )
    entries = inner.get("layers")
    if not isinstance(entries, list) or not entries:
        raise inner.fail("layers", "a list of at least one layer")
    layers = [_parse_layer(entry, source, depth) for entry in entries]
    _check_names(layers, source)
    name = inner.text("name", "model")
    if "input_layers" not in body:
        return _chain(name, layers, inner)
    (inputs, input_names), (outputs, output_names) = (_refs(inner, f"{end}_layers") for end in ("input", "output"))
    model = Model(name, layers, inputs, outputs, input_names, output_names)
    for layer, entry in zip(layers, entries, strict=True):
        layer.calls = _parse_calls(entry.get("inbound_nodes", []), layer)
    nodes = [node for entry in entries for node in entry.get("inbound_nodes", [])]
    _number_nodes(model, any(isinstance(node, dict) and "args" in node for node in nodes), source)
    return model


def _is_model(config: Any) -> bool:
    """True for Sequential, Functional and subclasses of these that still carry the graph."""
    body = config.get("config")
    if isinstance(body, list):
        return config.get("class_name") == "Sequential"
    if not isinstance(body, dict) or "layers" not in body:
        return False
    return config.get("class_name") == "Sequential" or "input_layers" in body


def _parse_layer(entry: Any, source: str, depth: int) -> Layer:
    head = Config(f"{source}: an entry of 'layers'", entry)
    cls = head.text("class_name")
    settings = head.get("config")
    settings = settings if isinstance(settings, dict) else {}
    name = entry.get("name") or settings.get("name") or (cls.lower() if isinstance(head.get("config"), list) else None)
    if not isinstance(name, str):
        raise head.fail("name", "a text")
    if len(name) + len(cls) > MAX_NAME:
        raise ModelError(
            f"{source}: a layer's name and class have {len(name)} and {len(cls)} letters; at most {MAX_NAME}"
        )
    config = Config(f"{source}: layer '{name}' ({cls})", settings)
    module, trainable = entry.get("module"), settings.get("trainable") is not False
    layer = Layer(cls, name, config, trainable=trainable, origin=(module, entry.get("registered_name")))
    if isinstance(module, str):
        layer.is_op = module.startswith(("keras.src.ops", "keras.ops", "keras.src.activations"))
    else:  # Keras 3 in the old file format: no module, but only layers know "trainable"
        nodes = entry.get("inbound_nodes")
        keras3 = isinstance(nodes, list) and bool(nodes) and isinstance(nodes[0], dict)
        layer.is_op = keras3 and "trainable" not in settings and "layers" not in settings
    if _is_model(entry):
        layer.model = parse_model(entry, source, depth + 1)
    return layer


def _check_names(layers: list[Layer], source: str) -> None:
    seen: set[str] = set()
    for layer in layers:
        if layer.name in seen:
            raise ModelError(f"{source}: two layers are called '{layer.name}'; expected unique names within a model")
        seen.add(layer.name)


def _chain(name: str, layers: list[Layer], config: Config) -> Model:
    """Sequential: each layer reads the one before; an InputLayer is put in front if the file has none."""
    if layers[0].cls != "InputLayer":
        first = layers[0].model.layers[0] if layers[0].model else layers[0]
        shape = next((v for v in _shape_settings(first, config) if v is not None), None)
        where = f"{layers[0].where.split(': layer')[0]}: layer 'input' (InputLayer)"
        front = Layer("InputLayer", "input", Config(where, {"batch_shape": shape}))
        while any(front.name == layer.name for layer in layers):
            front.name += "_"
        layers = [front, *layers]
    for before, layer in zip(layers, layers[1:], strict=False):
        layer.calls = [Call([Ref(before.name, 0, 0)])]
    return Model(name, layers, [Ref(layers[0].name, 0, 0)], [Ref(layers[-1].name, 0, 0)])


def _shape_settings(first: Layer, model: Config) -> list[Any]:
    return [
        first.config.get("batch_input_shape"),
        first.config.get("batch_shape"),
        model.get("build_input_shape"),
        model.get("batch_input_shape"),
    ]


def _refs(config: Config, key: str) -> tuple[list[Ref], list[str]]:
    """[name, node, tensor], a list or dict of these (Keras orders dicts by key); and what dicts call them."""
    found: list[Ref] = []
    names: list[str] = []
    stack = [("", config.get(key))]
    while stack:
        name, item = stack.pop()
        if isinstance(item, dict):
            stack.extend((f"{name}/{k}" if name else k, item[k]) for k in sorted(item, reverse=True))
        elif _looks_like_ref(item):
            found.append(Ref(*item[:3]))
            names.append(name)
        elif isinstance(item, (list, tuple)) and len(found) < 4096:
            stack.extend((f"{name}/{i}" if name else "", v) for i, v in reversed(list(enumerate(item))))
        else:
            raise config.fail(key, "[layer, node, tensor] or a list of these")
    if not found:
        raise config.fail(key, "at least one tensor")
    return found, names


def _looks_like_ref(item: Any) -> bool:
    return (
        isinstance(item, (list, tuple))
        and len(item) >= 3
        and isinstance(item[0], str)
        and all(is_int(v) and 0 <= v < 2**20 for v in item[1:3])
    )


def _parse_calls(nodes: Any, layer: Layer) -> list[Call]:
    if not isinstance(nodes, list):
        raise ModelError(f"{layer.where}: 'inbound_nodes' is {short(nodes)}; expected a list")
    return [_call_keras3(n, layer) if isinstance(n, dict) and "args" in n else _call_keras2(n, layer) for n in nodes]


def _call_keras3(node: dict[str, Any], layer: Layer) -> Call:
    args, kwargs = (_tree(node.get(k, default), layer.where, 0) for k, default in (("args", []), ("kwargs", {})))
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise ModelError(f"{layer.where}: 'inbound_nodes' holds {short(node)}; expected args and kwargs")
    if not args and not layer.is_op:  # layer(inputs=x)
        args = [kwargs.pop("inputs")] if "inputs" in kwargs else []
    return Call(args, kwargs)


def _tree(value: Any, where: str, depth: int) -> Any:
    """Decodes Keras 3's serialised arguments: tensors, arrays, slices; lists and dicts of these."""
    if depth > MAX_NESTING:
        raise ModelError(f"{where}: arguments are nested more than {MAX_NESTING} deep")
    if isinstance(value, (list, tuple)):
        return [_tree(v, where, depth + 1) for v in value]
    if not isinstance(value, dict):
        return value
    kind, inner = value.get("class_name"), value.get("config")
    inner = inner if isinstance(inner, dict) else {}
    if kind == "__keras_tensor__":
        if not _looks_like_ref(inner.get("keras_history")):
            raise ModelError(
                f"{where}: a tensor has keras_history {short(inner.get('keras_history'))}; expected 3 items"
            )
        return Ref(*inner["keras_history"][:3])
    if kind == "__slice__":
        return slice(inner.get("start"), inner.get("stop"), inner.get("step"))
    if kind in ("__numpy__", "__tensor__"):
        return plain(value, where)
    return {k: _tree(v, where, depth + 1) for k, v in value.items()}


def _call_keras2(node: Any, layer: Layer) -> Call:
    """[[name, node, tensor, kwargs], ...]; newer 2.x write a single argument without the outer list."""
    if isinstance(node, dict):
        node = [node[k] for k in sorted(node)]
    items = [node] if isinstance(node, list) and node and isinstance(node[0], str) else node
    if not isinstance(items, list) or not items:
        raise ModelError(f"{layer.where}: 'inbound_nodes' holds {short(node)}; expected [layer, node, tensor]")
    call = Call()
    for item in items:
        if isinstance(item, list) and len(item) >= 3 and item[0] == "_CONSTANT_VALUE":
            call.args.append(item[2])
        elif _looks_like_ref(item):
            call.args.append(Ref(*item[:3]))
        else:
            raise ModelError(f"{layer.where}: 'inbound_nodes' holds {short(item)}; expected [layer, node, tensor]")
        extra = item[3] if len(item) > 3 and isinstance(item[3], dict) else {}
        call.kwargs.update({k: _keras2_argument(v, layer.where) for k, v in extra.items()})
    return call


def _keras2_argument(value: Any, where: str) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], str) and _looks_like_ref(value):
        return Ref(*value[:3])
    if isinstance(value, list):
        return [Ref(*v[:3]) if _looks_like_ref(v) else v for v in value]
    return plain(value, where)


def refs_in(value: Any) -> list[Ref]:
    """All tensors in a tree of arguments, in Keras's order."""
    if isinstance(value, Ref):
        return [value]
    if isinstance(value, (list, tuple)):
        return [r for v in value for r in refs_in(v)]
    if isinstance(value, dict):
        return [r for k in sorted(value) for r in refs_in(value[k])]
    return []


def _number_nodes(model: Model, keras3: bool, source: str) -> None:
    """Makes all Refs count the uses of a layer alike, `first_node` being the first.

    Keras counts a functional model's own graph as use 0 of it: Keras 2 everywhere, Keras 3 only in input_layers and
    output_layers. For Keras 2 the lowest number that anyone reads tells, since uses that feed nothing are not saved.
    """
    inner = [r for layer in model.layers for call in layer.calls for r in refs_in(call.args) + refs_in(call.kwargs)]
    names = {layer.name for layer in model.layers}
    missing = sorted({r.layer for r in inner + model.inputs + model.outputs} - names)
    if missing:
        raise ModelError(
            f"{source}: model '{model.name}' reads from layer '{missing[0]}', which the file does not hold"
        )
    if keras3:
        functional = {layer.name for layer in model.layers if layer.model is not None and layer.cls != "Sequential"}
        model.inputs, model.outputs = (
            [r._replace(node=max(r.node - 1, 0)) if r.layer in functional else r for r in refs]
            for refs in (model.inputs, model.outputs)
        )
        return
    lowest: dict[str, int] = {}
    for ref in inner + model.inputs + model.outputs:
        lowest[ref.layer] = min(ref.node, lowest.get(ref.layer, ref.node))
    for layer in model.layers:
        layer.first_node = lowest.get(layer.name, 0)
