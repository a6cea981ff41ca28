"""One programme in two areas or more, from a file that names their evaluations: shared and local effects, and local cash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from averting.appraisal import CENTRAL
from averting.costs import known_payers
from averting.data import Panel
from averting.data.disclosure import load_rules
from averting.effects.areas import AreaEffect, PooledAreas, area_effect, pool_areas, prior_table
from averting.effects.verdict import Verdict
from averting.errors import EvaluationError, Fault, refuse
from averting.evaluation.settings import FILE
from averting.evaluation.toml_table import TomlTable, open_table
from averting.reporting.controlled_areas import ALL, controlled_areas
from averting.reporting.findings import Findings, Forest
from averting.reporting.results import Results, open_results
from averting.years import FinancialYear

_CASH = ("cashable", "transfer")  # a transfer is cash to one payer and from another
_TOGETHER = {
    Verdict.REDUCTION: "evidence that the programme lowered {what}",
    Verdict.INCREASE: "evidence that {what} rose with the programme",
    Verdict.UNCERTAIN: "too uncertain to tell whether the programme changed {what}. This is not evidence that nothing happened",
}


_ABOUT = (
    "Each area is evaluated by itself. What areas share, and what each borrows from the others, rests on how unlike areas may "
    "be."
)
_FOREST = Forest(
    "areas",
    "area",
    "with_others",
    "lower",
    "upper",
    "times the rate without the programme, with what it borrows (1: no difference)",
)


@dataclass(frozen=True)
class Area:
    """One area's evaluation with its results.

    Parameters
    ----------
    name : str
        Area.
    results : Results
        Of its own evaluation, made before.
    estimate : str
        Id of the estimate to pool.
    """

    name: str
    results: Results
    estimate: str

    @property
    def has_cash(self) -> bool:
        """Whether its evaluation has an appraisal."""
        return self.results.has_appraisal

    @property
    def price_year(self) -> str:
        """The price year of its cash."""
        return str(self.results.record("appraisal/appraisal")["price_year"])


@dataclass(frozen=True, eq=False)
class AreasFindings(Findings):
    """What is to be said of a programme in a few areas: tables ``areas``, ``prior`` and ``cash``, only those there are.

    Parameters
    ----------
    pooled : PooledAreas or None
        None where fewer than two areas have an effect that can be pooled.
    """

    pooled: PooledAreas | None = None

    @property
    def verdict(self) -> Verdict:
        """What may be said of the ratio that areas share."""
        return Verdict.NOT_ESTIMABLE if self.pooled is None else self.pooled.verdict

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain values, for JSON."""
        return {"verdict": str(self.verdict), **super().to_dict()}


def areas_together(path: str | Path, *, rules: str = "") -> AreasFindings:
    """Pool areas' effects, say what each borrows, and add their cash where that can be done.

    Parameters
    ----------
    path : str or Path
        TOML with ``[spread]`` and two or more ``[[area]]``; see docs/two-areas.md.
    rules : str
        Rule set of disclosure control, where the findings are to leave; every area's results are then checked by it.

    Raises
    ------
    AvertingError
        If the file cannot be used, results are missing or older than their evaluation, areas measure different things or
        have a school in common, or their cash is in different price years.
    """
    path = Path(path)
    scale, reason, level, areas = _read(path)
    _refuse_unlike(path.name, areas)
    what = areas[0].results.indicator(_indicator(areas[0]))
    made = {
        area.name: area_effect(area.name, area.results.effect(area.estimate), pilots=_pilots(area))
        for area in areas
    }
    usable = [one for one in made.values() if isinstance(one, AreaEffect)]
    said = [f"{name} is not pooled: {why}." for name, why in made.items() if isinstance(why, str)]
    tables: dict[str, pd.DataFrame] = {}
    pooled = pool_areas(usable, scale=scale, level=level) if len(usable) > 1 else None
    if pooled is None:
        said.insert(0, "Together: not estimable, because fewer than two areas have an effect that can be pooled.")
    else:
        prior = prior_table(usable, scale=scale, level=level)
        tables |= {"areas": pooled.local, "prior": prior}
        said = [*_statements(what, pooled, prior, reason), *said]
    cash, about = _cash(path.name, areas)
    if cash is not None:
        tables["cash"] = cash
    record = None
    if rules:
        record, tables = controlled_areas({area.name: area.results for area in areas}, tables, load_rules(rules))
    return AreasFindings(
        "areas", "One programme in several areas", _ABOUT, (*said, *about), tables, record, forests=(_FOREST,), blank="",
        level=level, pooled=pooled,
    )  # fmt: skip


