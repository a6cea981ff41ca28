"""``[costs]`` of a file on cohorts: how their averted exclusions are valued, and what was spent on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from averting.appraisal import ProgrammeCost
from averting.appraisal.cohorts import cohort_savings
from averting.costs import known_payers, load_parameters
from averting.effects import Effect
from averting.evaluation.toml_table import TomlTable
from averting.years import FinancialYear

VALUED = "permanent_exclusions"
TABLE = "savings by cohort"
_SAID = (
    "Savings: every cohort's averted exclusion is valued at the same unit costs, because none by characteristic was seen; a "
    "cohort whose places or support cost more saves more than is said here, and the other way about.",
    "Intervals of savings hold for all cohorts together (Bonferroni). Cohorts overlap, so their savings do not add up.",
)


@dataclass(frozen=True)
class EquityCosts:
    """How cohorts are valued: families of costs, years, and spend by cohort."""

    families: tuple[str, ...]
    base_year: FinancialYear
    price_year: FinancialYear
    payer: str = ""
    source: str = ""
    spend: Mapping[str, float] = field(default_factory=dict)


def read_spend(table: TomlTable, label: str, costs: TomlTable | None) -> dict[str, float]:
    """Read what was spent on one cohort; nothing where that is not known."""
    spent: float | None = table.take("spend", float, None)
    if spent is None:
        return {}
    if costs is None:
        table.fault("spend", "there is no [costs]", "Say there how exclusions are valued, or leave the spend out.")
    if not 0 <= spent < float("inf"):
        table.fault("spend", f"it is {spent:g}", "Give pounds, 0 or more.")
        return {}
    return {label: spent}


def read_costs(table: TomlTable | None, spend: Mapping[str, float], indicator: str) -> EquityCosts | None:
    """Read ``[costs]``; faults are noted on the table, and None is returned where there is none."""
    if table is None:
        return None
    families = table.texts("families", ["high_needs_block"])
    base, prices = (table.parse(key, FinancialYear.parse) for key in ("base_year", "price_year"))
    payer, source = table.take("payer", str, ""), table.take("source", str, "")
    table.done()
    if indicator != VALUED:
        table.fault(
            "[costs]", f"the indicator is {indicator}", f"Savings are known of {VALUED}: leave [costs] out."
        )
    if spend and (payer not in known_payers() or not source.strip()):
        known = ", ".join(known_payers())
        table.fault(
            "payer",
            "a cohort has spend, and who paid or the source is not known",
            f"Give source, and payer: {known}.",
        )
    if base is None or prices is None:
        return None
    return EquityCosts(families, base, prices, payer, source, spend)


def money_by_cohort(
    asked: EquityCosts | None, effects: Mapping[str, Effect | str], *, draws: int, seed: int
) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """Return the table of savings, and what is to be said of it; nothing where it was not asked for."""
    if asked is None:
        return {}, ()
    programme = {
        label: (ProgrammeCost(asked.base_year, amount, asked.payer, asked.price_year, asked.source),)
        for label, amount in asked.spend.items()
    }
    table = cohort_savings(
        effects,
        load_parameters(*asked.families),
        base_year=asked.base_year,
        price_year=asked.price_year,
        programme=programme,
        draws=draws,
        seed=seed,
    )
    said = [f"{_SAID[0]} Pounds are present value in {asked.base_year}, prices of {asked.price_year}.", _SAID[1]]
    without = [
        label for label, effect in effects.items() if not isinstance(effect, str) and label not in asked.spend
    ]
    if without:
        said.append(
            f"What was spent on its pupils was not given, so there is no net amount: {', '.join(without)}."
        )
    return {TABLE: table}, tuple(said)
