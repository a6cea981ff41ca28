"""Render an evaluation's reports from its results, and only from results that belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from averting.effects.estimator import Progress, silent
from averting.errors import RenderError
from averting.evaluation.settings import FILE
from averting.evaluation.store import Store
from averting.provenance import file_hash, tree_hashes
from averting.reporting import open_results
from averting.reporting.render import MAIN as REPORT
from averting.reporting.render import check_formats, render_files, reports
from averting.reporting.wording import DRAFT

Engine = Literal["auto", "quarto", "embedded"]


def render(
    folder: str | Path,
    *,
    report: str = REPORT,
    engine: Engine = "auto",
    output: str | Path | None = None,
    cache: bool = True,
    progress: Progress = silent,
) -> Path:
    """Render one report of an evaluation to one self-contained HTML file, to an accessible PDF or to Word.

    It is marked as a draft on every page; what may leave is made by :func:`averting.reporting.publish.publish`, and
    by nothing else.

    Parameters
    ----------
    folder : str or Path
        The evaluation's folder, with ``results`` made by :func:`averting.run`.
    report : str
        Which: ``report`` for ``report.qmd``, ``summary`` for ``summary.qmd``, or another beside them.
    engine : {"auto", "quarto", "embedded"}
        ``auto`` uses Quarto for HTML where it is on the PATH, else the renderer that averting brings.
    output : str or Path, optional
        Where to write, ending in ``.html``, ``.pdf`` or ``.docx``; by default ``report.html`` beside the report. Every page of
        a PDF says that it is a draft, unless the results have passed disclosure control.
    cache : bool
        Reuse the report's executed cells where report and results are unchanged.
    progress : callable
        Is told, in words, what is being done.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RenderError
        Without results, with results of another ``evaluation.toml``, or where the report itself fails.

    Examples
    --------
    >>> av.render("my-pilot", report="summary", engine="embedded").name
    'summary.html'
    """
    folder, watermark, hashes = _checked(Path(folder))
    target = Path(output) if output is not None else folder / f"{report}.html"
    (made,) = render_files(
        _source(folder, report),
        outputs=[target],
        engine=engine,
        watermark=watermark,
        cache=cache,
        cache_key=hashes,
        progress=progress,
    )
    return made


def render_all(
    folder: str | Path,
    *,
    names: Sequence[str] | None = None,
    to: Sequence[str] = ("html",),
    engine: Engine = "auto",
    cache: bool = True,
    progress: Progress = silent,
) -> tuple[Path, ...]:
    """Render every report of an evaluation: the ``.qmd`` files of its folder whose names start with no underscore.

    Parameters
    ----------
    folder : str or Path
        The evaluation's folder, with ``results`` made by :func:`averting.run`.
    names : sequence of str, optional
        Render only these, for example ``["summary"]``.
    to : sequence of {"html", "pdf", "docx"}
        Formats to write beside each report.
    engine, cache, progress
        As for :func:`averting.render`.

    Returns
    -------
    tuple of Path
        The files, those of ``report.qmd`` first.

    Raises
    ------
    RenderError
        As for :func:`averting.render`, or if a format is none of those.

    Examples
    --------
    >>> from averting.evaluation import render_all
    >>> [path.name for path in render_all("my-pilot", names=["summary"], engine="embedded")]
    ['summary.html']
    """
    endings = check_formats(to)
    folder, watermark, hashes = _checked(Path(folder))
    made: list[Path] = []
    for report in names or reports(folder):
        made += render_files(
            _source(folder, report),
            outputs=[folder / f"{report}.{ending}" for ending in endings],
            engine=engine,
            watermark=watermark,
            cache=cache,
            cache_key=hashes,
            progress=progress,
        )
    return tuple(made)


def _source(folder: Path, report: str) -> Path:
    source = folder / f"{report}.qmd"
    if not source.is_file():
        raise RenderError(f"{source} does not exist. Copy it from the template: averting new.")
    return source


def _checked(folder: Path) -> tuple[Path, str, list[str]]:
    """Return the folder, the words behind its pages, and the hashes of its results."""
    folder = folder.parent if folder.name == FILE else folder
    store = Store(folder)
    store.recover()
    _source(folder, (reports(folder) or (REPORT,))[0])
    results = open_results(store.results)
    made_from = results.manifest["inputs"][FILE]
    if not (folder / FILE).is_file() or made_from != file_hash(folder / FILE):
        raise RenderError(
            f"{folder / FILE} has changed since the results were made. Make them again with: averting run {folder}"
        )
    hashes = [f"{name}:{digest}" for name, digest in tree_hashes(store.results, "*").items()]
    return folder, "" if results.disclosure else DRAFT, hashes
