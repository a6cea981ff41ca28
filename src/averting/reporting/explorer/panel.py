"""The explorer as one block of HTML: model, script, style, and a table of cases that stands without them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from averting.effects import Verdict
from averting.errors import RenderError
from averting.reporting import numbers, wording
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable, bundle

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Panel:
    """The explorer as it is shown in a report or notebook.

    Parameters
    ----------
    html : str
        One section, with nothing loaded from elsewhere; empty where there is nothing to explore.
    cases : ReportTable
        What a page without scripts, a printed page and a text show.
    """

    html: str
    cases: ReportTable

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        plain = "\n".join(" | ".join(row) for row in (self.cases.columns, *self.cases.rows))
        return bundle(self.html, plain)


def panel(results: Results) -> Panel:
    """Return the explorer of a run's central scenario.

    Parameters
    ----------
    results : Results
        Of a run that valued what was averted. Where the model is not among them (nothing was valued, or disclosure
        control keeps it back), or nothing can be estimated, a sentence takes the explorer's place.
    """
    path, valued = results.folder / "appraisal" / "what_if.json", results.valued
    if valued is None or not path.is_file():
        return _without("What other assumptions would bring cannot be tried in this version of the report.")
    if valued.verdict is Verdict.NOT_ESTIMABLE:
        return _without("What was averted cannot be estimated from these data, so there is nothing to try out.")
    model = json.loads(path.read_text(encoding="utf-8"))
    return what_if_panel(model, posterior=wording.has_probability(valued))


def _without(reason: str) -> Panel:
    return Panel(f"<p>{escape(reason)}</p>", ReportTable((reason,), []))


def what_if_panel(model: Mapping[str, Any], *, posterior: bool) -> Panel:
    """Return the explorer of a model.

    Parameters
    ----------
    model : mapping
        From :func:`averting.appraisal.what_if_model.what_if`.
    posterior : bool
        Whether shares of draws may be worded as probabilities.

    Raises
    ------
    RenderError
        If the model holds no case to show.
    """
    if not model.get("checks"):
        raise RenderError("The explorer's model holds no case. Make the results again with: averting run.")
    outcome = "pays" if model["spend"] else "saves anything"  # without a cost, nothing can be said to pay
    label = (
        f"Probability that it {outcome}"
        if posterior
        else f"Share of draws in which it {outcome} (not a probability)"
    )
    cases = _cases(model, label)
    # no "<" survives, so that no text can end the script
    data = json.dumps({**model, "chance_label": label}, ensure_ascii=False, separators=(",", ":"))
    script = (_FOLDER / "what_if.js").read_text(encoding="utf-8")
    style = (_FOLDER / "what_if.css").read_text(encoding="utf-8")
    page = (_FOLDER / "what_if.template").read_text(encoding="utf-8")
    html = page.strip().format(
        style=style,
        cases=cases.html().replace("<table>", "<table>\n<caption>One thing changed at a time</caption>", 1),
        chance=escape(label),
        drawn=_drawn(model),
        prices=escape(str(model["prices"])),
        first=escape(str(model["years"][0])),
        rules=escape(str(model["rules"])),
        data=data.replace("<", "\\u003c"),
        script=script,
    )
    return Panel(html, cases)


def _drawn(model: Mapping[str, Any]) -> str:
    used, all_draws = len(model["averted_draws"]), int(model["draws_all"])
    if used == all_draws:
        return f"Shares and intervals are counted from {used:,} joint draws."
    return (
        f"Averages are exact. Shares and intervals are counted here from {used:,} of the {all_draws:,} joint draws, so "
        "a share may be off by up to 4 percentage points."
    )


def _cases(model: Mapping[str, Any], chance: str) -> ReportTable:
    rows, known = [], bool(model["spend"])  # without the programme's cost there is no ratio
    for check in model["checks"][:-1]:  # the last is for checking only
        ratio = "–" if check["bcr"] is None else numbers.decimal(check["bcr"])
        spread = f"{numbers.pounds(check['lower'])} to {numbers.pounds(check['upper'])}"
        said = (str(check["name"]), numbers.pounds(check["npv"]), spread)
        rows.append((*said, *([ratio] if known else []), numbers.chance(check["chance"])))
    value = f"Net present value, mean, {model['prices']} prices"
    columns = ("Case", value, "95% interval", *(["Benefit–cost ratio"] if known else []), chance)
    return ReportTable(columns, rows, numeric=tuple(range(1, len(columns))))
