"""Shortcodes within the text, as in Quarto: ``meta`` and ``var`` put in a value, ``pagebreak`` ends a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from averting.errors import Fault

from .settings import Settings, project_root
from .text import Line, read_mapping

SHORTCODE = re.compile(r"(?<!\{)\{\{<\s*([\w-]+)\s*(.*?)\s*>\}\}")
VARIABLES = "_variables.yml"
_META = ("title", "subtitle", "abstract", "description", "date", "lang")
# a block for each kind of page; pandoc leaves out those of others
_BREAK = (
    "", "```{=html}", '<div class="page-break"></div>', "```",
    "", "```{=typst}", "#pagebreak(weak: true)", "```",
    "", "```{=openxml}", '<w:p><w:r><w:br w:type="page"/></w:r></w:p>', "```", "",
)  # fmt: skip


@dataclass(frozen=True)
class Values:
    """What shortcodes may put in.

    Parameters
    ----------
    meta : mapping of str to object
        The report's own title, date and the like.
    var : mapping of str to object
        What the project's ``_variables.yml`` says; maps within it are reached by dots.
    """

    meta: Mapping[str, object]
    var: Mapping[str, object]


def read_values(path: Path, settings: Settings, faults: list[Fault]) -> Values:
    """Return what the shortcodes of a report may put in."""
    meta = {key: getattr(settings, key) for key in _META if getattr(settings, key) is not None}
    file = project_root(path) / VARIABLES
    if not file.is_file():
        return Values(meta, {})
    rows = file.read_text(encoding="utf-8").splitlines()
    return Values(
        meta, read_mapping([Line(row, VARIABLES, n) for n, row in enumerate(rows, 1)], "file", faults).values
    )


def expand(line: Line, values: Values, faults: list[Fault]) -> tuple[Line, ...]:
    """Return a line of text with its shortcodes carried out; what cannot be is added to the faults."""
    found = SHORTCODE.search(line.text)
    if found is not None and found[1] == "pagebreak" and line.text.strip() == found[0]:
        return tuple(Line(row, line.file, line.number) for row in _BREAK)

    def put_in(one: re.Match[str]) -> str:
        value = _value(one[1], one[2], values)
        if isinstance(value, Fault):
            faults.append(line.fault(value.found, value.fix))
            return ""
        return value

    return (Line(SHORTCODE.sub(put_in, line.text), line.file, line.number),)


def _value(name: str, key: str, values: Values) -> str | Fault:
    if name not in ("meta", "var"):
        within = " within a line" if name in ("include", "pagebreak") else ""
        fix = "Supported: include and pagebreak, each on its own line; meta and var."
        return Fault("", f"the shortcode '{name}{within}' is not supported", fix)
    known: object = values.meta if name == "meta" else values.var
    value = known
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None or isinstance(value, Mapping | list):
        names = ", ".join(map(str, known)) if isinstance(known, Mapping) and known else "none"
        where = "the report's front matter" if name == "meta" else VARIABLES
        return Fault("", f"there is no text '{key}' in {where}", f"Known: {names}.")
    return str(value).lower() if isinstance(value, bool) else str(value)
