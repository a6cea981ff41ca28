"""DfE's published counts by pupil characteristic: what they say without any pupil's record.

The file gives one characteristic at a time (and some by sex), so its ratios are unadjusted, or adjusted for sex alone. Counts
are rounded to five in it, and small ones are suppressed; a suppressed level is left out and named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from averting.data.files import read_columns
from averting.errors import AvertingError, DataError
from averting.risk.cells import RiskCells
from averting.risk.margins import associations, interaction_table
from averting.risk.model import RiskModel, fit_risk
from averting.years import AcademicYear

OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "permanent_exclusions": ("perm_excl",),
    "pupils_suspended": ("one_plus_fixed", "one_plus_susp"),
}
"""What can be looked at, and its column in older and newer files: counts of pupils, or as good as."""

_PHASES = {
    "Total": "total",
    "State-funded primary": "primary",
    "State-funded secondary": "secondary",
    "Special": "special",
}
_PREFIXES = (
    "Ethnicity Minor ", "Ethnicity Major ", "Ethnicity ", "SEN primary need ", "SEN Provision ", "SEN provision ",
    "IDACI decile ", "NC Year ", "FSM ", "Gender ", "Age ",
)  # fmt: skip
_SEXES = ("Male", "Female")
SECONDARY_YEARS = ("7", "8", "9", "10", "11")


@dataclass(frozen=True, eq=False)
class ByCharacteristic:
    """One year and phase of the file.

    Parameters
    ----------
    outcome, year, phase : str
        What is counted, when and where.
    single : mapping of str to RiskCells
        By name of the characteristic.
    by_sex : mapping of str to RiskCells
        Two characteristics each: the one named, and ``sex``.
    left_out : tuple of str
        Levels whose count is suppressed or without pupils.
    """

    outcome: str
    year: str
    phase: str
    single: Mapping[str, RiskCells]
    by_sex: Mapping[str, RiskCells]
    left_out: tuple[str, ...]

    def unadjusted(self, *, level: float = 0.95) -> pd.DataFrame:
        """Return associations of every level against the commonest, nothing held equal; see :func:`associations`."""
        found = [associations(fit_risk(cells, adjust=[name]), level=level) for name, cells in self.single.items()]
        return pd.concat(found, ignore_index=True).assign(set="unadjusted")

    def adjusted_for_sex(self, *, level: float = 0.95) -> pd.DataFrame:
        """Return associations with sex held equal, where the file crosses a characteristic with sex."""
        found = [
            associations(fit_risk(cells, adjust=[name, "sex"]), [name], level=level)
            for name, cells in self.by_sex.items()
        ]
        return pd.concat(found, ignore_index=True).assign(set="sex held equal") if found else pd.DataFrame()

    def interactions(self, *, level: float = 0.95) -> pd.DataFrame:
        """Return how the odds ratio of sex depends on each characteristic the file crosses it with."""
        found = []
        for name, cells in self.by_sex.items():
            model = _with_interaction(cells, name)
            if model is not None:
                table = interaction_table(model, level=level)
                found.append(table[table["among"].isin(cells.levels[name])])
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame()

    def over_secondary(self, *, level: float = 0.95) -> pd.DataFrame:
        """Return the risk over Years 7 to 11 by sex, were this year's rates those of every year of a pupil's life.

        Returns
        -------
        DataFrame
            ``group``, ``risk``, ``risk_lower``, ``risk_upper`` as if years were independent, and ``least`` and ``most``:
            what it can be if the same pupils are counted every year, or never the same.
        """
        rows = []
        cells = self.by_sex.get("NC year")
        for sex in ("all", *(cells.levels["sex"] if cells else ())):
            counts = _year_counts(self, sex)
            if counts is not None:
                rows.append({"group": sex} | cumulative_rates(counts[:, 0], counts.sum(axis=1), level=level))
        return pd.DataFrame(rows)


def _with_interaction(cells: RiskCells, name: str) -> RiskModel | None:
    """Fit the interaction with sex among levels in which both sexes have the outcome; None where fewer than two do."""
    counts = cells.counts(name, "sex")
    whole = np.flatnonzero((counts > 0).all(axis=(1, 2)))
    if len(whole) < 2:
        return None
    kept = np.isin(cells.column(name), whole)
    frame = pd.DataFrame(
        {
            name: [cells.levels[name][code] for code in cells.column(name)[kept]],
            "sex": [cells.levels["sex"][code] for code in cells.column("sex")[kept]],
            "events": cells.events[kept],
            "pupils": cells.pupils[kept],
        }
    )
    cells = RiskCells.from_frame(
        frame, outcome="events", characteristics=["sex", name], references={"sex": "Female"}, pupils="pupils"
    )
    return fit_risk(cells, adjust=["sex", name], interactions=[("sex", name)])


def _year_counts(table: ByCharacteristic, sex: str) -> np.ndarray[tuple[int, int], np.dtype[np.int64]] | None:
    source = table.single.get("NC year") if sex == "all" else table.by_sex.get("NC year")
    if source is None or any(year not in source.levels["NC year"] for year in SECONDARY_YEARS):
        return None
    places = [source.levels["NC year"].index(year) for year in SECONDARY_YEARS]
    if sex == "all":
        return source.counts("NC year")[places]
    return source.counts("NC year", "sex")[places, source.levels["sex"].index(sex)]


def cumulative_rates(
    events: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    pupils: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    *,
    level: float = 0.95,
) -> dict[str, float]:
    """Return the risk over several years from each year's count of pupils with the outcome.

    Parameters
    ----------
    events, pupils : array of int, shape (year,)
        Pupils with the outcome, and pupils.
    level : float
        Of the interval (delta method on the log of the share spared).

    Returns
    -------
    dict
        ``risk``, ``risk_lower``, ``risk_upper``, ``least`` and ``most``.
    """
    rate = events / pupils
    log = float(np.log1p(-rate).sum())
    error = float(np.sqrt((rate / ((1 - rate) * pupils)).sum())) * float(norm.ppf((1 + level) / 2))
    return {
        "risk": 1 - float(np.exp(log)),
        "risk_lower": max(0.0, 1 - float(np.exp(log + error))),
        "risk_upper": 1 - float(np.exp(log - error)),
        "least": float(rate.max()),
        "most": min(1.0, float(rate.sum())),
    }


def read_by_characteristic(
    path: str | Path, *, outcome: str = "permanent_exclusions", year: str | None = None, phase: str = "secondary"
) -> ByCharacteristic:
    """Read DfE's national file of exclusions by pupil characteristic.

    Parameters
    ----------
    path : str or Path
        The file, or its archive, as published: ``characteristic_group``, ``characteristic``, ``headcount`` and counts.
    outcome : {"permanent_exclusions", "pupils_suspended"}
        What is looked at.
    year : str, optional
        Academic year; the latest by default.
    phase : {"total", "primary", "secondary", "special"}
        Of the schools.

    Raises
    ------
    DataError
        If the file is of another kind, or has no such year or phase.
    """
    path = Path(path)
    if outcome not in OUTCOMES:
        raise DataError(f"outcome is '{outcome}'. Use one of: {', '.join(OUTCOMES)}.")
    needed = ("time_period", "school_type", "characteristic_group", "characteristic", "headcount")
    frame = read_columns(
        path, lambda held: {name for name in held if name in (*needed, *OUTCOMES[outcome])}
    ).astype(str)
    column = next((name for name in OUTCOMES[outcome] if name in frame), None)
    absent = [name for name in needed if name not in frame]
    if absent or column is None:
        lacking = ", ".join(absent) or " or ".join(OUTCOMES[outcome])
        raise DataError(
            f"{path.name} is no file by characteristic: it lacks {lacking}. Give DfE's national file as published."
        )
    periods = {str(AcademicYear.parse(text)): text for text in frame["time_period"].unique()}
    wanted = max(periods) if year is None else str(AcademicYear.parse(year))
    rows = frame[
        (frame["time_period"] == periods.get(wanted, ""))
        & (
            frame["school_type"].map(lambda text: _PHASES.get(text.capitalize() if text == "special" else text))
            == phase
        )
    ]
    if rows.empty:
        raise DataError(
            f"{path.name} has no rows of {wanted}, phase '{phase}'. Years: {', '.join(sorted(periods))}; "
            f"phases: {', '.join(_PHASES.values())}."
        )
    return _tables(rows.assign(events=rows[column]), outcome, wanted, phase)


def _tables(rows: pd.DataFrame, outcome: str, year: str, phase: str) -> ByCharacteristic:
    number = rows[["headcount", "events"]].apply(pd.to_numeric, errors="coerce")
    fine = number["headcount"].ge(number["events"]) & number["headcount"].gt(0) & number["events"].notna()
    left_out = [
        f"{group}: {text}"
        for group, text in rows.loc[~fine, ["characteristic_group", "characteristic"]].to_numpy()
    ]
    rows = rows[fine].assign(pupils=number["headcount"], events=number["events"])
    single: dict[str, RiskCells] = {}
    by_sex: dict[str, RiskCells] = {}
    for group, part in rows.groupby("characteristic_group", sort=False):
        crossed = str(group).endswith(" and gender")
        name = str(group).removesuffix(" and gender")
        # totals over minor groups count the same pupils again
        kept = part[~part["characteristic"].str.contains("Major |Minority ethnic pupil")]
        cells = _cells(kept, "sex" if name == "Gender" else name, crossed, outcome)
        if cells is not None:
            (by_sex if crossed else single)["sex" if name == "Gender" else name] = cells
    if not single:
        raise DataError(
            "No characteristic has two levels that are not suppressed. Use another phase, year or outcome."
        )
    return ByCharacteristic(outcome, year, phase, single, by_sex, tuple(left_out))


def _cells(part: pd.DataFrame, name: str, crossed: bool, outcome: str) -> RiskCells | None:
    """Return cells of one characteristic, or None where fewer than two levels can be used."""
    texts = part["characteristic"]
    frame = pd.DataFrame({"pupils": part["pupils"], outcome: part["events"]})
    if crossed:
        frame["sex"] = texts.str.rsplit(n=1).str[-1]
        texts = texts.str.rsplit(n=1).str[0]
        frame = frame[frame["sex"].isin(_SEXES)]
    frame[name] = [_short(text) for text in texts[frame.index]]
    # a level without a single event has no odds ratio
    whole = frame.groupby(name)[outcome].transform("sum") > 0
    names = [name, "sex"] if crossed else [name]
    try:
        return RiskCells.from_frame(frame[whole], outcome=outcome, characteristics=names, pupils="pupils")
    except AvertingError:
        return None


def _short(text: str) -> str:
    for prefix in _PREFIXES:
        if text.startswith(prefix):
            return text.removeprefix(prefix).capitalize() if prefix == "Gender " else text.removeprefix(prefix)
    return text