def _read(path: Path) -> tuple[float, str, float, list[Area]]:
    faults: list[Fault] = []
    top = open_table(path, faults, advice="Name a file of areas.")
    level = top.take("level", float, 0.95)
    if not 0.5 <= level < 1:
        top.fault(
            "level", f"{level:g} is no level of an interval", "Use a number from 0.5 to below 1, such as 0.95."
        )
    help_ = "It says how unlike areas may be; decide on it before you look: see docs/two-areas.md."
    spread = top.table("spread")
    if spread is None:
        top.fault("[spread]", "this table is missing", f"Give scale and reason. {help_}")
        spread = TomlTable({"scale": 1.0, "reason": "none"}, path.name, [])
    scale, reason = spread.take("scale", float, help=help_), spread.take("reason", str, help=help_)
    if "scale" in spread.values and not 0 < scale <= 10:
        spread.fault("scale", f"{scale:g} is no scale of log ratios", "Use a number above 0, such as 0.5.")
    spread.done()
    named = [_named(table, path.parent) for table in top.tables("area")]
    top.done()
    if len(named) < 2 or len({name for name, _, _ in named}) < len(named):
        faults.append(
            Fault(path.name, f"it names {len(named)} areas", "Name two or more, each by a name of its own")
        )
    refuse(EvaluationError, f"{path.name} cannot be used", faults)
    return scale, reason, level, [_area(name, folder, estimate) for name, folder, estimate in named]


def _named(table: TomlTable, parent: Path) -> tuple[str, Path, str]:
    name = table.take("name", str)
    folder = table.path("folder", parent, help="Give the folder of its evaluation, which has results.")
    estimate = table.take("estimate", str, "")
    table.done()
    return name, folder or parent, estimate


def _area(name: str, folder: Path, estimate: str) -> Area:
    results = open_results(folder / "results")
    beside, kept = folder / FILE, folder / "results" / FILE
    if beside.is_file() and kept.is_file() and beside.read_bytes() != kept.read_bytes():
        raise EvaluationError(
            f"{name}: {beside} was changed after its results were made. Make them again: averting run {folder}"
        )
    known = results.estimates
    if estimate and estimate not in known:
        raise EvaluationError(
            f"{name}: there is no estimate '{estimate}' in {folder}. Use one of: {', '.join(known)}."
        )
    return Area(name, results, estimate or known[0])


def _indicator(area: Area) -> str:
    return area.results.effect(area.estimate).estimand.indicator


def _pilots(area: Area) -> int:
    return len(area.results.record("design/design")["pilots"])


def _refuse_unlike(file: str, areas: Sequence[Area]) -> None:
    """Refuse areas that measure different things, or whose errors are not their own."""
    faults, first = [], areas[0]
    schools = {
        area.name: set(Panel.from_netcdf(area.results.folder / "data" / "panel.nc").schools) for area in areas
    }
    for at, area in enumerate(areas):
        where = f"{file} [[area]] {area.name}"
        if _indicator(area) != _indicator(first):
            found = f"its estimate is of {_indicator(area)}, that of {first.name} of {_indicator(first)}"
            faults.append(Fault(where, found, "Name estimates of one indicator"))
        if _level(area) != _level(first):
            faults.append(
                Fault(where, f"its pilots are at another level than those of {first.name}", "Use one level")
            )
        for other in areas[:at]:
            shared = len(schools[area.name] & schools[other.name])
            if shared:
                found = f"{shared} schools or authorities are in its comparison and in that of {other.name} too"
                fix = "Their errors would be counted as independent: give each area comparison schools of its own"
                faults.append(Fault(where, found, fix))
    refuse(EvaluationError, f"{file}: these areas cannot be pooled", faults)


def _level(area: Area) -> str:
    return str(area.results.record("design/design")["level"])


