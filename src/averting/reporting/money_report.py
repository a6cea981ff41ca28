"""What a report says of money beyond the totals: one question, one sentence, at most one figure."""

from __future__ import annotations

from typing import Any

import pandas as pd
import xarray as xr

from averting.appraisal.appraisal import VIEW_LABELS
from averting.reporting import figures, money_figures, numbers, wording
from averting.reporting.figures import ReportFigure
from averting.reporting.prices import priced
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable

_KEPT_BACK = "Not shown in this version of the report: it rests on draws that disclosure control does not let out."
_KNOWN = {
    "everything": "everything that is uncertain here",
    "averted": "the programme's effect",
    "costs": "the costs",
}


def has(results: Results, name: str) -> bool:
    """Say whether a table or record of the appraisal is among the results."""
    folder = results.folder / "appraisal"
    return any((folder / f"{name}{ending}").is_file() for ending in (".csv", ".json", ".nc"))


def adjustments(results: Results) -> list[str]:
    """Say, for each scenario that corrects what was averted or spent, by how much and why."""
    sentences = []
    for scenario in results.record("appraisal/appraisal")["scenarios"]:
        for one in scenario.get("adjustments", ()):
            amount = f"{one['amount']:g}" if one["kind"] == "lag" else numbers.percent(one["amount"])
            meaning = one["meaning"].replace("this many", amount).replace("this share", amount)
            sentences.append(f"*{scenario['label']}*: {meaning}. {one['reason']}")
    return sentences


def prices(results: Results) -> str:
    """Say when in its year money is counted, and by which release of the deflator prices were brought together."""
    record = results.record("appraisal/appraisal")
    about, when = record.get("deflator"), {"start": "start", "mid": "middle", "end": "end"}
    if not about:
        return ""
    return (
        f"Money of a financial year is counted as if it moved at the {when[record['timing']]} of the year. Prices of other "
        f"years are brought together by the GDP deflator ({about['vintage']}; {about['method']})."
    )


def break_even(results: Results) -> str:
    """Say what would have to be for the programme to pay on average, cash only; empty where it is not known."""
    if not has(results, "break_even"):
        return ""
    table = results.table("appraisal/break_even")
    if table.empty:
        return ""
    sentences = []
    for row in table.to_dict(orient="records"):
        if row["name"] == "averted":
            sentences.append(_enough_averted(row))
        elif pd.notna(row["value"]):
            value, now = numbers.pounds(row["value"]), numbers.pounds(row["current"])
            unit = numbers.unit(row["unit"]).removeprefix("£ ")
            turn = "up to" if row["pays_now"] == (row["value"] > row["current"]) else "from"
            label = str(row["label"])
            sentences.append(
                f"All else as estimated, it pays on average {turn} {value} {unit} for this cost: {label[:1].lower()}"
                f"{label[1:]}; it stands at {now}."
            )
    return " ".join(sentences)


def _enough_averted(row: dict[Any, Any]) -> str:
    estimated = " and ".join(numbers.count(row[end]) for end in ("low", "high"))
    if pd.isna(row["value"]):
        return "Cash only: no number of averted exclusions would pay for the programme, for each brings no cash on balance."
    return (
        f"Cash only: the programme pays for itself on average if about {numbers.count(row['value'])} exclusions are averted. "
        f"The data are compatible with anything between {estimated}."
    )


def information(results: Results) -> str:
    """Say what better evidence would be worth before deciding; empty without a posterior and a cost."""
    if not has(results, "value_of_information"):
        return ""
    worth = results.table("appraisal/value_of_information").set_index("known")["worth"].to_dict()
    parts = [f"{_KNOWN[str(key)]}, {numbers.pounds(float(value))}" for key, value in worth.items()]
    return (
        "Choosing now, one may choose wrongly. What it would be worth at most to know before choosing, for a decision of "
        f"this size and counting cash alone: {'; '.join(parts)}. Evidence that costs more than that is not worth having "
        "for this decision; a decision for many more schools makes it worth more."
    )


