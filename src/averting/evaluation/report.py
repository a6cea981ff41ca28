"""Render an evaluation's report from its results, and only from results that belong to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from averting.effects.estimator import Progress, silent
from averting.errors import RenderError
from averting.evaluation.settings import FILE
from averting.evaluation.store import Store
from averting.provenance import file_hash, tree_hashes
from averting.reporting.render import render as render_qmd

REPORT = "report.qmd"


def render(
    folder: str | Path,
    *,
    engine: Literal["auto", "quarto", "embedded"] = "auto",
    output: str | Path | None = None,
    cache: bool = True,
    progress: Progress = silent,
) -> Path:
    """Render ``report.qmd`` of an evaluation to one self-contained HTML file.

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
    source, results = folder / REPORT, Store(folder).results
    if not source.is_file():
        raise RenderError(f"{source} does not exist. Copy it from the template: averting new.")
    if not (results / "manifest.json").is_file():
        raise RenderError(f"{folder} has no results yet. Make them with: averting run {folder}")
    manifest = json.loads((results / "manifest.json").read_text(encoding="utf-8"))
    if manifest["inputs"][FILE] != file_hash(folder / FILE):
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
        progress=progress,
    )
