"""The environment in which a report's cells run, whichever engine runs them."""

from __future__ import annotations

import os


def cell_environment() -> dict[str, str]:
    """Return this process's environment, with what makes renderings quiet, alike and known to tables."""
    return {**os.environ, "AVERTING_RENDER": "1", "PYTHONHASHSEED": "0", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
