"""Events that break a series: closures, changes of method, and other programmes, declared and dealt with openly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from averting.checks import CheckResult
from averting.data import Panel
from averting.data.cells import MISSING
from averting.data.tables import key_faults, read_toml
from averting.errors import DesignError, Fault, UnitError, refuse
from averting.resources import models_dir
from averting.years import Period

KINDS = {
    "closure": "closure",
    "method": "change of method",
    "co_intervention": "another programme",
    "other": "other",
}
TREATMENTS = ("show", "exclude", "sensitivity", "model")
COVARIATE = "event:"
"""What the name of a covariate begins with that says where and when an event was; its id follows."""


@dataclass(frozen=True)
class Event:
    """Something that happened to schools in some periods, besides the programme.

    Parameters
    ----------
    id : str
        Small letters, digits and underscores; names the extra estimate of a sensitivity.
    label : str
        For figures and reports.
    kind : {"closure", "method", "co_intervention", "other"}
        What it was.
    periods : tuple of str
        Academic years, such as ``2019/20``, or terms, such as ``2019/20 Summer``; sorted. In termly data a year stands
        for its terms.
    treatment : {"show", "exclude", "sensitivity", "model"}
        Only show it; leave its periods (or its schools in them) out; keep them, and estimate once more without; or
        keep them, and let estimates adjust for it by the covariate ``event:<id>``.
    schools : tuple of str
        Whom it concerned; empty for everybody.
    source : str
        Who says so.
    terms : tuple of str
        Of the years in ``periods``, the only terms that it fell in; sorted. In yearly data, whose years cannot be
        parted, it fell in the whole year.

    Raises
    ------
    DesignError
        Listing everything that is wrong.
    """

    id: str
    label: str
    kind: str
    periods: tuple[str, ...]
    treatment: str = "show"
    schools: tuple[str, ...] = ()
    source: str = ""
    terms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = f"event {self.id or self.label!r}"
        faults = []
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.id):
            fix = "Use small letters, digits and underscores, a letter first."
            faults.append(Fault(f"{where} id", f"'{self.id}' cannot name an estimate", fix))
        for key, value, allowed in (("kind", self.kind, tuple(KINDS)), ("treatment", self.treatment, TREATMENTS)):
            if value not in allowed:
                fix = f"Use one of: {', '.join(allowed)}."
                faults.append(Fault(f"{where} {key}", f"'{value}' is not known", fix))
        try:
            named, terms = (sorted({Period.parse(p) for p in given}) for given in (self.periods, self.terms))
        except UnitError as error:
            faults.append(Fault(f"{where} periods", error.message, ""))
            named, terms = [], []
        faults += [
            Fault(f"{where} terms", f"'{term}' is no term of its periods", "Name terms of the years in periods.")
            for term in terms
            if term.term is None or not any(period.covers(term) for period in named)
        ]
        if not self.periods:
            faults.append(Fault(f"{where} periods", "there are none", "Name at least one academic year or term."))
        if self.treatment == "model" and not self.schools:
            found = "what concerns every school at once cannot be told from the periods it happened in"
            fix = 'Name the schools it concerned, or use treatment = "exclude" or "sensitivity".'
            faults.append(Fault(f"{where} treatment", found, fix))
        refuse(DesignError, "An event is not well described", faults)
        object.__setattr__(self, "periods", tuple(period.label for period in named))
        object.__setattr__(self, "terms", tuple(term.label for term in terms))
        object.__setattr__(self, "schools", tuple(str(school) for school in self.schools))

    @property
    def whole(self) -> bool:
        """Whether it concerned every school."""
        return not self.schools

    @property
    def covariate(self) -> str:
        """Name of the covariate that is 1 in its schools and periods, and 0 elsewhere."""
        return f"{COVARIATE}{self.id}"

    def within(self, periods: Iterable[str]) -> tuple[str, ...]:
        """Return which of the data's periods it fell in; a year stands for its terms, or for :attr:`terms` alone."""
        return tuple(label for label in periods if self._fell_in(Period.parse(label)))

    def _fell_in(self, period: Period) -> bool:
        named = self.terms if self.terms and period.term else self.periods
        return any(Period.parse(one).covers(period) for one in named)


