# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Results on disk, by hash of model, data, plan, version and configuration: what was tried once is not tried again."""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import asdict
from pathlib import Path

from .. import __version__
from ..errors import NnomError
from ..files import write_text
from .candidate import Candidate, Outcome
from .job import Job


class Store:
    """A folder for one job below `folder`; `path`: the job's file."""

    def __init__(self, folder: Path, job: Job):
        data = pickle.dumps(job, protocol=5)
        self.folder = folder / hashlib.sha256(__version__.encode() + data).hexdigest()[:20]
        self.path = self.folder / "job.pickle"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise NnomError(f"{folder}: cannot be made: {e.strerror or e}; choose another folder") from e
        if not self.path.is_file():
            write_text(self.path, data)

    def _file(self, candidate: Candidate) -> Path:
        text = json.dumps(asdict(candidate))
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.json"

    def get(self, candidate: Candidate) -> Outcome | None:
        """What is known; None if nothing is, or the file is damaged."""
        try:
            found = json.loads(self._file(candidate).read_text())
            c = found.pop("candidate")
            return Outcome(Candidate(c["method"], tuple(c["int16"]), tuple(c["int4"])), **found)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def put(self, outcome: Outcome) -> None:
        """Keeps it."""
        write_text(self._file(outcome.candidate), json.dumps(asdict(outcome)))
