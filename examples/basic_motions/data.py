# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""BasicMotions: four activities, 6 channels of a smart watch, read from the files inside the `aeon` package.

`pip install --no-deps aeon==1.6.0` is enough: the package is only looked up, never imported, so none of its
dependencies is needed. aeon is distributed under the BSD 3-Clause licence.
"""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np

PACKAGE = "aeon"
VERSION = "1.6.0"
CLASSES = ("Standing", "Running", "Walking", "Badminton")  # the label order of the files' @classLabel line
CHANNELS = 6
STEPS = 100

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def locate(name: str) -> Path:
    """Return the path of BasicMotions file `name` inside the installed package, without importing it."""
    advice = f"run: pip install --no-deps {PACKAGE}=={VERSION}"
    try:
        installed = distribution(PACKAGE)
    except PackageNotFoundError:
        raise FileNotFoundError(f"{name}: package {PACKAGE} is not installed; {advice}") from None
    path = Path(str(installed.locate_file(f"{PACKAGE}/datasets/data/BasicMotions/{name}")))
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not in {PACKAGE} {installed.version}; {advice}")
    return path


def parse_header(line: str, where: str) -> None:
    """Check one '@key values' line of a .ts file; raise ValueError when it describes other data."""
    key, *values = line.split()
    expected = {
        "@dimensions": [str(CHANNELS)],
        "@seriesLength": [str(STEPS)],
        "@timeStamps": ["false"],
        "@missing": ["false"],
        "@classLabel": ["true", *CLASSES],
    }.get(key, values)
    if values != expected:
        raise ValueError(f"{where}: {key} is {values}, expected {expected}; use {PACKAGE} {VERSION}")


def parse_record(line: str, where: str) -> tuple[np.ndarray, int]:
    """Parse 'v,v,...:v,v,...:...:label', one field per channel; return (float32 [STEPS, CHANNELS], class index)."""
    *fields, label = line.split(":")
    if len(fields) != CHANNELS or label not in CLASSES:
        found = f"{len(fields)} channels and label {label!r}"
        raise ValueError(f"{where}: {found}, expected {CHANNELS} and one of {CLASSES}; use {PACKAGE} {VERSION}")
    columns = [np.array(field.split(","), dtype=np.float32) for field in fields]
    lengths = {len(column) for column in columns}
    if lengths != {STEPS}:
        raise ValueError(f"{where}: channels of {sorted(lengths)} steps, expected {STEPS}")
    return np.stack(columns, axis=1), CLASSES.index(label)


def read_ts(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a .ts file; return (x float32 [N, STEPS, CHANNELS], y int32 [N])."""
    records = []
    in_data = False
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line, where = raw.strip(), f"{path}, line {number}"
        if not line or line.startswith("#"):
            continue
        if in_data:
            records.append(parse_record(line, where))
        elif line.lower() == "@data":
            in_data = True
        else:
            parse_header(line, where)
    if not records:
        raise ValueError(f"{path}: no records after @data; reinstall {PACKAGE} {VERSION}")
    x, y = zip(*records, strict=True)
    return np.stack(x), np.array(y, dtype=np.int32)


def load() -> Split:
    """Return (x_train [40, 100, 6], y_train [40], x_test [40, 100, 6], y_test [40]), x float32 and y int32 in 0..3.

    Channels: accelerometer x y z, gyroscope x y z; ten samples per second.
    """
    return *read_ts(locate("BasicMotions_TRAIN.ts")), *read_ts(locate("BasicMotions_TEST.ts"))
