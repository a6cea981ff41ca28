"""``averting risk``."""

from __future__ import annotations

from pathlib import Path

from averting.commands.options import Json, print_answer


def risk(question: Path, *, json: Json = False) -> None:
    """Say who is at risk of exclusion: associations with pupils' characteristics, small numbers withheld.

    How to write the TOML file: docs/who-is-at-risk.md.

    Example: averting risk question.toml

    Parameters
    ----------
    question
        TOML file with [pupils], [by_characteristic] or [[compare]].
    """
    from averting.evaluation.risk import who_is_at_risk

    found = who_is_at_risk(question)
    print_answer(found, json)
