"""``averting risk``."""

from __future__ import annotations

from pathlib import Path

from averting.commands.findings import show
from averting.commands.options import Json, Page


def risk(question: Path, *, json: Json = False, page: Page = None) -> None:
    """Say who is at risk of exclusion: associations with pupils' characteristics, small numbers withheld.

    How to write the TOML file: docs/who-is-at-risk.md.

    Example: averting risk question.toml

    Parameters
    ----------
    question
        TOML file with [pupils], [by_characteristic] or [[compare]].
    """
    from averting.evaluation.risk import who_is_at_risk

    show(who_is_at_risk(question), json=json, page=page)
