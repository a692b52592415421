# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""A converted model as a complete project: the model, the C that it links, a main, the files of a way of building."""

from .model_files import frozen_of
from .project import Project, Written, kinds, open_project, write_project

__all__ = ["Project", "Written", "frozen_of", "kinds", "open_project", "write_project"]
