"""Render an evaluation's report from its results, and only from results that belong to it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from averting.effects.estimator import Progress, silent
from averting.errors import RenderError
from averting.evaluation.settings import FILE
from averting.evaluation.store import Store
from averting.provenance import file_hash, tree_hashes
from averting.reporting import open_results
from averting.reporting.render import render as render_qmd
from averting.reporting.wording import DRAFT

REPORT = "report.qmd"


def render(
    folder: str | Path,
    *,
    engine: Literal["auto", "quarto", "embedded"] = "auto",
    output: str | Path | None = None,
    cache: bool = True,
    progress: Progress = silent,
) -> Path:
    """Render ``report.qmd`` of an evaluation to one self-contained HTML file, marked as a draft on every page.

    What may leave is made by :func:`averting.reporting.publish.publish`, and by nothing else.

    Parameters
    ----------
    folder : str or Path
        The evaluation's folder, with ``results`` made by :func:`averting.run`.
    engine : {"auto", "quarto", "embedded"}
        ``auto`` uses Quarto where it is on the PATH, else the renderer that averting brings.
    output : str or Path, optional
        Where to write; by default ``report.html`` beside the report.
    cache : bool
        Reuse the report's executed cells where report and results are unchanged.
    progress : callable
        Is told, in words, what is being done.

    Returns
    -------
    Path
        The HTML file.

    Raises
    ------
    RenderError
        Without results, with results of another ``evaluation.toml``, or where the report itself fails.
    """
    folder = Path(folder)
    folder = folder.parent if folder.name == FILE else folder
    store = Store(folder)
    store.recover()
    source, results = folder / REPORT, store.results
    if not source.is_file():
        raise RenderError(f"{source} does not exist. Copy it from the template: averting new.")
    made_from = open_results(results).manifest["inputs"][FILE]
    if not (folder / FILE).is_file() or made_from != file_hash(folder / FILE):
        raise RenderError(
            f"{folder / FILE} has changed since the results were made. Make them again with: averting run {folder}"
        )
    hashes = [f"{name}:{digest}" for name, digest in tree_hashes(results, "*").items()]
    return render_qmd(
        source,
        output=Path(output) if output is not None else folder / "report.html",
        engine=engine,
        cache=cache,
        cache_key=hashes,
        banner=DRAFT,
        progress=progress,
    )
