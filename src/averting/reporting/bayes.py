"""What a report shows of Bayesian models beside every estimate: effects by pilot and time, priors' weight, two counts."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from averting.reporting import numbers, wording
from averting.reporting.figures import COMPARISON, INK, PILOT, STYLE, ReportFigure, finish, new_axes, short
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable

Array = NDArray[np.float64]
_FORESTS = {
    "schools": ("pilot", "each pilot's own"),
    "event_time": ("event_time", "each period since the start: 0 is the first"),
}
_LINEAR = (
    r"\log \mu_{it} = \log e_{it} + c + \lambda + \pi P_i + \sigma_s a_i + \sigma_t b_t + \sigma_z z_i A_{it} + "
)
_COUNT = r"y_{it} \sim \operatorname{NegBin}(\mu_{it}, 1/\phi), \qquad " + _LINEAR
_LETTERS = (
    "Here *i* is a school and *t* a period; *e* is the number of pupils; *c* the log of the comparison schools' rate before "
    "the start; *P* marks pilots, *A* the time after the start, *D* pilots from their start on; *a*, *b* and *z* are "
    "standard normal: how a school, a year, and a school's own lasting shock depart from the rest. Of the parameters below, "
    "&lambda; is `level`, &pi; `pilot_level`, &beta; (or its middle) `log_ratio`, &phi; `dispersion`, and the &sigma; are "
    "`school_sd`, `period_sd` and `shock_sd`."
)
_MODELS = {
    "bayes_count": (
        "Every school has a level of its own, all share what happens to a year, and each may move for good at the start for "
        "reasons of its own; on top of that the programme multiplies the pilots' rate by one ratio. A suppressed count "
        "enters as the range it lies in.",
        _COUNT + r"\beta D_{it}",
    ),
    "bayes_pooled": (
        "As the plain count model, but every pilot has a ratio of its own, drawn towards the pilots' middle as far as the "
        "data allow.",
        _COUNT + r"\beta_i D_{it}, \qquad \beta_i \sim \operatorname{N}(\mu, \tau)",
    ),
    "bayes_event_time": (
        "As the plain count model, but the ratio moves by small steps from one period since the start to the next.",
        _COUNT + r"\beta_{s(i,t)} D_{it}, \qquad \beta_s = \beta_{s-1} + \operatorname{N}(0, \tau)",
    ),
    "bayes_autocorrelated": (
        "As the plain count model, but every school also has noise of its own that carries over from one year to the next and "
        "fades, so that a pilot's run of good years is not taken for the programme's: *n*, with spread `noise_sd` "
        "(&sigma;~n~) and correlation `persistence` (&rho;) from one year to the next.",
        _COUNT
        + r"n_{it} + \beta D_{it}, \qquad n_{it} = \rho\, n_{i,t-1} + \sqrt{1 - \rho^2}\, \operatorname{N}(0, \sigma_n)",
    ),
    "bayes_factors": (
        "As the plain count model, but schools also share two courses over the years, of which each takes parts of its own, "
        "positive or negative: schools that went with the pilots before say more of what the pilots would have done. A "
        "course is *f*, a school's part of it *l*, both standard normal; &sigma;~f~ is `course_sd`.",
        _COUNT + r"\tfrac{\sigma_f}{\sqrt 2} \textstyle\sum_{k} l_{ik} f_{kt} + \beta D_{it}",
    ),
    "bayes_joint": (
        "Two counts at once, each as in the plain count model; schools' levels, their shocks and the two ratios are "
        "correlated, so that the rare count borrows from the common one.",
        _COUNT + r"\beta D_{it}, \qquad \operatorname{cor}(\beta, \beta') = r",
    ),
    "bayes_binomial": (
        "As the plain count model, for counts out of a known number, whose share varies from cell to cell.",
        r"y_{it} \sim \operatorname{BetaBin}(e_{it}; p_{it}/\phi, (1 - p_{it})/\phi), \qquad "
        + _LINEAR.replace(r"\log \mu_{it} = \log e_{it}", r"\operatorname{logit} p_{it} = ").replace("=  +", "=")
        + r"\beta D_{it}",
    ),
    "bayes_synthetic": (
        "The pilots' pooled count beside a weighted mix of comparison schools' rates, at the pilots' own level; what the mix "
        "does not follow is drift, which may go on after the start.",
        r"y_t \sim \operatorname{NegBin}(\mu_t, 1/\phi), \qquad \log \mu_t = \log e_t + "
        r"\log \textstyle\sum_j w_j r_{jt} + \lambda + \delta_t + \beta D_t",
    ),
    "bayes_horseshoe": (
        "The pilots' pooled count beside the average of the comparison schools and the departures of a few of them from it, at "
        "the pilots' own level (&lambda;); what these do not follow is drift (&delta;), which may go on after the start. "
        "*r* is the average rate, *d* a comparison school's departure from it, &gamma; its coefficient.",
        r"y_t \sim \operatorname{NegBin}(\mu_t, 1/\phi), \qquad \log \mu_t = \log e_t + "
        r"\log \bar r_t + \textstyle\sum_j \gamma_j d_{jt} + \lambda + \delta_t + \beta D_t",
    ),
}

_POOLED = ("bayes_synthetic", "bayes_horseshoe")


def told(results: Results, estimate: str) -> str:
    """Return an estimate's model in plain words and in maths, as Markdown; empty for a model without them."""
    method = results.effect(estimate).method
    if method not in _MODELS:
        return ""
    words, formula = _MODELS[method]
    letters = "" if method in _POOLED else f"\n\n{_LETTERS}"
    words, letters = (wording.of_units(text, results) for text in (words, letters))
    # one display a part: a page is not wide enough for all
    displays = "\n\n".join(f"$${part}$$" for part in formula.split(r", \qquad "))
    return f"{words}\n\n{displays}{letters}"


