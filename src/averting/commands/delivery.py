"""``averting delivery``."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def delivery(file: Path, *, json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> None:
    """Describe what a programme delivered, against its plan, and what it was, version by version.

    Parameters
    ----------
    file
        TOML file with records, [plan] and [[version]].
    json
        Print as JSON.
    """
    from averting.evaluation.delivery import what_was_delivered

    found = what_was_delivered(file)
    if json:
        print(json_module.dumps(found.to_dict(), indent=2, ensure_ascii=False))
        return
    print("\n".join(found.lines()))
