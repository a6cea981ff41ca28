"""What an intervention was, version by version: the items of TIDieR [hoffmann_2014]_, because programmes drift.

.. [hoffmann_2014] Hoffmann, T. C. and others (2014). Better reporting of interventions: template for intervention description
   and replication (TIDieR) checklist and guide. BMJ, 348, g1687.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import pandas as pd

from averting.errors import EvaluationError, Fault, refuse
from averting.years import Period

NOT_STATED = "not stated"


@dataclass(frozen=True)
class Version:
    """One version of an intervention; anything not known is said as ``not stated``.

    Parameters
    ----------
    name, since : str
        TIDieR 1: its name; and the academic year or term it began.
    why, materials, procedures, who, how, where, when, tailoring, modifications, planned_fidelity, actual_fidelity : str
        TIDieR 2 to 12.
    """

    name: str
    since: str
    why: str = NOT_STATED
    materials: str = NOT_STATED
    procedures: str = NOT_STATED
    who: str = NOT_STATED
    how: str = NOT_STATED
    where: str = NOT_STATED
    when: str = NOT_STATED
    tailoring: str = NOT_STATED
    modifications: str = NOT_STATED
    planned_fidelity: str = NOT_STATED
    actual_fidelity: str = NOT_STATED

    @property
    def missing(self) -> tuple[str, ...]:
        """Items that are not stated."""
        return tuple(one.name for one in fields(self) if getattr(self, one.name).strip() in ("", NOT_STATED))


def versions_table(versions: Sequence[Version]) -> pd.DataFrame:
    """Return one row an item and one column a version, and whether the item changed between versions.

    Raises
    ------
    EvaluationError
        If two versions begin at once, or are not in order of time.
    """
    starts = [Period.parse(one.since) for one in versions]
    faults = [
        Fault(f"version {later.name}", f"it begins no later than {earlier.name}", "Give versions in order of time")
        for earlier, later, first, second in zip(versions, versions[1:], starts, starts[1:], strict=False)
        if not first < second
    ]
    faults += [Fault("version", "there is none", "Describe the intervention")] * (not versions)
    refuse(EvaluationError, "The description of the intervention cannot be used", faults)
    rows = []
    for one in fields(Version):
        texts = [getattr(version, one.name) for version in versions]
        known = [text for text in texts if text != NOT_STATED]
        word = "yes" if len(set(known)) > 1 else "" if len(known) == len(texts) else "cannot be told"
        named = {f"{v.name}, from {v.since}": text for v, text in zip(versions, texts, strict=True)}
        rows.append({"item": one.name.replace("_", " "), **named, "changed": word if len(versions) > 1 else ""})
    return pd.DataFrame(rows)
