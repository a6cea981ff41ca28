"""A second opinion on what a file says: plain Python, the csv module, and nothing of averting.

Slow and literal. It knows the layouts by their column names, and each cell by the rules the data guidance gives;
whatever it is not sure of, it refuses, and then :func:`averting.read_panel` must refuse it too.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import unicodedata
from fractions import Fraction
from pathlib import Path
from typing import Any

INFINITE = float("inf")
COUNTS = {
    "permanent_exclusions": ["perm_excl"],
    "suspensions": ["fixed_excl", "suspension", "susp"],
    "pupils_suspended": ["one_plus_fixed", "one_plus_susp"],
}
MOST = 10**9  # no school has as many pupils or exclusions
HIDDEN_TO_2017 = {"x": ("suppressed", 1, 2)}
TODAY = dict.fromkeys(["x", "u", ":", "."], ("missing", 0, INFINITE)) | {
    "z": ("not_applicable", None, None),
    # suppressed between bounds that nobody states
    **dict.fromkeys(["c", "low", "k", "~"], None),
}


class Refused(Exception):
    """This file does not say one thing clearly."""


def rows_of(path: Path) -> tuple[list[str], list[list[Any]]]:
    """Header and rows, as text from CSV, as they are from Parquet."""
    if path.name.endswith(".parquet"):
        return _parquet(path)
    content = path.read_bytes()
    try:
        content = gzip.decompress(content) if path.name.endswith(".gz") else content
        text = content.decode("utf-8-sig")
    except Exception as error:
        raise Refused("bytes") from error
    if "\0" in text:
        raise Refused("NUL")
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), strict=False))
    except csv.Error as error:
        raise Refused("csv") from error
    if not records or not any(records[0]):
        raise Refused("no header")
    header, *rest = records
    rest = [record for record in rest if record]
    if any(len(record) != len(header) for record in rest):
        raise Refused("ragged")
    return header, rest


def _parquet(path: Path) -> tuple[list[str], list[list[Any]]]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(path).read()
    except (pyarrow.ArrowException, OSError) as error:
        raise Refused("parquet") from error
    columns = [column.to_pylist() for column in table.columns]
    return list(table.column_names), [list(row) for row in zip(*columns, strict=True)]


def text_of(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool | list | dict | bytes):
        return repr(cell)
    if isinstance(cell, float):
        if cell != cell:
            return ""
        if abs(cell) != INFINITE and cell == int(cell):
            return str(int(cell))
        return repr(cell)
    return str(cell).strip()


def number(text: str) -> Fraction:
    """A plain number, or a refusal; digits of any script are digits."""
    plain = "".join(str(unicodedata.decimal(letter, letter)) for letter in text)
    if not re.fullmatch(r"[+-]?[0-9]+([.][0-9]*)?([eE][+-]?[0-9]{1,3})?", plain):
        raise Refused("no number")
    return Fraction(plain if not plain.endswith(".") else plain + "0") if "." not in plain else _decimal(plain)


def _decimal(plain: str) -> Fraction:
    mantissa, _, exponent = plain.lower().partition("e")
    whole, _, part = mantissa.partition(".")
    sign = -1 if whole.startswith("-") else 1
    digits = Fraction(int(whole.lstrip("+-") + part), 10 ** len(part))
    return sign * digits * Fraction(10) ** int(exponent or 0)


def year_of(text: str) -> str:
    plain = "".join(str(unicodedata.decimal(letter, letter)) for letter in text)
    match = re.fullmatch(r"((?:19|20)[0-9]{2})\s*[/–-]?\s*([0-9]{2}|(?:19|20)[0-9]{2})", plain)
    if not match:
        raise Refused("year")
    start = int(match[1])
    if match[2] not in (f"{(start + 1) % 100:02d}", str(start + 1)):
        raise Refused("years not consecutive")
    return f"{start}/{(start + 1) % 100:02d}"


def school_of(text: str) -> str:
    found = unicodedata.normalize("NFKC", text).strip()
    if re.fullmatch(r"[0-9]+[.]0+", found):
        found = found.partition(".")[0]
    totals = {"total", "totals", "grand total", "all", "all schools", "england", "national", "sum"}
    if not found or not found.isprintable() or found.casefold() in totals:
        raise Refused("school")
    return found


class Rules:
    """Where a layout keeps what, and how its cells are meant."""

    def __init__(self, columns: list[str], latest: str, level: str) -> None:
        has = set(columns)
        self.symbols: dict[str, tuple[str, float | None, float | None] | None] = HIDDEN_TO_2017
        self.lenient, self.fractions, self.filter, self.year = True, False, None, False
        self.school, self.phase, only = ["urn"], "school_type", {"school", "local authority"}
        if "simulation" in has:
            if not {"urn", "school_type"} <= has or "geographic_level" in has:
                raise Refused("layout")
            self.lenient, only = False, {"school"}
        elif "geographic_level" in has:
            self.filter, self.year = "geographic_level", True
            if "education_phase" in has:
                self.symbols, self.phase, self.school = TODAY, "education_phase", ["school_urn", "urn"]
            elif "school_type" not in has or not "" < latest <= "2020/21":
                raise Refused("layout")
            elif latest > "2016/17":
                self.symbols = {":": ("not_applicable", None, None)}
                self.school = ["urn", "school_urn"]
        elif {"urn", "school_type"} <= has:
            if not "" < latest <= "2016/17":
                raise Refused("years")
            only = {"school"}
        elif {"old_la_code", "school_type", "source"} <= has and "urn" not in has:
            self.symbols = {**HIDDEN_TO_2017, "": ("missing", 0, INFINITE)}
            self.fractions, only = True, {"local authority"}
        else:
            raise Refused("layout")
        if level not in only:
            raise Refused("level")
        if level == "local authority":
            self.school = ["old_la_code"]


class TidyRules(Rules):
    """A table of the user's own: blanks are missing, x is 1 or 2, nothing is forgiven."""

    def __init__(self) -> None:
        self.symbols = {**HIDDEN_TO_2017, "": ("missing", 0, INFINITE)}
        self.lenient, self.fractions, self.filter, self.year = False, False, None, False
        self.school, self.phase = ["urn"], "phase"


