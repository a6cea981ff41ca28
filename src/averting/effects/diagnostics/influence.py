"""Does the answer rest on one school? Each pilot is left out in turn, and the comparison school that matters most."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from averting.design import Design
from averting.effects.diagnostics.asked import Asked, Finding, effect_row, finding, redesign, school_name
from averting.effects.kernels.left_out import changes_without

MOST_COMPARISONS = 1
"""So many comparison schools, those that bear most on the others' change, are left out with the whole method."""


def leave_one_out(asked: Asked) -> Finding:
    """Estimate again without each pilot, and without the comparison schools that move the others' change most.

    Notes
    -----
    Every comparison school's bearing on the comparison schools' own change is found; the method itself is then
    applied without the school that bears most on it, so that the cost does not grow with their number.
    """
    design, key = asked.design, "leave_one_out"
    shifts = comparison_shifts(design, asked.effect.estimand.indicator)
    order = np.argsort(-np.abs(shifts), kind="stable")[:MOST_COMPARISONS]
    left = {f"without pilot {school_name(design, out)}": out for out in design.pilots if len(design.pilots) > 1}
    if len(design.comparison) > 2:
        outs = [design.comparison[at] for at in order]
        left |= {f"without comparison {school_name(design, out)}": out for out in outs}
    rows = [asked.row(label, partial(_without, design, out)) for label, out in left.items()]
    changed = [row for row in rows if asked.changed(row)]
    one = "" if len(design.pilots) > 1 else " There is one pilot, which cannot be left out."
    units, unit = design.panel.units, design.panel.level
    rows.insert(0, effect_row(f"all {units}", asked.effect))
    if changed:
        pilots = sum("without pilot" in str(row["label"]) for row in changed)
        message = (
            f"The answer leans on single {units}: left out one at a time, {pilots} of the {len(design.pilots)} pilots and "
            f"{len(changed) - pilots or 'none'} of the comparison {units} change the verdict or move the estimate by more "
            f"than {asked.moved_by:.0%}.{one}"
        )
        return finding(key, "warn", message, rows, f"Find out what is special about these {units}.")
    largest = float(np.abs(np.expm1(shifts[order]))[0])
    share = f"{largest:.0%}" if np.isfinite(largest) else "without limit"
    message = (
        f"No {unit} left out changes the verdict or moves the estimate by more than {asked.moved_by:.0%}. The comparison "
        f"{unit} that matters most moves the others' change by {share}.{one}"
    )
    return finding(key, "pass", message, rows)


def _without(design: Design, school: str) -> Design:
    return redesign(
        design,
        pilots=[pilot for pilot in design.pilots if pilot != school],
        comparison=[other for other in design.comparison if other != school],
    )


def comparison_shifts(design: Design, indicator: str) -> NDArray[np.float64]:
    """Return what leaving out each comparison school adds to the comparison schools' log change, (comparison,).

    Suppressed counts stand at the middle of their bounds; periods are split at the first start.
    """
    counts = design.counts(indicator)
    own = slice(len(design.pilots), None)
    late = counts.treated.any(axis=0)
    events = 0.5 * (counts.lower[own] + counts.upper[own])
    known = np.where(np.isnan(events), 0.0, counts.exposure[own])
    before, after = np.nansum(events[:, ~late], axis=1), np.nansum(events[:, late], axis=1)
    pupils = [np.maximum(known[:, part].sum(axis=1), 1.0) for part in (~late, late)]
    return changes_without(before, after, *pupils)