def forests(results: Results, estimate: str) -> list[str]:
    """Return the tables of an estimate that :func:`forest` can draw; published results have none."""
    return [name for name in _FORESTS if name in results.effect(estimate).tables]


def forest(results: Results, estimate: str, name: str) -> ReportFigure:
    """Draw ratios with intervals, one row a pilot or a period since the start, over the ratio of all."""
    import matplotlib as mpl

    labels, middle, low, high = _forest_rows(results, estimate, name)
    rows = np.arange(len(labels))
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(1.2 + 0.34 * len(labels))
        axes.axvline(1, color=INK, linewidth=1)
        for part, colour, marker in ((rows[:-1], PILOT, "o"), (rows[-1:], COMPARISON, "D")):
            error = [(middle - low)[part], (high - middle)[part]]
            axes.errorbar(middle[part], part, xerr=error, fmt=marker, color=colour, capsize=3, markersize=6)
        axes.set(
            xscale="log", ylim=(len(labels) - 0.5, -0.5), xlabel="ratio of rates, with over without the programme"
        )
        axes.set_yticks(rows, [short(str(label)) for label in labels])
        ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10) if low.min() / 1.6 <= tick <= high.max() * 1.6]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        cells = [
            (label, f"{m:.2f}", f"{a:.2f} to {b:.2f}")
            for label, m, a, b in zip(labels, middle, low, high, strict=True)
        ]
        points = "; ".join(f"{label} {ratio} ({interval})" for label, ratio, interval in cells)
        behind = ReportTable(("Of", "Ratio", "Interval"), cells, numeric=(1, 2))
        words = f"Ratios with intervals, {_FORESTS[name][1]}; 1 means no effect. {points}."
        return finish(figure, words, behind)


def _forest_rows(results: Results, estimate: str, name: str) -> tuple[list[str], Array, Array, Array]:
    """Return labels, ratios and their intervals' ends; the last is of all together."""
    effect = results.effect(estimate)
    table, column = effect.tables[name], _FORESTS[name][0]
    pilots = results.record("design/design")["pilots"]
    labels = [
        str(pilots.get(str(value), {}).get("name") or value) if name == "schools" else f"period {value}"
        for value in table[column]
    ]
    middle, low, high = (
        np.append(table[end].to_numpy(float), whole)
        for end, whole in zip(("median", "lower", "upper"), (effect.estimate, *effect.interval), strict=True)
    )
    return [*labels, "all together"], middle, low, high


