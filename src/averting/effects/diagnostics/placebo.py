"""Placebos: the same estimate where there was no programme to find, in time, in space and in outcomes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.effects.diagnostics.asked import Asked, Finding, finding, periods_before, redesign
from averting.effects.verdict import Verdict

_FOUND = (str(Verdict.REDUCTION), str(Verdict.INCREASE))


def placebo_in_time(asked: Asked) -> Finding:
    """Pretend that the programme started in the middle of the years before it, and estimate with those alone."""
    key, before = "placebo_in_time", periods_before(asked.design)
    if len(before) < 2:
        return finding(
            key, "info", "There are fewer than two periods before the start, so no earlier start can be tried."
        )
    start = before[len(before) // 2]
    label = f"as if it had started in {start}"
    row = asked.row(label, lambda: redesign(asked.design, periods=before, start=start))
    if row["note"]:
        return finding(key, "info", f"An earlier start, {start}, could not be tried: {row['note']}", [row])
    if row["verdict"] in _FOUND:
        message = (
            f"Before there was any programme, taking {start} as its start, the same method finds {row['verdict']}: "
            f"pilots and comparison {asked.design.panel.units} were moving apart already, or chance is larger than the "
            "method allows."
        )
        return finding(key, "warn", message, [row], "Do not read the estimate as the programme's effect alone.")
    message = (
        f"Taking {start} as the start, with years before the programme only, the same method finds no effect, as it "
        "should. Its interval says how large a difference it could have missed."
    )
    return finding(key, "pass", message, [row])


def placebo_in_space(asked: Asked) -> Finding:
    """Say where the pilots stand among all sets of as many schools, from the permutation that was made."""
    key = "placebo_in_space"
    if "permutation" not in asked.effect.tables:
        return finding(key, "info", f"{asked.effect.method} did not permute which schools are pilots.")
    table = asked.effect.tables["permutation"]
    truth = float(table.loc[table["is_pilots"], "statistic"].iloc[0])
    values = table["statistic"].to_numpy(dtype=float)
    below = float((values <= truth + 1e-9).mean())
    marks = [0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975]
    rows = [("the pilots", truth, below)]
    rows += [
        ("of all sets", float(value), mark) for mark, value in zip(marks, np.quantile(values, marks), strict=True)
    ]
    message = (
        f"Of {len(values):,} sets of as many {asked.design.panel.units}, {below:.1%} changed as far downwards as the pilots, "
        "or further."
    )
    check = CheckResult(f"diagnostics/{key}", "info", message)
    return Finding(check, pd.DataFrame(rows, columns=["label", "statistic", "share_at_or_below"]))


def placebo_in_outcomes(asked: Asked) -> Finding:
    """Estimate the same for outcomes that the programme could not have moved."""
    key = "placebo_in_outcomes"
    if not asked.unaffected:
        return finding(key, "info", "No outcome was named that the programme could not have moved.")
    rows = [
        asked.row(name, lambda design=design: design, indicator=name)  # type: ignore[misc]
        for name, design in asked.unaffected.items()
    ]
    moved = [str(row["label"]) for row in rows if row["verdict"] in _FOUND]
    made = [row for row in rows if not row["note"]]
    if moved:
        message = (
            f"An outcome that the programme could not have moved did move: {', '.join(moved)}. Something else reached "
            "the pilots, or the comparison is not like them."
        )
        return finding(key, "warn", message, rows, "Do not read the estimate as the programme's effect alone.")
    if not made:
        return finding(key, "info", "No outcome that should not move could be estimated.", rows)
    return finding(
        key, "pass", "Outcomes that the programme could not have moved show no effect, as they should.", rows
    )