def _statements(what: str, pooled: PooledAreas, prior: pd.DataFrame, reason: str) -> list[str]:
    low, high = pooled.interval
    table, level = pooled.local, f"{pooled.level:.0%}"
    said = [
        f"Together: {_TOGETHER[pooled.verdict].format(what=what)}. The ratio that {len(table)} areas share is "
        f"{pooled.shared:.2f} ({level} interval {low:.2f} to {high:.2f}); in one more area like these, "
        f"{pooled.new_area[0]:.2f} to {pooled.new_area[1]:.2f}."
    ]
    for row in table.to_dict("records"):
        said.append(
            f"{row['area']}: {row['alone']:.2f} ({row['alone_lower']:.2f} to {row['alone_upper']:.2f}) alone, "
            f"{row['with_others']:.2f} ({row['lower']:.2f} to {row['upper']:.2f}) with what it borrows: {row['borrowed']:.0%} of "
            "its answer comes from what areas share."
        )
    middle, least, most = pooled.spread
    said.append(
        f"The spread between areas (standard deviation of log ratios) is {middle:.2f} ({least:.2f} to {most:.2f}), under a "
        f"half-normal prior of scale {pooled.scale:g} ({reason}). {len(table)} areas hardly speak about it: this is mostly the "
        "prior."
    )
    verdicts = sorted(set(prior["verdict"]))
    said.append(
        f"Under every prior shown the verdict is the same: {verdicts[0]}."
        if len(verdicts) == 1
        else f"The verdict hangs on the prior of the spread: {' or '.join(verdicts)}."
    )
    return said


def _cash(file: str, areas: Sequence[Area]) -> tuple[pd.DataFrame | None, list[str]]:
    """Return cash by area, payer and year, and what is to be said of it."""
    with_cash = [area for area in areas if area.has_cash]
    if not with_cash:
        return None, ["No area has an appraisal, so there is no cash to add."]
    years = {area.price_year for area in with_cash}
    if len(years) > 1:
        found = [
            Fault(f"{file} [[area]] {area.name}", f"cash in prices of {area.price_year}", "") for area in with_cash
        ]
        raise EvaluationError(
            f"{file}: cash of different price years is not added. Give every area's [costs] the same price_year, and run them "
            "again.",
            found,
        )
    table = pd.concat([_local_cash(area) for area in with_cash], ignore_index=True)
    said = [
        f"Cash is each area's own appraisal, of its own effect and not of the shared one, in prices of {years.pop()}, "
        "undiscounted, on average over draws. Means add up; intervals do not, because areas share the uncertainty of unit costs, "
        "so none is given for the sum."
    ]
    without = [area.name for area in areas if not area.has_cash]
    if without:
        said.append(f"There is no sum over areas: {', '.join(without)} has no appraisal.")
    else:
        keys = ["payer", "payer_label", "year"]
        total = table.groupby(keys, as_index=False, sort=True)[["savings", "programme", "net"]].sum()
        table = pd.concat([table, total.assign(area=ALL)[list(table.columns)]], ignore_index=True)
    return table, [*said, _not_shared(with_cash)]


def _local_cash(area: Area) -> pd.DataFrame:
    flows = area.results.table("appraisal/flows")
    cash = flows[(flows["scenario"] == CENTRAL.key) & flows["kind"].isin(_CASH)]
    spent = cash["line"] == "programme"
    parts = cash.assign(
        savings=cash["undiscounted"].where(~spent, 0.0), programme=cash["undiscounted"].where(spent, 0.0)
    )
    summed = parts.groupby(["payer", "year"], as_index=False)[["savings", "programme"]].sum()
    return pd.DataFrame(
        {
            "area": area.name,
            "payer": summed["payer"],
            "payer_label": [known_payers()[payer] for payer in summed["payer"]],
            "year": [FinancialYear(int(year)).label for year in summed["year"]],
            "savings": summed["savings"],
            "programme": summed["programme"],
            "net": summed["savings"] + summed["programme"],
        }
    )


def _not_shared(areas: Sequence[Area]) -> str:
    records = {area.name: area.results.record("appraisal/appraisal") for area in areas}
    valued = "; ".join(f"{name} values its estimate {record['estimate']}" for name, record in records.items())
    return (
        "Not shared between areas: comparison schools, the effect that is valued, programme costs and who pays them, and local "
        f"unit costs where an area declared its own ({valued}). What neither area pays alone, such as a national lead, is in "
        "neither."
    )
