"""The price year of an evaluation's money, as headers of tables say it."""

from __future__ import annotations

from averting.reporting.results import Results


def price_year(results: Results) -> str:
    """Return the price year of an evaluation's money: ``2023-24 prices``."""
    return f"{results.record('appraisal/appraisal')['price_year']} prices"


def priced(head: str, results: Results) -> str:
    """Return a table's first header with the unit of its money."""
    return f"{head} (£, {price_year(results)})"
