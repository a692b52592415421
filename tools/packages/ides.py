# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Packages of tools that find sources by themselves: Arduino, PlatformIO."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from .base import (
    OUT,
    PASSED,
    Failed,
    call,
    check_output,
    example,
    fresh,
    lay_out,
    pack,
    template,
    tool,
    unpack,
    version,
)

# ---- Arduino ----

HARDWARE = Path("/usr/share/arduino/hardware")
BOARD = "arduino:avr:mega:cpu=atmega2560"
SIMULATED = ("atmega2560", "16000000")
PATTERN = '"{tools.ctags.cmd.path}" -u --language-force=c++ -f - --c++-kinds=svpf --fields=KSTtzns '
PATTERN += '--line-directives "{source_file}"'


def make_arduino(work: Path) -> Path:
    """A zip as the Arduino IDE adds it."""
    folder = lay_out(fresh(work) / "NNoM", together=True)
    template("arduino/library.properties", folder / "library.properties")
    template("arduino/slope.ino", example(folder / "examples" / "slope", "") / "slope.ino")
    return pack(work, OUT / f"NNoM-{version()}-arduino.zip")


def arduino_builder(libraries: Path, sketch: Path, work: Path, board: str = BOARD) -> Path:
    """The program that Arduino's own builder makes of a sketch."""
    builder = tool("arduino-builder", "arduino-builder arduino-core-avr arduino-ctags gcc-avr avr-libc")
    preferences = {
        "runtime.tools.avr-gcc.path": "/usr",
        "tools.ctags.path": "/usr/bin",
        "tools.ctags.cmd.path": "/usr/bin/arduino-ctags",
        "tools.ctags.pattern": PATTERN,
        "compiler.cpp.extra_flags": "-DDECIMAL_DIG=17",
    }
    options = ["-compile", "-hardware", HARDWARE, "-tools", "/usr/bin", "-libraries", libraries, "-fqbn", board]
    options += ["-build-path", fresh(work / "build"), *(f"-prefs={k}={v}" for k, v in preferences.items())]
    call(builder, *options, sketch, cwd=work)
    (elf,) = (work / "build").glob("*.elf")
    return elf


def simulate(elf: Path, expected: tuple[str, ...], seconds: float = 60) -> str:
    """What a program writes to its serial port in simavr, until it has written all that is expected."""
    simavr = tool("simavr", "simavr")
    process = subprocess.Popen(
        [simavr, "-m", SIMULATED[0], "-f", SIMULATED[1], str(elf)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    text, end = "", time.monotonic() + seconds
    try:
        while not all(line in text for line in expected) and time.monotonic() < end:
            line = process.stdout.readline()
            if not line:
                break
            text += line
    finally:
        process.kill()
        process.wait()
    return text


def check_arduino(archive: Path, work: Path) -> str:
    """The example of the library as it was packed, built by arduino-builder, run by simavr."""
    libraries = unpack(archive, work / "libraries")
    sketch = libraries / "NNoM" / "examples" / "slope" / "slope.ino"
    return f"atmega2560: {check_output(simulate(arduino_builder(libraries, sketch, work), PASSED))}"


# ---- PlatformIO ----

# pio asks a server for the list of licences; ours is known.
PIO = """
import sys
from platformio.package.manifest import schema
schema.ManifestSchema.load_spdx_licenses = staticmethod(lambda: {"licenses": [{"licenseId": "LGPL-3.0-only"}]})
from platformio.__main__ import main
sys.exit(main())
"""
PLATFORM = """
from platformio.public import PlatformBase


class HostPlatform(PlatformBase):
    pass
"""
BUILDER = """
from SCons.Script import AlwaysBuild, Default, DefaultEnvironment
env = DefaultEnvironment()
env.Replace(CC="gcc", CXX="g++", AR="gcc-ar", RANLIB="gcc-ranlib", LINK="gcc", PROGSUFFIX="")
env.Append(LIBS=["m"], LINKFLAGS=["-Wl,--gc-sections"])
Default(env.BuildProgram())
"""


def make_platformio(work: Path) -> Path:
    """What `pio pkg pack` makes; it checks library.json."""
    folder = lay_out(fresh(work) / "NNoM", together=True)
    template("platformio/library.json", folder / "library.json")
    example(folder / "examples" / "slope")
    archive = OUT / f"NNoM-{version()}-platformio.tar.gz"
    archive.unlink(missing_ok=True)
    _pio(work, "pkg", "pack", folder, "-o", archive)
    return archive


def _pio(work: Path, *words: object, cwd: Path | None = None) -> str:
    python = Path(tool("pio", "pip:platformio")).with_name("python")
    (work / "pio.py").write_text(PIO)
    home = work / "core"
    environment = {"PLATFORMIO_CORE_DIR": str(home), "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no", "CI": "true"}
    return call(python, work / "pio.py", *words, cwd=cwd or work, env=environment)


def _own_platform(work: Path) -> None:
    """A platform for this computer, and the scons that pio would fetch."""
    platform = work / "core" / "platforms" / "host"
    (platform / "builder").mkdir(parents=True)
    (platform / "platform.py").write_text(PLATFORM)
    (platform / "builder" / "main.py").write_text(BUILDER)
    about = {"name": "host", "title": "Host", "description": "This computer", "version": "1.0.0", "packages": {}}
    (platform / "platform.json").write_text(json.dumps(about))
    spec = {"owner": None, "id": None, "name": "host", "requirements": None, "uri": None}
    (platform / ".piopm").write_text(json.dumps({"type": "platform", "name": "host", "version": "1.0.0", "spec": spec}))
    scons = work / "core" / "packages" / "tool-scons"
    scons.mkdir(parents=True)
    spec = {"owner": "platformio", "id": None, "name": "tool-scons", "requirements": None, "uri": None}
    asked = "from platformio.dependencies import get_core_dependencies as g; print(g()['tool-scons'].lstrip('~'))"
    number = call(Path(tool("pio", "pip:platformio")).with_name("python"), "-c", asked, cwd=work).strip()
    (scons / "package.json").write_text(json.dumps({"name": "tool-scons", "version": number}))
    (scons / ".piopm").write_text(json.dumps({"type": "tool", "name": "tool-scons", "version": number, "spec": spec}))
    (scons / "scons.py").write_text("import sys\nfrom SCons.Script import main\nsys.exit(main())\n")


def check_platformio(archive: Path, work: Path) -> str:
    """The packed library, installed and built by pio for this computer."""
    _own_platform(work)
    project = fresh(work / "project")
    example(project / "src")
    lines = ["[env:host]", "platform = host", f"lib_deps = file://{archive}", "build_flags = -O1"]
    (project / "platformio.ini").write_text("\n".join(lines) + "\n")
    text = _pio(work, "run", cwd=project)
    program = project / ".pio" / "build" / "host" / "program"
    if not program.exists():
        raise Failed(text[-2000:])
    return f"host: {check_output(call(program, cwd=project))}"
