"""Records of a public report without the names of schools, or of events that concern a few of them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from averting.data.successors import KEY as LIKELY_SUCCESSORS
from averting.design.events import COVARIATE as EVENT


def without_event_names(estimate: dict[str, Any]) -> dict[str, Any]:
    """Return an estimate's record with no event named, for its name may name a school."""
    named = [f"{EVENT}named_schools" if name.startswith(EVENT) else name for name in estimate["covariates"]]
    return {**estimate, "covariates": named}


def without_school_names(design: dict[str, Any]) -> dict[str, Any]:
    """Return a design's record with its pilots numbered."""
    pilots = {f"pilot {i}": {"name": "", "start": p["start"]} for i, p in enumerate(design["pilots"].values(), 1)}
    return {**design, "pilots": pilots}


def nameless_checks(checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return checks of the data without names: of schools that look like others' successors, and of events' schools."""
    told = {
        LIKELY_SUCCESSORS: "Some schools end while another that looks the same begins.",
        "design/event_": "Named schools are left out in some years, because of an event.",
    }
    found = []
    for check in checks:
        instead = [message for key, message in told.items() if check["key"].startswith(key)]
        key = "design/event" if check["key"].startswith("design/event_") else check["key"]
        found.append({**check, "key": key, "message": instead[0]} if instead else check)
    return found


def nameless_events(events: pd.DataFrame) -> pd.DataFrame:
    """Return events; of those that concern named schools not what they are called, which may name a school."""
    # a column without any text is read as numbers, which take none
    events, some = events.astype({"id": object, "label": object, "source": object}), events["schools"] > 0
    events.loc[some, "id"] = [f"named_schools_{number}" for number in range(1, int(some.sum()) + 1)]
    events.loc[some, ["label", "source"]] = ["An event of named schools, withheld", ""]
    return events
