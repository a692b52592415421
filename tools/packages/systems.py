# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Packages of operating systems and makers of cores: ESP-IDF, Zephyr, RT-Thread, CMSIS-Pack; for emulated boards."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

from nnom.boards import boards

from .base import (
    HOME,
    OUT,
    Failed,
    call,
    fresh,
    lay_out,
    pack,
    run_on_board,
    template,
    tool,
    unpack,
    version,
)


def _cmake(source: Path, board_name: str, work: Path) -> Path:
    """The archive that a CMake project with the target `nnom` builds for a board."""
    board = boards()[board_name]
    compiler = tool(board.compiler + "gcc", board.compiler_packages)
    flags = " ".join([*board.cpu, *board.libc])
    options = [f"-DCMAKE_C_COMPILER={compiler}", "-DCMAKE_SYSTEM_NAME=Generic", f"-DCMAKE_C_FLAGS={flags}"]
    options.append("-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY")
    build = fresh(work / "cmake")
    call(tool("cmake", "cmake"), "-S", source, "-B", build, *options, cwd=work)
    call("cmake", "--build", build, "-j", "2", cwd=work)
    return build / "libnnom.a"


def _project(folder: Path, stub: str, package: Path, work: Path, board: str) -> str:
    """A package's CMakeLists.txt with a stub of its system's functions."""
    head = "cmake_minimum_required(VERSION 3.16)\nproject(check C)\n"
    fresh(folder)
    (folder / "CMakeLists.txt").write_text(f"{head}{stub}\nadd_subdirectory({package} package)\n")
    archive = _cmake(folder, board, work)
    (found,) = [*archive.parent.rglob("libnnom.a")]
    return str(found)


# ---- ESP-IDF ----

IDF_STUB = """
function(idf_component_register)
  cmake_parse_arguments(a "" "" "SRCS;INCLUDE_DIRS;PRIV_INCLUDE_DIRS" ${ARGN})
  add_library(nnom STATIC ${a_SRCS})
  target_include_directories(nnom PUBLIC ${a_INCLUDE_DIRS} PRIVATE ${a_PRIV_INCLUDE_DIRS})
  set(COMPONENT_LIB nnom PARENT_SCOPE)
endfunction()
"""


def make_esp_idf(work: Path) -> Path:
    """What `compote component pack` makes."""
    folder = lay_out(fresh(work) / "nnom")
    template("esp-idf/idf_component.yml", folder / "idf_component.yml")
    template("esp-idf/CMakeLists.txt", folder / "CMakeLists.txt")
    compote = tool("compote", "pip:idf-component-manager")
    env = {"IDF_COMPONENT_CHECK_NEW_VERSION": "0", "HOME": str(work)}
    call(compote, "manifest", "lint", cwd=folder, env=env)
    out = fresh(work / "dist")
    words = ("--name", "nnom", "--version", version(), "--dest-dir", out)
    call(compote, "component", "pack", *words, cwd=folder, env=env)
    (made,) = out.glob("*.tgz")
    return made.replace(OUT / f"nnom-{version()}-esp-idf.tgz")


def check_esp_idf(archive: Path, work: Path) -> str:
    """The packed component through a stub of idf_component_register, on an emulated RISC-V core."""
    package = fresh(work / "unpacked")
    call("tar", "xzf", archive, cwd=package)
    found = _project(work / "project", IDF_STUB, package, work, "rv32")
    return run_on_board("rv32", Path(found), [package / "include"], work)


# ---- Zephyr ----

ZEPHYR_STUB = """
set(CONFIG_NNOM y)
macro(zephyr_library)
  add_library(nnom STATIC)
endmacro()
macro(zephyr_library_sources)
  target_sources(nnom PRIVATE ${ARGN})
endmacro()
macro(zephyr_include_directories)
  target_include_directories(nnom PUBLIC ${ARGN})
endmacro()
macro(zephyr_library_include_directories)
  target_include_directories(nnom PRIVATE ${ARGN})
endmacro()
macro(zephyr_library_compile_options)
  target_compile_options(nnom PRIVATE -ffunction-sections -fdata-sections ${ARGN})
endmacro()
"""


def make_zephyr(work: Path) -> Path:
    """A zip of the module, as `west` lays it beside Zephyr."""
    folder = lay_out(fresh(work) / "nnom")
    for name in ("module.yml", "Kconfig", "CMakeLists.txt"):
        template(f"zephyr/{name}", folder / "zephyr" / name)
    return pack(work, OUT / f"nnom-{version()}-zephyr.zip")


def _kconfig(file: Path, symbols: list[str], work: Path) -> str:
    """The symbols of a Kconfig with `y`, as kconfiglib reads it; its warnings are errors."""
    python = tool("menuconfig", "pip:kconfiglib").replace("menuconfig", "python")
    code = "import sys, kconfiglib\nk = kconfiglib.Kconfig(sys.argv[1], warn_to_stderr=False)\n"
    code += "assert not k.warnings, k.warnings\n"
    code += "for name in sys.argv[2:]:\n    assert k.syms[name].set_value(2), name\n"
    code += "    print(name, k.syms[name].str_value)\n"
    text = call(python, "-c", code, file, *symbols, cwd=work)
    if any(f"{name} y" not in text for name in symbols):
        raise Failed(f"{file}: {text}")
    return f"kconfiglib: {', '.join(symbols)}"


