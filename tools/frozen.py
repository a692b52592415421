# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The examples as frozen C models: what tools/run_examples.py, tools/size.py, bench/ and the tests share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
from nnom.conversion import Conversion, convert

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
BUILD = ROOT / "build" / "examples"
CALIBRATION_SAMPLES = 200


def names() -> list[str]:
    """Folders of examples/ that hold a trained model."""
    return sorted(path.parent.name for path in EXAMPLES.glob("*/model.keras"))


def example_module(name: str, module: str) -> ModuleType:
    """examples/<name>/<module>.py, loaded under a name of its own."""
    alias = f"example_{name}_{module}"
    if alias not in sys.modules:
        spec = importlib.util.spec_from_file_location(alias, EXAMPLES / name / f"{module}.py")
        assert spec is not None and spec.loader is not None
        sys.modules[alias] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[alias])
    return sys.modules[alias]


def data(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """x_train, y_train, x_test, y_test of an example; None if its data set is not on this computer."""
    try:
        return example_module(name, "data").load()
    except FileNotFoundError:
        return None


def _random_samples(name: str) -> np.ndarray:
    """Stands in for data that is missing: right for sizes, useless for accuracy."""
    from nnom.conversion import load

    graph = load(str(EXAMPLES / name / "model.keras"))
    shape = graph.tensors[graph.inputs[0]].shape
    return np.random.default_rng(1).normal(size=(16, *shape)).astype(np.float32)


def calibration(name: str) -> tuple[np.ndarray, bool]:
    """Samples that an example is quantised with, and whether they are real. Spread evenly over the training part."""
    found = data(name)
    if found is None:
        return _random_samples(name), False
    x = found[0]
    return x[np.linspace(0, len(x) - 1, min(len(x), CALIBRATION_SAMPLES)).astype(int)], True


def conversion(name: str) -> tuple[Conversion, bool]:
    """An example converted, its name the prefix of the C symbols; and whether the calibration data was real."""
    x, real = calibration(name)
    settings = {key.lower(): getattr(example_module(name, "data"), key, None) for key in ("PLAN", "STREAM")}
    return convert(EXAMPLES / name / "model.keras", x, name=name, **settings, command="make generate"), real


def front_end(name: str, made: Conversion) -> dict[str, str]:
    """Files of an example's front end, ears.c and ears.h, that stores what the network's input takes; none without one.

    Its data.py has FEATURES, and STEP: how real one of them is for the network.
    """
    module = example_module(name, "data")
    if not hasattr(module, "FEATURES"):
        return {}
    port = made.core.inputs[0]
    source, header = module.FEATURES.quantised(port.scale / module.STEP, port.zero_point).c_source("ears")
    return {"ears.c": source, "ears.h": header}


def sources(name: str, folder: Path) -> list[Path]:
    """An example's C: main.c, and what was frozen into a folder."""
    return [EXAMPLES / name / "main.c", *(p for p in (folder / "model.c", folder / "ears.c") if p.exists())]


def frozen(name: str) -> tuple[Path, str]:
    """Folder of an example's model.c and model.h: the committed ones, or of a new example made now; their origin."""
    if (EXAMPLES / name / "model.c").exists():
        return EXAMPLES / name, "committed"
    made, real = conversion(name)
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.c").write_text(made.source)
    (folder / "model.h").write_text(made.header)
    for file, text in front_end(name, made).items():
        (folder / file).write_text(text)
    return folder, "converted" if real else "converted with random calibration data"
