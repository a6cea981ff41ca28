"""What a table of one's own seems to hold, by the names of its columns: a draft of ``[data.columns]`` to check."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from averting.data.files import read_columns
from averting.errors import AvertingError

NEEDED = ("school", "period", "exposure")
WORDS: Mapping[str, str] = {
    "school": "a school's URN",
    "period": "the academic year or term",
    "exposure": "the number of pupils",
    "permanent_exclusions": "the number of permanent exclusions",
    "suspensions": "the number of suspensions",
}
# tried in this order, each against the column's words in lower case; a column is taken once
_PATTERNS: Mapping[str, tuple[str, ...]] = {
    "school": ("urn", "school urn", "urn .*", "school id", "school code", "la code", "school"),
    "period": ("time period", "period", "academic year", "ac(ad)? (year|yr)", "school year", "term", "year", "yr"),
    "permanent_exclusions": (
        "perm(anent)? excl?(usions?)?", "permanent excl?(usions?)?.*", "pex|pexs|px|permex|perms", ".*perm(anent)? ex.*",
    ),
    "suspensions": ("suspensions?", "susps?", "fts|ftes?|fpes?", "fixed (term|period).*", ".*suspensions?.*"),
    "exposure": (
        "pupils", "headcount", "number on roll", "nor", "nor .*|.* nor", "(no|number) of pupils|pupil numbers?",
        "roll|on roll", "enrolments?|exposure", ".*pupils on roll.*",
    ),
    "name": ("school name", "name", "establishment name", "name of school"),
    "phase": ("phase", "education phase", "school phase", "phase .*", "school type"),
    "region": ("region", "region name"),
    "la": ("la", "la name", "local authority", "local authority name"),
}  # fmt: skip
_NUMBER = re.compile(r"[\d.,\s]*")


@dataclass(frozen=True)
class Guess:
    """Which column seems to be which.

    Parameters
    ----------
    columns : mapping of str to str
        Role or indicator, and the column that seems to hold it.
    symbols : tuple of str
        Texts in the columns of counts that are no numbers.
    header : tuple of str
        Every column of the file.
    """

    columns: Mapping[str, str]
    symbols: tuple[str, ...]
    header: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Roles that must be told, in words of :data:`WORDS`; one count is enough."""
        counts = ("permanent_exclusions", "suspensions")
        lacks = [role for role in NEEDED if role not in self.columns]
        return (*lacks, *(() if any(key in self.columns for key in counts) else counts[:1]))

    def toml(self) -> str:
        """Return ``[data.columns]``, and what must be said of symbols, to stand in ``evaluation.toml``."""
        lines = ["[data.columns]                 # EDIT where averting guessed wrong"]
        lines += [f"{role} = {json.dumps(column, ensure_ascii=False)}" for role, column in self.columns.items()]
        lines += [f'# {role} = "..."   # EDIT: the column with {WORDS[role]}' for role in self.missing]
        if self.symbols:
            lines.append(
                "# What a symbol stands for, from least to most: ask whoever made the table, do not guess."
            )
            lines.append("# [data.symbols]")
            lines += [f"# {json.dumps(text, ensure_ascii=False)} = [1, 2]   # EDIT" for text in self.symbols]
        return "\n".join(lines) + "\n"


def guess_columns(path: Path) -> Guess | None:
    """Guess which of a table's columns is which; None where the file cannot be opened as one table.

    Parameters
    ----------
    path : Path
        Of any kind that :func:`averting.data.read_panel` reads.
    """
    try:
        frame = read_columns(path, set)
    except AvertingError:
        return None
    header = tuple(map(str, frame.columns))
    columns = guess_roles(header)
    counts = [columns[key] for key in ("permanent_exclusions", "suspensions") if key in columns]
    texts = {str(text).strip() for column in counts for text in frame[column].dropna().unique()}
    return Guess(columns, tuple(sorted(text for text in texts if not _NUMBER.fullmatch(text)))[:9], header)


def guess_roles(header: Collection[str]) -> dict[str, str]:
    """Return the roles that names of columns seem to have, each column once."""
    plain = {column: " ".join(re.findall(r"[a-z]+", column.lower())) for column in header}
    found: dict[str, str] = {}
    for role, patterns in _PATTERNS.items():
        for pattern in patterns:
            fits = [
                column
                for column, words in plain.items()
                if column not in found.values() and re.fullmatch(pattern, words)
            ]
            if fits:
                found[role] = fits[0]
                break
    return found
