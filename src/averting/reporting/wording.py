"""Sentences chosen by verdict, kind of draws and checks. No sentence claims more than its number."""

from __future__ import annotations

import re
from collections.abc import Sequence

from averting.appraisal.appraisal import VIEW_LABELS
from averting.data.disclosure import Rules
from averting.effects import Effect, Verdict
from averting.effects.diagnostics.detectable import smallest_detectable
from averting.reporting import numbers
from averting.reporting.results import Results

DRAFT = "Draft: not for publication"
"""What every page says that has not passed disclosure control."""

_UNIT = {
    "school": "schools",
    "local authority": "local authorities",
    "region": "regions",
    "national": "countries",
}


_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def as_text(told: str) -> str:
    """Return text that somebody declared (a title, a label, a reason) as Markdown that shows exactly that text.

    References to characters rather than backslashes: pandoc reads formulas from the latter.
    """
    return _PUNCTUATION.sub(lambda found: f"&#{ord(found[0])};", " ".join(told.split()))


def unit(results: Results) -> str:
    """Return what the units are called: schools, or local authorities."""
    return _UNIT[results.record("design/design")["level"]]


def of_units(text: str, results: Results) -> str:
    """Call schools what the evaluation's units are; names of parameters, such as ``school_sd``, stay."""
    level = results.record("design/design")["level"]
    return re.sub(r"\bschool\b", level, re.sub(r"\bschools\b", unit(results), text))


def answer(effect: Effect, indicator: str, units: str) -> str:
    """Answer the question in one or two sentences, by the verdict on the primary estimate."""
    scale = effect.estimand.scale
    best, low, high = (numbers.effect_change(value, scale) for value in (effect.estimate, *effect.interval))
    measured = (
        f"The rate of {indicator} in the pilot {units} was {best} than it would have been, "
        f"by the best estimate; anything from {low} to {high} is compatible with the data"
    )
    match effect.verdict:
        case Verdict.REDUCTION:
            return f"There is evidence that the programme reduced {indicator}. {measured}."
        case Verdict.INCREASE:
            return f"There is evidence that {indicator} rose with the programme. {measured}."
        case Verdict.UNCERTAIN:
            return (
                f"We cannot tell whether the programme changed {indicator}. {measured}. This does not show that the "
                "programme had no effect."
            )
        case _:
            return (
                f"The effect on {indicator} cannot be estimated from these data: no interval that could be relied on "
                "can be given. This says nothing about whether the programme worked."
            )


def scales(results: Results) -> str:
    """Say how to read the effects of the report, by the scales they are on."""
    used = {results.effect(key).estimand.scale for key in results.estimates}
    words = []
    if "ratio" in used:
        words.append("A ratio of 1 means no effect; 0.8 means a rate one fifth lower than it would have been.")
    if "difference" in used:
        words.append(
            "A difference is in events per 100 pupils a period; 0 means no effect, a minus sign fewer events."
        )
    return " ".join(words)


def detected(effect: Effect) -> str:
    """Say what the design could have detected; empty where the method did not find out."""
    if "detectable" not in effect.tables:
        return ""
    table = effect.tables["detectable"]
    if table["chance"].isna().all():
        return "There are too few comparison units to find out what could have been detected."
    smallest = smallest_detectable(table)
    halving = float(table.loc[(table["reduction"] - 0.5).abs() < 1e-9, "chance"].iloc[0])
    chance = f"Had the programme truly halved the rate, we would have found it with a chance of {numbers.chance(halving)}"
    if smallest is None:
        return (
            f"{chance}; even a fall of {numbers.percent(float(table['reduction'].max()))} would have been missed more "
            "than one time in five."
        )
    return (
        f"{chance}; only a fall of {numbers.percent(smallest)} or more would have been found four times in five."
    )


def averted(effect: Effect, indicator: str, units: str, *, sign: bool = True) -> str:
    """Say how many were averted, with the interval in the same breath; and, unless told elsewhere, what a minus sign means."""
    spread = effect.averted().summary(effect.level)
    low, middle, high = (numbers.count(spread[key]) for key in ("lower", "median", "upper"))
    kind = "probability interval" if effect.draw_kind == "posterior" else "confidence interval"
    below = " A negative number means more than there would have been." if sign and spread["lower"] < 0 else ""
    by = "By the Bayesian model" if effect.draw_kind == "posterior" else "By the permuted comparison"
    if effect.verdict is Verdict.NOT_ESTIMABLE:
        return f"{by}, how many {indicator} were averted cannot be said: the estimate is not to be relied on."
    if spread["median"] <= -0.5:
        middle = f"{numbers.count(-spread['median'])} more {indicator} than they would have had"
    else:
        middle = f"{middle} fewer {indicator} than they would have had"
    return (
        f"{by}, the pilot {units} had {middle}, in the middle estimate; the {numbers.percent(effect.level)} {kind} for "
        f"the number averted runs from {low} to {high}.{below}"
    )


def has_probability(effect: Effect) -> bool:
    """Say whether shares of an effect's draws are probabilities: draws of a posterior whose checks all hold."""
    return effect.draw_kind == "posterior" and all(check.status != "fail" for check in effect.checks)


def probability(effect: Effect, indicator: str) -> str:
    """State the posterior probability of a reduction; empty for draws that are not a posterior."""
    if not has_probability(effect):
        return ""
    share = numbers.chance(effect.probability_of_reduction())
    priors = effect.tables["priors"].set_index("parameter")["below_zero"].to_dict()
    before = numbers.chance(float(priors["log_ratio"]))
    return (
        f"Under the model and its priors, the probability that the programme lowered the rate of {indicator} at all is "
        f"{share}; before seeing the data the priors put it at {before}."
    )