def learned(results: Results, estimate: str) -> ReportTable:
    """Return what the data made of each declared prior, and how well the sampler knows it."""
    tables = results.effect(estimate).tables
    drawn = tables["posterior"].set_index("parameter")
    rows = []
    for prior in tables["priors"].to_dict(orient="records"):
        if prior["parameter"] not in drawn.index:
            continue
        found = drawn.loc[prior["parameter"]]
        rows.append(
            (
                str(prior["parameter"]),
                numbers.unbroken(str(prior["prior"])),
                numbers.decimal(found["mean"]),
                f"{found['sd']:.2f}",
                f"{found['ess_bulk']:,.0f}",
                f"{found['r_hat']:.3f}",
            )
        )
    heads = (
        "Parameter",
        "Prior",
        "Mean after the data",
        "Standard deviation",
        "Effective draws",
        numbers.unbroken("R-hat"),
    )
    return ReportTable(heads, rows, numeric=(2, 3, 4, 5))


def sensitivity(results: Results, estimate: str) -> ReportTable:
    """Return the estimate with the prior on the effect given less and more weight."""
    table = results.effect(estimate).tables["prior_sensitivity"]
    rows = [
        (
            f"{row['power']:g}" + (" (as declared)" if row["power"] == 1 else ""),
            *(
                (
                    f"{row['estimate']:.2f}",
                    f"{row['lower']:.2f} to {row['upper']:.2f}",
                    numbers.chance(row["probability"]),
                )
                if np.isfinite(row["estimate"])
                else ("cannot be said", "", "")
            ),
        )
        for row in table.to_dict(orient="records")
    ]
    return ReportTable(("Weight of the prior", "Ratio", "Interval", "Probability of a reduction"), rows)


def together(results: Results, estimate: str) -> ReportTable:
    """Return an estimate on its own and together with a second indicator."""
    rows = [
        (
            f"{results.indicator(row['indicator'])}, {row['fit'].replace('_', ' ')}",
            f"{row['median']:.2f}",
            f"{row['lower']:.2f} to {row['upper']:.2f}",
            numbers.chance(row["probability"]),
        )
        for row in results.effect(estimate).tables["joint"].to_dict(orient="records")
    ]
    return ReportTable(("Fit", "Ratio", "Interval", "Probability of a reduction"), rows)


_CORRELATED = {
    "effect_correlation": "the programme's two effects",
    "school_correlation": "schools' levels",
    "shock_correlation": "schools' lasting shocks",
}


def correlations(results: Results, estimate: str) -> ReportTable:
    """Return what two counts were assumed to share, and what the data made of it: the price of modelling them together."""
    rows = [
        (
            _CORRELATED[str(row["correlation"])],
            f"{row['prior_median']:.2f} ({row['prior_lower']:.2f} to {row['prior_upper']:.2f})",
            f"{row['median']:.2f} ({row['lower']:.2f} to {row['upper']:.2f})",
        )
        for row in results.effect(estimate).tables["correlations"].to_dict(orient="records")
    ]
    return ReportTable(("Correlation between the two of", "Assumed (interval)", "After the data (interval)"), rows)


def predicted(results: Results, estimate: str) -> ReportTable:
    """Return what data the model makes, before and after it has seen these, beside these."""
    tables = results.effect(estimate).tables
    rows = [
        (
            str(row["feature"]),
            words,
            f"{_shown(row['lower'], row)} to {_shown(row['upper'], row)}",
            _shown(row["observed"], row),
            numbers.chance(row["tail"]),
        )
        for name, words in (("prior_predictive", "priors alone"), ("predictive", "fitted model"))
        if name in tables
        for row in tables[name].to_dict(orient="records")
    ]
    heads = ("What", "Data drawn from", "Range of 95 in 100 draws", "These data", "Draws below these data")
    return ReportTable(heads, rows)


