"""Render without Quarto: own reader, a kernel of this Python, pandoc."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from averting.provenance import content_key

from . import document, execute, pandoc, pdf, word
from .source import Document, read_document


def render(
    source: Path,
    parameters: Mapping[str, object],
    *,
    formats: Sequence[pandoc.Target],
    watermark: str,
    cache: bool,
    cache_key: Sequence[str],
    tell: Callable[[str], None],
) -> list[bytes]:
    """Return a report in each format, its cells run once; see `averting.reporting.render.render_files`."""
    variant = content_key("parameters", repr(sorted(parameters.items())))[:8] if parameters else ""
    made: list[bytes] = []
    known: dict[tuple[str, ...], dict[int, list[dict[str, object]]]] = {}
    for to in formats:
        report = read_document(source, to=to)
        steps = execute.plan(report, parameters)
        code = tuple(step.code for step in steps)
        if code not in known:
            known[code] = execute.outputs_of(
                report, steps, use_cache=cache, cache_key=cache_key, variant=variant, tell=tell
            )
        tell(f"{source.name}: setting the page{'s for print' * (to == 'typst')}")
        made.append(_set(report, known[code], to, watermark))
    return made


def _set(
    report: Document, outputs: dict[int, list[dict[str, object]]], to: pandoc.Target, watermark: str
) -> bytes:
    folder, name = report.path.parent, report.path.name
    with tempfile.TemporaryDirectory(prefix="averting-figures-") as temporary:
        figures = Path(temporary)
        lines = document.compose(report, outputs, figures)
        text = pandoc.convert(
            lines, report.settings, folder=folder, figures=figures, name=name, to=to, watermark=watermark
        )
        if to == "html":
            return text.encode()
        if to == "docx":
            word.draw_pictures(figures)
            made = pandoc.to_word(text, folder=figures, settings=report.settings, name=name)
            return word.with_header(made, watermark)
        return pdf.from_typst(text, folder=figures, name=name)
