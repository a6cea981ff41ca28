"""Render without Quarto: own reader, a kernel of this Python, pandoc."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from . import document, execute, pandoc
from .source import read_document


def render(
    source: Path,
    parameters: Mapping[str, object],
    *,
    cache: bool,
    cache_key: Sequence[str],
    tell: Callable[[str], None],
) -> str:
    """Return the self-contained HTML of a report; see `averting.reporting.render.render`."""
    report = read_document(source)
    steps = execute.plan(report, parameters)
    outputs = execute.outputs_of(report, steps, use_cache=cache, cache_key=cache_key, tell=tell)
    with tempfile.TemporaryDirectory(prefix="averting-figures-") as temporary:
        figures = Path(temporary)
        lines = document.compose(report, outputs, figures)
        tell(f"{source.name}: setting the page")
        return pandoc.convert(lines, report.settings, folder=source.parent, figures=figures, name=source.name)
