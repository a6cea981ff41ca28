"""``averting init-data``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from averting.commands.options import Json, print_json


def init_data(
    folder: Annotated[Path, Parameter(help="Where you put the files.")] = Path("public-data"),
    *,
    json: Json = False,
) -> None:
    """Say which public files to download and from where, and check those that have arrived.

    Nothing is downloaded for you. Ends with status 2 where a file that is there cannot be used.

    Example: averting init-data; then download, and the same command again
    """
    from averting.evaluation.public_data import look_for

    found = look_for(folder)
    if json:
        print_json([one.to_dict() for one in found])
    else:
        print("\n".join(line for one in found for line in one.lines()))
    if any(one.state == "cannot be used" for one in found):
        sys.exit(2)
