"""Call pandoc with our filters and templates, and turn what it complains about into faults with file and line."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pypandoc

from averting.errors import Fault, MissingExtraError, RenderError, refuse

from .settings import Settings
from .text import Line

ASSETS = Path(__file__).parent / "assets"
# Metadata comes from the settings alone: a block of dashes in a cell's output must not set the title.
_READER = (
    "markdown+tex_math_single_backslash+autolink_bare_uris-implicit_figures-yaml_metadata_block-pandoc_title_block"
)
Target = Literal["html", "typst", "docx"]
_MARK = "averting-fault\t"
_CALLOUTS = "callout-note, callout-tip, callout-important, callout-warning, callout-caution"

# What the filters report: how to find the line, what to say, what to do. {0} is the thing itself.
_FAULTS: dict[str, tuple[str, str, str]] = {
    "reference": (r"@{0}(?![\w-])", "@{0} points at nothing", "Label a figure, table, section or equation so."),
    "citation": (
        r"@\{{?{0}(?![\w-])",
        "there is no bibliography entry '{0}'",
        "Add it, or write \\@ for a plain @.",
    ),
    "mixed": (r"@{0}(?![\w-])", "@{0} stands with a citation in one bracket", "Use separate brackets."),
    "duplicate": (r"#\|? ?(?:label: )?{0}(?![\w-])", "the label {0} is used twice", "Give each its own."),
    "alt": (r"{0}", "the image {0} has no alternative text", 'Add {{fig-alt="..."}} or alt="...".'),
    "external": (r"{0}", "{0} would be loaded from elsewhere", "Save it beside the report: a report is one file."),
    "class": (
        r"\.{0}(?![\w-])",
        "the class '{0}' is not supported",
        f"Supported: {_CALLOUTS}, panel-tabset, content-visible, content-hidden.",
    ),
    "attribute": (r"{0}\s*=", "the attribute '{0}' is not supported here", "Remove it."),
    "listing": (r"{0}", "the listing {0} has no caption", 'Add lst-cap="..." in its braces.'),
    "format": (r"{0}", "'{0}' is content for LaTeX, which is not written", "Write 'typst' for the PDF."),
    "picture": (r"{0}", "the picture {0} cannot stand in a PDF", "Use SVG, PNG, JPEG or GIF."),
    "kind": (r"{0}", "labels like '{0}' are not supported", "Numbered are fig-, tbl-, sec-, eq- and lst-."),
    "captions": (r"{0}", "the table under '{0}' has a caption and a tbl-cap", "Keep one of them."),
}


def convert(
    lines: Sequence[Line],
    settings: Settings,
    *,
    folder: Path,
    figures: Path,
    name: str,
    to: Target = "html",
    watermark: str = "",
    extra: Sequence[str] = (),
) -> str:
    """Return a report as self-contained HTML, or as Typst whose pictures lie in `figures`.

    Parameters
    ----------
    lines : sequence of Line
        The report in Markdown.
    settings : Settings
    folder : Path
        Folder of the report, where its images are.
    figures : Path
        Folder of the images its cells made.
    name : str
        File name of the report, for messages.
    to : {"html", "typst", "docx"}
        Word comes in pandoc's own notation, for `to_word`.
    watermark : str
        Words behind every printed page.
    extra : sequence of str
        Further options of pandoc; the last of a kind counts.

    Raises
    ------
    RenderError
        One error with every complaint of pandoc and of our filters.
    MissingExtraError
        Where there is no pandoc.
    """
    with tempfile.TemporaryDirectory(prefix="averting-pandoc-") as temporary:
        log, metadata = Path(temporary) / "log.json", Path(temporary) / "metadata.json"
        about = _metadata(settings) | {"averting-media": str(figures)}
        metadata.write_text(json.dumps(about), encoding="utf-8")
        layout = _layout(settings, to, watermark)
        options = [
            f"--log={log}",
            f"--metadata-file={metadata}",
            f"--resource-path={os.pathsep.join((str(folder), str(figures)))}",
        ]
        done = subprocess.run(
            [_executable(), *_arguments(settings), *layout, *options, *extra],
            input="\n".join(line.text for line in lines) + "\n",
            capture_output=True,
            encoding="utf-8",
            cwd=folder,
            # the filters refuse outside resources; should one slip through, it is not fetched either
            env={**os.environ, "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"},
            check=False,
        )
        faults = [*_filter_faults(done.stderr, lines, name), *_log_faults(log, lines, name)]
    refuse(RenderError, f"{name} cannot be rendered", faults)
    if done.returncode:
        raise RenderError(f"{name}: pandoc failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _executable() -> str:
    try:
        return str(pypandoc.get_pandoc_path())
    except OSError as error:
        raise MissingExtraError("report", "Rendering a report") from error


def _arguments(settings: Settings) -> list[str]:
    arguments = [
        f"--from={_READER}",
        "--standalone",
        "--wrap=preserve",
        "--eol=lf",
        f"--lua-filter={ASSETS / 'blocks.lua'}",
        f"--lua-filter={ASSETS / 'references.lua'}",
        "--citeproc",
        *(f"--bibliography={path}" for path in settings.bibliography),
    ]
    return [*arguments, f"--csl={settings.csl}"] if settings.csl else arguments


def _layout(settings: Settings, to: Target, watermark: str) -> list[str]:
    if to == "docx":  # in two steps: pictures are drawn anew between them
        return ["--to=json", f"--lua-filter={ASSETS / 'word.lua'}"]
    return _for_screen() if to == "html" else _for_paper(settings, watermark)


def to_word(text: str, *, folder: Path, settings: Settings, name: str) -> bytes:
    """Return a report that `convert` made for Word as a document, the same bytes for the same text.

    Parameters
    ----------
    text : str
        In pandoc's own notation.
    folder : Path
        Folder of its pictures.
    settings : Settings
    name : str
        File name of the report, for messages.
    """
    target = folder / "report.docx"
    contents = ["--toc", f"--toc-depth={settings.toc_depth}"] if settings.toc else []
    done = subprocess.run(
        [_executable(), "--from=json", "--to=docx", f"--output={target}", f"--resource-path={folder}", *contents],
        input=text,
        capture_output=True,
        encoding="utf-8",
        cwd=folder,
        env={**os.environ, "SOURCE_DATE_EPOCH": "315532800"},  # a document holds the day it was made
        check=False,
    )
    if done.returncode or done.stderr.strip():
        raise RenderError(f"{name}: pandoc could not write Word: {done.stderr.strip()[-500:]}")
    return target.read_bytes()


def _for_screen() -> list[str]:
    return [
        "--to=html5",
        "--embed-resources",
        "--mathml",
        "--section-divs",
        f"--template={ASSETS / 'template.html'}",
        f"--variable=styles={(ASSETS / 'report.css').read_text(encoding='utf-8')}",
        f"--variable=script={(ASSETS / 'report.js').read_text(encoding='utf-8')}",
    ]


def _for_paper(settings: Settings, watermark: str) -> list[str]:
    date = settings.date
    day = {"year": date.year, "month": date.month, "day": date.day} if isinstance(date, dt.date) else {}
    region = settings.lang.partition("-")[2].upper() or "GB"
    return [
        "--to=typst",
        f"--lua-filter={ASSETS / 'print.lua'}",  # after --citeproc, which comes before
        f"--template={ASSETS / 'template.typ'}",
        f"--variable=region={region}",
        *(f"--variable=date-{part}={number}" for part, number in day.items()),
        *([f"--variable=watermark={watermark}"] if watermark else []),
    ]


def _metadata(settings: Settings) -> dict[str, object]:
    date = settings.date
    shown = f"{date.day} {date:%B %Y}" if isinstance(date, dt.date) else date
    values = {
        "title": settings.title,
        "subtitle": settings.subtitle,
        "abstract": settings.abstract,
        "description": settings.description,
        "author": [{"name": name, "affiliation": where} for name, where in settings.authors],
        "date": shown,
        "date-iso": date.isoformat()[:10] if isinstance(date, dt.date) else None,
        "lang": settings.lang,
        "nocite": settings.nocite,
        "link-citations": settings.link_citations,
        "averting-crossref": settings.crossref,
        "averting-toc-depth": settings.toc_depth if settings.toc else 0,
        "averting-number-sections": settings.number_sections,
    }
    return {key: value for key, value in values.items() if value not in (None, [], "", {})}


def _filter_faults(stderr: str, lines: Sequence[Line], name: str) -> list[Fault]:
    faults = []
    for row in stderr.splitlines():
        if row.startswith(_MARK):
            kind, token = row.removeprefix(_MARK).split("\t", 1)
            pattern, found, fix = _FAULTS[kind]
            line = _find(pattern.format(re.escape(token)), lines, last=kind == "duplicate")
            faults.append(Fault(line.where if line else name, found.format(_short(token)), fix.format(token)))
    return faults


def _find(pattern: str, lines: Sequence[Line], *, last: bool = False) -> Line | None:
    search = re.compile(pattern, re.IGNORECASE)
    found = [line for line in lines if search.search(line.text)]
    return None if not found else found[-1] if last else found[0]


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def _log_faults(log: Path, lines: Sequence[Line], name: str) -> list[Fault]:
    """Read pandoc's own log: every warning of its is an error of ours."""
    if not log.is_file():
        return []
    entries = json.loads(log.read_text(encoding="utf-8") or "[]")
    return [_log_fault(entry, lines, name) for entry in entries if entry.get("verbosity") in ("WARNING", "ERROR")]


