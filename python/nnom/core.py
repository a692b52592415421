# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The C core, reached as a shared library: graphs are built, planned, run and frozen by it, never by Python."""

from __future__ import annotations

import ctypes as ct
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from . import mapping
from .binding import CURVE, OBSERVER, WRITE, LayerInfo, Least, Options, TensorStruct, Totals, element_types, library
from .errors import CoreError, DataError, InternalError, TooSmall
from .graph import Graph
from .ports import LayerRow, Port

Place = tuple[int, int]  # of a tensor: its node in the compiled model, and which of its outputs


def _choice(known: dict[str, int], name: str, what: str) -> int:
    """The core's number of a setting, CoreError if there is none of that name."""
    if name not in known:
        raise CoreError(f"{what} {name!r}: expected one of {', '.join(known)}")
    return known[name]


MODES = {"auto": 0, "whole": 1, "smallest": 2}
OPTIMIZE = {"default": 0, "speed": 1, "size": 2}


@functools.cache
def targets() -> dict[str, int]:
    """What a core may have for kernels beside the plain ones: the core's own names and sets of bits."""
    found: dict[str, int] = {}
    bits = ct.c_uint32()
    while name := library().nnom_target_name(len(found), ct.byref(bits)):
        found[name.decode()] = bits.value
    return found


def _addresses(arrays: Sequence[np.ndarray]) -> ct.Array[ct.c_void_p]:
    """Of the data of contiguous arrays, which the caller keeps."""
    return (ct.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))


def host_model(graph: Graph, all_rows: bool = False) -> CoreModel:
    """A graph compiled whole, with the kernels that are the fastest here: the bytes are those of every other target."""
    bits = library().nnom_host_target()
    return CoreModel(
        graph, target=next(n for n, b in targets().items() if b == bits), optimize="speed", all_rows=all_rows
    )


_PORTS = ("inputs", "outputs", "input_names", "output_names")
_FACTS = ("sequence", "_begins_anew", "mode", "all_rows", "feed", "curve", "target", *_PORTS)


