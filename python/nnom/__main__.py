# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""`python -m nnom` is the command `nnom`."""

from .cli import run

if __name__ == "__main__":
    run()
