"""Did the programme reach those compared with nearby? Those of the pilots' authorities against those elsewhere."""

from __future__ import annotations

from averting.design import Design
from averting.effects.diagnostics.asked import Asked, Finding, effect_row, finding, redesign
from averting.effects.verdict import Verdict


def spillover(asked: Asked) -> Finding:
    """Take the neighbours as if they were pilots, and compare pilots with schools elsewhere alone."""
    key, design = "spillover", asked.design
    near, far = _rings(design)
    units = design.panel.units
    if not near or len(far) < 2:
        where = f"none of the comparison {units} is" if not near else f"nearly all comparison {units} are"
        return finding(key, "info", f"Spill-over cannot be looked for: {where} in a pilot's local authority.")
    first = min(design.starts.values(), key=design.panel.periods.index)
    neighbours = asked.row("neighbours, as if they were pilots", lambda: _neighbours(design, near, far, first))
    elsewhere = asked.row(f"pilots against {units} elsewhere", lambda: redesign(design, comparison=far))
    rows = [effect_row("as estimated", asked.effect), neighbours, elsewhere]
    if neighbours["note"]:
        return finding(key, "info", f"Neighbours could not be compared: {neighbours['note']}", rows)
    found = neighbours["verdict"] in (str(Verdict.REDUCTION), str(Verdict.INCREASE))
    if found or asked.changed(elsewhere):
        what = f"the same method finds {neighbours['verdict']} in the pilots' neighbours" if found else (
            f"compared with {units} elsewhere only, the answer is another one"
        )  # fmt: skip
        message = f"The programme may have reached beyond the pilots: {what}."
        fix = f"Compare with {units} elsewhere (exclude_same_la = true), or count the neighbours' change as part of it."
        return finding(key, "warn", message, rows, fix)
    near_by = f"{units[:1].upper()}{units[1:]} near the pilots"
    message = (
        f"{near_by} changed no differently from {units} elsewhere, and leaving them out changes nothing much."
    )
    return finding(key, "pass", message, rows)


def _rings(design: Design) -> tuple[list[str], list[str]]:
    """Return comparison schools in a pilot's authority, and the others; unknown authorities are neither."""
    la = dict(zip(design.panel.schools, design.panel.data["la"].to_numpy().astype(str).tolist(), strict=True))
    own = {la[pilot] for pilot in design.pilots} - {""}
    near = [school for school in design.comparison if la[school] in own]
    return near, [school for school in design.comparison if la[school] not in own | {""}]


def _neighbours(design: Design, near: list[str], far: list[str], start: str) -> Design:
    panel = design.panel.select(periods=design.periods)
    return Design(panel, near, start=start, comparison=far, exclude_periods=())