def averted_at_all(effect: Effect, indicator: str) -> str:
    """State the posterior probability that at least one was averted; empty for draws that are not a posterior."""
    if not has_probability(effect):
        return ""
    share = numbers.chance(float((effect.averted().total() >= 1).mean()))
    return (
        f"The probability that the programme averted at least one of the {indicator} in all is {share}; it counts the "
        "chance of single years in, and so differs from that of a lower rate."
    )


def negligible(effect: Effect, indicator: str, region: Sequence[float]) -> str:
    """State the posterior probability of a change too small to matter; empty without a region set beforehand."""
    if not region or effect.estimand.scale != "ratio" or not has_probability(effect):
        return ""
    low, high = region
    share = numbers.chance(float(((effect.draws >= low) & (effect.draws <= high)).mean()))
    return (
        f"Ratios between {low:g} and {high:g} were declared too small to matter; the probability that the change in the "
        f"rate of {indicator} lies there is {share}."
    )


def money(results: Results) -> list[str]:
    """Say what the averted exclusions are worth, in the central scenario, one sentence per view."""
    record, effect = results.record("appraisal/appraisal"), results.valued
    assert effect is not None
    if effect.verdict is Verdict.NOT_ESTIMABLE:
        return ["What was averted cannot be estimated from these data, so no amount can be relied on."]
    summary = results.table("appraisal/summary")
    central = summary[summary["scenario"] == "central"]
    sentences = []
    for row in central.to_dict("records"):
        label, median = VIEW_LABELS[str(row["view"])], numbers.pounds(row["npv_median"])
        spread = numbers.interval(numbers.pounds(row["npv_lower"]), numbers.pounds(row["npv_upper"]))
        if record["has_programme_cost"]:
            chance = _chance(row["chance_of_paying"], effect)
            sentences.append(
                f"{label}: savings less the programme's cost come to {median} by the middle "
                f"estimate ({numbers.percent(effect.level)} interval {spread}); {chance}."
            )
        else:
            sentences.append(
                f"{label}: savings come to {median} by the middle estimate "
                f"({numbers.percent(effect.level)} interval {spread}). The programme pays for itself only if it cost "
                "less than it saved; its cost was not given."
            )
    return sentences


def _chance(share: float, effect: Effect) -> str:
    if has_probability(effect):
        return f"the probability that it saved more than it cost is {numbers.chance(share)}"
    return (
        f"in {numbers.percent(share)} of draws from the confidence distribution it saved more than it cost, which is "
        "not a probability"
    )


def suppression(results: Results, indicator_key: str) -> str:
    """Say how much of an indicator is suppressed and how that is treated."""
    table = results.table("data/suppression")
    rows = table[table["indicator"] == indicator_key]
    hidden, seen, missing = (int(rows[name].sum()) for name in ("suppressed", "observed", "missing"))
    cells = hidden + seen + missing
    name = results.indicator(indicator_key)
    if hidden == 0:
        return f"No count of {name} is suppressed; {missing} of {cells} are missing."
    return (
        f"{hidden} of {cells} counts of {name} ({numbers.percent(hidden / cells)}) are suppressed because they are "
        f"small, and {missing} are missing. A suppressed count is treated as the range it must lie in, never as zero."
    )


def excluded(results: Results) -> str:
    """Say which periods are left out and why."""
    record, reason = results.record("design/design"), as_text(results.manifest["exclude_reason"])
    if not record["excluded"]:
        return f"No period is left out. {reason}".strip()
    events = results.table("design/events")
    whole = events[(events["treatment"] == "exclude") & (events["schools"] == 0)]
    labels = [f"{as_text(str(row.label))} ({row.periods})." for row in whole[~whole["default"]].itertuples()]
    if reason:
        labels.insert(0, reason)
    elif whole["default"].any():
        closed = "Schools were closed to most pupils for part of the Covid years, so they are left out by default."
        labels.insert(0, closed)
    return " ".join([f"Left out: {', '.join(record['excluded'])}.", *labels])


def event_sources(results: Results) -> str:
    """Say of what kind each event is and where it comes from, by its mark; empty without events."""
    parts = [
        f"{mark}: {row.kind}" + (f" ({row.source})" if isinstance(row.source, str) and row.source else "")
        for mark, row in enumerate(results.table("design/events").itertuples(), 1)
    ]
    return f"Kinds and sources of events, by mark: {'; '.join(parts)}." if parts else ""


def release(results: Results) -> str:
    """Say, as a callout, whether this is a draft or has passed disclosure control and under which rules."""
    about = results.disclosure
    if about is None:
        return (
            f'::: {{.callout-warning title="{DRAFT}"}}\n'
            "This report has not passed disclosure control. It may show small numbers of pupils. Keep it among those "
            "who may see the data.\n:::"
        )
    count = about["withheld"]
    some = "One number is" if count == 1 else f"{count} numbers are"
    hidden = f"{some} withheld, shown as c in tables and as gaps in figures" if count else "No number is withheld"
    base = about.get("money_base")
    money = (
        f" Amounts of money that rest on counts are rounded to {numbers.pounds(base)}, no less than what one averted "
        "event is worth, so that they say no more than the counts do."
        if base
        else ""
    )
    return (
        '::: {.callout-note title="Disclosure control"}\n'
        f"This report has passed disclosure control: {about['label'][:1].lower()}{about['label'][1:]}. {hidden}. "
        "Totals are rounded on their own, so parts may not add up to "
        f"them.{money}\n:::"
    )


def rounded(rules: Rules) -> tuple[str, ...]:
    """Say to what counts are rounded; nothing where they are as they were."""
    if rules.rounding == 1:
        return ()
    return (
        f"Counts are rounded to the nearest {rules.rounding}; shares and means are of counts before rounding.",
    )
