"""What may leave of diagnostics and guardrails: that they were looked at and what they mean, and no number.

An estimate without one school or one year, beside the estimate with it, tells that school's or year's counts by
subtraction; so do yearly differences and their errors. Outcomes that exclusions can move into are counts of small
groups that have not passed disclosure control. Their conclusions are one of a few words, from which nothing can be
solved for.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from averting.checks import CheckResult
from averting.data.written import write_table
from averting.effects import Effect
from averting.effects.diagnostics.suite import KNOWN
from averting.provenance import canonical_json
from averting.reporting.results import Results

_SAID = {
    "pass": "Nothing was found that speaks against the estimate.",
    "info": "This could not be found out, or says nothing for or against the estimate.",
    "warn": "This calls for care. Its numbers are withheld, because they would tell of single schools or years.",
}
_SAID["fail"] = _SAID["warn"]
_TELLING = {
    "pre_fit": "How closely the comparison follows the pilots before the start, year by year, was looked at.",
    "donors": "How far the comparison rests on single schools was looked at.",
}
"""Checks of estimates whose words hold a misfit over single years, or the weight of a single school."""
_NUMBERS = ["estimate", "lower", "upper", "p_value", "p_adjusted"]


def write_public_checks(results: Results, folder: Path) -> None:
    """Write diagnostics as words and guardrails as findings, without any number, school or reason.

    Parameters
    ----------
    results : Results
        The results as they are, for inside use.
    folder : Path
        Where public results are written.
    """
    for stage in ("diagnostics", "guardrails"):
        (folder / stage).mkdir()
    told = [
        {
            "key": check.key,
            "status": check.status,
            "message": f"{_label(check.key)}: {_SAID[check.status]}",
            "guidance": "",
        }
        for check in results.checks("diagnostics")
    ]
    _write(folder / "diagnostics/checks.json", told)
    # its message names outcomes and what they did, in words
    _write(folder / "guardrails/checks.json", [check.to_dict() for check in results.checks("guardrails")])
    _write(folder / "guardrails/combined.json", results.record("guardrails/combined"))
    table = results.table("guardrails/guardrails").copy()
    table[_NUMBERS] = np.nan
    table["note"] = ""
    write_table(table, folder / "guardrails/guardrails.csv")


def public_checks(effect: Effect) -> tuple[CheckResult, ...]:
    """Return an estimate's checks; those whose words hold numbers of single years or schools without them."""
    return tuple(
        replace(check, message=f"{_TELLING[name]} Its numbers are withheld.")
        if (name := check.key.rpartition("/")[2]) in _TELLING
        else check
        for check in effect.checks
    )


def _label(key: str) -> str:
    name = key.removeprefix("diagnostics/")
    return KNOWN[name].label if name in KNOWN else "Other ways to estimate"


def _write(path: Path, record: object) -> None:
    path.write_text(canonical_json(record), encoding="utf-8")
