"""What stands beside an appraisal: sources with what to beware of, lines left out, later life, and the programme's cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from averting.appraisal import Scenario
from averting.appraisal.later_life import later_life
from averting.appraisal.programme_tables import programme_table, programme_unit_costs
from averting.appraisal.sensitivity import Case
from averting.costs import ParameterSet, flagged
from averting.data.written import write_table
from averting.evaluation.appraisal_settings import AppraisalSettings
from averting.evaluation.settings import CostSettings


def write_cost_tables(
    folder: Path, case: Case, costs: CostSettings, settings: AppraisalSettings, *, level: float
) -> None:
    """Write ``sources.csv``, ``asleep.csv``, ``later_life.csv``, ``programme.csv`` and what it came to per school and pupil."""
    beware = flagged(case.parameters, as_of=costs.as_of)
    found = case.parameters.sources()
    found = found.assign(beware=[", ".join(beware.get(key, ())) for key in found["key"]])
    programme = programme_table(settings.programme, price_year=costs.price_year, deflator=costs.deflator)
    later = _later_life(case, settings.scenarios, level)
    if settings.programme:
        each = programme_unit_costs(
            settings.programme,
            price_year=costs.price_year,
            deflator=costs.deflator,
            schools=case.averted.quantity.sizes["school"],
            pupils_supported=settings.pupils_supported,
        )
        write_table(each, folder / "programme_unit_costs.csv")
    tables = {
        "sources": found,
        "asleep": asleep_table(case.parameters),
        "later_life": later,
        "programme": programme,
    }
    for name, table in tables.items():
        write_table(table, folder / f"{name}.csv")


def asleep_table(parameters: ParameterSet) -> pd.DataFrame:
    """Return the lines that are left out: ``line``, what to give, its unit, and where to look for it."""
    labels = {line.key: line.label for line in parameters.lines}
    rows = [
        {"line": labels[line], "key": key, "label": asked.label, "unit": asked.unit, "ask": asked.ask}
        for line, keys in parameters.asleep.items()
        for key in keys
        if (asked := parameters.unset.get(key)) is not None
    ]
    return pd.DataFrame(rows, columns=["line", "key", "label", "unit", "ask"])


def _later_life(case: Case, scenarios: Sequence[Scenario], level: float) -> pd.DataFrame:
    cases = [replace(case, scenario=scenario) for scenario in scenarios if scenario.programme]
    tables = [later_life(each, level=level) for each in cases]
    kept = [table for table in tables if not table.empty]
    return pd.concat(kept, ignore_index=True) if kept else tables[0]
