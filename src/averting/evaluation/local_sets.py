"""Make a set of authorities' own figures from the workbooks that a council can download."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from averting.costs import known_authorities
from averting.costs.local_figures import GRANT, SECTION_251
from averting.data.excel import read_sheets
from averting.errors import DataError, UnitError
from averting.provenance import file_hash
from averting.years import FinancialYear

PLACE = 10_000
"""Pounds that a funded place brings, by which place funding says how many places there are."""
_KINDS = "the high-needs benchmarking workbook (section 251), DSG allocations by year, or DSG balances by year"
_BUDGET, _OUTTURN = "Section 251 budget", "Section 251 outturn"
_PUPIL_REFERRAL, _SPECIAL = "PRUs and AP academies", "Special schools and academies"
_ALLOCATION, _BALANCE = "Total DSG allocation (£s)", "DSG cumulative balance as a % of the total income"

type Records = Sequence[Sequence[Any]]
type Figures = dict[str, dict[str, float]]


@dataclass(frozen=True)
class LocalSet:
    """Authorities' own figures, with where they are from.

    Parameters
    ----------
    tables : mapping of str to mapping
        ``section_251``, ``schools_grant`` or both: source, locator, year, and figures by key and authority.
    said : tuple of str
        What was read, in words.
    """

    tables: Mapping[str, Mapping[str, Any]]
    said: tuple[str, ...]

    def to_toml(self) -> str:
        """Return the set as TOML, to be named as ``local_figures`` in ``[costs]``."""
        lines = [
            "# Authorities' own figures, made by averting local-figures. Name this file as local_figures in [costs]."
        ]
        for kind, table in self.tables.items():
            lines += [
                "",
                f"[{kind}]",
                *(f"{key} = {_quoted(text)}" for key, text in table.items() if isinstance(text, str)),
            ]
            for key, figures in table.items():
                if isinstance(figures, Mapping):
                    lines += [
                        "",
                        f"[{kind}.{key}]",
                        *(f"{_quoted(la)} = {figures[la]:.15g}" for la in sorted(figures)),
                    ]
        return "\n".join(lines) + "\n"


def make_local_set(
    workbooks: Iterable[str | Path], *, year: FinancialYear | None = None, outturn: bool = False
) -> LocalSet:
    """Make a set of authorities' own figures from downloaded workbooks, each recognised by its layout.

    Parameters
    ----------
    workbooks : iterable of str or Path
        DfE's high-needs benchmarking workbook (section 251), and the dedicated schools grant's allocations and balances
        by year.
    year : FinancialYear, optional
        Of the grant; the latest that all workbooks have by default.
    outturn : bool
        Take what was spent instead of what was budgeted, of the benchmarking workbook; it is of an earlier year.

    Returns
    -------
    LocalSet
        ``section_251``: what a place in alternative provision costs beyond its place funding (``ap_top_up``), and a
        place in a state special school (``special_place``), pounds a year; authorities with nothing on a line are not in
        it. ``schools_grant``: ``allocation`` in pounds and ``balance_share`` of income (below zero is a deficit).

    Raises
    ------
    DataError
        If a workbook is in no layout that is known, lacks the year, or holds no figure.
    """
    tables: dict[str, dict[str, Any]] = {}
    said: list[str] = []
    grants: list[_Grant] = []
    for given in workbooks:
        path = Path(given)
        sheets = read_sheets(path)
        found = [_grant(path.name, records) for records in sheets.values()]
        read = [one for one in found if one is not None]
        if read:
            grants += [_together(read, file_hash(path))]
            continue
        section = next((one for one in map(_section, sheets.values()) if one is not None), None)
        if section is None:
            held = ", ".join(sheets)
            raise DataError(
                f"{path.name} is in no layout that averting knows (its sheets: {held}). It reads {_KINDS}, as DfE lays them "
                "out. For another, give the number as an override: [costs.override.ap_top_up] in evaluation.toml."
            )
        tables[SECTION_251] = _section_251(path, section, outturn)
        said += [_counted(path.name, key, tables[SECTION_251][key]) for key in ("ap_top_up", "special_place")]
    if grants:
        tables[GRANT] = _schools_grant(grants, year)
        said += [
            _counted("DSG", key, tables[GRANT][key])
            for key in ("allocation", "balance_share")
            if key in tables[GRANT]
        ]
    if not tables:
        raise DataError(f"No workbook is named. Name one or more: {_KINDS}.")
    return LocalSet(tables, tuple(said))


def _counted(where: str, key: str, figures: Mapping[str, float]) -> str:
    return f"{where}: {key} of {len(figures)} authorities"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _year(cell: Any) -> FinancialYear | None:
    text = str(cell).strip()
    if len(text) == 6 and text.isdecimal():
        text = f"{text[:4]}-{text[4:]}"
    try:
        return FinancialYear.parse(text)
    except UnitError:
        return None


def _number(cell: Any) -> float:
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return math.nan
    return value if abs(value) < 1e12 else math.nan


def _named(cell: Any, known: Mapping[str, str]) -> str:
    """Return an authority's name, as averting's own figures write it where they have it."""
    # as in "Dorset (New, LA code 838)", beside a row of the authority that it followed
    text = re.sub(r"\s*\(New.*\)$", "", " ".join(str(cell or "").split()))
    return known.get(_plain(text), text)


def _plain(name: str) -> str:
    return name.casefold().replace("&", "and").replace(".", "")


def _spelt() -> dict[str, str]:
    return {_plain(la): la for la in known_authorities("after_exclusion", "high_needs_block")}


# --- section 251 -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Section:
    """Where the benchmarking workbook has its rows, blocks and years."""

    records: Records
    name: int
    blocks: Mapping[str, Mapping[str, int]]
    years: Mapping[str, FinancialYear]


def _section(records: Records) -> _Section | None:
    """Recognise the benchmarking layout: blocks of budget and outturn, one column a line of the return."""
    at = next((row for row, cells in enumerate(records[:12]) if _BUDGET in cells), None)
    name = next((list(cells).index("LA name") for cells in records[:12] if "LA name" in cells), None)
    if at is None or name is None or at + 1 >= len(records):
        return None
    titles, lines = list(records[at]), list(records[at + 1])
    starts = {word: titles.index(word) for word in (_BUDGET, _OUTTURN) if word in titles}
    blocks = {}
    for word, start in starts.items():
        end = min([other for other in starts.values() if other > start], default=len(lines))
        columns = {
            str(line): place for place, line in enumerate(lines[:end]) if place >= start and line is not None
        }
        wanted = {"place_ap": _PUPIL_REFERRAL, "top_up_ap": f"{_PUPIL_REFERRAL} (1)"}
        wanted |= {"place_special": _SPECIAL, "top_up_special": f"{_SPECIAL} (1)"}
        if set(wanted.values()) <= set(columns):
            blocks[word] = {key: columns[line] for key, line in wanted.items()}
    above = [year for cells in records[:at] for year in map(_year, cells) if year is not None]
    beside = [year for year in map(_year, titles) if year is not None]
    years = ({_BUDGET: above[0]} if above else {}) | ({_OUTTURN: beside[0]} if beside else {})
    return _Section(records[at + 2 :], name, blocks, years) if _BUDGET in blocks and above else None


def _section_251(path: Path, section: _Section, outturn: bool) -> dict[str, Any]:
    block = _OUTTURN if outturn else _BUDGET
    if block not in section.blocks or block not in section.years:
        raise DataError(f"{path.name} has no block '{block}' with its year. Leave --outturn out.")
    columns, known, year = section.blocks[block], _spelt(), section.years[block]
    figures: Figures = {"ap_top_up": {}, "special_place": {}}
    for cells in section.records:
        if section.name >= len(cells) or not str(cells[section.name] or "").strip():
            continue
        line = {key: _number(cells[place]) if place < len(cells) else math.nan for key, place in columns.items()}
        la = _named(cells[section.name], known)
        for key, of, base in (("ap_top_up", "ap", 0), ("special_place", "special", PLACE)):
            place, top_up = line[f"place_{of}"], line[f"top_up_{of}"]
            if place > 0 and top_up > 0:
                if la in figures[key]:
                    raise DataError(
                        f"{path.name} has two rows with figures of {la}. Delete the one that does not count."
                    )
                figures[key][la] = round(base + top_up / (place / PLACE))
    if not all(figures.values()):
        raise DataError(
            f"{path.name}: no authority has figures in '{block}'. Open and save it in Excel, and try again."
        )
    return {
        "source": f"{path.name} (DfE, high-needs benchmarking, {block.lower()} {year.label}; sha256 {file_hash(path)[:12]})",
        "locator": (
            f"the authority's row: top-up / (place funding / £{PLACE:,}) of PRUs and AP; £{PLACE:,} + the same of special "
            "schools"
        ),
        "price_year": year.label,
        **figures,
    }


# --- the dedicated schools grant ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Grant:
    """Figures of one key by year and authority, and the file they are from."""

    key: str
    by_year: Mapping[FinancialYear, Mapping[str, float]]
    named: str


def _grant(name: str, records: Records) -> _Grant | None:
    header = [str(cell or "") for cell in records[0]] if records else []
    readers: dict[str, tuple[str, Callable[[float], float]]] = {
        _ALLOCATION: ("allocation", round),
        _BALANCE: ("balance_share", lambda share: round(share / 100, 6)),
    }
    word = next((word for word in readers if word in header), None)
    if word is None or not {"la_name", "time_period"} <= set(header):
        return None
    key, scaled = readers[word]
    value, la, period = (header.index(column) for column in (word, "la_name", "time_period"))
    by_year: dict[FinancialYear, dict[str, float]] = {}
    for cells in records[1:]:
        year, number = _year(cells[period]), _number(cells[value])
        authority = _named(cells[la], {})
        if year is not None and authority and not math.isnan(number):
            by_year.setdefault(year, {})[authority] = scaled(number)
    return _Grant(key, by_year, name) if by_year else None


def _together(sheets: Sequence[_Grant], digest: str) -> _Grant:
    by_year: dict[FinancialYear, Mapping[str, float]] = {}
    for sheet in sheets:
        by_year |= sheet.by_year
    return _Grant(sheets[0].key, by_year, f"{sheets[0].named} (sha256 {digest[:12]})")


def _schools_grant(grants: Sequence[_Grant], year: FinancialYear | None) -> dict[str, Any]:
    shared = sorted(set.intersection(*(set(grant.by_year) for grant in grants)))
    held = ", ".join(one.label for one in shared) or "none"
    if not shared or (year is not None and year not in shared):
        wanted = year.label if year else "a year in common"
        raise DataError(
            f"The workbooks do not all have {wanted}; years in all: {held}. Name one of those with --year."
        )
    chosen = year or shared[-1]
    return {
        "source": "DfE, dedicated schools grant: " + "; ".join(grant.named for grant in grants),
        "locator": f"the authority's row, {chosen.label}: " + ", ".join(grant.key for grant in grants),
        "year": chosen.label,
        **{grant.key: dict(grant.by_year[chosen]) for grant in grants},
    }
