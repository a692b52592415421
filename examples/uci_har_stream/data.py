# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The same UCI HAR windows as in ../uci_har, whose `load` and `CLASSES` this module hands on."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

NEIGHBOUR = Path(__file__).resolve().parents[1] / "uci_har"


def neighbour(name: str) -> ModuleType:
    """Return ../uci_har/`name`.py as module `uci_har_<name>`, loaded once."""
    alias = f"uci_har_{name}"
    if alias not in sys.modules:
        spec = importlib.util.spec_from_file_location(alias, NEIGHBOUR / f"{name}.py")
        if spec is None or spec.loader is None:
            raise ImportError(f"{NEIGHBOUR / name}.py: cannot be loaded; run from a complete source tree")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[alias] = module
    return sys.modules[alias]


STREAM = 1  # rows a step
load = neighbour("data").load
CLASSES: tuple[str, ...] = neighbour("data").CLASSES
