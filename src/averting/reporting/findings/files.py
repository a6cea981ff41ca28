"""Write findings as tables and a page, read them again for that page, and let them leave only after disclosure control."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from averting.data.disclosure import DisclosureRecord, PublicTable
from averting.effects.estimator import Progress, silent
from averting.errors import DisclosureError, RenderError
from averting.reporting.findings.findings import Findings, Forest
from averting.reporting.parts import draw_page, read_parts, write_parts
from averting.reporting.release import new_release, refuse_existing, release_counts, seal

_PAGE = Path(__file__).with_name("page.qmd")
_RECORD = "findings.json"
DRAWING = "rendering the page"
"""What is said while the page is made."""


def write_findings(findings: Findings, folder: Path, *, draft: bool = True, progress: Progress = silent) -> Path:
    """Write tables (CSV) and a page of findings; every page is a draft but those of a release.

    Returns
    -------
    Path
        The page, ``<kind>.html``.
    """
    write_tables(findings, folder / "tables")
    source = folder / f"{findings.kind}.qmd"
    return draw_page(_PAGE, source, title=findings.title, draft=draft, progress=progress)


def write_tables(findings: Findings, folder: Path) -> None:
    """Write every table as CSV, and the words as ``findings.json``."""
    files = {name: _file(name) for name in findings.tables}
    if len(set(files.values())) < len(files):
        raise RenderError(
            "Two tables would have the same file name. Give them names that differ in their letters."
        )
    words = {
        "kind": findings.kind,
        "title": findings.title,
        "description": findings.description,
        "statements": list(findings.statements),
        "forests": [asdict(one) for one in findings.forests],
        "blank": findings.blank,
        "level": findings.level,
    }
    write_parts(folder / _RECORD, words, findings.tables, files=files)


def open_findings(folder: str | Path = "tables") -> Findings:
    """Read what :func:`write_findings` wrote.

    Raises
    ------
    RenderError
        If the folder holds no findings.
    """
    words, tables = read_parts(Path(folder) / _RECORD, advice="Make them again.")
    forests = tuple(Forest(**one) for one in words.pop("forests"))
    return Findings(**{**words, "statements": tuple(words["statements"])}, tables=tables, forests=forests)


def publish_findings(findings: Findings, destination: str | Path, *, progress: Progress = silent) -> Path:
    """Write what may leave of findings into a new folder: page, tables, record of what was withheld, and public counts.

    Parameters
    ----------
    findings : Findings
        Made with the rules of disclosure control, and with what earlier releases told.
    destination : str or Path
        Folder to make.
    progress : callable
        Is told, in words, what is being done.

    Raises
    ------
    DisclosureError
        If they were not checked, cannot be protected, or the destination exists. Nothing is written then.
    """
    destination = Path(destination)
    record = may_leave(findings.record, findings.title, destination)
    with new_release(destination) as public:
        progress(DRAWING)
        write_findings(findings, public, draft=False, progress=progress)
        seal(public, record, findings.counts, groups=findings.kind)
    return destination


def may_leave(record: DisclosureRecord | None, title: str, destination: Path) -> DisclosureRecord:
    """Return the record of what may leave.

    Raises
    ------
    DisclosureError
        If the destination exists, nothing was checked, or something cannot be protected.
    """
    refuse_existing(destination)
    if record is None:
        raise DisclosureError(f"{title}: disclosure control was not run, so nothing can leave.")
    if not record.passes:
        cells = "; ".join(" / ".join(key) for key in record.exposed)
        raise DisclosureError(
            f"{title}: whatever is withheld, the rest tells too much of {cells}. Use fewer, wider groups or periods."
        )
    return record


def earlier_counts(kind: str, previous: Sequence[str | Path]) -> tuple[PublicTable, ...]:
    """Return what earlier releases of the same kind of findings told.

    Raises
    ------
    DisclosureError
        If a folder is no such release.
    """
    return release_counts(previous, groups=kind, otherwise=f"is no release of {kind}. Name one that is.")


def _file(name: str) -> str:
    return f"{re.sub(r'[^a-z0-9]+', '_', name.casefold()).strip('_')[:60]}.csv"
