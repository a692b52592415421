# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Builds the C core into the package as a shared library, and puts its sources beside it for the boards.

The core holds no Python: one wheel per platform serves every Python 3 (py3-none-PLATFORM).
"""

import os
import re
import shutil
import sys
from glob import glob
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools before 70.1: only `build_ext --inplace` and editable installs need no wheel package
    try:
        from wheel.bdist_wheel import bdist_wheel
    except ImportError:
        bdist_wheel = None

SOURCES = sorted(glob("src/**/*.c", recursive=True))
FOLDERS = ("src", "include", "port", "firmware")
LICENCES = ("LICENSE", "COPYING", "COPYING.LESSER")  # they go with every copy of the C files
# -ffp-contract=off: float results are those of every other build, at any level of optimisation.
FLAGS = ["-std=c99", "-O3", "-fno-math-errno", "-ffp-contract=off"]
MSVC_FLAGS = ["/std:c11", "/O2", "/fp:precise", "/DNDEBUG"]
INCLUDES = ["include", "port"]

# Arm's CMSIS-NN beside our kernels, for those who have it: CMSIS_NN=path make ..., CMSIS_NN=path pip install .
CMSIS_NN = os.environ.get("CMSIS_NN", "")
if CMSIS_NN:
    found = sorted(glob(f"{CMSIS_NN}/Source/*Functions/*.c"))
    if not found:
        sys.exit(f"CMSIS_NN={CMSIS_NN}: no Source/*Functions/*.c in it; give the folder of CMSIS-NN's repository")
    SOURCES += [f for f in found if not f.endswith(("_f16.c", "_f32.c", "_flt.c"))]
    INCLUDES.append(f"{CMSIS_NN}/Include")
    FLAGS.append("-DNNOM_CMSIS_NN")


class BuildCore(build_ext):
    """An extension without Python in it: no init symbol to export, and a name that every Python looks for."""

    def get_export_symbols(self, ext):
        """All calls that Python makes: only MSVC has to be told."""
        if self.compiler.compiler_type != "msvc":
            return []
        text = Path("python/nnom/binding.py").read_text(encoding="utf-8")
        return sorted(set(re.findall(r'^    "(nnom_\w+)": \(', text, re.MULTILINE)))

    def build_extension(self, ext):
        if self.compiler.compiler_type == "msvc":
            ext.extra_compile_args = [*MSVC_FLAGS, *(f for f in ext.extra_compile_args if f.startswith("-D"))]
            ext.libraries = []
        super().build_extension(ext)

    def get_ext_filename(self, fullname):
        return str(Path(*fullname.split("."))) + (".dll" if sys.platform == "win32" else ".so")

    def run(self):
        super().run()
        if not self.inplace and not self.editable_mode:
            for folder in FOLDERS:
                shutil.copytree(folder, Path(self.build_lib) / "nnom" / "_c" / folder, dirs_exist_ok=True)
            for name in LICENCES:
                shutil.copy(name, Path(self.build_lib) / "nnom" / "_c" / name)


commands = {"build_ext": BuildCore}
if bdist_wheel is not None:

    class Wheel(bdist_wheel):
        """For any Python 3 of this platform."""

        def get_tag(self):
            return ("py3", "none", super().get_tag()[2])

    commands["bdist_wheel"] = Wheel


setup(
    ext_modules=[Extension("nnom._core", SOURCES, include_dirs=INCLUDES, extra_compile_args=FLAGS, libraries=["m"])],
    cmdclass=commands,
)
