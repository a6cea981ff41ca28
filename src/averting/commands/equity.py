"""``averting equity``."""

from __future__ import annotations

from pathlib import Path

from averting.commands.options import Json, print_answer


def equity(file: Path, *, json: Json = False) -> None:
    """Estimate effects by cohort of pupils (free school meals, SEN, social care ...), judged together.

    How to write the TOML file: docs/equity.md.

    Example: averting equity cohorts.toml --json

    Parameters
    ----------
    file
        TOML file with columns, pilots, start and a [[cohort]] for each.
    """
    from averting.evaluation.equity import effects_by_cohort

    found = effects_by_cohort(file)
    print_answer(found, json)