def cell(text: str, rules: Rules) -> tuple[str, float | None, float | None]:
    """Status and bounds of one count."""
    if text in rules.symbols:
        known = rules.symbols[text]
        if known is None:
            raise Refused("bounds not stated")
        return known
    found = number(text)
    if found < 0 or found > MOST:
        raise Refused("no count")
    if found.denominator != 1:
        if rules.fractions:
            return ("missing", 0, INFINITE)
        raise Refused("fraction")
    return ("observed", int(found), int(found))


def exposure_of(text: str, rules: Rules) -> float | None:
    known = rules.symbols.get(text)
    if text == "" or (known is not None and known[0] != "suppressed"):
        return None
    found = number(text)
    if found < 0 or found > MOST:
        raise Refused("exposure")
    return float(found)


def read(path: Path, *, source: str, level: str, phase: str | None) -> dict[str, Any]:
    """What the file says: schools, periods, exposure and cells by (school, period), or :class:`Refused`."""
    header, rows = rows_of(path)
    if len(set(header)) < len(header) or not rows:
        raise Refused("header")
    table = [{name: text_of(value) for name, value in zip(header, row, strict=True)} for row in rows]
    if source == "tidy":
        rules: Rules = TidyRules()
        counts = {key: key for key in COUNTS}
    else:
        rules = Rules(header, max(_years(table), default=""), level)
        counts = {key: next((name for name in names if name in header), "") for key, names in COUNTS.items()}
        counts = {key: name for key, name in counts.items() if name}
    school = next((name for name in rules.school if name in header), "")
    if not counts or not {school, "time_period", "headcount", *counts.values()} <= set(header):
        raise Refused("columns")
    table = _kept(table, rules, level, phase)
    found: dict[tuple[str, str], list[tuple[float | None, dict[str, Any], bool]]] = {}
    for row in table:
        key = (school_of(row[school]), year_of(row["time_period"]))
        cells = {name: cell(row[column], rules) for name, column in counts.items()}
        pupils = exposure_of(row["headcount"], rules)
        events = any(lower is not None and lower > 0 for _, lower, _ in cells.values())
        known = any(status in ("observed", "suppressed") for status, _, _ in cells.values())
        astray = (pupils == 0 and events) or (pupils is None and known)
        if astray and not rules.lenient:
            raise Refused("events over no pupils")
        found.setdefault(key, []).append((pupils, cells, astray))
    return {"indicators": set(counts), "cells": {key: _one(entries, rules) for key, entries in found.items()}}


def _years(table: list[dict[str, str]]) -> list[str]:
    years = []
    for row in table:
        try:
            years.append(year_of(row.get("time_period", "")))
        except Refused:
            continue
    return years


def _kept(table: list[dict[str, str]], rules: Rules, level: str, phase: str | None) -> list[dict[str, str]]:
    if rules.filter is not None:
        table = [row for row in table if row[rules.filter].casefold() == level]
    if rules.year and any(row.get("time_identifier", "Academic year") != "Academic year" for row in table):
        raise Refused("not whole years")
    if phase is not None:
        labels = {"secondary", "state-funded secondary"}
        table = [row for row in table if row.get(rules.phase, "").casefold() in labels]
    if not table:
        raise Refused("no rows")
    return table


def _one(entries: list[tuple[float | None, dict[str, Any], bool]], rules: Rules) -> dict[str, Any]:
    """What one school-year says, of all its rows."""
    lost = any(astray for _, _, astray in entries)
    if len(entries) > 1 and not (lost and rules.lenient):
        raise Refused("twice")
    pupils, cells, _ = entries[0]
    if lost:
        return {"exposure": None, **dict.fromkeys(cells, ("missing", 0, INFINITE))}
    if pupils == 0:
        return {"exposure": None, **dict.fromkeys(cells, ("not_applicable", None, None))}
    return {"exposure": pupils, **cells}
