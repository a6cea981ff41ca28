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
from averting.years import AcademicYear

KINDS = {
    "closure": "closure",
    "method": "change of method",
    "co_intervention": "another programme",
    "other": "other",
}
TREATMENTS = ("show", "exclude", "sensitivity")


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
        Academic years, such as ``2019/20``; sorted.
    treatment : {"show", "exclude", "sensitivity"}
        Only show it; leave its periods (or its schools in them) out; or keep them, and estimate once more without.
    schools : tuple of str
        Whom it concerned; empty for everybody.
    source : str
        Who says so.

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
            labels = {AcademicYear.parse(period).label for period in self.periods}
        except UnitError as error:
            faults.append(Fault(f"{where} periods", error.message, "Write academic years like 2019/20."))
            labels = set()
        if not self.periods:
            faults.append(Fault(f"{where} periods", "there are none", "Name at least one academic year."))
        refuse(DesignError, "An event is not well described", faults)
        object.__setattr__(self, "periods", tuple(sorted(labels)))
        object.__setattr__(self, "schools", tuple(str(school) for school in self.schools))

    @property
    def whole(self) -> bool:
        """Whether it concerned every school."""
        return not self.schools


@cache
def default_events() -> tuple[Event, ...]:
    """Return the events declared in ``models/events.toml``: the two academic years of Covid closures."""
    path = models_dir() / "events.toml"
    tables: dict[str, Any] = read_toml(path)
    needed = ("label", "kind", "periods", "treatment", "source")
    faults = [
        f for key, table in tables.items() for f in key_faults(table, f"{path.name}, {key}", required=needed)
    ]
    refuse(DesignError, f"{path.name} cannot be used", faults)
    return tuple(Event(id=key, **{**table, "periods": tuple(table["periods"])}) for key, table in tables.items())


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
    known = set(panel.schools)
    faults = [
        Fault(f"event {event.id}, school {school}", "it is not in the data", "Correct the list.")
        for school in schools
        if school not in known
    ]
    faults += [
        Fault(
            f"event {event.id}, school {school}",
            f"it is a pilot, so its periods cannot be dropped alone ({event.treatment})",
            'Leave out schools, so that whole periods go, or use treatment = "show".',
        )
        for school in schools
        if school in barred
    ]
    if not set(event.periods) & set(panel.periods):
        span = f"The data run from {panel.periods[0]} to {panel.periods[-1]}."
        faults.append(Fault(f"event {event.id}, periods", f"{', '.join(event.periods)} not in the data", span))
    refuse(DesignError, "An event does not fit the data", faults)
    return _blanked(panel, schools, event)


def _blanked(panel: Panel, schools: Iterable[str], event: Event) -> Panel:
    data = panel.data
    gone = data["school"].isin(list(schools)) & data["period"].isin(list(event.periods))
    blank = {"value": np.nan, "lower": 0.0, "upper": np.inf, "status": np.int8(MISSING), "exposure": np.nan}
    changed = {
        name: data[name].where(~gone, value).transpose(*data[name].dims).astype(data[name].dtype)
        for name, value in blank.items()
    }
    changed = {name: values.assign_attrs(data[name].attrs) for name, values in changed.items()}
    count = int(gone.sum())
    message = f"{count} school-years are left out: {event.label}."
    guidance = "A school without data in every period used is no balanced comparison: see the comparison rule."
    check = CheckResult(f"design/event_{event.id}", "info", message, guidance)
    return Panel(data.assign(changed), (*panel.checks, check))
