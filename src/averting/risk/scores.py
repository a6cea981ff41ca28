"""Risks of single pupils: refused, unless somebody says in writing who will see them and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import date

import numpy as np
import pandas as pd

from averting.errors import DisclosureError, Fault, refuse
from averting.risk.model import RiskModel


@dataclass(frozen=True)
class OptIn:
    """Who answers for individual scores, and what they are for.

    Parameters
    ----------
    who : str
        Name and post of who answers for the use.
    purpose : str
        What is decided with the scores; "support" that a pupil can refuse, never a sanction.
    lawful_basis : str
        Under data protection law, with the impact assessment that covers it.
    seen_by : str
        Who will see a pupil's score.
    delete_by : date
        When they are deleted.
    """

    who: str
    purpose: str
    lawful_basis: str
    seen_by: str
    delete_by: date

    def __post_init__(self) -> None:
        faults = [
            Fault(f"opt-in, {one.name}", "it is not said", "Say it: it is recorded beside the scores")
            for one in fields(self)
            if one.name != "delete_by" and len(str(getattr(self, one.name)).strip()) < 3
        ]
        refuse(DisclosureError, "Individual scores are not given out", faults)

    def record(self, model: RiskModel, rows: int) -> dict[str, object]:
        """Return what is kept beside the scores, as plain values."""
        said: dict[str, object] = {name: str(value) for name, value in asdict(self).items()}
        return said | {
            "outcome": model.cells.outcome,
            "characteristics": list(model.terms.characteristics),
            "scores": rows,
            "warning": "Scores are associations in past data. They say nothing of why, nor of what would help, "
            "and most pupils with a high score never have the outcome.",
        }


def individual_scores(
    model: RiskModel, pupils: pd.DataFrame, *, opt_in: OptIn | None = None
) -> tuple[pd.DataFrame, dict[str, object]]:
    """Return each pupil's risk, and the record of who asked for it.

    Parameters
    ----------
    model : RiskModel
        Fitted model.
    pupils : DataFrame
        One row a pupil with the model's characteristics; its index is kept.
    opt_in : OptIn
        Without it nothing is given.

    Raises
    ------
    DisclosureError
        Without an opt-in, or if a level is not in the model.
    """
    if opt_in is None:
        raise DisclosureError(
            "Risks of single pupils do not leave without an opt-in: say who answers for them, what they are for, the lawful "
            "basis, who will see them and when they are deleted (OptIn, or [scores] in the file). Groups' risks need none."
        )
    cells = model.cells
    codes = np.zeros((len(pupils), len(cells.characteristics)), dtype=np.int64)
    faults = []
    for i, name in enumerate(cells.characteristics):
        if name not in model.terms.characteristics:
            continue
        if name not in pupils:
            faults.append(Fault("pupils", f"there is no column '{name}'", "Add it"))
            continue
        found = pd.Categorical(pupils[name].astype(str).str.strip(), categories=list(cells.levels[name])).codes
        if (found < 0).any():
            faults.append(Fault(f"pupils, {name}", "some have a level the model does not know", "Use its levels"))
        codes[:, i] = found
    refuse(DisclosureError, "Scores cannot be given", faults)
    risk, _ = model.risks(model.design(codes))
    return pd.DataFrame({"risk": risk}, index=pupils.index), opt_in.record(model, len(pupils))
