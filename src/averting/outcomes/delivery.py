"""What a programme delivered: referrals, contacts, decisions and spending, against what was planned. Description, no effect.

Records are of single pupils' cases and stay inside; what leaves is by period, over all schools, with small numbers withheld.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from averting.data.disclosure import Rules, primary
from averting.data.files import read_columns
from averting.errors import AvertingError, DataError, Fault, refuse
from averting.years import Period

KINDS = ("referral", "contact", "decision", "action", "spend")
COLUMNS = ("case", "kind", "date", "period", "amount")
PLANNED = {
    "contacts_per_case": "contacts for each case",
    "meetings_per_period": "forum meetings in a period",
    "days_to_decision": "days from referral to decision, at most",
    "days_to_action": "days from referral to action, at most",
    "spend_per_case": "pounds spent on each case",
}
"""What a plan may promise, and what each is."""
_NEEDED = ("case", "kind", "date", "period")


@dataclass(frozen=True, eq=False)
class Delivery:
    """Records of what was delivered.

    Parameters
    ----------
    records : DataFrame
        One row an event: ``case`` (a pupil's, or blank for a decision or spending on none), ``kind``, ``date``, ``period``,
        ``amount`` (pounds, of spending). For inside use.
    """

    records: pd.DataFrame

    def by_period(self, rules: Rules) -> pd.DataFrame:
        """Return what was delivered in each period and in all.

        Returns
        -------
        DataFrame
            ``period``; ``cases``, ``referrals``, ``contacts``, ``decisions``, ``actions``, ``meetings`` (days with a decision);
            ``contacts_per_case``, ``spend``, ``spend_per_case``; NaN where the count behind it is small, and the counts are
            rounded to the rules' base. The row ``all`` is withheld where one period alone is.
        """
        periods = sorted(set(self.records["period"]), key=Period.parse)
        rows = [self._row(period, self.records[self.records["period"] == period]) for period in periods]
        table = pd.DataFrame([*rows, self._row("all", self.records)])
        return _withheld(table, rules)

    def _row(self, period: str, rows: pd.DataFrame) -> dict[str, object]:
        kinds = rows["kind"].value_counts()
        cases = int(rows.loc[rows["case"] != "", "case"].nunique())
        spent = float(rows.loc[rows["kind"] == "spend", "amount"].sum())
        contacts = int(kinds.get("contact", 0))
        return {
            "period": period,
            "cases": cases,
            "referrals": int(kinds.get("referral", 0)),
            "contacts": contacts,
            "decisions": int(kinds.get("decision", 0)),
            "actions": int(kinds.get("action", 0)),
            "meetings": int(rows.loc[rows["kind"] == "decision", "date"].nunique()),
            "contacts_per_case": contacts / cases if cases else np.nan,
            "spend": spent,
            "spend_per_case": spent / cases if cases else np.nan,
        }

    def waits(self, rules: Rules) -> pd.DataFrame:
        """Return how long cases waited from referral to the first decision and the first action.

        Returns
        -------
        DataFrame
            ``until`` (decision, action), ``median_days`` and ``quarter_days``, ``three_quarter_days`` by the product-limit
            estimate, so that cases that still wait count for as long as they have waited; ``share_reached``. NaN where few
            cases were referred, or reached or not reached it.
        """
        start = self.records[self.records["kind"] == "referral"].groupby("case")["date"].min()
        end = self.records["date"].max()
        rows = []
        for until in ("decision", "action"):
            first = self.records[self.records["kind"] == until].groupby("case")["date"].min()
            reached = first.reindex(start.index)
            happened = reached.notna().to_numpy()
            days = (reached.fillna(end) - start).dt.days.to_numpy().astype(np.float64)
            count, short = np.array([happened.sum()], dtype=float), np.array([(~happened).sum()], dtype=float)
            small = bool(primary(count, count, rules)[0] or primary(short, short, rules)[0])
            quantiles = [np.nan] * 3 if small else [waiting_quantile(days, happened, q) for q in (0.25, 0.5, 0.75)]
            rows.append(
                {
                    "until": until,
                    "quarter_days": quantiles[0],
                    "median_days": quantiles[1],
                    "three_quarter_days": quantiles[2],
                    "share_reached": np.nan if small else float(happened.mean()),
                    "withheld": small,
                }
            )
        return pd.DataFrame(rows)

    def fidelity(self, plan: Mapping[str, float], rules: Rules) -> pd.DataFrame:
        """Return what was planned beside what was delivered.

        Parameters
        ----------
        plan : mapping
            Some of ``PLANNED``.
        rules : Rules
            Rule set of disclosure control.

        Returns
        -------
        DataFrame
            ``planned_for``, ``planned``, ``delivered`` (NaN where withheld) and ``kept``: yes, no, or cannot be told.
        """
        table = self.by_period(rules).set_index("period")
        waits = self.waits(rules)
        each = table.drop(index="all")
        delivered = {
            "contacts_per_case": float(table["contacts_per_case"].iloc[-1]),
            "meetings_per_period": float(each["meetings"].mean(skipna=False)),
            "days_to_decision": float(waits["median_days"].iloc[0]),
            "days_to_action": float(waits["median_days"].iloc[1]),
            "spend_per_case": float(table["spend_per_case"].iloc[-1]),
        }
        rows = []
        for name, planned in plan.items():
            found = delivered[name]
            kept = found <= planned if name.startswith("days") else found >= planned
            word = "cannot be told" if np.isnan(found) else "yes" if kept else "no"
            rows.append({"planned_for": PLANNED[name], "planned": planned, "delivered": found, "kept": word})
        return pd.DataFrame(rows, columns=["planned_for", "planned", "delivered", "kept"])


def waiting_quantile(
    days: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    happened: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    share: float,
) -> float:
    """Return by when a share of cases had it happen, by the product-limit estimate; NaN where fewer did [kaplan_meier_1958]_.

    .. [kaplan_meier_1958] Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations. JASA,
       53(282), 457-481.
    """
    left = 1.0
    for day in np.unique(days[happened]):
        left *= 1 - ((days == day) & happened).sum() / (days >= day).sum()
        if left <= 1 - share + 1e-12:
            return float(day)
    return float("nan")


def _withheld(table: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    counts = ["cases", "referrals", "contacts", "decisions", "actions"]
    shown = table.astype(dict.fromkeys([*counts, "meetings"], float))
    values = table[counts].to_numpy(dtype=float)
    small = primary(values, values, rules)
    # periods add up to all: one gap is no gap, so the sum goes with it
    small[-1] |= small[:-1].sum(axis=0) == 1
    # a rate over cases, or of contacts, tells the count behind it
    shown["contacts_per_case"] = shown["contacts_per_case"].mask(small[:, 0] | small[:, 2])
    for name in ("spend", "spend_per_case"):
        shown[name] = shown[name].mask(small[:, 0])
    shown["meetings"] = shown["meetings"].mask(small[:, 3])
    rounded = rules.rounding * np.round(values / rules.rounding)
    shown[counts] = np.where(small, np.nan, rounded)
    return shown


def read_delivery(path: str | Path) -> Delivery:
    """Read records of delivery.

    Parameters
    ----------
    path : str or Path
        A table with ``case``, ``kind`` (referral, contact, decision, action, spend), ``date`` (2022-11-30), ``period``
        (2022/23 or a term of it) and, for spending, ``amount``.

    Raises
    ------
    DataError
        Naming rows and columns that cannot be read; never what is in them.
    """
    path = Path(path)
    frame = read_columns(path, lambda held: {name for name in held if name in COLUMNS}).astype(str)
    absent = [Fault(path.name, f"there is no column '{name}'", "Add it") for name in _NEEDED if name not in frame]
    refuse(DataError, f"{path.name} is no table of delivery", absent)
    text = frame.apply(lambda column: column.str.strip())
    kind = text["kind"].str.lower()
    dates = pd.to_datetime(text["date"], format="%Y-%m-%d", errors="coerce")
    amount = pd.to_numeric(
        text["amount"] if "amount" in text else pd.Series("", index=text.index), errors="coerce"
    )
    periods = {one: _period(one) for one in text["period"].unique()}
    problems = {
        "kind": (~kind.isin(KINDS), f"it is none of {', '.join(KINDS)}", "Use one of them"),
        "date": (dates.isna(), "it is no date", "Write 2022-11-30"),
        "period": (text["period"].map(periods).isna(), "it is no academic year or term", "Write 2022/23"),
        "case": ((text["case"] == "") & kind.isin(["referral", "contact"]), "it is blank", "Give the case"),
        "amount": ((kind == "spend") & ~(amount >= 0), "spending has no amount of 0 or more", "Give pounds"),
    }
    faults = [
        Fault(f"{path.name}, row {int(row) + 2}, {name}", found, fix)
        for name, (wrong, found, fix) in problems.items()
        for row in np.flatnonzero(wrong.to_numpy())
    ]
    refuse(DataError, f"{path.name} cannot be used", faults, most=20)
    records = pd.DataFrame(
        {
            "case": text["case"],
            "kind": kind,
            "date": dates,
            "period": text["period"].map(periods),
            "amount": amount.fillna(0.0),
        }
    )
    return Delivery(records.reset_index(drop=True))


def _period(text: str) -> str | None:
    try:
        return str(Period.parse(text))
    except AvertingError:
        return None
