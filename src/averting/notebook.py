"""How results look in a notebook: one small HTML table, with every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from averting.checks import CheckResult


def card(
    title: str,
    facts: Mapping[str, str],
    *,
    columns: Sequence[str] = (),
    rows: Iterable[Sequence[str]] = (),
    checks: Iterable[CheckResult] = (),
) -> str:
    """Return a heading, facts by name, a table and checks as HTML.

    Parameters
    ----------
    title : str
        What it is, in one line.
    facts : mapping of str to str
        Shown one below the other.
    columns, rows : sequence of str, iterable of such
        A table, where there is one.
    checks : iterable of CheckResult
        Those that do not pass are listed in words; how many pass is said.
    """
    parts = [f"<div><strong>{escape(title)}</strong>"]
    if facts:
        parts.append(_table((), facts.items()))
    made = list(rows)
    if made:
        parts.append(_table(columns, made))
    every = list(checks)
    told = [check for check in every if check.status in ("warn", "fail")]
    parts += [f"<p>{escape(check.status)}: {escape(check.message)}</p>" for check in told]
    if every:
        passed = sum(check.status == "pass" for check in every)
        parts.append(f"<p>{len(every)} checks, {passed} passed, {len(told)} to read</p>")
    return "".join([*parts, "</div>"])


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"