class CoreModel:
    """A graph compiled by the C core, on the host. Not for use by two threads at once; several instances are fine.

    mode: "whole" (each layer over all the rows that are read), "auto" (rolling rows where that costs next to nothing,
    or within `arena_bytes`), "smallest". all_rows: also the rows that no layer reads are computed and kept; together
    with "whole" outputs of layers can be observed. feed: the input comes row by row. fast_bytes: two
    memories, the hottest data in the first, of at most this size. memory: uint8 array as the arena, aligned to 4.
    target: a name of targets(), whose kernels give the same bytes. optimize: weights may grow by a tenth for speed
    ("default"), as much as pays ("speed"), or keep a byte each ("size"). check_shapes: those of the graph are the
    core's, else InternalError.
    `curve` holds the plans considered, as (arena bytes, estimated instructions), from the cheapest to the smallest.
    A copy or an unpickled one is compiled anew, in memory of its own, when the core is first asked.
    """

    def __init__(
        self,
        graph: Graph,
        verbose: bool = False,
        mode: str = "whole",
        arena_bytes: int = 0,
        feed: bool = False,
        fast_bytes: int = 0,
        memory: np.ndarray | None = None,
        target: str = "plain",
        optimize: str = "default",
        all_rows: bool = False,
        check_shapes: bool = True,
    ):
        plan = (mode, arena_bytes, feed, fast_bytes, None, target, optimize, all_rows)
        self._given = (graph, False, *plan, check_shapes)
        self._check_shapes = check_shapes
        self.sequence = graph.sequence
        self._parts = max((n.attrs["index"] for n in graph.nodes if n.op == "part"), default=0)
        self._begins_anew = graph.has_memory and not graph.sequence
        self.mode = mode
        self.all_rows = all_rows
        self.feed = feed
        self.curve: list[tuple[int, int]] = []
        self.target = target
        number, weights = _choice(MODES, mode, "mode"), _choice(OPTIMIZE, optimize, "optimize")
        bits = _choice(targets(), target, "target")
        point = CURVE(self._add_point)
        stream = graph.warm_up if feed else None
        endless, warm_up = stream is not None, stream or 0
        self._options = Options(
            number, arena_bytes, fast_bytes, bits, weights, feed, endless, warm_up, all_rows, point, None
        )
        self._lib = library()
        self._keep: list[object] = []  # what the core points into: weights, scales, constants
        self._layers: dict[str, int] = {}  # tensor name -> layer
        self._observer: object = None
        self._memory_bytes = 0  # given as the arena
        self._model = self._lib.nnom_new_model(None)
        if not self._model:
            raise CoreError(f"{graph.source}: out of memory")
        try:
            self._lib.nnom_set_verbose(self._model, verbose)
            if memory is not None:
                self._keep.append(memory)
                self._memory_bytes = memory.nbytes
                self._lib.nnom_set_arena(self._model, ct.c_void_p(memory.ctypes.data), memory.nbytes)
            self._build(graph)
        except BaseException:
            self.close()
            raise
        self.inputs = [self._port(self._lib.nnom_input_tensor(self._model, i)) for i in range(self._count("input"))]
        self.outputs = [self._port(self._lib.nnom_output_tensor(self._model, i)) for i in range(self._count("output"))]
        self.input_names = list(graph.inputs)
        self.output_names = list(graph.outputs)

    def _add_point(self, _context: int, point: ct._Pointer) -> None:
        self.curve.append((point.contents.arena_bytes, point.contents.cost))

    def close(self) -> None:
        """Frees the core's model; the object cannot be used any more."""
        if self.__dict__.get("_model"):
            self._lib.nnom_model_delete(self._model)
            self._model = None

    def __del__(self) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        """What is no pointer: how it was made, and the facts that need no core."""
        return {name: self.__dict__[name] for name in ("_given", *_FACTS)}

    def __getattr__(self, name: str) -> Any:
        """Compiles a copy or an unpickled model when something of the core is asked for."""
        if name.startswith("__") or "_given" not in self.__dict__ or "_model" in self.__dict__:
            raise AttributeError(f"'CoreModel' has no attribute '{name}'")
        CoreModel.__init__(self, *self._given)
        return getattr(self, name)

    # ---- building ----

    def _build(self, graph: Graph) -> None:
        mapping.check(graph)
        builder = mapping.Builder(self._lib, graph, self._keep)
        first = None
        for name in graph.inputs:
            layer = builder.source(graph.tensors[name])
            self._lib.nnom_own(self._model, layer)
            self._layers[name] = layer
            first = first or layer
        for tensor in graph.tensors.values():
            if tensor.data is not None and graph.consumers(tensor.name):
                self._layers[tensor.name] = builder.constant(tensor)
        for name in graph.states:
            self._layers[name] = builder.state(graph.tensors[name])
            self._lib.nnom_own(self._model, self._layers[name])
        for node in graph.nodes:
            self._layers[node.output] = builder.node(node, self._layers)
        for name, left in graph.states.items():
            self._lib.nnom_state_set(self._layers[name], self._layers[left])
        for name in graph.outputs:
            self._lib.nnom_own(self._model, builder.output(self._layers[name]))
        status = self._lib.nnom_compile(self._model, first, None, ct.byref(self._options))
        if status != 0:
            text = self._lib.nnom_status_text(status).decode()
            detail = self._lib.nnom_model_error_text(self._model).decode(errors="replace")
            text = f"{graph.source or graph.name}: {text}: {detail}"
            self._refuse_small(text)
            raise CoreError(text)
        if self._check_shapes:
            self._compare_shapes(graph)

    def _refuse_small(self, text: str) -> None:
        """TooSmall, if that is why compiling failed."""
        least = Least()
        self._lib.nnom_least(self._model, ct.byref(least))
        if least.arena_bytes:
            budget = self._options.arena_bytes or self._memory_bytes
            layer = (least.layer or b"").decode(errors="replace")
            raise TooSmall(text, least.arena_bytes, budget, layer, self.feed)

    def _compare_shapes(self, graph: Graph) -> None:
        """The core's shapes are the graph's. If time lies along the width, it has turned all of them."""
        found = {i.layer: (i.out.shape.h, i.out.shape.w, i.out.shape.c) for i in self._infos()}
        pairs = [(graph.tensors[name], found[layer]) for name, layer in self._layers.items() if layer in found]
        turned = any(t.shape != shape for t, shape in pairs if t.name in graph.inputs)
        for tensor, shape in pairs:
            h, w, c = tensor.shape
            if shape != ((w, h, c) if turned else (h, w, c)):
                maker = graph.producer(tensor.name)
                what = f"layer '{maker.name}' ({maker.op})" if maker else f"tensor '{tensor.name}'"
                raise InternalError(
                    f"{graph.source or graph.name}: internal error, please report it: {what} has the shape "
                    f"{tensor.shape} in the graph, {shape} in the core"
                )

    def _count(self, kind: str) -> int:
        return int(getattr(self._lib, f"nnom_{kind}_count")(self._model))

    def _port(self, pointer: ct._Pointer) -> Port:
        t = pointer.contents
        dtype = np.dtype(list(element_types())[t.type])
        scale, zero = (1.0, 0) if dtype == np.int32 else (float(t.scale), int(t.zero_point))  # int32: whole numbers
        return Port((t.shape.h, t.shape.w, t.shape.c), dtype, scale, zero)

    # ---- running ----

    def _view(self, address: int, port: Port) -> np.ndarray:
        count = int(np.prod(port.shape)) * port.dtype.itemsize
        raw = memoryview((ct.c_uint8 * count).from_address(address))
        return np.frombuffer(raw, dtype=port.dtype).reshape(port.shape)

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """One sample: an array per input, in the input's dtype and any shape of its size. Returns copies [h, w, c]."""
        return [out[0] for out in self.run_many([np.asarray(x)[np.newaxis] for x in inputs])]

    def run_many(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray] | None = None
    ) -> Sequence[np.ndarray]:
        """Samples [n, ...] per input, in the input's dtype and any shape of its size. Returns [n, h, w, c] per output.

        One call of the core, outside Python's lock. outputs: contiguous arrays to write to, None: new ones.
        """
        if len(inputs) != len(self.inputs):
            raise DataError(f"the model has {len(self.inputs)} inputs, {len(inputs)} arrays were given")
        count = len(inputs[0]) if inputs else 1
        arrays = [self._samples(i, np.asarray(x), count) for i, x in enumerate(inputs)]
        outputs = outputs or [np.empty((count, *p.shape), p.dtype) for p in self.outputs]
        status = self._run(arrays, outputs, count)
        self._raise(status)
        return outputs

    def _run(self, arrays: Sequence[np.ndarray], outputs: Sequence[np.ndarray], count: int) -> int:
        """The core's status. Samples of a model with states are one sequence, or each begins anew."""
        if not self._begins_anew:
            return self._lib.nnom_run_many(self._model, _addresses(arrays), _addresses(outputs), count)
        status = 0
        for i in range(count):
            self._lib.nnom_forget(self._model)
            one = [_addresses([a[i : i + 1] for a in part]) for part in (arrays, outputs)]
            status = status or self._lib.nnom_run_many(self._model, *one, 1)
        return status

    def forget(self) -> None:
        """States take their values at the start."""
        self._lib.nnom_forget(self._model)

    @property
    def state_bytes(self) -> int:
        """Bytes that stay from run to run."""
        return max(self._lib.nnom_state_bytes(self._model) - 12, 0)  # without what says whose they are

    def save_state(self) -> bytes:
        """What the runs so far leave for the next, for restore_state()."""
        held = ct.create_string_buffer(self._lib.nnom_state_bytes(self._model))
        self._raise(self._lib.nnom_state_save(self._model, held, len(held)))
        return held.raw

    def restore_state(self, state: bytes) -> None:
        """Goes on from what save_state() of this model gave. CoreError, and nothing is changed, if it is another's."""
        self._raise(self._lib.nnom_state_restore(self._model, state, len(state)))

    def _raise(self, status: int) -> None:
        if status != 0:
            raise CoreError(self._lib.nnom_status_text(status).decode())

    def _samples(self, i: int, x: np.ndarray, count: int) -> np.ndarray:
        """Samples as the core reads them. Raises DataError if they are not of input i."""
        port = self.inputs[i]
        if x.dtype != port.dtype or x.shape[:1] != (count,) or x.size != count * int(np.prod(port.shape)):
            raise DataError(f"input {i}: {x.dtype} {x.shape[1:]} given, expected {port.dtype} {port.shape}")
        return np.ascontiguousarray(x)

    def observe(self, function: Callable[[Place, np.ndarray], None] | None) -> None:
        """Calls function((node, k), output k [h, w, c] as stored) after each node of every run; None ends it."""
        if not (self.mode == "whole" and self.all_rows) and function is not None:
            raise CoreError(
                "outputs of layers can be observed only in a model compiled with mode='whole', all_rows=True"
            )

        def after(_context: int, _model: int, node: int, event: int) -> None:
            if event == 1 and function is not None:
                pointer = ct.POINTER(TensorStruct)()
                for k in range(1 + self._parts):
                    address = self._lib.nnom_node_part(self._model, node, k, ct.byref(pointer))
                    if address:
                        function((node, k), self._view(address, self._port(pointer)))

        self._observer = OBSERVER(after) if function is not None else OBSERVER(0)
        self._lib.nnom_set_observer(self._model, self._observer, None)

    def node_of(self, tensor: str) -> int | None:
        """The node that writes a tensor of the graph, None for inputs and constants."""
        node = int(self._lib.nnom_layer_output_node(self._layers[tensor]))
        return None if node == 0xFFFF else node

    # ---- facts ----

    @property
    def totals(self) -> Totals:
        """MACs and bytes of the whole model."""
        totals = Totals()
        self._lib.nnom_totals(self._model, ct.byref(totals))
        return totals

    def layers(self) -> Iterator[LayerRow]:
        """Every layer in order of execution."""
        for info in self._infos():
            port = self._port(ct.pointer(info.out))
            yield LayerRow(
                name=info.name.decode(errors="replace"),
                kind=info.kind.decode(),
                activation=info.activation.decode(),
                shape=port.shape,
                dtype=port.dtype.name,
                scale=port.scale,
                zero_point=port.zero_point,
                macs=info.macs,
                input_bytes=info.input_bytes,
                output_bytes=info.output_bytes,
                scratch_bytes=info.scratch_bytes,
                scratch_offset=info.scratch_offset,
                weight_bytes=info.weight_bytes,
                offset=info.out.offset,
                first_step=info.first_step,
                last_step=info.last_step,
                node=None if info.node == 0xFFFF else info.node,
                lies_in=info.lies_in.decode(errors="replace") if info.lies_in else None,
                rows=info.out.rows,
                segment=None if info.segment < 0 else info.segment,
                counters=info.counters,
            )

    def _infos(self) -> Iterator[LayerInfo]:
        """What the core tells of each layer; the same object again and again."""
        info = LayerInfo()
        i = 0
        while self._lib.nnom_layer_info(self._model, i, ct.byref(info)) == 0:
            yield info
            i += 1

    # ---- freezing ----

    def freeze(self, name: str, sample: Sequence[np.ndarray] | None = None, provenance: str = "") -> tuple[str, str]:
        """The model as C: (source, header). sample: the self test's input, in the inputs' dtypes; None: zero points.

        provenance: lines of text for a comment in the header.
        """
        self._lib.nnom_set_provenance(self._model, self._text(provenance))
        return self._frozen(name, False, sample), self._frozen(name, True, None)

    def _text(self, text: str) -> ct.Array[ct.c_char]:
        """ASCII that lives as long as the model."""
        held = ct.create_string_buffer(text.encode("ascii", "replace"))
        self._keep.append(held)
        return held

    def _frozen(self, name: str, header: bool, sample: Sequence[np.ndarray] | None) -> str:
        parts: list[bytes] = []

        def write(_context: int, text: bytes, size: int) -> int:
            parts.append(ct.string_at(text, size))
            return 0

        arrays = [np.full(p.shape, p.zero_point, p.dtype) for p in self.inputs]
        if sample is not None:
            pairs = zip(sample, self.inputs, strict=True)
            arrays = [np.ascontiguousarray(x, p.dtype).reshape(p.shape) for x, p in pairs]
        if self.feed:
            self._lib.nnom_set_test_input(self._model, ct.c_void_p(arrays[0].ctypes.data))
        else:
            for i, (x, port) in enumerate(zip(arrays, self.inputs, strict=True)):
                self._view(self._lib.nnom_input_buffer(self._model, i), port)[...] = x
        status = self._lib.nnom_freeze(self._model, name.encode(), header, WRITE(write), None)
        if status != 0:
            detail = self._lib.nnom_model_error_text(self._model).decode(errors="replace")
            raise CoreError(f"freezing '{name}': {self._lib.nnom_status_text(status).decode()}: {detail}")
        return b"".join(parts).decode()
