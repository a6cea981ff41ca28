"""``averting verify``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from averting.commands.options import Data, Json, Quiet, print_json
from averting.commands.progress import timed

DIFFERS = 3


def verify(
    results: Annotated[Path, Parameter(help="A results folder, or the evaluation's folder that holds it.")],
    *,
    data: Data = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run results again from their own record, and say whether they come out the same. Nothing is written.

    On the same software every byte must agree; on other versions, numbers within stated tolerances. Ends with status 3
    where they do not.

    Example: averting verify my-pilot/results
    """
    from averting.evaluation import verify as verify_results
    from averting.evaluation.usual import usual_seconds

    made_in = results if (results / "results").is_dir() else results.parent
    # the stages are those of a run
    with timed(made_in, "run", quiet=quiet or json, usual=usual_seconds(made_in), keep=False) as progress:
        found = verify_results(results, data=data, progress=progress)
    if json:
        print_json(found.to_dict())
    else:
        print("\n".join(found.lines()))
    if not found.holds:
        sys.exit(DIFFERS)
