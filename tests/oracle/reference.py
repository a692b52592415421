# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""LiteRT's built-in reference kernels (portable C++, no XNNPACK) as oracle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .maker import Case


class Reference:
    """A model ready to run in LiteRT's reference kernels."""

    def __init__(self, data: bytes, all_tensors: bool = False, optimised: bool = False) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        def interpreter(resolver: OpResolverType) -> Interpreter:
            return Interpreter(
                model_content=data,
                experimental_op_resolver_type=resolver,
                experimental_preserve_all_tensors=all_tensors,
                num_threads=1,
            )

        try:
            plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            self.interpreter = interpreter(plain if optimised else OpResolverType.BUILTIN_REF)
        except ValueError as e:
            if "Didn't find op" not in str(e):
                raise
            # ELU is absent from the reference set: its one kernel is in the optimised set
            self.interpreter = interpreter(plain)
        self.interpreter.allocate_tensors()
        self.inputs = self.interpreter.get_input_details()
        self.outputs = self.interpreter.get_output_details()

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """inputs: one array per input of the model, in any shape of its size. Returns copies of the outputs."""
        for detail, array in zip(self.inputs, inputs, strict=True):
            self.interpreter.set_tensor(detail["index"], np.asarray(array, detail["dtype"]).reshape(detail["shape"]))
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(d["index"]).copy() for d in self.outputs]

    def tensors(self) -> dict[str, np.ndarray]:
        """Values of all tensors after a run, by name (all_tensors=True)."""
        details = self.interpreter.get_tensor_details()
        return {
            d["name"]: self.interpreter.get_tensor(d["index"]).copy() for d in details if d["shape"].size or d["name"]
        }


def expected(case: Case) -> list[np.ndarray]:
    """Outputs that a case of cases.py should have: exact, within 1 for the operators in cases.ROUNDS_ONCE."""
    return Reference(case.oracle, optimised="SUM[" in case.text).run(case.inputs)


def run_reference(data: bytes, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Outputs of the .tflite file `data` for one set of inputs."""
    return Reference(data).run(inputs)
