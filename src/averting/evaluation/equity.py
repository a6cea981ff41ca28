"""Effects and savings by cohort, from a file that names the cohorts' columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from averting.data import Panel, load_indicators
from averting.data.disclosure import PublicTable, load_rules, protect
from averting.data.files import read_columns
from averting.design import Design
from averting.effects import Effect
from averting.effects.cohort_counts import EVERYONE, cohort_count_table, pilot_events, rest_of
from averting.effects.cohorts import beside_the_rest, cohort_effect, cohort_table
from averting.errors import DataError, DesignError, EvaluationError, Fault, refuse
from averting.evaluation.equity_costs import EquityCosts, money_by_cohort, read_costs, read_spend
from averting.evaluation.toml_table import TomlTable, open_table
from averting.reporting.findings import Findings, Forest

_HIDDEN = "between "
_ABOUT = (
    "Effects on cohorts of pupils of the same schools. Pupils of one cohort may be in another, and cohorts were judged together "
    "(Holm), so that looking at many does not make findings of chance."
)


@dataclass(frozen=True)
class Question:
    """What an ``equity.toml`` asks: columns of the file, cohorts by label, pilots and start."""

    path: Path
    columns: Mapping[str, str]
    cohorts: Mapping[str, tuple[str, str]]
    symbols: Mapping[str, tuple[float, float]]
    pilots: tuple[str, ...]
    start: str
    indicator: str
    rules: str
    draws: int
    seed: int
    costs: EquityCosts | None = None


def effects_by_cohort(path: str | Path, *, previous: Sequence[PublicTable] = ()) -> Findings:
    """Estimate the effect on each cohort, and beside all other pupils; and what it saves.

    Parameters
    ----------
    path : str or Path
        TOML; see docs/equity.md.
    previous : sequence of PublicTable
        What earlier releases told.

    Raises
    ------
    AvertingError
        If the file or its data cannot be used.
    """
    asked = _read(Path(path))
    frame = _frame(asked)
    found: dict[str, Effect | str] = {}
    events, pupils = {}, {EVERYONE: pd.to_numeric(frame[asked.columns["exposure"]], "coerce")}
    groups = {EVERYONE: (frame, asked.columns["count"], asked.columns["exposure"])}
    for label, (count, exposure) in asked.cohorts.items():
        groups[label] = (frame, count, exposure)
        groups[rest_of(label)] = (_with_rest(asked, frame, label, count, exposure), "_rest", "_rest_pupils")
    for name, (table, count, exposure) in groups.items():
        design = _design(asked, table, count, exposure)
        pupils[name] = pd.to_numeric(table[exposure], "coerce")
        if isinstance(design, str):
            found[name] = design
            continue
        events[name] = pilot_events(design, asked.indicator)
        if name != EVERYONE:
            found[name] = _effect(asked, design)
    known = {name: numbers for name, numbers in pupils.items() if name in events}
    counts = cohort_count_table(events, known, indicator=asked.indicator)
    (public,), record = protect([counts], load_rules(asked.rules), previous=previous)
    gone = {key[1] for key in public.withheld}
    own = {label: _WITHHELD if label in gone else found[label] for label in asked.cohorts}
    rest = {label: _WITHHELD if rest_of(label) in gone else found[rest_of(label)] for label in asked.cohorts}
    tables = {"cohorts": cohort_table(own), "beside the rest": beside_the_rest(own, rest)}
    money, said = money_by_cohort(asked.costs, own, draws=asked.draws, seed=asked.seed)
    forests = (
        Forest("cohorts", "cohort", "estimate", "lower", "upper"),
        Forest(
            "beside the rest",
            "cohort",
            "ratio",
            "lower",
            "upper",
            "times the change of all other pupils (1: the same)",
        ),
    )
    said = (_asked_about(asked, frame), _WORDS, *said)
    return Findings(
        "equity", "Whom did it help?", _ABOUT, said, {**tables, **money}, record, (public,), forests, blank=""
    )


_WORDS = (
    "A ratio is the rate with the programme over the rate that other schools make likely without it. Fell and rose are said "
    "against that, not against the year before; cannot tell is not evidence of no difference."
)


def _asked_about(asked: Question, frame: pd.DataFrame) -> str:
    """Say what was estimated, in which schools."""
    declared = load_indicators().get(asked.indicator)
    outcome = declared.label if declared else asked.indicator.replace("_", " ")
    schools = frame[asked.columns["school"]].nunique()
    pilots = f"{len(asked.pilots)} pilot school{'s' * (len(asked.pilots) != 1)}"
    return f"{outcome}: {pilots} from {asked.start} on, against the other {schools - len(asked.pilots)} schools of the file."


_WITHHELD = "withheld: few pupils of the pilots stand behind it, or it would give a few away"


def _frame(asked: Question) -> pd.DataFrame:
    pairs = (column for pair in asked.cohorts.values() for column in pair)
    wanted = list(dict.fromkeys([*asked.columns.values(), *pairs]))
    frame = read_columns(asked.path, lambda held: set(wanted) & set(held)).astype(str)
    absent = sorted(set(wanted) - set(frame.columns))
    if absent:
        raise EvaluationError(f"{asked.path.name} lacks {', '.join(absent)}. Name columns that it has.")
    return frame


def _with_rest(asked: Question, frame: pd.DataFrame, label: str, count: str, exposure: str) -> pd.DataFrame:
    """Return the frame with all pupils but a cohort; where a count is hidden, the rest is known between bounds."""
    whole, part = (_bounds(frame[name], asked.symbols) for name in (asked.columns["count"], count))
    low, high = (whole[0] - part[1]).clip(lower=0), whole[1] - part[0]
    pupils = pd.to_numeric(frame[asked.columns["exposure"]], "coerce") - pd.to_numeric(frame[exposure], "coerce")
    for name, total, left in ((count, "count", high), (exposure, "exposure", pupils)):
        if (left < 0).any():
            raise DataError(
                f"{asked.path.name}: {name} is more than {asked.columns[total]} in some row. {label} must be part of all pupils."
            )
    exact = low.map("{:.0f}".format).where(low.notna(), "")
    between = _HIDDEN + low.map("{:.0f}".format) + " " + high.map("{:.0f}".format)
    hidden = (low < high) & np.isfinite(high)
    return frame.assign(_rest=between.where(hidden, exact), _rest_pupils=pupils)


def _bounds(column: pd.Series, symbols: Mapping[str, tuple[float, float]]) -> tuple[pd.Series, pd.Series]:
    """Return the least and the most that each count can be; NaN where nothing is known."""
    number = pd.to_numeric(column, errors="coerce")
    ends = [number.fillna(column.map({text: one[end] for text, one in symbols.items()})) for end in (0, 1)]
    return ends[0].where(np.isfinite(ends[1])), ends[1].where(np.isfinite(ends[1]))


def _design(asked: Question, frame: pd.DataFrame, count: str, exposure: str) -> Design | str:
    between = {
        text: text.removeprefix(_HIDDEN).split() for text in frame[count].astype(str) if text.startswith(_HIDDEN)
    }
    symbols = {**asked.symbols, **{text: (float(low), float(high)) for text, (low, high) in between.items()}}
    panel = Panel.from_frame(
        frame,
        school=asked.columns["school"],
        period=asked.columns["period"],
        counts={asked.indicator: count},
        exposure=exposure,
        symbols=symbols,
        source=asked.path.name,
    )
    try:
        return Design(panel, asked.pilots, start=asked.start)
    except DesignError as error:
        if count == asked.columns["count"]:  # of all pupils: what is wrong is in the file, not with a cohort
            raise
        return " ".join([error.message, *(fault.found for fault in error.faults[:1])])


def _effect(asked: Question, design: Design) -> Effect | str:
    threshold = load_rules(asked.rules).threshold
    return cohort_effect(design, asked.indicator, threshold=threshold, draws=asked.draws, seed=asked.seed)


def _read(path: Path) -> Question:
    faults: list[Fault] = []
    top = open_table(path, faults, advice="Name a file on cohorts.")
    data = top.path("data", path.parent) or path
    columns = {key: top.take(key, str) for key in ("school", "period", "count", "exposure")}
    pilots, start = top.texts("pilots"), top.take("start", str)
    indicator, rules = top.take("indicator", str, "permanent_exclusions"), top.take("rules", str, "under_five")
    draws, seed = top.take("draws", int, 1000), top.take("seed", int, 1)
    symbols = _symbols(top)
    cohorts: dict[str, tuple[str, str]] = {}
    spend: dict[str, float] = {}
    costs = top.table("costs")
    for table in top.tables("cohort"):
        label = table.take("label", str)
        if label in cohorts:
            table.fault("label", f"'{label}' is there twice", "Give each cohort a label of its own.")
        cohorts[label] = (table.take("count", str), table.take("exposure", str))
        spend |= read_spend(table, label, costs)
        table.done()
    if not cohorts:
        faults.append(Fault(path.name, "it names no cohort", "Add a [[cohort]] with label, count and exposure"))
    if draws < 100:
        top.fault("draws", f"{draws} are too few", "Use 100 or more.")
    valued = read_costs(costs, spend, indicator)
    top.done()
    refuse(EvaluationError, f"{path.name} cannot be used", faults)
    return Question(data, columns, cohorts, symbols, pilots, start, indicator, rules, draws, seed, valued)


def _symbols(top: TomlTable) -> dict[str, tuple[float, float]]:
    found = {}
    for text, bounds in top.take("symbols", dict, {}).items():
        if isinstance(bounds, list) and len(bounds) == 2 and all(isinstance(end, int | float) for end in bounds):
            found[text] = (float(bounds[0]), float(bounds[1]))
        else:
            top.fault(
                f"[symbols] {text}", "this is no pair of bounds", "Give the least and the most, such as [1, 2]."
            )
    return found
