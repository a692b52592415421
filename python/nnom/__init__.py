# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""NNoM: trained neural networks to C for microcontrollers.

    import nnom

    result = nnom.convert("model.keras", x, y, name="har", out="out")
    print(nnom.evaluate("model.keras", test_x, test_y, calibration=x).accuracy)

docs/python.md describes every name. generate_model, evaluate_model and generate_test_bin are the calls of 2019.
What a name needs is imported when it is first used.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

__version__ = "1.0.0"

if _TYPE_CHECKING:
    from .api import Run, plan, report, run
    from .audio import FixedFeatures, FloatFeatures
    from .boards import BoardError
    from .conversion import Conversion, Plan, Report, convert, load
    from .errors import CoreError, DataError, ModelError, NnomError, ToolError, UnsupportedError
    from .evaluation import Evaluation, ValueErrors, evaluate, evaluate_values
    from .graph import Graph, Node, Quant, Tensor, Weight
    from .inspect_model import Inspection, inspect
    from .legacy import evaluate_model, generate_model, generate_test_bin
    from .planning import Overview
    from .running import BoardRun
    from .searching.driver import Search, search
    from .sensors import Normaliser
    from .validation import Validation, validate

__all__ = [
    "BoardError", "BoardRun", "Conversion", "CoreError", "DataError", "Evaluation", "FixedFeatures", "FloatFeatures",
    "Graph", "Inspection", "ModelError", "NnomError", "Node", "Normaliser", "Overview", "Plan", "Quant", "Report",
    "Run", "Search", "Tensor", "ToolError", "UnsupportedError", "Validation", "ValueErrors", "Weight", "convert",
    "evaluate", "evaluate_model", "evaluate_values", "generate_model", "generate_test_bin", "inspect", "load", "plan",
    "report", "run", "search", "validate",
]  # fmt: skip

# Where each name lives. No module has a name of __all__: importing it would put the module in the function's place.
_MODULES = {
    "api": "Run plan report run",
    "audio": "FixedFeatures FloatFeatures",
    "boards": "BoardError",
    "conversion": "Conversion Plan Report convert load",
    "errors": "CoreError DataError ModelError NnomError ToolError UnsupportedError",
    "evaluation": "Evaluation ValueErrors evaluate evaluate_values",
    "graph": "Graph Node Quant Tensor Weight",
    "inspect_model": "Inspection inspect",
    "legacy": "evaluate_model generate_model generate_test_bin",
    "planning": "Overview",
    "running": "BoardRun",
    "searching.driver": "Search search",
    "sensors": "Normaliser",
    "validation": "Validation validate",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'nnom' has no attribute '{name}'")
    value: object = getattr(_import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
