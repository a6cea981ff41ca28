"""``averting moves``."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def moves(file: Path, *, json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> None:
    """Describe placements in alternative provision, moves between settings, and what was recorded before and after.

    Parameters
    ----------
    file
        TOML file with [placements] and [[transitions]].
    json
        Print as JSON.
    """
    from averting.evaluation.moves import where_pupils_went

    found = where_pupils_went(file)
    if json:
        print(json_module.dumps(found.to_dict(), indent=2, ensure_ascii=False))
        return
    print("\n".join(found.lines()))
