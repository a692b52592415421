# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Builds the C core into the package as a shared library, and puts its sources beside it for the boards."""

import shutil
from glob import glob
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCES = sorted(glob("src/core/*.c") + glob("src/layers/*.c") + glob("src/kernels/**/*.c", recursive=True))


class BuildCore(build_ext):
    """An extension without Python in it: no init symbol to export."""

    def get_export_symbols(self, ext):
        return []

    def run(self):
        super().run()
        if not self.inplace:
            for folder in ("src", "include", "port", "firmware"):
                shutil.copytree(folder, Path(self.build_lib) / "nnom" / "_c" / folder, dirs_exist_ok=True)


setup(
    ext_modules=[
        Extension(
            "nnom._core",
            SOURCES,
            include_dirs=["include", "port"],
            extra_compile_args=["-std=c99", "-O2", "-fno-math-errno", "-ffp-contract=off"],
            libraries=["m"],
            py_limited_api=True,
        )
    ],
    cmdclass={"build_ext": BuildCore},
)