def check_zephyr(archive: Path, work: Path) -> str:
    """The module through stubs of Zephyr's CMake functions, on an emulated Cortex-M3; Kconfig by kconfiglib."""
    package = unpack(archive, work / "unpacked") / "nnom"
    if "zephyr/Kconfig" not in (package / "zephyr" / "module.yml").read_text():
        raise Failed("module.yml: no kconfig")
    told = _kconfig(package / "zephyr" / "Kconfig", ["NNOM"], work)
    found = _project(work / "project", ZEPHYR_STUB, package / "zephyr", work, "cortex-m3")
    return f"{told}; {run_on_board('cortex-m3', Path(found), [package / 'include'], work)}"


# ---- RT-Thread ----

BUILDING = """
import os
from SCons.Script import *
env = None
def GetCurrentDir():
    return os.getcwd()
def DefineGroup(name, src, depend, **parameters):
    assert depend == ["PKG_USING_NNOM"], depend
    env.Append(CPPPATH=parameters["CPPPATH"])
    return env.Object(src)
"""


def make_rt_thread(work: Path) -> Path:
    """The sources with their SConscript; beside them the entry of the index."""
    folder = lay_out(fresh(work) / "nnom")
    template("rt-thread/SConscript", folder / "SConscript")
    for name in ("Kconfig", "package.json"):
        template(f"rt-thread/{name}", work / "index" / name)
    return pack(work, OUT / f"nnom-{version()}-rt-thread.zip")


def check_rt_thread(archive: Path, work: Path) -> str:
    """SConscript by scons with a stub of RT-Thread's building.py, on an emulated Cortex-M7; the index's entry."""
    place = unpack(archive, work / "unpacked")
    package, board = place / "nnom", boards()["cortex-m7"]
    symbols = re.findall(r"config (PKG_USING_NNOM(?:_V\d+)?)\n", (place / "index" / "Kconfig").read_text())
    told = _kconfig(place / "index" / "Kconfig", symbols[:2], work)
    about = json.loads((place / "index" / "package.json").read_text())
    if (
        about["site"][0]["version"] != f"v{version()}"
        or about["enable"] != "PKG_USING_NNOM"
        or about["repository"] != HOME
    ):
        raise Failed(f"package.json: {about['site'][0]}")
    (place / "building.py").write_text(BUILDING)
    compiler = tool(board.compiler + "gcc", board.compiler_packages)
    flags = [*board.cpu, *board.libc, "-O2", "-ffunction-sections", "-fdata-sections"]
    tools = f"CC={compiler!r}, AR={board.compiler + 'ar'!r}, RANLIB={board.compiler + 'ranlib'!r}, CCFLAGS={flags!r}"
    lines = ["import os, sys", "sys.path.insert(0, os.getcwd())", f"env = Environment({tools}, ENV=os.environ)"]
    lines += ["import building", "building.env = env", 'env.Library("nnom_all", SConscript("nnom/SConscript"))']
    (place / "SConstruct").write_text("\n".join(lines) + "\n")
    call(tool("scons", "pip:scons"), "-j2", "-s", cwd=place, env={"PYTHONPATH": str(place)})
    return f"{told}; {run_on_board('cortex-m7', place / 'libnnom_all.a', [package / 'include'], work)}"


# ---- CMSIS-Pack ----


def make_cmsis_pack(work: Path) -> Path:
    """A pack: a zip with its description, which lists every file."""
    folder = lay_out(fresh(work) / "NNoM")
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.c"))
    lines = "".join(f'        <file category="source" name="{name}"/>\n' for name in names)
    template("cmsis-pack/NNoM.NNoM.pdsc", folder / "NNoM.NNoM.pdsc", files=lines)
    return pack(folder, OUT / f"NNoM.NNoM.{version()}.pack")


def check_schema(archive: Path, work: Path) -> str:
    """Its description by Arm's schema, where that is at hand (PACK_XSD=file); each file that it names is there."""
    place = unpack(archive, work / "unpacked")
    (pdsc,) = place.glob("*.pdsc")
    schema = os.environ.get("PACK_XSD")
    options = ["--schema", Path(schema).resolve()] if schema else []
    call(tool("xmllint", "libxml2-utils"), "--noout", *options, pdsc, cwd=work)
    with zipfile.ZipFile(archive) as file:
        inside = set(file.namelist())
    named = [str(e.get("name")) for e in ET.parse(pdsc).getroot().iter("file")]
    lost = [n for n in named if not (n in inside or (n.endswith("/") and any(i.startswith(n) for i in inside)))]
    if lost:
        raise Failed(f"{pdsc.name} names what is not in the pack: {lost[:5]}")
    return f"{len(named)} files; {'valid by the schema' if schema else 'well-formed (the schema: PACK_XSD=file)'}"


def check_cmsis_pack(archive: Path, work: Path) -> str:
    """The sources that the description lists, on an emulated Cortex-M4."""
    place, board = unpack(archive, work / "unpacked"), boards()["cortex-m4"]
    files = [e for e in ET.parse(next(place.glob("*.pdsc"))).getroot().iter("file")]
    sources = [str(e.get("name")) for e in files if e.get("category") == "source"]
    includes = [place / str(e.get("name")) for e in files if e.get("category") == "include"]
    compiler = tool(board.compiler + "gcc", board.compiler_packages)
    flags = [*board.cpu, *board.libc, "-std=c99", "-O2", "-ffunction-sections", "-fdata-sections"]
    objects = fresh(work / "objects")
    call(compiler, *flags, *(f"-I{i}" for i in includes), "-c", *(place / s for s in sources), cwd=objects)
    call(board.compiler + "ar", "rcs", objects / "libnnom.a", *sorted(objects.glob("*.o")), cwd=objects)
    return run_on_board("cortex-m4", objects / "libnnom.a", [place / "include"], work)
