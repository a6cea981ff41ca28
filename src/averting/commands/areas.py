"""``averting areas``."""

from __future__ import annotations

from pathlib import Path

from averting.commands.findings import show
from averting.commands.options import Json, Page


def areas(file: Path, *, json: Json = False, page: Page = None) -> None:
    """Pool one programme's effects in two areas or more, and say what each borrows from the others.

    How to write the TOML file: docs/two-areas.md.

    Example: averting areas two-areas.toml

    Parameters
    ----------
    file
        TOML file with [spread] and an [[area]] for each evaluation, which must have results.
    """
    from averting.evaluation.areas import areas_together

    show(areas_together(file), json=json, page=page)
