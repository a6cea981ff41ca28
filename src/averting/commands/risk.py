"""``averting risk``."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def risk(question: Path, *, json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> None:
    """Say who is at risk of exclusion: associations with pupils' characteristics, small numbers withheld.

    Parameters
    ----------
    question
        TOML file with [pupils], [by_characteristic] or [[compare]].
    json
        Print as JSON.
    """
    from averting.evaluation.risk import who_is_at_risk

    found = who_is_at_risk(question)
    if json:
        print(json_module.dumps(found.to_dict(), indent=2, ensure_ascii=False))
        return
    print("\n".join(found.lines()))
