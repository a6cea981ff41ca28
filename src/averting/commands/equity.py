"""``averting equity``."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def equity(file: Path, *, json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> None:
    """Estimate effects by cohort of pupils (free school meals, SEN, social care ...), judged together.

    Parameters
    ----------
    file
        TOML file with columns, pilots, start and a [[cohort]] for each.
    json
        Print as JSON.
    """
    from averting.evaluation.equity import effects_by_cohort

    found = effects_by_cohort(file)
    if json:
        print(json_module.dumps(found.to_dict(), indent=2, ensure_ascii=False))
        return
    print("\n".join(found.lines()))