def waterfall(results: Results) -> ReportFigure:
    """Draw who gains and who pays in the central scenario, cash only."""
    if (results.disclosure or {}).get("money_base"):
        return figures.withheld(
            "Amounts are rounded here: drawn one after another, they would not end at the whole."
        )
    table = results.table("appraisal/payers")
    cash = table[(table["scenario"] == "central") & table["kind"].isin(["cashable", "transfer"])]
    net = cash.groupby("payer_label", sort=False)["mean"].sum()
    return money_figures.waterfall(net)


def cash(results: Results) -> ReportFigure:
    """Draw net cash by financial year, with intervals where draws may be shown."""
    if not has(results, "net_by_year"):
        return figures.cash_flow(results)
    with xr.open_dataset(results.folder / "appraisal" / "net_by_year.nc", engine="scipy") as found:
        net = found["net"].sel(view="cashable", drop=True).load()
    valued = results.valued
    return money_figures.cash_by_year(net.astype(float), level=valued.level if valued else 0.95)


def tornado(results: Results) -> ReportFigure:
    """Draw what the result hangs on, cash only."""
    if not has(results, "tornado"):
        return figures.withheld(_KEPT_BACK)
    table = results.table("appraisal/tornado")
    return money_figures.tornado(table[table["swing"] > 0.5])


def acceptability(results: Results) -> ReportFigure:
    """Draw how likely each choice is to be best, by what an averted exclusion is worth beyond the savings counted."""
    table = results.table("appraisal/acceptability")
    curves = table.pivot_table(index="scenario", columns="threshold", values="share", sort=False)
    labels = {one["key"]: one["label"] for one in results.record("appraisal/appraisal")["scenarios"]}
    labels["central"] = "The programme"
    valued = results.valued
    return money_figures.acceptability(
        xr.DataArray(curves), labels=labels, posterior=valued is not None and wording.has_probability(valued)
    )


def break_even_map(results: Results) -> ReportFigure:
    """Draw where the programme pays, by exclusions averted and the unit cost that matters most, cash only."""
    if not has(results, "break_even_grid"):
        return figures.withheld(_KEPT_BACK)
    table, told = results.table("appraisal/break_even_grid"), results.table("appraisal/break_even")
    grid = table.pivot_table(index="averted", columns="value", values="npv")
    about, averted, cost = table.iloc[0], told.iloc[0], told.iloc[1]
    prices = f", {about['price_year']} prices" if isinstance(about["price_year"], str) else ""
    unit = numbers.unit(str(about["unit"])).removeprefix("£ ")
    return money_figures.break_even_map(
        xr.DataArray(grid),
        x_label=f"{about['label']}, £ {unit}{prices}",
        y_label="permanent exclusions averted",
        now=(float(cost["current"]), float(averted["current"])),
        interval=(float(averted["low"]), float(averted["high"])),
    )


def studies(results: Results) -> ReportTable:
    """Return what further evaluation would be worth to the choice, and net of its cost where that was given."""
    rows = [
        (
            str(row["label"]),
            f"{numbers.pounds(row['evsi'])} (Monte Carlo error {numbers.pounds(row['mcse'])})",
            numbers.decimal(row["times"], 1),
            numbers.pounds(row["worth"]),
            "not given" if pd.isna(row["cost"]) else numbers.pounds(row["cost"]),
            "–" if pd.isna(row["enbs"]) else numbers.pounds(row["enbs"]),
        )
        for row in results.table("appraisal/studies").to_dict(orient="records")
    ]
    columns = (
        priced("Study", results),
        "Worth to one decision",
        "Decisions it serves",
        "Worth in all",
        "Its cost",
        "Net benefit",
    )
    return ReportTable(columns, rows, numeric=(1, 2, 3, 4, 5))


def studies_read(results: Results) -> str:
    """Say how to read the worth of studies."""
    return (
        "A further study can only be worth its cost if what it finds could change the choice. Its worth is what choosing with "
        "its result would bring on average, over the results that may come; it is an upper limit, for shocks that a year's "
        "schools share make new data tell less. Net benefit is that worth less the study's cost."
    )


