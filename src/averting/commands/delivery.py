"""``averting delivery``."""

from __future__ import annotations

from pathlib import Path

from averting.commands.options import Json, print_answer


def delivery(file: Path, *, json: Json = False) -> None:
    """Describe what a programme delivered, against its plan, and what it was, version by version.

    How to write the TOML file: docs/delivery.md.

    Example: averting delivery delivery.toml

    Parameters
    ----------
    file
        TOML file with records, [plan] and [[version]].
    """
    from averting.evaluation.delivery import what_was_delivered

    found = what_was_delivered(file)
    print_answer(found, json)