_FEW = 10  # a largest count or a pilots' total below this could be a single school's small number


def _shown(value: float, row: dict[Hashable, Any]) -> str:
    if "largest" in str(row["feature"]) or "events before" in str(row["feature"]):
        return f"under {_FEW}" if value < _FEW else f"{value:,.0f}"
    return f"{value:.2f}"


def change_forest(results: Results, estimate: str) -> ReportFigure | None:
    """Draw each pilot's events with minus without the programme; None where pilots stay inside."""
    import matplotlib as mpl

    effect = results.effect(estimate)
    if "change_by_pilot" not in effect.tables:
        return None
    table = effect.tables["change_by_pilot"]
    names = results.record("design/design")["pilots"]
    labels = [names.get(str(value), {}).get("name") or str(value) for value in table["pilot"]]
    middle, low, high = (table[end].to_numpy(float) for end in ("median", "lower", "upper"))
    rows = np.arange(len(labels))
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(1.2 + 0.34 * len(labels))
        axes.axvline(0, color=INK, linewidth=1)
        axes.errorbar(
            middle, rows, xerr=[middle - low, high - middle], fmt="o", color=PILOT, capsize=3, markersize=6
        )
        indicator = results.indicator(effect.estimand.indicator)
        axes.set(
            ylim=(len(labels) - 0.5, -0.5), xlabel=f"{indicator} since the start, with minus without the programme"
        )
        axes.set_yticks(rows, [short(str(label)) for label in labels])
        points = "; ".join(
            f"{label} {m:+.0f} ({a:+.0f} to {b:+.0f})"
            for label, m, a, b in zip(labels, middle, low, high, strict=True)
        )
        alt = f"Change in {indicator} by pilot, with intervals that hold the chance of single years; 0 means none. {points}."
        shown = [
            (label, numbers.count(m), numbers.interval(numbers.count(a), numbers.count(b)))
            for label, m, a, b in zip(labels, middle, low, high, strict=True)
        ]
        columns = ("Pilot", "Events with minus without", f"{numbers.percent(effect.level)} interval")
        return finish(figure, alt, ReportTable(columns, shown, numeric=(1, 2)))


def has_comparison(results: Results) -> bool:
    """Whether two or more Bayesian models of the same counts were set side by side; published results have none."""
    return (results.folder / "models" / "models.csv").is_file() and len(results.table("models/models")) > 0


def compared(results: Results) -> ReportTable:
    """Return how well each Bayesian model of the same counts predicts a count from all others, best first."""
    rows = []
    for row in results.table("models/models").to_dict(orient="records"):
        label = results.record(f"estimates/{row['estimate']}/method")["label"]
        best = row["difference"] == 0
        rows.append(
            (
                f"{label} ({results.name(str(row['estimate']))}, {row['estimate']})",
                "best" if best else f"{row['difference']:.1f}",
                "" if best else f"{row['difference_se']:.1f}",
                f"{row['p']:.0f}",
                f"{row['weight']:.2f}",
                f"{row['unreliable']:.0f}",
            )
        )
    heads = (
        "Model",
        "Log score below the best",
        "Standard error",
        "Effective parameters",
        "Weight",
        "Counts in doubt",
    )
    return ReportTable(heads, rows, numeric=(1, 2, 3, 4, 5))


def compared_words(results: Results) -> str:
    """Say what the comparison of models shows, and what it does not."""
    table = results.table("models/models")
    clear = table[(table["difference"] < 0) & (table["difference"] < -2 * table["difference_se"])]
    found = (
        "At least one model predicts worse by more than twice its standard error."
        if len(clear)
        else "No model predicts better than another by more than twice its standard error: the data do not choose."
    )
    return (
        "Each count is predicted from all others (leave-one-out; Vehtari, Gelman and Gabry, 2017), and a model scores the "
        "log of the probability that it gave to what happened. Weights make the mixture of models that predicts best "
        f"(stacking; Yao and others, 2018). {found} Models differ only in the pilots' few counts since the start, so expect "
        "small differences; and predicting counts well is no evidence that the effect is the programme's."
    )
