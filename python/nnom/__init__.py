# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""NNoM: trained neural networks to C for microcontrollers.

    import nnom

    result = nnom.convert("model.keras", x, y, name="har", out="out")
    print(nnom.evaluate("model.keras", test_x, test_y, calibration=x).accuracy)

`load` reads a model into a graph; generate_model, evaluate_model and generate_test_bin are the calls of 2019.
"""

__version__ = "1.0.0"

from .conversion import convert, load
from .evaluation import evaluate, evaluate_values
from .legacy import evaluate_model, generate_model, generate_test_bin

__all__ = ["convert", "evaluate", "evaluate_model", "evaluate_values", "generate_model", "generate_test_bin", "load"]
