"""What a programme delivered: referrals, contacts, decisions and spending, against what was planned. Description, no effect.

Records are of single pupils' cases and stay inside; what leaves is by period, over all schools, with small numbers withheld.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from averting.data.disclosure import CountTable, DisclosureRecord, PublicTable, Rules, Sum, protect
from averting.data.disclosure.protection import Bools, Floats
from averting.data.disclosure.tables import Key
from averting.errors import AvertingError, DataError, refuse
from averting.outcomes.records import read_texts, row_faults
from averting.years import FinancialYear, Period

KINDS = ("referral", "contact", "decision", "action", "spend")
COLUMNS = ("case", "kind", "date", "period", "amount", "school")
PLANNED = {
    "contacts_per_case": "contacts for each case",
    "meetings_per_period": "forum meetings in a period",
    "days_to_decision": "days from referral to decision, at most",
    "days_to_action": "days from referral to action, at most",
    "spend_per_case": "pounds spent on each case",
}
"""What a plan may promise, and what each is."""
_EVENTS = {"referral": "referrals", "contact": "contacts", "decision": "decisions", "action": "actions"}
_NEEDED = ("case", "kind", "date", "period")


@dataclass(frozen=True, eq=False)
class Delivery:
    """Records of what was delivered.

    Parameters
    ----------
    records : DataFrame
        One row an event: ``case`` (a pupil's, or blank for a decision or spending on none), ``kind``, ``date``, ``period``,
        ``amount`` (pounds, of spending), ``school`` (blank where not named). For inside use.
    """

    records: pd.DataFrame

    def count_table(self) -> CountTable:
        """Return every count behind what is told, with how they add up: for inside use, and for protection.

        A case may be seen in several periods, so those of all periods are fewer than the sum; what lies between is a cell too.
        """
        cells: dict[Key, int] = {}
        sums: list[Sum] = []
        span = self.span
        for kind, name in _EVENTS.items():
            parts = [("delivery", name, period) for period in self.periods]
            counted = self.records.loc[self.records["kind"] == kind, "period"].value_counts()
            cells |= {key: int(counted.get(key[-1], 0)) for key in parts}
            cells["delivery", name, span] = sum(cells[key] for key in parts)
            sums.append(Sum(("delivery", name, span), tuple(parts)))
        seen = self.records[self.records["case"] != ""].groupby("period")["case"].nunique()
        parts = [("delivery", "cases", period) for period in self.periods]
        cells |= {key: int(seen.get(key[-1], 0)) for key in parts}
        every, again, times = (
            ("delivery", "cases", span),
            ("delivery", "cases seen again", span),
            ("delivery", "cases, period by period", span),
        )
        cells[times] = sum(cells[key] for key in parts)
        cells[every] = int(self.records.loc[self.records["case"] != "", "case"].nunique())
        cells[again] = cells[times] - cells[every]
        sums += [Sum(times, tuple(parts)), Sum(times, (every, again))]
        for until, (_, happened) in self._times().items():
            reached, waiting = ("delivery", f"{until} reached", span), ("delivery", f"{until} not reached", span)
            cells |= {reached: int(happened.sum()), waiting: int((~happened).sum())}
            cells["delivery", "cases referred", span] = len(happened)
            sums.append(Sum(("delivery", "cases referred", span), (reached, waiting)))
        bounds = np.array(list(cells.values()), dtype=np.float64)
        return CountTable("delivery", tuple(cells), bounds, bounds, tuple(dict.fromkeys(sums)))

    @property
    def periods(self) -> tuple[str, ...]:
        """Periods in order of time."""
        return tuple(sorted(set(self.records["period"]), key=Period.parse))

    @property
    def span(self) -> str:
        """From the first to the last period."""
        return " to ".join(dict.fromkeys([self.periods[0], self.periods[-1]]))

    def protected(
        self, rules: Rules, *, previous: Sequence[PublicTable] = ()
    ) -> tuple[ProtectedDelivery, DisclosureRecord]:
        """Return what may be told under a rule set, given what earlier releases told, and the record of what was withheld.

        Raises
        ------
        DisclosureError
            If an earlier release shows a count otherwise.
        """
        (public,), record = protect([self.count_table()], rules, previous=previous)
        return ProtectedDelivery(self, public), record

    def by_period(self, rules: Rules) -> pd.DataFrame:
        """Return what was delivered in each period and in all; see :meth:`ProtectedDelivery.by_period`."""
        return self.protected(rules)[0].by_period()

    def waits(self, rules: Rules) -> pd.DataFrame:
        """Return how long cases waited; see :meth:`ProtectedDelivery.waits`."""
        return self.protected(rules)[0].waits()

    def _times(self) -> dict[str, tuple[Floats, Bools]]:
        """Return days from referral to the first decision and action, or waited so far, and whether it came."""
        start = self.records[self.records["kind"] == "referral"].groupby("case")["date"].min()
        end = self.records["date"].max()
        made: dict[str, tuple[Floats, Bools]] = {}
        for until in ("decision", "action"):
            first = self.records[self.records["kind"] == until].groupby("case")["date"].min()
            reached = first.reindex(start.index)
            days = (reached.fillna(end) - start).dt.days.to_numpy().astype(np.float64)
            made[until] = (days, reached.notna().to_numpy())
        return made

    def by_school(self, *, after: str) -> pd.DataFrame:
        """Return events of each kind and pounds spent by school from a period on: for inside use, as a dose.

        Returns
        -------
        DataFrame
            Indexed by school; one column for each kind of record. Records without a school are left out.
        """
        start = Period.parse(after)
        late = self.records["period"].map(lambda period: Period.parse(period) >= start)
        kept = self.records[late.astype(bool) & (self.records["school"] != "")]
        amount = kept["amount"].where(kept["kind"] == "spend", 1.0)
        table = amount.groupby([kept["school"], kept["kind"]]).sum().unstack().fillna(0.0)
        return table.reindex(columns=list(KINDS), fill_value=0.0)

    def spending(self, *, payer: str, element: str) -> pd.DataFrame:
        """Return spending as a ledger that ``[[programme]]`` of an evaluation reads: for inside use.

        Parameters
        ----------
        payer, element : str
            Who paid, and the part of the programme it belongs to: keys of ``models/payers.toml`` and
            ``models/programme_elements.toml``.

        Returns
        -------
        DataFrame
            ``year`` (the financial year of the date, from April), ``amount``, ``payer``, ``element``, ``phase``, ``in_kind``; no
            case.
        """
        spent = self.records[self.records["kind"] == "spend"]
        year = spent["date"].dt.year - (spent["date"].dt.month < 4)
        amounts = spent["amount"].groupby(year).sum()
        return pd.DataFrame(
            {
                "year": [FinancialYear(int(one)).label for one in amounts.index],
                "amount": amounts.to_numpy(),
                "payer": payer,
                "element": element,
                "phase": "running",
                "in_kind": "no",
            }
        )


@dataclass(frozen=True, eq=False)
class ProtectedDelivery:
    """What may be told of what was delivered.

    Parameters
    ----------
    delivery : Delivery
        The records.
    public : PublicTable
        Its counts after disclosure control.
    """

    delivery: Delivery
    public: PublicTable

    def _shown(self, name: str, period: str) -> float:
        return float(self.public.lower[self.public.keys.index(("delivery", name, period))])

    def by_period(self) -> pd.DataFrame:
        """Return what was delivered in each period and in all.

        Returns
        -------
        DataFrame
            ``period``; ``cases``, ``referrals``, ``contacts``, ``decisions``, ``actions``, ``meetings`` (days with a decision);
            ``contacts_per_case``, ``spend``, ``spend_per_case``; NaN where the count behind it is withheld. Counts are rounded to
            the rules' base, and what is per case is of counts before rounding.
        """
        records = self.delivery.records
        rows = [self._row(period, records[records["period"] == period]) for period in self.delivery.periods]
        table = pd.DataFrame([*rows, {**self._row(self.delivery.span, records), "period": "all"}])
        if table["spend"].iloc[:-1].isna().sum() == 1:  # else the one is what is left of all
            table.loc[len(rows), ["spend", "spend_per_case"]] = np.nan
        return table

    def _row(self, period: str, rows: pd.DataFrame) -> dict[str, object]:
        shown = {name: self._shown(name, period) for name in ("cases", *_EVENTS.values())}
        cases = rows.loc[rows["case"] != "", "case"].nunique()
        known = shown["cases"] == shown["cases"] and cases > 0
        spent = float(rows.loc[rows["kind"] == "spend", "amount"].sum())
        contacts = int((rows["kind"] == "contact").sum())
        held = known and shown["contacts"] == shown["contacts"]
        met = float(rows.loc[rows["kind"] == "decision", "date"].nunique())
        return {
            "period": period,
            **shown,
            "meetings": met if shown["decisions"] == shown["decisions"] else np.nan,
            "contacts_per_case": contacts / cases if held else np.nan,
            "spend": spent if known or not cases else np.nan,
            "spend_per_case": spent / cases if known else np.nan,
        }

    def waits(self) -> pd.DataFrame:
        """Return how long cases waited from referral to the first decision and the first action.

        Returns
        -------
        DataFrame
            ``until`` (decision, action), ``quarter_days``, ``median_days`` and ``three_quarter_days`` by the product-limit
            estimate, so that cases that still wait count for as long as they have waited; ``share_reached``; ``withheld``. NaN
            where few cases were referred, reached or did not reach it.
        """
        rows, span = [], self.delivery.span
        for until, (days, happened) in self.delivery._times().items():
            behind = ("cases referred", f"{until} reached", f"{until} not reached")
            gone = any(np.isnan(self._shown(name, span)) for name in behind) or not len(days)
            ends = [np.nan] * 3 if gone else [waiting_quantile(days, happened, q) for q in (0.25, 0.5, 0.75)]
            rows.append(
                {
                    "until": until,
                    **dict(zip(("quarter_days", "median_days", "three_quarter_days"), ends, strict=True)),
                    "share_reached": np.nan if gone else float(happened.mean()),
                    "withheld": gone,
                }
            )
        return pd.DataFrame(rows)

    def fidelity(self, plan: Mapping[str, float]) -> pd.DataFrame:
        """Return what was planned beside what was delivered.

        Parameters
        ----------
        plan : mapping
            Some of ``PLANNED``.

        Returns
        -------
        DataFrame
            ``planned_for``, ``planned``, ``delivered`` (NaN where withheld) and ``kept``: yes, no, or cannot be told.
        """
        table = self.by_period().set_index("period")
        waits = self.waits()
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


def read_delivery(path: str | Path) -> Delivery:
    """Read records of delivery.

    Parameters
    ----------
    path : str or Path
        A table with ``case``, ``kind`` (referral, contact, decision, action, spend), ``date`` (2022-11-30), ``period``
        (2022/23 or a term of it) and, for spending, ``amount``; ``school`` where dose is to be told between pilots.

    Raises
    ------
    DataError
        Naming rows and columns that cannot be read; never what is in them.
    """
    path = Path(path)
    text = read_texts(path, COLUMNS, needed=_NEEDED, what="is no table of delivery")
    kind = text["kind"].str.lower()
    dates = pd.to_datetime(text["date"], format="%Y-%m-%d", errors="coerce")
    amount = pd.to_numeric(
        text["amount"] if "amount" in text else pd.Series("", index=text.index), errors="coerce"
    )
    periods = {one: _period(one) for one in text["period"].unique()}
    starts = {one: Period.parse(found).year.start for one, found in periods.items() if found}
    # one mistyped year would make every wait that still lasts a thousand years long
    apart = dates.dt.year - text["period"].map(starts).astype(float)
    problems = {
        "kind": (~kind.isin(KINDS), f"it is none of {', '.join(KINDS)}", "Use one of them"),
        "date": (dates.isna(), "it is no date", "Write 2022-11-30"),
        "date and period": (
            (apart < -1) | (apart > 2),
            "they are more than a year apart",
            "Correct the one that is wrong",
        ),
        "period": (text["period"].map(periods).isna(), "it is no academic year or term", "Write 2022/23"),
        "case": ((text["case"] == "") & kind.isin(["referral", "contact"]), "it is blank", "Give the case"),
        "amount": ((kind == "spend") & ~(amount >= 0), "spending has no amount of 0 or more", "Give pounds"),
    }
    faults = row_faults(path, problems)
    refuse(DataError, f"{path.name} cannot be used", faults, most=20)
    records = pd.DataFrame(
        {
            "case": text["case"],
            "kind": kind,
            "date": dates,
            "period": text["period"].map(periods),
            "amount": amount.fillna(0.0),
            "school": text["school"] if "school" in text else "",
        }
    )
    return Delivery(records.reset_index(drop=True))


def _period(text: str) -> str | None:
    try:
        return str(Period.parse(text))
    except AvertingError:
        return None