def contributors(results: Results) -> ReportTable:
    """Return what each contributor to a pooled budget pays and gets back, central scenario."""
    table = results.table("appraisal/contributors")
    rows = [
        (
            str(row["payer_label"]),
            numbers.pounds(row["pays"]),
            numbers.pounds(row["gets"]),
            numbers.pounds(row["net"]),
            "–" if pd.isna(row["per_pound"]) else f"£{numbers.decimal(row['per_pound'])}",
            "–" if not row["pays"] else numbers.chance(row["chance"]),
        )
        for row in table[table["scenario"] == "central"].to_dict(orient="records")
        if row["pays"] or row["gets"]
    ]
    columns = (
        priced("Who", results),
        "Pays",
        "Gets back",
        "Net",
        "Back for each £1",
        "Draws in which it gets back what it paid",
    )
    return ReportTable(columns, rows, numeric=(1, 2, 3, 4, 5))


def weighted(results: Results) -> ReportTable:
    """Return net present value with distributional weights beside the unweighted."""
    labels = {one["key"]: one["label"] for one in results.record("appraisal/appraisal")["scenarios"]}
    rows = [
        (
            labels[row["scenario"]],
            VIEW_LABELS[row["view"]],
            numbers.pounds(row["npv_unweighted"]),
            f"{numbers.pounds(row['npv_weighted'])} "
            f"({numbers.interval(numbers.pounds(row['weighted_lower']), numbers.pounds(row['weighted_upper']))})",
        )
        for row in results.table("appraisal/weighted").to_dict(orient="records")
    ]
    columns = (
        priced("Scenario", results),
        "What is counted",
        "Net present value",
        "With weights, mean and interval",
    )
    return ReportTable(columns, rows, numeric=(2, 3))


def weights(results: Results) -> str:
    """Say which weights are used and why."""
    given = results.record("appraisal/appraisal").get("weights", {})
    parts = [
        f"{payer.replace('_', ' ')} {about['weight']:g} ({about['reason']})" for payer, about in given.items()
    ]
    return f"A pound to these payers counts more or less than one: {'; '.join(parts)}. All others count once."


def scale_up(results: Results) -> ReportTable:
    """Return what the programme would save and cost if offered more widely."""
    rows = []
    for row in results.table("appraisal/scale_up").to_dict(orient="records"):
        averted = numbers.interval(numbers.count(row["averted_lower"]), numbers.count(row["averted_upper"]))
        spread = numbers.interval(numbers.pounds(row["npv_lower"]), numbers.pounds(row["npv_upper"]))
        rows.append(
            (
                VIEW_LABELS[row["view"]],
                f"{numbers.count(row['averted_mean'])} ({averted})",
                numbers.pounds(row["savings_mean"]),
                numbers.pounds(row["programme_cost"]),
                f"{numbers.pounds(row['npv_mean'])} ({spread})",
                numbers.decimal(row["bcr"]),
            )
        )
    columns = (
        priced("What is counted", results),
        "Averted, mean and interval",
        "Savings, mean",
        "Programme cost",
        "Net present value, mean and interval",
        "Benefit–cost ratio",
    )
    return ReportTable(columns, rows, numeric=(1, 2, 3, 4, 5))


def scale_up_assumptions(results: Results) -> str:
    """Say what is supposed of the wider programme, and that it is a supposition."""
    about = results.record("appraisal/scale_up")
    schools = ", ".join(numbers.count(value) for value in about["taking_part"])
    return (
        f"Offered to {about['schools']} schools from {about['start']} for {about['years']} years (schools taking part: "
        f"{schools}), at {numbers.pounds(about['fixed_cost'])} a year and {numbers.pounds(about['cost_per_school'])} a "
        f"school and year in {about['price_year']} prices ({about['source']}). A school's effect is "
        f"{numbers.percent(about['dilution'])} less than the pilots' and fades by {numbers.percent(about['fade_out'])} a "
        f"year. {about['caveat']}"
    )
