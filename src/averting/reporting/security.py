"""How secure the finding is, on a scale from 0 to 5 with its rule in sight: the shape of the EEF's padlocks, our rule.

The EEF rates trials of attainment by design, the smallest detectable effect size in standard deviations, and attrition.
Counts of exclusions in a few schools have no such effect size, so each part is measured here in what there is: the
smallest fall in the rate that the design finds four times in five, and the share of counts that are missing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from averting.effects import Verdict
from averting.effects.diagnostics.detectable import smallest_detectable
from averting.reporting import numbers
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable

MOST = 5
WORDS = ("very low", "low", "low to moderate", "moderate", "high", "very high")
"""What each number from 0 to 5 is called."""

_FALLS = (0.1, 0.2, 0.3, 0.4, 0.5)  # a smallest detectable fall up to these earns 5, 4, 3, 2, 1
_MISSING = (0.1, 0.2, 0.3, 0.4, 0.5)  # a share of counts missing up to these earns 5, 4, 3, 2, 1
_MOST_DROPPED = 2

RULES = (
    "Design: 5 where pilots were drawn by lot; 4 where they were not, and their change is compared with that of others over "
    "the same years; 0 where nothing can be estimated.",
    "What could be found: the smallest fall in the rate that would be found four times in five, by 10% steps: up to 10% "
    "earns 5, up to 20% 4, up to 30% 3, up to 40% 2, up to 50% 1; a larger one, or none that was tried, earns 0.",
    "What is missing: the share of the primary outcome's counts that are missing, and of pilots that withdrew, whichever is "
    "larger: up to 10% earns 5, and so on in steps of 10% to 0. A suppressed count is known within bounds and is not missing.",
    "The rating starts at the lowest of the three. Each of these takes one off, two at most, and never below 0: a "
    "diagnostic that finds a reason for doubt; exclusions that may have moved elsewhere; a plan that is not declared to have "
    "been written before outcomes were seen.",
)
"""The rule, as the report prints it."""


@dataclass(frozen=True)
class Security:
    """How secure the primary finding is.

    Parameters
    ----------
    parts : tuple of (str, str, int)
        For design, what could be found, and what is missing: its name, what was found, and what that earns.
    threats : tuple of str
        Reasons to take one off.
    """

    parts: tuple[tuple[str, str, int], ...]
    threats: tuple[str, ...]

    @property
    def start(self) -> int:
        """The lowest of the parts."""
        return min(earned for _, _, earned in self.parts)

    @property
    def rating(self) -> int:
        """From 0 to 5."""
        return max(0, self.start - min(len(self.threats), _MOST_DROPPED))


def earned(value: float, steps: tuple[float, ...]) -> int:
    """Return 5 for a value up to the first step, one less for each further step, and 0 beyond the last."""
    passed = [at for at, step in enumerate(steps) if value <= step + 1e-9]
    return MOST - passed[0] if passed else 0


def security(results: Results) -> Security:
    """Rate the primary finding by :data:`RULES`."""
    return Security((_design(results), _could_find(results), _missing(results)), tuple(_threats(results)))


def _design(results: Results) -> tuple[str, str, int]:
    if results.primary.verdict is Verdict.NOT_ESTIMABLE:
        return "Design", "nothing can be estimated", 0
    how = results.declared("protocol").get("assignment", "not said")
    found = "drawn by lot" if how == "by lot" else f"pilots {how}, compared over the same years"
    return (
        "Design",
        found.replace("pilots not said", "how pilots were found is not said"),
        5 if how == "by lot" else 4,
    )


def _could_find(results: Results) -> tuple[str, str, int]:
    name = "What could be found"
    indicator = results.primary.estimand.indicator
    for key in results.estimates:
        effect = results.effect(key)
        table = effect.tables.get("detectable")
        if table is None or effect.estimand.indicator != indicator or table["chance"].isna().all():
            continue
        smallest = smallest_detectable(table)
        if smallest is None:
            return name, "no fall that was tried would be found four times in five", 0
        return name, f"a fall of {numbers.percent(smallest)}, four times in five", earned(smallest, _FALLS)
    return name, "not found out", 0


def _missing(results: Results) -> tuple[str, str, int]:
    table = results.table("data/suppression")
    rows = table[table["indicator"] == results.primary.estimand.indicator]
    missing, cells = float(rows["missing"].sum()), float(rows[["observed", "suppressed", "missing"]].sum().sum())
    counts = missing / cells if cells else math.nan
    protocol = results.declared("protocol")
    agreed, withdrew = protocol.get("agreed"), protocol.get("withdrew")
    lost = withdrew / agreed if agreed and withdrew is not None else 0.0
    said = f"{numbers.percent(counts)} of counts"
    if agreed and withdrew is not None:
        said += f", {numbers.percent(lost)} of pilots withdrew"
    else:
        said += "; how many pilots withdrew is not said"
    return "What is missing", said, 0 if math.isnan(counts) else earned(max(counts, lost), _MISSING)


def _threats(results: Results) -> list[str]:
    found = []
    if any(check.status in ("warn", "fail") for check in results.checks("diagnostics")):
        found.append("a diagnostic finds a reason for doubt")
    if any(check.status != "pass" for check in results.checks("guardrails")):
        found.append("exclusions may have moved elsewhere")
    if results.declared("protocol").get("before_outcomes", "not said") != "yes":
        found.append("the plan is not declared to have been written before outcomes were seen")
    return found


def sentence(results: Results) -> str:
    """Say the rating in words, and what it is not."""
    found = security(results)
    return (
        f"The security of the main finding is {found.rating} of {MOST}: {WORDS[found.rating]}. That is a rating of how far "
        "the finding can be trusted, not of the programme. It follows the shape of the Education Endowment Foundation's "
        "padlocks, by a rule of our own, and no peer reviewer gave it."
    )


def table(results: Results) -> ReportTable:
    """Return what the rating is made of."""
    found = security(results)
    rows = [(name, what, str(points)) for name, what, points in found.parts]
    rows.append(("Lowest of these", "where the rating starts", str(found.start)))
    taken = min(len(found.threats), _MOST_DROPPED)
    rows.append(("Taken off", "; ".join(found.threats) or "nothing", str(taken)))
    rows.append(("Security of the finding", WORDS[found.rating], f"{found.rating} of {MOST}"))
    return ReportTable(("Part", "Found", "Points"), rows, numeric=(2,))
