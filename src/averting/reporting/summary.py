"""Sentences and tables of the summary for commissioners: plain words, the answer first, no more than the numbers."""

from __future__ import annotations

from typing import Any

import pandas as pd

from averting.appraisal.appraisal import VIEW_LABELS
from averting.effects import Effect, Verdict
from averting.effects.diagnostics.detectable import smallest_detectable
from averting.reporting import numbers, wording
from averting.reporting.prices import price_year
from averting.reporting.results import Results
from averting.reporting.tables import KINDS, ReportTable, amount


def headline(results: Results) -> str:
    """Answer the question in one sentence, by the verdict on the primary estimate."""
    effect = results.primary
    what = results.indicator(effect.estimand.indicator)
    return {
        Verdict.REDUCTION: f"Yes: there is evidence that the programme cut {what}.",
        Verdict.INCREASE: f"No: there is evidence that {what} rose with the programme.",
        Verdict.UNCERTAIN: f"We cannot tell yet whether the programme cut {what}.",
        Verdict.NOT_ESTIMABLE: f"These data cannot show whether the programme changed {what}.",
    }[effect.verdict]


def size(results: Results) -> str:
    """Say how big the change is and how far off that may be; empty where it cannot be estimated."""
    effect = results.primary
    if effect.verdict is Verdict.NOT_ESTIMABLE:
        return "No range that could be trusted can be given. That says nothing about whether the programme worked."
    scale = effect.estimand.scale
    best, low, high = (numbers.effect_change(value, scale) for value in (effect.estimate, *effect.interval))
    return (
        f"Our best estimate is that the rate in the pilot {wording.unit(results)} was {best} than it would have been. "
        f"The true change could be anywhere from {low} to {high}."
    )


def can_say(results: Results) -> list[str]:
    """Return what the evidence supports."""
    effect = results.primary
    what, units = results.indicator(effect.estimand.indicator), wording.unit(results)
    design = results.record("design/design")
    said = [
        f"We compared {len(design['pilots'])} pilot {units} with {design['comparison_schools']} others over the same "
        "years."
    ]
    if effect.verdict is not Verdict.NOT_ESTIMABLE:
        said.append(_averted(effect, what))
    said.append(_likely(results, what))
    return [sentence for sentence in said if sentence]


def _averted(effect: Effect, what: str) -> str:
    return f"Counted in pupils' {what}, that is {_moved_by(effect)}"


def _moved_by(effect: Effect) -> str:
    spread = effect.averted().summary(effect.level)
    low, middle, high = (spread[key] for key in ("lower", "median", "upper"))
    kind = "more" if middle <= -0.5 else "fewer"
    ends = f"from {_moved(low)} to {_moved(high)}"
    return f"{numbers.count(abs(middle))} {kind} in all, by the middle estimate. The range runs {ends}."


def _likely(results: Results, what: str) -> str:
    """Say how likely a fall is, where draws are probabilities; and that this is short of evidence where it is."""
    valued = results.valued
    if valued is None or not wording.has_probability(valued):
        return ""
    share = numbers.chance(valued.probability_of_reduction())
    before = numbers.chance(float(valued.tables["priors"].set_index("parameter")["below_zero"]["log_ratio"]))
    by = "a second method" if _second(results) else "our method"
    short = " But its range, too, includes no change." if valued.verdict is Verdict.UNCERTAIN else ""
    return (
        f"By {by} (a Bayesian model), the chance that the programme cut the rate of {what} at all is {share}. Before it "
        f"saw the data, it put that chance at {before}.{short}"
    )


def _second(results: Results) -> bool:
    """Whether the money rests on another estimate than the answer."""
    valued, primary = results.valued, results.primary
    return valued is not None and (valued.draw_kind, valued.method) != (primary.draw_kind, primary.method)


def _moved(averted: float) -> str:
    return f"{numbers.count(-averted)} more" if averted <= -0.5 else f"{numbers.count(averted)} fewer"


