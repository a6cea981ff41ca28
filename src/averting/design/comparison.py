"""Rules that choose comparison schools from a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from averting.data import Panel
from averting.errors import DesignError, Fault, refuse

TRAITS = ("phase", "region", "la")


@runtime_checkable
class ComparisonRule(Protocol):
    """What every rule can do."""

    def select(
        self, panel: Panel, pilots: tuple[str, ...], periods: tuple[str, ...], before: tuple[str, ...] = ()
    ) -> dict[str, float]:
        """Return the schools the rule keeps, in the panel's order, and the weight of each: 1 where all are alike.

        ``periods`` are those used, ``before`` those of them before the start.
        """
        ...

    def describe(self) -> str:
        """Return the rule in words."""
        ...


@dataclass(frozen=True)
class SameAsPilots:
    """Schools that share traits with at least one pilot.

    Parameters
    ----------
    on : sequence of {"phase", "region", "la"}
        Traits in which a comparison school must equal a pilot, all at once. Empty: every school.
    balanced : bool
        Keep only schools with a value, or bounds, and an exposure for every indicator in every period used.
    exclude : sequence of str
        Schools never to compare with, for example neighbours that pupils may move to; refused where not in the data.
    exclude_same_la : bool
        Leave out every school in a pilot's local authority, to which the programme may spill over.

    Examples
    --------
    >>> from averting.design import SameAsPilots
    >>> SameAsPilots(on=["phase", "region"], exclude_same_la=True).on
    ['phase', 'region']
    """

    on: Sequence[str] = ("phase", "region")
    balanced: bool = True
    exclude: Sequence[str] = ()
    exclude_same_la: bool = False

    def __post_init__(self) -> None:
        unknown = [trait for trait in self.on if trait not in TRAITS]
        if unknown:
            raise DesignError(
                f"comparison rule: {', '.join(unknown)} is not a trait of schools. Use {', '.join(TRAITS)}."
            )

    def select(
        self, panel: Panel, pilots: tuple[str, ...], periods: tuple[str, ...], before: tuple[str, ...] = ()
    ) -> dict[str, float]:
        """Return the schools the rule keeps, in the panel's order, all of weight 1."""
        data = panel.data
        traits = np.stack(
            [data[trait].to_numpy().astype(str) for trait in self.on]
            or [np.full(len(panel.schools), "any school")],
            axis=1,
        )
        position = {school: i for i, school in enumerate(panel.schools)}
        wanted = {tuple(traits[position[pilot]]) for pilot in pilots}
        absent = [trait for i, trait in enumerate(self.on) if any(want[i] == "" for want in wanted)]
        if absent:
            raise DesignError(
                f"comparison rule: a pilot has no {' and no '.join(absent)} in the data. Take {' and '.join(absent)} out of "
                "on under [design.comparison] (in Python, of SameAsPilots(on=...)), or name the column that holds it, "
                f'such as {absent[0]} = "..." under [data.columns].'
            )
        complete = complete_schools(panel, periods) if self.balanced else set(panel.schools)
        self._refuse_strangers(panel)
        barred = {*pilots, *panel.ids(self.exclude)}
        if self.exclude_same_la:
            barred |= self._same_la(panel, pilots)
        return {
            school: 1.0
            for i, school in enumerate(panel.schools)
            if school not in barred and school in complete and tuple(traits[i]) in wanted
        }

    def _refuse_strangers(self, panel: Panel) -> None:
        """Refuse names in exclude that no school has: the school that was meant would stay in."""
        known = {*panel.schools, *panel.joined}
        strangers = [school for school in map(str, self.exclude) if school not in known]
        refuse(
            DesignError,
            "comparison rule: exclude names schools that are not in the data",
            [
                Fault(f"exclude {school}", "no such school", "Correct the name, or leave it out")
                for school in strangers
            ],
        )

    def _same_la(self, panel: Panel, pilots: tuple[str, ...]) -> set[str]:
        authority = dict(zip(panel.schools, panel.data["la"].to_numpy().astype(str).tolist(), strict=True))
        own = {authority[pilot] for pilot in pilots}
        if "" in own:
            raise DesignError(
                "exclude_same_la: a pilot has no local authority in the data. Add it, or list schools in exclude."
            )
        return {school for school, name in authority.items() if name in own}

    def describe(self) -> str:
        """Return the rule in words."""
        traits = f"the same {' and '.join(self.on)} as a pilot" if self.on else "all others in the data"
        parts = [traits]
        if self.balanced:
            parts.append("data in every period used")
        if self.exclude_same_la:
            parts.append("none in a pilot's local authority")
        if self.exclude:
            parts.append(f"{len(self.exclude)} named school{'s' * (len(self.exclude) != 1)} left out")
        return "; ".join(parts)


def complete_schools(panel: Panel, periods: tuple[str, ...]) -> set[str]:
    """Return the schools with exposure and with a value or bounds for every indicator in every period."""
    part = panel.select(periods=periods)
    bounded = np.isfinite(part.data["upper"].transpose("school", "period", "indicator").to_numpy()).all(axis=2)
    exposed = np.isfinite(part.exposure.transpose("school", "period").to_numpy())
    kept = (bounded & exposed).all(axis=1)
    return {school for school, keep in zip(part.schools, kept, strict=True) if keep}


def choose_comparison(
    panel: Panel,
    pilots: tuple[str, ...],
    asked: str | Sequence[str] | ComparisonRule,
    *,
    periods: tuple[str, ...],
    before: tuple[str, ...],
) -> tuple[dict[str, float], str]:
    """Return the comparison schools with their weights, and how they were chosen in words.

    Parameters
    ----------
    panel : Panel
        All schools.
    pilots : tuple of str
        In the panel.
    asked : "all", sequence of str, or a rule
        As in :class:`averting.design.Design`.
    periods, before : tuple of str
        Periods used, and those of them before the start: nothing later may bear on the choice.

    Raises
    ------
    DesignError
        If the word is not known, a listed school is a pilot or not in the data, or fewer than two are left.
    """
    if isinstance(asked, str):
        if asked != "all":
            raise DesignError(f"comparison is '{asked}'. Use 'all', a list of schools, or a rule.")
        asked = SameAsPilots(on=())
    if isinstance(asked, ComparisonRule):
        chosen, rule = asked.select(panel, pilots, periods, before), asked.describe()
    else:
        chosen, rule = dict.fromkeys(panel.ids(asked), 1.0), "a list given by the evaluator"
        known = set(panel.schools)
        strangers = [(school, "not in the data") for school in chosen if school not in known]
        pilots_too = [(school, "is a pilot") for school in chosen if school in pilots]
        refuse(
            DesignError,
            "The comparison schools do not fit the data",
            [Fault(f"comparison school {s}", what, "Correct the list.") for s, what in strangers + pilots_too],
        )
    if not chosen:
        raise DesignError(
            f"The comparison ({rule}) keeps no school. A difference between before and after is not an effect: "
            "exclusions rise and fall everywhere from year to year, and schools are often chosen in a bad year, so nobody "
            "can say what would have happened without the programme. Name schools that had none, or widen the rule."
        )
    if len(chosen) < 2:
        raise DesignError(
            f"The comparison ({rule}) keeps {len(chosen)} school. Two are the least that can show how schools "
            "differ by chance; ten or more make an answer possible. Widen the rule or add data."
        )
    return chosen, rule
