# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""A converted model as a complete project for one way of building. A second model joins the first in the same folder.

nnom.json in the folder says which models are there and what was written: a file that its user changed since stays.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import NnomError
from ..files import write_text
from ..toml_file import read_toml
from .library_files import FOLDER, library_files, with_ways
from .model_files import TEMPLATES, Frozen, described, model_files
from .templates import fill, fill_file

STATE = "nnom.json"


@dataclass(frozen=True)
class Kind:
    """A table of kinds.toml."""

    name: str
    title: str
    models: str
    then: str
    files: dict[str, str]
    app: str = "app"
    pack: str = ""


@functools.cache
def kinds() -> dict[str, Kind]:
    """All kinds of projects by name."""
    tables = read_toml(Path(__file__).resolve().parent / "kinds.toml")
    return {name: Kind(name, **table) for name, table in tables.items()}


@dataclass
class Project:
    """What a folder holds. described: its models by name. written: hashes of what was written, by path below it."""

    folder: Path
    kind: Kind
    described: dict[str, dict[str, Any]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)

    @property
    def models(self) -> list[str]:
        """Their names, in the order in which they came."""
        return list(self.described)


@dataclass(frozen=True)
class Written:
    """What was done: files written, files left because their user changed them, what to do next."""

    folder: Path
    paths: list[Path]
    kept: list[Path]
    then: str


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def open_project(folder: Path, kind: str) -> Project:
    """The project in a folder, or a new one. NnomError for an unknown kind, or a folder with another kind of it."""
    if kind not in kinds():
        raise NnomError(f"project '{kind}': expected one of {', '.join(kinds())}")
    project = Project(folder, kinds()[kind])
    state = folder / STATE
    if not state.exists():
        return project
    try:
        told: dict[str, Any] = json.loads(state.read_text(encoding="utf-8"))
        project.described = {str(m["name"]): dict(m) for m in told["models"]}
        project.written = {str(k): str(v) for k, v in told["files"].items()}
        was = str(told["for"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        raise NnomError(f"{state}: cannot be read ({e}); remove it, or give another folder") from e
    if was != kind:
        raise NnomError(f"{folder}: holds a project for {was}; give another folder for {kind}")
    return project


def _pack_values(project: Project, library: Iterable[str]) -> dict[str, str]:
    """What a pack's description asks for."""
    base, values = project.kind.models, {"version": __version__}
    kinds_of = {".c": "source", ".h": "header"}
    lines = [
        f'          <file category="{kinds_of[n[-2:]]}" name="{base}/{n}"/>\n' for n in library if n[-2:] in kinds_of
    ]
    part = TEMPLATES / "cmsis-pack" / "component.xml"
    components = "".join(fill_file(part, {"name": n, **values}) for n in project.models)
    return {"library_files": "".join(lines), "components": components}


def _main_values(project: Project) -> dict[str, str]:
    """What the templates of a kind ask for."""
    kind, names = project.kind, project.models
    folder = re.sub(r"\W+", "_", project.folder.resolve().name, flags=re.ASCII) or "models"
    below = f"{kind.models}/" if kind.models != "." and "NNoM" not in kind.models else ""
    beside = any(f.startswith(f"{kind.models}/") and f.endswith((".c", ".cpp")) for f in kind.files)
    return {
        "version": __version__,
        "folder": folder,
        "first": names[0],
        "names": ", ".join(names),
        "includes": "".join(f'#include "{"" if beside else below}{n}_app.h"\n' for n in names),
        "described": json.dumps(list(project.described.values()), indent=1),
        "shows": "".join(f"    good = {n}_show(say) && good;\n" for n in names),
        "tests": " && ".join(f"{n}_selftest() == NNOM_OK" for n in names),
        "sources": "".join(f" {n}.c {n}_app.c" for n in names),
    }


def _files_of(name: str) -> set[str]:
    """Names of a model's own files, as a disk that knows no capitals sees them."""
    return {f.lower() for f in (f"{name}.c", f"{name}.h", f"{name}_app.c", f"{name}_app.h", f"{name}_web.c")}


def check_name(project: Project, name: str) -> None:
    """NnomError if a model's files would be those of another, or of the project."""
    own = _files_of(name)
    taken = {Path(f).name.lower(): "the project" for f in project.kind.files}
    for other in project.models:
        taken |= dict.fromkeys(_files_of(other) if other != name else (), f"model '{other}'")
    for file in sorted(own & set(taken)):
        raise NnomError(f"name '{name}': its file {file} would be one of {taken[file]}; give another name")


def _write(project: Project, path: str, text: str, is_users: bool, done: Written) -> None:
    """A file, unless its user changed it or made it."""
    place = project.folder / path
    if is_users and place.exists() and _hash(_text(place)) != project.written.get(path):
        done.kept.append(place)
        return
    write_text(place, text)
    project.written[path] = _hash(text)
    done.paths.append(place)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _library(project: Project, own: dict[str, str]) -> dict[str, str]:
    """What all C of the project links: this model's, and what is there already, whoever wrote it."""
    there = sorted((project.folder / project.kind.models).glob("*.[ch]"))
    main = [project.folder / fill(f, _main_values(project)) for f in project.kind.files]
    return library_files(*own.values(), *map(_text, [*there, *main]))


def _forget_old(project: Project, below: str, now: dict[str, str]) -> None:
    """Library files that no model links any more."""
    prefix = f"{below}{FOLDER}/"
    for path in [p for p in project.written if p.startswith(prefix) and p.removeprefix(below) not in now]:
        if ".." not in Path(path).parts:
            (project.folder / path).unlink(missing_ok=True)
        del project.written[path]


def _zip(project: Project, name: str, done: Written) -> None:
    """All files of a project in one archive, the same bytes each time."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(project.written):
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), (project.folder / path).read_bytes())
    write_text(project.folder / name, data.getvalue())
    done.paths.append(project.folder / name)


def write_project(project: Project, model: Frozen) -> Written:
    """Writes the model and all that builds it. Raises NnomError if a file cannot be written."""
    kind = project.kind
    check_name(project, model.name)
    below = "" if kind.models == "." else f"{kind.models}/"
    project.described[model.name] = described(model)
    done = Written(project.folder, [], [], "")
    own = model_files(model, kind.app)
    library = _library(project, own)
    for name, text in own.items():
        frozen = (f"{model.name}.c", f"{model.name}.h")
        _write(project, f"{below}{name}", with_ways(text, "", name), name not in frozen, done)
    for name, text in library.items():
        _write(project, f"{below}{name}", text, False, done)
    _forget_old(project, below, library)
    values = _main_values(project) | _pack_values(project, library)
    for name, template in kind.files.items():
        _write(project, fill(name, values), fill_file(TEMPLATES / template, values), True, done)
    if kind.pack:
        _zip(project, fill(kind.pack, values), done)
    models = list(project.described.values())
    told = {"for": kind.name, "models": models, "files": dict(sorted(project.written.items()))}
    write_text(project.folder / STATE, json.dumps(told, indent=1) + "\n")
    return Written(project.folder, done.paths, done.kept, fill(kind.then, values))
