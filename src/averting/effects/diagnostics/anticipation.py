"""Did schools change before the official start? The last period before it is left out."""

from __future__ import annotations

from averting.effects.diagnostics.asked import Asked, Finding, effect_row, finding, periods_before, redesign


def anticipation(asked: Asked) -> Finding:
    """Leave out the last period before the start, in which pilots may have prepared or been chosen, and compare."""
    key, before = "anticipation", periods_before(asked.design)
    if len(before) < 2:
        return finding(key, "info", "There is only one period before the start, so it cannot be left out.")
    last, span = before[-1], asked.span
    kept = [period for period in asked.design.periods if period != last]
    row = asked.row(f"without {last}, the last before the start", lambda: redesign(asked.design, periods=kept))
    rows = [effect_row(f"all {span}s", asked.effect), row]
    if row["note"]:
        return finding(key, "info", f"The estimate cannot be made without {last}: {row['note']}", rows)
    if asked.changed(row):
        message = (
            f"Leaving out {last}, the last {span} before the start, changes the verdict or moves the estimate by more than "
            f"{asked.moved_by:.0%}. Pilots may have begun early, or been chosen for that {span}."
        )
        return finding(
            key, "warn", message, rows, "Ask when work in the pilots really began, and how they were chosen."
        )
    message = (
        f"Leaving out {last}, the last {span} before the start, changes neither the verdict nor the estimate much."
    )
    return finding(key, "pass", message, rows)
