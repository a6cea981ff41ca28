"""The only way out: tables, report and record of an evaluation, after disclosure control."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from averting.checks import CheckResult
from averting.data.disclosure import WITHHELD, DisclosureRecord, PublicTable, load_rules
from averting.data.written import write_table
from averting.effects.estimator import Progress, silent
from averting.errors import DisclosureError, EstimationError, RenderError
from averting.provenance import file_hash
from averting.reporting import cost_tables, tables
from averting.reporting.controlled import Controlled, control, write_controlled
from averting.reporting.profiles import NAME as PROFILES
from averting.reporting.release import new_release, refuse_existing, release_counts, seal
from averting.reporting.render import check_formats, render_files, reports
from averting.reporting.results import Results, open_results

WITHHOLDING = "finding what must be withheld"
_SOURCES = ("*.qmd", "*.yml", "*.bib", "*.css")


def publish(
    folder: str | Path,
    destination: str | Path,
    *,
    rules: str = "under_five",
    previous: Sequence[str | Path] = (),
    engine: Literal["auto", "quarto", "embedded"] = "auto",
    to: Sequence[str] = ("html",),
    progress: Progress = silent,
) -> Path:
    """Write what may leave of an evaluation into a new folder.

    Parameters
    ----------
    folder : str or Path
        The evaluation's folder, with ``results`` made by :func:`averting.run`.
    destination : str or Path
        Folder to make. It gets every report (``report.html``) but profiles of single schools; ``tables`` (CSV);
        ``counts.json`` (the public counts, for later releases); and ``disclosure.json`` (the record).
    rules : str
        A rule set of ``models/disclosure.toml``.
    previous : sequence of str or Path
        Folders of earlier releases of the same evaluation; what they showed is taken as known.
    engine : {"auto", "quarto", "embedded"}
        As for :func:`averting.render`.
    to : sequence of {"html", "pdf", "docx"}
        Formats of the reports.
    progress : callable
        Is told, in words, what is being done.

    Returns
    -------
    Path
        The destination.

    Raises
    ------
    DisclosureError
        If a small count cannot be protected whatever is withheld, the destination exists, an earlier release
        counted other schools or cannot be read. Nothing is written then.
    EstimationError
        If the sampler of an estimate did not explore its posterior, or the estimate is a preview. Nothing is written.
    RenderError
        If there are no results, they belong to another ``evaluation.toml``, or the report fails.
    """
    folder, destination = Path(folder), Path(destination)
    refuse_existing(destination)
    endings = check_formats(to)
    results = _current_results(folder)
    _refuse_unconverged(results)
    progress(WITHHOLDING)
    made = control(results, load_rules(rules), _earlier(results, previous))
    _refuse_exposed(made.record)
    with new_release(destination) as public:
        (public / "tables").mkdir()
        inside = _copy_report(folder, public.with_name("inside"))
        controlled = write_controlled(made, inside / "results")
        _write_tables(controlled, made, public / "tables")
        for name in (name for name in reports(inside) if name != PROFILES):
            progress(rendering(name))
            outputs = [public / f"{name}.{ending}" for ending in endings]
            render_files(inside / f"{name}.qmd", outputs=outputs, engine=engine, cache=False, progress=progress)
        seal(public, made.record, made.tables, groups=_groups(results))
    return destination


def rendering(report: str) -> str:
    """Return what is said while a report is made."""
    return f"rendering {report}.qmd"


def _current_results(folder: Path) -> Results:
    results = open_results(folder / "results")
    if results.manifest["inputs"]["evaluation.toml"] != file_hash(folder / "evaluation.toml"):
        raise RenderError(
            f"{folder / 'evaluation.toml'} has changed since the results were made. Make them again with: "
            f"averting run {folder}"
        )
    return results


def _refuse_unconverged(results: Results) -> None:
    """Refuse draws that are not from the posterior they are said to be from: no check beside them would mend that."""
    found = {
        key: [check.message for check in results.effect(key).checks if _sampler_failed(check)]
        for key in results.estimates
    }
    if failed := {key: messages for key, messages in found.items() if messages}:
        words = " ".join(f"Estimate '{key}': {' '.join(messages)}" for key, messages in failed.items())
        raise EstimationError(
            f"A fit whose sampler failed cannot be published, and {len(failed)} of {len(found)} estimates did. {words} Fit it "
            "again (docs/when-a-check-fails.md says how), or replace the estimate and say so in a [[deviation]]; then run "
            "the evaluation again and publish."
        )


def _sampler_failed(check: CheckResult) -> bool:
    return check.status == "fail" and check.key.startswith("sampler/")


def _groups(results: Results) -> str:
    """Return a hash of the data and design, on which it depends who is in which group."""
    return str(results.manifest["stages"]["design"])


def _earlier(results: Results, previous: Sequence[str | Path]) -> tuple[PublicTable, ...]:
    otherwise = (
        "was made from other data or another design. The difference between two releases would tell of the schools in "
        "which they differ, and cannot be protected: publish one or the other."
    )
    return release_counts(previous, groups=_groups(results), otherwise=otherwise)


def _refuse_exposed(record: DisclosureRecord) -> None:
    if not record.passes:
        cells = "; ".join(" / ".join(key) for key in record.exposed)
        raise DisclosureError(
            f"These results cannot leave under the rules '{record.rules.key}': whatever is withheld, estimates and "
            f"earlier releases tell too much of {cells}. Widen the years or the pilots, or leave out the outcome."
        )


def _copy_report(folder: Path, target: Path) -> Path:
    """Copy the report's sources, and the template they may include, to where only controlled results are."""
    for source in dict.fromkeys([folder.resolve(), folder.resolve().parent / "_template"]):
        if source.is_dir():
            (target / source.name).mkdir(parents=True)
            for pattern in _SOURCES:
                for path in source.glob(pattern):
                    shutil.copy(path, target / source.name / path.name)
    inside = target / folder.resolve().name
    (inside / "results").mkdir()
    return inside


def _write_tables(results: Results, made: Controlled, folder: Path) -> None:
    shown = {
        "estimates": tables.estimates(results),
        "averted": tables.averted(results),
        "balance": tables.balance(results),
        "suppression": tables.suppression(results),
    }
    if results.has_appraisal:
        shown |= {
            "scenarios": tables.scenarios(results),
            "payers": tables.payers(results),
            "sources": cost_tables.sources(results),
        }
    for name, table in shown.items():
        # word joiners keep a minus sign on its line; in a file they would only be in the way
        rows = [[cell.replace("\u2060", "") for cell in row] for row in table.rows]
        write_table(pd.DataFrame(rows, columns=list(table.columns)), folder / f"{name}.csv")
    write_table(_counts(made.tables), folder / "counts.csv")


def _counts(public: Sequence[PublicTable]) -> pd.DataFrame:
    rows = [
        (*key, *(WITHHELD if value != value else str(int(value)) for value in (low, high)))
        for table in public
        for key, low, high in zip(table.keys, table.lower, table.upper, strict=True)
    ]
    return pd.DataFrame(rows, columns=["indicator", "group", "period", "least", "most"])