def cannot_say(results: Results) -> list[str]:
    """Return what the evidence does not support, whatever a reader may wish."""
    effect, units = results.primary, wording.unit(results)
    what = results.indicator(effect.estimand.indicator)
    said = []
    if effect.verdict is Verdict.UNCERTAIN:
        said.append(f"We cannot say that it failed. A true fall in {what} could be hidden by chance.")
        said.append(f"We cannot say that it worked. Chance alone could have made this change in so few {units}.")
    elif effect.verdict in (Verdict.REDUCTION, Verdict.INCREASE):
        said.append("We cannot be certain. Something else may have changed in the pilots at the same time.")
    said.append(f"We cannot say that other {units} would see the same. They may differ from the pilots.")
    said.append("We cannot say how pupils fared in later life. No saving is claimed for that.")
    return said


def power(results: Results) -> str:
    """Say what the pilot could have found out; empty where no estimate did."""
    for key in results.estimates:
        table = results.effect(key).tables.get("detectable")
        if table is None or table["chance"].isna().all():
            continue
        halving = float(table.loc[(table["reduction"] - 0.5).abs() < 1e-9, "chance"].iloc[0])
        smallest = smallest_detectable(table)
        start = f"Had the programme halved the rate, we would have found it with a chance of {numbers.chance(halving)}."
        if smallest is None:
            return f"{start} No fall that we tried would have been found four times in five."
        return f"{start} A fall of {numbers.percent(smallest)} would have been found four times in five."
    return ""


def money(results: Results) -> list[str]:
    """Say what it saved, in the central case; a sentence saying so where it was not valued."""
    if not results.has_appraisal:
        return ["This evaluation does not value what was averted."]
    valued = results.valued
    assert valued is not None
    if valued.verdict is Verdict.NOT_ESTIMABLE:
        return wording.money(results)
    said = []
    if _second(results):  # two estimates of one thing differ: say which one the money rests on
        what = results.indicator(valued.estimand.indicator)
        said.append(f"These sums rest on the second method. Its count of {what} is {_moved_by(valued)}")
    summary = results.table("appraisal/summary")
    for row in summary[summary["scenario"] == "central"].to_dict(orient="records"):
        said.append(_view(row, results))
    if not results.record("appraisal/appraisal")["has_programme_cost"]:
        said.append("Its cost was not given. It pays only if it cost less than it saved.")
    return said


def _view(row: dict[Any, Any], results: Results) -> str:
    """Say what one way of counting comes to, less the programme's cost where that is known."""
    known, valued = results.record("appraisal/appraisal")["has_programme_cost"], results.valued
    assert valued is not None
    words = ("a loss of", "a gain of") if known else ("extra costs of", "savings of")
    low, middle, high = (
        f"{words[value >= 0]} {numbers.pounds(abs(value))}"
        for value in (row["npv_lower"], row["npv_median"], row["npv_upper"])
    )
    less = ", with the programme's cost taken off," if known else ""
    said = (
        f"{VIEW_LABELS[row['view']]}: the middle estimate{less} is {middle}. The range runs from {low} to {high}."
    )
    if not (known and wording.has_probability(valued)):
        return said
    return f"{said} The chance that it saved more than it cost is {numbers.chance(row['chance_of_paying'])}."


def prices(results: Results) -> str:
    """Say in which money the sums are; empty where nothing was valued."""
    if not results.has_appraisal:
        return ""
    record = results.record("appraisal/appraisal")
    return (
        f"Sums are in {price_year(results)}. A pound in a later year counts for less than one in {record['base_year']}, "
        "as the Treasury's Green Book asks."
    )


def marks(results: Results) -> str:
    """Say what shades and numbers on the figure of rates are; empty where there are none."""
    events = results.table("design/events")
    kept = (events["treatment"] != "exclude") | (events["schools"] > 0)
    said = ["Years in grey are left out."] if results.record("design/design")["excluded"] else []
    if kept.any():
        said.append("Striped years are kept.")
    if len(events):
        labels = [f"{number} is {wording.as_text(str(label))}" for number, label in enumerate(events["label"], 1)]
        said.append(f"Of the numbers at the top, {'; '.join(labels)}.")
    return " ".join(said)


