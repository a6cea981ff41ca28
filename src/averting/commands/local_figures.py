"""``averting local-figures``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def local_figures(
    *workbooks: Annotated[Path, Parameter(help="Workbooks that you downloaded, each recognised by its layout.")],
    out: Annotated[Path, Parameter(help="Where to write the set; never over a file.")] = Path(
        "local-figures.toml"
    ),
    year: Annotated[
        str | None, Parameter(help="Year of the grant, such as 2021-22; the latest by default.")
    ] = None,
    outturn: Annotated[bool, Parameter(negative="", help="Take what was spent, not what was budgeted.")] = False,
) -> None:
    """Make authorities' own figures of DfE's section 251 and schools grant workbooks.

    Example: averting local-figures Outturn_data_202122.xlsx; then local_figures = "local-figures.toml" in [costs]
    """
    from averting.errors import DataError
    from averting.evaluation.local_sets import make_local_set
    from averting.years import FinancialYear

    if out.exists():
        raise DataError(f"{out} is there already. Name another with --out, or move it away.")
    made = make_local_set(workbooks, year=FinancialYear.parse(year) if year else None, outturn=outturn)
    out.write_text(made.to_toml(), encoding="utf-8", newline="\n")
    print("\n".join(made.said))
    print(f'written: {out}. Name it in [costs]: local_figures = "{out.name}"')
