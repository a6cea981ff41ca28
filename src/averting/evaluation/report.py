"""Render an evaluation's reports from its results, and only from results that belong to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from averting.effects.estimator import Progress, silent
from averting.errors import RenderError
from averting.evaluation.settings import FILE
from averting.evaluation.store import Store
from averting.provenance import file_hash, tree_hashes
from averting.reporting import open_results, profiles
from averting.reporting.render import MAIN as REPORT
from averting.reporting.render import check_formats, render_files, reports
from averting.reporting.wording import DRAFT

Engine = Literal["auto", "quarto", "embedded"]
AT_A_TIME = 2
"""Reports rendered beside each other."""


def render(
    folder: str | Path,
    *,
    report: str = REPORT,
    engine: Engine = "auto",
    output: str | Path | None = None,
    parameters: Mapping[str, object] | None = None,
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
    parameters : mapping of str to object, optional
        Values laid over those of the report's cell tagged ``parameters``; ``profiles`` needs its ``pilot``.
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
    given = dict(parameters or {})
    if report == profiles.NAME and not given.get("pilot"):
        raise RenderError(
            "profiles has a file for each pilot: leave out the output (averting render FOLDER --report profiles), or "
            "name one as the parameter 'pilot'."
        )
    target = Path(output) if output is not None else folder / f"{report}.html"
    (made,) = render_files(
        _source(folder, report),
        outputs=[target],
        engine=engine,
        parameters=given,
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
    parameters: Mapping[str, object] | None = None,
    cache: bool = True,
    progress: Progress = silent,
) -> tuple[Path, ...]:
    """Render every report of an evaluation: the ``.qmd`` files of its folder whose names start with no underscore.

    ``profiles.qmd`` makes a file for each pilot, in the folder ``profiles``. Two reports are made at a time.

    Parameters
    ----------
    folder : str or Path
        The evaluation's folder, with ``results`` made by :func:`averting.run`.
    names : sequence of str, optional
        Render only these, for example ``["summary"]``.
    to : sequence of {"html", "pdf", "docx"}
        Formats to write beside each report.
    engine, parameters, cache, progress
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
    asked, given = names or reports(folder), dict(parameters or {})
    if given and len(asked) != 1:
        raise RenderError("Parameters belong to one report: name it, for example with --report summary.")
    jobs = [job for report in asked for job in _jobs(folder, report, endings, engine, given)]

    def one(job: _Job) -> tuple[Path, ...]:
        return render_files(
            job.source,
            outputs=job.outputs,
            engine=job.engine,
            parameters=job.parameters,
            watermark=watermark,
            cache=cache,
            cache_key=hashes,
            progress=progress,
        )

    # cells and pandoc run in processes of their own, so threads are enough to keep two cores busy
    with ThreadPoolExecutor(max_workers=AT_A_TIME) as pool:
        waiting = [pool.submit(one, job) for job in jobs]
        try:
            return tuple(path for each in waiting for path in each.result())
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Job:
    """One run of a report's cells, and the files it makes."""

    source: Path
    outputs: list[Path]
    engine: Engine
    parameters: dict[str, object]


def _jobs(
    folder: Path, report: str, endings: Sequence[str], engine: Engine, given: dict[str, object]
) -> list[_Job]:
    """Return the files of a report: one in each format, or for profiles one of each pilot."""
    source = _source(folder, report)
    if report != profiles.NAME:
        return [_Job(source, [folder / f"{report}.{ending}" for ending in endings], engine, given)]
    # Quarto needs one more package to pass on a parameter
    chosen: Engine = "embedded" if engine == "auto" else engine
    names = profiles.files(open_results(folder / "results"))
    wanted = str(given.get("pilot", ""))
    if wanted and wanted not in names:
        raise RenderError(f"There is no pilot {wanted} in these results. They have: {', '.join(names)}.")
    return [
        _Job(
            source,
            [folder / report / f"{names[pilot]}.{ending}" for ending in endings],
            chosen,
            {**given, "pilot": pilot},
        )
        for pilot in ([wanted] if wanted else names)
    ]


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
