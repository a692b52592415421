# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The list of packages: how each is made, and what is checked of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import computers, ides, single, systems

Check = Callable[[Path, Path], str]  # (artefact, folder to work in) -> what was seen; Failed or Missing else


@dataclass(frozen=True)
class Format:
    """A package. `make` packs it and gives the artefact; checks: a few words on each, and what does it."""

    name: str
    make: Callable[[Path], Path]
    checks: tuple[tuple[str, Check], ...]


FORMATS = (
    Format(
        "python",
        computers.make_sdist,
        (
            ("metadata", computers.check_pythons),
            ("wheel, installed", computers.check_wheel),
            ("wheel for aarch64", computers.check_aarch64),
            ("C for Windows", computers.check_windows),
        ),
    ),
    Format("single", single.make_single, (("built and run", single.check_single),)),
    Format("arduino", ides.make_arduino, (("arduino-builder", ides.check_arduino),)),
    Format("platformio", ides.make_platformio, (("pio run", ides.check_platformio),)),
    Format("esp-idf", systems.make_esp_idf, (("idf_component stub", systems.check_esp_idf),)),
    Format("zephyr", systems.make_zephyr, (("Kconfig, CMake stub", systems.check_zephyr),)),
    Format(
        "cmsis-pack",
        systems.make_cmsis_pack,
        (("xmllint", systems.check_schema), ("its sources", systems.check_cmsis_pack)),
    ),
    Format("rt-thread", systems.make_rt_thread, (("Kconfig, scons stub", systems.check_rt_thread),)),
    Format("conan", computers.make_conan, (("conan create", computers.check_conan),)),
    Format(
        "debian", computers.make_debian, (("lintian", computers.check_lintian), ("pkg-config", computers.check_debian))
    ),
)