@cache
def default_events() -> tuple[Event, ...]:
    """Return the events declared in ``models/events.toml``: the academic years, or terms, of Covid closures."""
    path = models_dir() / "events.toml"
    tables: dict[str, Any] = read_toml(path)
    needed = ("label", "kind", "periods", "terms", "treatment", "source")
    faults = [
        f for key, table in tables.items() for f in key_faults(table, f"{path.name}, {key}", required=needed)
    ]
    refuse(DesignError, f"{path.name} cannot be used", faults)
    lists = ("periods", "terms")
    return tuple(
        Event(id=key, **{**table, **{name: tuple(table[name]) for name in lists}}) for key, table in tables.items()
    )


def without_cells(panel: Panel, event: Event, pilots: Sequence[str]) -> Panel:
    """Return a panel in which an event's schools are missing in its periods.

    Parameters
    ----------
    panel : Panel
        Not changed.
    event : Event
        With schools; the panel's ids or those of schools joined to its series.
    pilots : sequence of str
        Pilots' ids: a pilot's periods cannot be dropped alone, for its effect would be measured over other years
        than the comparison's.

    Raises
    ------
    DesignError
        If a school or every period of the event is not in the panel, or one of the schools is a pilot.
    """
    schools, barred = panel.ids(event.schools), set(panel.ids(pilots))
    faults = [
        Fault(
            f"event {event.id}, school {school}",
            f"it is a pilot, so its periods cannot be dropped alone ({event.treatment})",
            'Leave out schools, so that whole periods go, or use treatment = "show".',
        )
        for school in schools
        if school in barred
    ]
    refuse(DesignError, "An event does not fit the data", [*_not_there(panel, event), *faults])
    return _blanked(panel, schools, event)


def with_covariate(panel: Panel, event: Event) -> Panel:
    """Return a panel with one covariate more, :attr:`Event.covariate`: 1 in an event's schools and periods, else 0.

    Methods that take covariates which change over time can then adjust for the event:
    ``estimate(design, ..., covariates=["event:<id>"])``.

    Parameters
    ----------
    panel : Panel
        Not changed.
    event : Event
        With schools, pilots or not; the panel's ids or those of schools joined to its series.

    Raises
    ------
    DesignError
        If it concerns every school, a school or every period of it is not in the panel, or the panel has a covariate
        of that name.
    """
    faults = _not_there(panel, event)
    if event.whole:
        fix = "Name its schools: what concerns all is in the periods already."
        faults.append(Fault(f"event {event.id}, schools", "there are none", fix))
    if event.covariate in panel.covariates:
        faults.append(Fault(f"event {event.id}, id", f"{event.covariate} is in the data", "Use another id."))
    refuse(DesignError, "An event does not fit the data", faults)
    data = panel.data
    inside = data["school"].isin(list(panel.ids(event.schools))) & data["period"].isin(
        list(event.within(panel.periods))
    )
    values = inside.astype(np.float64).transpose("school", "period").to_numpy()[None]
    if "covariates" in data:
        values = np.concatenate([data["covariates"].transpose("covariate", "school", "period").to_numpy(), values])
    names = np.array([*panel.covariates, event.covariate], dtype=str)
    changed = data.drop_vars(["covariates", "covariate"], errors="ignore").assign_coords(covariate=names)
    return Panel(changed.assign(covariates=(("covariate", "school", "period"), values)), panel.checks)


def _not_there(panel: Panel, event: Event) -> list[Fault]:
    known = set(panel.schools)
    faults = [
        Fault(f"event {event.id}, school {school}", "it is not in the data", "Correct the list.")
        for school in panel.ids(event.schools)
        if school not in known
    ]
    if not event.within(panel.periods):
        span = f"The data run from {panel.periods[0]} to {panel.periods[-1]}."
        faults.append(Fault(f"event {event.id}, periods", f"{', '.join(event.periods)} not in the data", span))
    return faults


def _blanked(panel: Panel, schools: Iterable[str], event: Event) -> Panel:
    data = panel.data
    gone = data["school"].isin(list(schools)) & data["period"].isin(list(event.within(panel.periods)))
    blank = {"value": np.nan, "lower": 0.0, "upper": np.inf, "status": np.int8(MISSING), "exposure": np.nan}
    changed = {
        name: data[name].where(~gone, value).transpose(*data[name].dims).astype(data[name].dtype)
        for name, value in blank.items()
    }
    changed = {name: values.assign_attrs(data[name].attrs) for name, values in changed.items()}
    count = int(gone.sum())
    message = f"{count} school-{'terms' if panel.termly else 'years'} are left out: {event.label}."
    guidance = "A school without data in every period used is no balanced comparison: see the comparison rule."
    check = CheckResult(f"design/event_{event.id}", "info", message, guidance)
    return Panel(data.assign(changed), (*panel.checks, check))
