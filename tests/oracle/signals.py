# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TFLite Micro's operators of signal processing (custom ones, options as flexbuffers) as graphs of their own.

chain = Signals()
x = chain.tensor([480], np.int16)
y = chain.op("SignalWindow", [x, chain.constant(weights)], [([480], np.int16)], shift=12)[0]
rows = chain.start([x], [y])          # a Micro: states of operators go from run to run
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

from .micro import Micro


class Signals:
    """A graph in the making."""

    def __init__(self) -> None:
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.buffers, self.model.operatorCodes = 3, [schema.BufferT()], []
        self.graph.tensors, self.graph.operators = [], []

    def tensor(self, shape: Sequence[int], dtype: Any, data: np.ndarray | None = None) -> int:
        t = schema.TensorT()
        t.shape, t.type = np.asarray(shape, np.int32), getattr(schema.TensorType, np.dtype(dtype).name.upper())
        t.name, t.buffer = f"t{len(self.graph.tensors)}", 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            t.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def constant(self, data: np.ndarray) -> int:
        return self.tensor(data.shape, data.dtype, data)

    def op(self, name: str, inputs: Sequence[int], outputs: Sequence[tuple], **options: Any) -> list[int]:
        """outputs: (shape, dtype) of each. Returns their tensors."""
        code, node = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode, code.version = name, 1
        self.model.operatorCodes.append(code)
        made = [self.tensor(*o) for o in outputs]
        node.opcodeIndex, node.inputs, node.outputs = len(self.model.operatorCodes) - 1, list(inputs), made
        builder = flexbuffers.Builder()
        with builder.Map():
            for key, value in options.items():
                builder.Int(key, value)
        node.customOptions = np.frombuffer(bytes(builder.Finish()), np.uint8)
        self.graph.operators.append(node)
        return made

    def start(self, inputs: Sequence[int], outputs: Sequence[int]) -> Micro:
        self.graph.inputs, self.graph.outputs = np.asarray(inputs, np.int32), np.asarray(outputs, np.int32)
        self.model.subgraphs = [self.graph]
        builder = flatbuffers.Builder(4096)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return Micro(bytes(builder.Output()))
