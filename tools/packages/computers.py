# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Packages for computers: sdist and wheels, Conan, Debian."""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from pathlib import Path

from .base import (
    OUT,
    ROOT,
    Failed,
    call,
    check_output,
    example,
    fresh,
    lay_out,
    library,
    pack,
    template,
    tool,
    unpack,
    version,
)

# ---- Conan ----


def _host_tree(folder: Path) -> Path:
    """The library as CMake builds it for a computer: what writes C is in it."""
    lay_out(folder)
    for name in (*library(freeze=True), "CMakeLists.txt", "nnom.pc.in"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def make_conan(work: Path) -> Path:
    """The recipe with the sources that it exports, and the package that tests it."""
    folder = _host_tree(fresh(work) / "nnom")
    template("conan/conanfile.py", folder / "conanfile.py")
    test = example(folder / "test_package")
    for name in ("conanfile.py", "CMakeLists.txt"):
        template(f"conan/test_package/{name}", test / name)
    return pack(work, OUT / f"nnom-{version()}-conan.zip")


def check_conan(archive: Path, work: Path) -> str:
    """conan create, without a server."""
    folder = unpack(archive, work / "unpacked") / "nnom"
    conan = tool("conan", "pip:conan")
    env = {"CONAN_HOME": str(fresh(work / "home"))}
    call(conan, "profile", "detect", cwd=folder, env=env)
    return f"host: {check_output(call(conan, 'create', '.', '-nr', cwd=folder, env=env))}"


# ---- Debian ----


def make_debian(work: Path) -> Path:
    """libnnom-dev of this computer's architecture."""
    folder = _host_tree(fresh(work) / f"nnom-{version()}")
    text = (ROOT / "LICENSE").read_text().split("Additional permission: linking into firmware\n")[1]
    text = text.split("\nWhat is yours\n")[0].strip()
    exception = "".join(f" {line or '.'}\n" for line in text.splitlines())
    for name in ("control", "rules"):
        template(f"debian/{name}", folder / "debian" / name)
    template("debian/copyright", folder / "debian" / "copyright", exception=exception.rstrip("\n"))
    (folder / "debian" / "rules").chmod(0o755)
    date = call("git", "log", "-1", "--format=%aD", cwd=ROOT).strip()
    change = f"nnom ({version()}-1) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n"
    change += f" -- NNoM maintainers <maintainers@nnom.invalid>  {date}\n"
    (folder / "debian" / "changelog").write_text(change)
    (folder / "debian" / "source").mkdir()
    (folder / "debian" / "source" / "format").write_text("3.0 (quilt)\n")
    tool("dh", "debhelper")
    call(tool("dpkg-buildpackage", "dpkg-dev"), "-us", "-uc", "-b", "-d", "-j2", cwd=folder)
    (made,) = work.glob("libnnom-dev_*.deb")
    return Path(shutil.copy(made, OUT / made.name))


def check_lintian(archive: Path, work: Path) -> str:
    """lintian finds no error and no warning; a number of a bug is asked for by Debian's archive alone."""
    options = ("--allow-root", "--fail-on", "error,warning", "--suppress-tags", "initial-upload-closes-no-bugs")
    text = call(tool("lintian", "lintian"), *options, archive, cwd=work)
    return f"lintian: no error or warning, {len(text.splitlines())} hints"


def check_debian(archive: Path, work: Path) -> str:
    """The package unpacked, found by pkg-config, with the model."""
    place = fresh(work / "root")
    call(tool("dpkg-deb", "dpkg"), "-x", archive, place, cwd=work)
    (pc,) = place.rglob("nnom.pc")
    env = {"PKG_CONFIG_PATH": str(pc.parent), "PKG_CONFIG_SYSROOT_DIR": str(place)}
    found = call(tool("pkg-config", "pkg-config"), "--cflags", "--libs", "nnom", cwd=work, env=env).split()
    folder = example(fresh(work / "program"))
    include = f"-I{place}/usr/include"
    call("gcc", "-std=c99", "main.c", "slope.c", include, *found, "-Wl,--gc-sections", "-o", "main", cwd=folder)
    return f"host: {check_output(call(folder / 'main', cwd=folder))}"


# ---- sdist and wheels ----

AARCH64 = "aarch64-linux-gnu-"
LOADS = """
#include <dlfcn.h>
#include <stdio.h>

int main(int n, char **words)
{
    void *core = dlopen(words[1], RTLD_NOW);
    for (int i = 2; core != NULL && i < n; i++) {
        if (dlsym(core, words[i]) == NULL) {
            printf("%s is missing\\n", words[i]);
            return 1;
        }
    }
    printf("%s\\n", core != NULL ? "loads" : dlerror());
    return core == NULL;
}
"""
OLDEST, NEWEST = 10, 14  # of Python 3


def _build_tools() -> Path:
    """The Python that builds: package_check's environment."""
    python = ROOT / "build" / "package" / "tools" / "bin" / "python"
    if not python.exists():
        call(sys.executable, "-m", "venv", python.parent.parent, cwd=ROOT)
        call(python, "-m", "pip", "-q", "--disable-pip-version-check", "install", "setuptools>=70.1", cwd=ROOT)
    return python


def make_sdist(work: Path) -> Path:
    """The sdist."""
    fresh(work)
    code = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"
    name = call(_build_tools(), "-W", "ignore", "-c", code, OUT, cwd=ROOT).split()[-1]
    return OUT / name


def _wheel(sdist: Path, work: Path, **env: str) -> Path:
    """A wheel from the sdist alone."""
    out = fresh(work / "wheel")
    words = ("-m", "pip", "-q", "--disable-pip-version-check", "wheel", "--no-deps", "--no-build-isolation")
    call(_build_tools(), *words, "-w", out, sdist, cwd=work, env=env)
    (wheel,) = out.glob("*.whl")
    return Path(shutil.copy(wheel, OUT / wheel.name))


def _public() -> list[str]:
    """Functions that Python calls in the core."""
    text = (ROOT / "python" / "nnom" / "binding.py").read_text()
    return sorted(set(re.findall(r'^    "(nnom_\w+)": \(', text, re.MULTILINE)))


def check_wheel(sdist: Path, work: Path) -> str:
    """The wheel in an empty environment: converts the packages' model and runs it."""
    wheel = _wheel(sdist, work)
    if f"nnom-{version()}-py3-none-linux_" not in wheel.name:
        raise Failed(f"{wheel.name}: expected py3-none-linux_ARCHITECTURE")
    env = work / "env"
    shutil.rmtree(env, ignore_errors=True)
    call(sys.executable, "-m", "venv", env, cwd=work)
    call(env / "bin" / "python", "-m", "pip", "-q", "--disable-pip-version-check", "install", wheel, cwd=work)
    folder = fresh(work / "use")
    shutil.copy(ROOT / "packages" / "example" / "slope.keras", folder)
    data = "import numpy as np; np.save('x.npy', np.random.default_rng(1).normal(size=(16, 16, 1)).astype('f'))"
    call(env / "bin" / "python", "-c", data, cwd=folder)
    words = ("convert", "slope.keras", "--calibration", "x.npy", "--name", "slope", "--for", "make", "-o", "made")
    call(env / "bin" / "nnom", *words, cwd=folder)
    text = call("make", "-s", "run", cwd=folder / "made")
    if "slope: self test passed" not in text:
        raise Failed(text)
    return f"{wheel.name}: converts, {text.splitlines()[0].removeprefix('slope: ')}"


def check_aarch64(sdist: Path, work: Path) -> str:
    """The wheel for 64-bit Arm: its core loads in an emulator, its C files run the model there."""
    cross = tool(AARCH64 + "gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross")
    emulator = tool("qemu-aarch64", "qemu-user")
    env = {"CC": cross, "LDSHARED": f"{cross} -shared", "_PYTHON_HOST_PLATFORM": "linux-aarch64"}
    wheel = _wheel(sdist, work, **env)
    if not wheel.name.endswith("-py3-none-linux_aarch64.whl"):
        raise Failed(f"{wheel.name}: expected py3-none-linux_aarch64")
    place = fresh(work / "arm")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    (place / "loads.c").write_text(LOADS)
    call(cross, "loads.c", "-ldl", "-o", "loads", cwd=place)
    run = (emulator, "-L", "/usr/aarch64-linux-gnu")
    names = _public()
    text = call(*run, "loads", "nnom/_core.so", *names, cwd=place)
    c = place / "nnom" / "_c"
    folder = example(place / "program")
    sources = sorted((c / "src").rglob("*.c"))
    flags = ("-std=c99", "-O1", f"-I{c}/include", f"-I{c}/port", "-ffunction-sections", "-Wl,--gc-sections")
    call(cross, *flags, "main.c", "slope.c", *sources, "-lm", "-o", "main", cwd=folder)
    return f"{text.strip()} with {len(names)} calls; {check_output(call(*run, 'main', cwd=folder))}"


def check_windows(sdist: Path, work: Path) -> str:
    """Every C file of the sdist by MinGW, linked to a DLL that has the calls. MSVC and macOS cannot be had here."""
    compiler = tool("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64")
    place = fresh(work / "windows")
    call("tar", "xzf", sdist, "--strip-components=1", cwd=place)
    sources = sorted((place / "src").rglob("*.c"))
    call(compiler, "-std=c99", "-O1", "-Iinclude", "-Iport", "-shared", *sources, "-o", "_core.dll", cwd=place)
    listed = set(call("x86_64-w64-mingw32-objdump", "-p", "_core.dll", cwd=place).split())
    lost = [name for name in _public() if name not in listed]
    if lost:
        raise Failed(f"_core.dll lacks {lost[:5]}")
    return f"MinGW: a DLL with {len(_public())} calls"


def check_pythons(sdist: Path, work: Path) -> str:
    """Metadata and syntax agree about the oldest Python; each of those up to the newest is named."""
    place = fresh(work / "metadata")
    call("tar", "xzf", sdist, "--strip-components=1", cwd=place)
    told = (place / "PKG-INFO").read_text()
    lost = [
        n for n in range(OLDEST, NEWEST + 1) if f"Classifier: Programming Language :: Python :: 3.{n}\n" not in told
    ]
    if f"Requires-Python: >=3.{OLDEST}\n" not in told or lost:
        raise Failed(f"PKG-INFO: expected Python 3.{OLDEST} to 3.{NEWEST}; it lacks {lost}")
    vermin = tool("vermin", "pip:vermin")
    options = ("--no-tips", "--backport", "dataclasses", "--exclude", "tomllib", "--eval-annotations", "--violations")
    call(vermin, f"-t=3.{OLDEST}-", *options, place / "python" / "nnom", cwd=work)
    return f"3.{OLDEST} to 3.{NEWEST} in PKG-INFO; vermin: nothing newer"
