"""With staggered starts: which comparisons a two-way fixed-effects estimate would average."""

from __future__ import annotations

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.effects.diagnostics.asked import Asked, Finding, finding
from averting.effects.kernels.bacon import NEVER, decompose
from averting.effects.outcomes import rates

_MOST_FORBIDDEN = 0.1


def bacon(asked: Asked) -> Finding:
    """Decompose a two-way fixed-effects estimate on rates into its two-by-two comparisons.

    Returns
    -------
    Finding
        ``table``: columns start, against (a period, or "never"), kind, weight and estimate (events per 100 pupils).
    """
    key, design = "bacon", asked.design
    counts = design.counts(asked.effect.estimand.indicator)
    values = rates(0.5 * (counts.lower + counts.upper), counts.exposure)
    complete = np.isfinite(values).all(axis=1)
    if not complete[: len(design.pilots)].any() or not complete[len(design.pilots) :].any():
        return finding(key, "info", "No pilot, or no comparison school, has a rate in every period used.")
    first = np.where(counts.treated.any(axis=1), counts.treated.argmax(axis=1), NEVER)
    parts = decompose(values[complete], first[complete])
    named = {NEVER: "never", **dict(enumerate(design.periods))}
    rows = [(named[p.start], named[p.against], p.kind, p.weight, p.estimate) for p in parts]
    table = pd.DataFrame(rows, columns=["start", "against", "kind", "weight", "estimate"])
    forbidden = float(table.loc[table["kind"] == "already treated", "weight"].sum())
    message = (
        f"{forbidden:.0%} of a two-way fixed-effects estimate would come from comparing pilots with pilots that had "
        "started already."
    )
    bad = forbidden > _MOST_FORBIDDEN
    advice = (
        "Use a method for staggered starts; two-way fixed effects would be biased where effects grow."
        if bad
        else ""
    )
    return Finding(CheckResult("diagnostics/bacon", "warn" if bad else "pass", message, advice), table)
