"""Events of an ``evaluation.toml``: read, joined with those that hold by default, and turned into extra estimates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from averting.design.events import KINDS, TREATMENTS, Event, default_events
from averting.errors import AvertingError, Fault, UnitError
from averting.evaluation.toml_table import TomlTable
from averting.years import TERMS, Period


def read_events(tables: Iterable[TomlTable]) -> tuple[Event, ...]:
    """Read every ``[[event]]``; faults are noted on the tables."""
    return tuple(event for table in tables if (event := _event(table)) is not None)


def _event(table: TomlTable) -> Event | None:
    label = table.take("label", str)
    noted = len(table.faults)
    made = {
        "id": table.take("id", str, _slug(label)),
        "label": label,
        "kind": table.choice("kind", tuple(KINDS)),
        "treatment": table.choice("treatment", TREATMENTS, "show"),
        "source": table.take("source", str, ""),
    }
    schools, periods = table.texts("schools", []), _periods(table)
    if "schools" in table.values and not schools:
        table.fault("schools", "the list is empty", "Name schools, or leave the key out: then it concerns all.")
    table.done()
    if not label or len(table.faults) > noted:
        return None
    try:
        return Event(**made, periods=periods, schools=schools)
    except AvertingError as error:
        table.faults.extend(Fault(table.where, fault.found, fault.fix) for fault in error.faults)
        return None


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


def _periods(table: TomlTable) -> tuple[str, ...]:
    """Return the academic years or terms named one by one, or by the first and last of them."""
    if ("periods" in table.values) == ("from" in table.values):
        table.take("from", str, None)
        table.take("to", str, None)
        table.texts("periods", [])
        table.fault(
            "periods", "it is not clear when it was", 'Give periods = ["2019/20"], or from (and to), not both.'
        )
        return ()
    if "periods" in table.values:
        periods = table.texts("periods")
        try:
            return tuple(Period.parse(period).label for period in periods)
        except AvertingError as error:
            table.fault("periods", error.message, "")
            return ()
    first = table.parse("from", Period.parse)
    last = table.parse("to", Period.parse) if "to" in table.values else first
    if first is None or last is None:
        return ()
    if last < first and not last.covers(first):
        table.fault("to", f"{last} is before {first}", "Give the first period in from and the last in to.")
    if first.term is None and last.term is None:
        return tuple(
            Period(replace(first.year, start=year)).label for year in range(first.year.start, last.year.start + 1)
        )
    end = last if last.term else replace(last, term=TERMS[-1])
    spanned = (Period.at(ordinal) for ordinal in range(first.ordinal, end.ordinal + 1))
    return tuple(period.label for period in spanned if period.term)


def with_defaults(given: tuple[Event, ...], excluded: tuple[str, ...] | None) -> tuple[Event, ...]:
    """Return default events, save those that an evaluation replaces by id, and then its own.

    Parameters
    ----------
    given : tuple of Event
        The evaluation's own.
    excluded : tuple of str, optional
        Its ``exclude_periods``, where it states them: a default event that they do not name is only shown.
    """
    own = {event.id for event in given}
    kept = [event for event in default_events() if event.id not in own]
    if excluded is not None:
        kept = [event if _all_gone(event, excluded) else replace(event, treatment="show") for event in kept]
    return (*kept, *given)


def is_default(event: Event) -> bool:
    """Whether an event is one of those that hold for every evaluation, as it is declared or only shown."""
    return any(event.label == known.label and event.id == known.id for known in default_events())


def _left_out(event: Event, events: Iterable[Event]) -> set[str]:
    """Return which of an event's periods others leave out for every school."""
    gone = (other for other in events if other.treatment == "exclude" and other.whole)
    return {label for other in gone for label in other.within(event.periods)}


def _all_gone(event: Event, excluded: Iterable[str]) -> bool:
    """Whether all of an event's periods, or its terms, are among those left out; a year stands for its terms."""
    try:
        gone = [Period.parse(period) for period in excluded]
    except UnitError:  # the design refuses it by name
        return False
    named = (event.periods, event.terms) if event.terms else (event.periods,)
    return any(all(any(p.covers(Period.parse(own)) for p in gone) for own in periods) for periods in named)


def event_faults(events: tuple[Event, ...], excluded: Iterable[str]) -> list[Fault]:
    """Find ids that repeat, and sensitivities that would change nothing."""
    ids = [event.id for event in events]
    faults = []
    if len(set(ids)) < len(ids):
        fix = "Give each its own id, or another label"
        faults.append(Fault("evaluation.toml [[event]] id", f"ids repeat: {', '.join(ids)}", fix))
    for event in events:
        if event.treatment == "sensitivity" and _all_gone(event, {*excluded, *_left_out(event, events)}):
            found = f"the periods of '{event.id}' are left out already, so leaving them out changes nothing"
            fix = 'Take them out of exclude_periods, or use treatment = "show"'
            faults.append(Fault("evaluation.toml [[event]] treatment", found, fix))
    return faults


def period_labels(periods: Iterable[str]) -> tuple[str, ...]:
    """Return periods as averting writes them, ``2019/20`` for ``201920``; the design refuses what is none."""
    return tuple(_label(period) for period in periods)


def _label(period: str) -> str:
    try:
        return Period.parse(period).label
    except UnitError:
        return period
