"""``averting areas``."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def areas(file: Path, *, json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> None:
    """Pool one programme's effects in two areas or more, and say what each borrows from the others.

    Parameters
    ----------
    file
        TOML file with [spread] and an [[area]] for each evaluation, which must have results.
    json
        Print as JSON.
    """
    from averting.evaluation.areas import areas_together

    found = areas_together(file)
    if json:
        print(json_module.dumps(found.to_dict(), indent=2, ensure_ascii=False))
        return
    print("\n".join(found.lines()))
