"""``averting savings``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from averting.commands.options import Json, print_answer


def savings(
    local_authority: Annotated[
        str | None,
        Parameter(help="Your authority, such as Salford; without one, the spread over all authorities."),
    ] = None,
    *,
    averted: Annotated[float, Parameter(help="How many permanent exclusions.")] = 1.0,
    family: Annotated[
        str, Parameter(help="Family of declared costs: after_exclusion, or high_needs_block, which is narrower.")
    ] = "after_exclusion",
    price_year: Annotated[str, Parameter(help="Financial year in whose prices.")] = "2023-24",
    json: Json = False,
) -> None:
    """Say what averting exclusions would save your council, by payer, from declared costs, before any pilot.

    Where a figure of your own is missing it says which, and how to work it out; docs/council-costs.md shows where it goes.

    Example: averting savings Salford --averted 3
    """
    from averting.evaluation.council_savings import council_savings

    print_answer(
        council_savings(local_authority, averted=averted, families=(family,), price_year=price_year), json
    )
