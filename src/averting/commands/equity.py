"""``averting equity``."""

from __future__ import annotations

from pathlib import Path

from averting.commands.findings import show
from averting.commands.options import Json, Page


def equity(file: Path, *, json: Json = False, page: Page = None) -> None:
    """Estimate effects by cohort of pupils (free school meals, SEN, social care ...), judged together.

    How to write the TOML file: docs/equity.md.

    Example: averting equity cohorts.toml --json

    Parameters
    ----------
    file
        TOML file with columns, pilots, start, a [[cohort]] for each, and [costs] where savings are to be told.
    """
    from averting.evaluation.equity import effects_by_cohort

    show(effects_by_cohort(file), json=json, page=page)
