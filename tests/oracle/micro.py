# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TFLite Micro's reference kernels (PyPI `tflite-micro`, a host build) as oracle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_ARENA_BYTES = 2**22


class Micro:
    """A model ready to run in TFLite Micro. Errors: RuntimeError or ValueError where it can not run it."""

    def __init__(self, data: bytes) -> None:
        from tflite_micro import runtime

        def start() -> None:
            self.interpreter = runtime.Interpreter.from_bytes(data, arena_size=_ARENA_BYTES)

        start()
        self.inputs = _details(self.interpreter.get_input_details)
        self.outputs = _details(self.interpreter.get_output_details)
        self.run([np.zeros(d["shape"], d["dtype"]) for d in self.inputs])  # some files fail as late as here
        start()  # without what that run has left in states

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """inputs: one array per input of the model, in any shape of its size. Returns copies of the outputs."""
        for i, (detail, array) in enumerate(zip(self.inputs, inputs, strict=True)):
            self.interpreter.set_input(np.asarray(array, detail["dtype"]).reshape(detail["shape"]), i)
        self.interpreter.invoke()
        return [np.array(self.interpreter.get_output(i)) for i in range(len(self.outputs))]


def _details(get: object) -> list[dict]:
    """Of all inputs or outputs: the interpreter tells no number of them, it fails at the first index too many."""
    found: list[dict] = []
    while True:
        try:
            found.append(get(len(found)))
        except (IndexError, ValueError, RuntimeError):
            return found