def _log_fault(entry: Mapping[str, object], lines: Sequence[Line], name: str) -> Fault:
    line = _position(entry, lines)
    where = line.where if line else name
    kind = entry.get("type")
    if kind == "UnclosedDiv":
        return Fault(where, "the block opened here has no end", "Close it with a line of as many colons.")
    if kind == "CouldNotConvertTeXMath":
        formula = _short(" ".join(str(entry.get("contents")).split()))
        return Fault(where, f"the formula '{formula}' is not TeX that MathML can show", "Correct or simplify it.")
    if kind == "CouldNotFetchResource":
        return Fault(where, f"there is no file {_short(str(entry.get('path')))}", "Correct the path.")
    text = re.sub(r"\s+", " ", re.sub(r" at line \d+ column \d+", "", str(entry.get("pretty", kind))))
    return Fault(where, f"pandoc: {_short(text).rstrip('.')}", "Correct the line.")


def _position(entry: Mapping[str, object], lines: Sequence[Line]) -> Line | None:
    for key in ("openpos", "position", "pos"):
        place = entry.get(key)
        place = place.get("line") if isinstance(place, Mapping) else None
        if isinstance(place, int) and 0 < place <= len(lines):
            return lines[place - 1]
    number = entry.get("line")
    if isinstance(number, int) and 0 < number <= len(lines):
        return lines[number - 1]
    for key in ("contents", "path"):
        text = str(entry.get(key, "")).strip().split("\n")[0]
        if text:
            return _find(re.escape(text), lines)
    return None
