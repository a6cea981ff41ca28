"""The stage that sets Bayesian models of the same counts side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from averting.data.written import write_table
from averting.effects import DEFAULT_METHOD, Effect, known_estimators
from averting.effects.bayes.leave_one_out import TABLE, compare_models
from averting.evaluation.estimate_settings import EstimateSettings

_COLUMNS = ["indicator", "estimate", "elpd", "difference", "difference_se", "p", "weight", "unreliable"]


def comparable(estimates: Sequence[EstimateSettings]) -> dict[str, tuple[str, ...]]:
    """Return ids of Bayesian estimates of each indicator that has two or more, all with every event."""
    known = known_estimators()
    found: dict[str, tuple[str, ...]] = {}
    for settings in estimates:
        method = DEFAULT_METHOD if settings.method == "auto" else settings.method
        if known[method].priors and not settings.without:
            found[settings.indicator] = (*found.get(settings.indicator, ()), settings.id)
    return {indicator: ids for indicator, ids in found.items() if len(ids) > 1}


def write_models(folder: Path, effects: Mapping[str, Effect]) -> None:
    """Compare the models of each indicator by how well they predict single counts; those that cannot are left out."""
    able: dict[str, dict[str, Effect]] = {}
    for key, effect in effects.items():
        if TABLE in effect.tables:
            able.setdefault(effect.estimand.indicator, {})[key] = effect
    rows = [
        compare_models(group).assign(indicator=indicator) for indicator, group in able.items() if len(group) > 1
    ]
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=_COLUMNS)
    write_table(table[_COLUMNS], folder / "models.csv")