def who_when(results: Results) -> ReportTable:
    """Return who gains and who pays in the central scenario, how much, and in which years."""
    if not results.has_appraisal:
        return ReportTable(("Not valued",), [("This evaluation does not value what was averted.",)])
    flows = results.table("appraisal/flows")
    flows = flows[flows["scenario"] == "central"]
    payers = results.table("appraisal/payers")
    rows = []
    for row in payers[payers["scenario"] == "central"].to_dict(orient="records"):
        own = flows[(flows["payer"] == row["payer"]) & (flows["kind"] == row["kind"])]
        yearly = own.groupby("year")["present_value"].sum().abs()
        yearly = yearly[yearly > 0]
        rows.append(
            (
                row["payer_label"],
                KINDS[row["kind"]],
                amount(row["mean"], row["lower"], row["upper"]),
                _when(yearly),
            )
        )
    level = numbers.percent(results.primary.level)
    gain = f"Gain (minus: cost), mean and {level} range, {price_year(results)}"
    return ReportTable(("Who", "Kind", gain, "When"), rows, numeric=(2,))


def _when(yearly: pd.Series) -> str:
    if yearly.empty:
        return "–"
    years = [int(year) for year in yearly.index]
    half = years[int((yearly.cumsum() >= yearly.sum() / 2).to_numpy().argmax())]
    span = _financial(years[0]) if len(years) == 1 else f"{_financial(years[0])} to {_financial(years[-1])}"
    return span if len(years) == 1 else f"{span}; half by {_financial(half)}"


def _financial(start: int) -> str:
    return f"{start}-{(start + 1) % 100:02d}"


_STOP = {
    Verdict.REDUCTION: "It speaks against stopping: there is evidence of a fall.",
    Verdict.INCREASE: "It speaks for a pause: there is evidence of a rise.",
    Verdict.UNCERTAIN: "It gives no ground to stop. Lack of proof is not proof of failure.",
    Verdict.NOT_ESTIMABLE: "It says nothing either way.",
}
_EXTEND = {
    Verdict.REDUCTION: "It worked here. That it would work elsewhere is not shown.",
    Verdict.INCREASE: "It gives no ground to extend.",
    Verdict.UNCERTAIN: "It gives no ground to extend yet. We do not know that it works.",
    Verdict.NOT_ESTIMABLE: "It says nothing either way.",
}


def choices(results: Results) -> ReportTable:
    """Return what may be decided now, when each choice makes sense, and what this evidence says about it."""
    verdict, units = results.primary.verdict, wording.unit(results)
    clear = verdict in (Verdict.REDUCTION, Verdict.INCREASE)
    go_on = "A longer count would make the answer firmer." if clear else "A longer count may bring an answer."
    lot = (
        "This would show whether it works in other places too."
        if clear
        else "More pilots are what the answer lacks most."
    )
    rows = [
        ("Stop", "We know that it does not work, or that it can never pay.", _STOP[verdict]),
        (f"Go on in the pilot {units} and keep counting", "The cost can be borne while we learn.", go_on),
        (f"Extend to more {units}, drawn by lot", "We want to know, and not all can have it at once.", lot),
        (
            "Extend to all",
            f"We know that it works and pays, and the other {units} are like the pilots.",
            _EXTEND[verdict] + _pays(results),
        ),
    ]
    return ReportTable(("Choice", "It makes sense when", "What this evidence says"), rows)


def _pays(results: Results) -> str:
    """Add whether it pays, in the view that counts cash only, where its cost is known."""
    valued = results.valued
    if valued is None or valued.verdict is Verdict.NOT_ESTIMABLE:
        return " Whether it pays is not known."
    if not results.record("appraisal/appraisal")["has_programme_cost"]:
        return " Its cost was not given, so whether it pays is not known."
    summary = results.table("appraisal/summary")
    cash = summary[(summary["scenario"] == "central") & (summary["view"] == "cashable")]
    low, high = float(cash["npv_lower"].iloc[0]), float(cash["npv_upper"].iloc[0])
    if low > 0:
        return " In cash, it saved more than it cost."
    if high < 0:
        return " In cash, it cost more than it saved."
    return " In cash, it may have saved more than it cost, or less."
