"""Write findings as tables and a page, read them again for that page, and let them leave only after disclosure control."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

from averting.data.disclosure import PublicTable
from averting.data.written import read_table, write_table
from averting.errors import DisclosureError, RenderError
from averting.provenance import canonical_json, tree_hashes
from averting.reporting.findings.findings import Findings, Forest
from averting.reporting.render import render
from averting.reporting.wording import DRAFT

RECORD, COUNTS = "disclosure.json", "counts.json"
_PAGE = Path(__file__).with_name("page.qmd")
_TITLE = 'title: "Findings"'


def write_findings(
    findings: Findings, folder: Path, *, draft: bool = True, progress: Callable[[str], None] | None = None
) -> Path:
    """Write tables (CSV) and a page of findings; every page is a draft but those of a release.

    Returns
    -------
    Path
        The page, ``<kind>.html``.
    """
    write_tables(findings, folder / "tables")
    source = folder / f"{findings.kind}.qmd"
    source.write_text(
        _PAGE.read_text(encoding="utf-8").replace(_TITLE, f"title: {json.dumps(findings.title)}"), encoding="utf-8"
    )
    try:
        return render(source, engine="embedded", watermark=DRAFT if draft else "", cache=False, progress=progress)
    finally:
        source.unlink()


def write_tables(findings: Findings, folder: Path) -> None:
    """Write every table as CSV, and the words as ``findings.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {name: _file(name) for name in findings.tables}
    if len(set(names.values())) < len(names):
        raise RenderError(
            "Two tables would have the same file name. Give them names that differ in their letters."
        )
    for name, file in names.items():
        write_table(findings.tables[name], folder / file)
    record = {
        "kind": findings.kind,
        "title": findings.title,
        "description": findings.description,
        "statements": list(findings.statements),
        "tables": list(names.items()),  # in order: keys of a record are sorted
        "texts": [(name, _texts(table)) for name, table in findings.tables.items()],
        "forests": [asdict(one) for one in findings.forests],
        "blank": findings.blank,
        "level": findings.level,
    }
    (folder / "findings.json").write_text(canonical_json(record), encoding="utf-8")


def open_findings(folder: str | Path = "tables") -> Findings:
    """Read what :func:`write_findings` wrote.

    Raises
    ------
    RenderError
        If the folder holds no findings.
    """
    folder = Path(folder)
    try:
        record = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
        texts = dict(record["texts"])
        tables = {name: read_table(folder / file, texts=texts[name]) for name, file in record["tables"]}
    except (OSError, ValueError, KeyError) as error:
        raise RenderError(f"{folder} holds no findings ({type(error).__name__}). Make them again.") from error
    for name, columns in texts.items():
        tables[name][columns] = tables[name][columns].fillna("").astype(str)
    forests = tuple(Forest(**one) for one in record["forests"])
    given = {key: record[key] for key in ("kind", "title", "description", "blank", "level")}
    return Findings(**given, statements=tuple(record["statements"]), tables=tables, forests=forests)


def publish_findings(
    findings: Findings, destination: str | Path, *, progress: Callable[[str], None] = lambda _: None
) -> Path:
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
    refuse_release(findings, destination)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".publish-") as scratch:
        public = Path(scratch) / "public"
        public.mkdir()
        progress("rendering the page")
        write_findings(findings, public, draft=False, progress=progress)
        seal(findings, public)
        public.rename(destination)
    return destination


def refuse_release(findings: Findings, destination: Path) -> None:
    """Refuse to overwrite, and to let leave what was not checked or cannot be protected."""
    if destination.exists():
        raise DisclosureError(f"{destination} exists. Name a new folder: a release is never overwritten.")
    if findings.record is None:
        raise DisclosureError(f"{findings.title}: disclosure control was not run, so nothing can leave.")
    if not findings.record.passes:
        cells = "; ".join(" / ".join(key) for key in findings.record.exposed)
        raise DisclosureError(
            f"{findings.title}: whatever is withheld, the rest tells too much of {cells}. Use fewer, wider groups or periods."
        )


def seal(findings: Findings, public: Path) -> None:
    """Write the public counts, and the record with the hash of every file it speaks for."""
    assert findings.record is not None
    counts = {"groups": findings.kind, "tables": [table.to_dict() for table in findings.counts]}
    (public / COUNTS).write_text(canonical_json(counts), encoding="utf-8")
    files = {name: digest for name, digest in tree_hashes(public, "*").items() if name != RECORD}
    (public / RECORD).write_text(canonical_json({**findings.record.to_dict(), "files": files}), encoding="utf-8")


def earlier_counts(kind: str, previous: Sequence[str | Path]) -> tuple[PublicTable, ...]:
    """Return what earlier releases of the same kind of findings told.

    Raises
    ------
    DisclosureError
        If a folder is no such release.
    """
    found: list[PublicTable] = []
    for release in map(Path, previous):
        try:
            record = json.loads((release / COUNTS).read_text(encoding="utf-8"))
            tables = [PublicTable.from_dict(table) for table in record["tables"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DisclosureError(f"{release} is not a release: {COUNTS} is missing or cannot be read.") from error
        if record.get("groups") != kind:
            raise DisclosureError(f"{release} is no release of {kind}. Name one that is.")
        found += tables
    return tuple(found)


def _texts(table: pd.DataFrame) -> list[str]:
    return [str(column) for column in table if not is_numeric_dtype(table[column])]


def _file(name: str) -> str:
    return f"{re.sub(r'[^a-z0-9]+', '_', name.casefold()).strip('_')[:60]}.csv"
