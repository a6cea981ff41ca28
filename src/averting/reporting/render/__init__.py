"""Turn a .qmd report into one HTML file or a PDF, by Quarto where it is installed and without it where it is not."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from averting.effects.estimator import Progress, silent
from averting.errors import MissingExtraError, RenderError, refuse

from . import quarto, selfcontained
from .banner import with_banner
from .environment import cell_environment

if TYPE_CHECKING:
    from .pandoc import Target

__all__ = ["MAIN", "check_formats", "render", "render_files", "reports"]

MAIN = "report"
"""Name of the report that comes first."""

Engine = Literal["auto", "quarto", "embedded"]
_ENGINES = ("auto", "quarto", "embedded")
_NEEDED = ("yaml", "nbformat", "nbclient", "jupyter_client", "ipykernel", "pypandoc")
_NEEDED_FOR_PAPER = ("typst", "matplotlib")
_FORMATS: dict[str, Target] = {".html": "html", ".htm": "html", ".pdf": "typst", ".docx": "docx"}
_PAGES = (".html", ".htm")


def render(
    source: Path,
    *,
    output: Path | None = None,
    engine: Engine = "auto",
    parameters: Mapping[str, object] | None = None,
    watermark: str = "",
    cache: bool = True,
    cache_key: Sequence[str] = (),
    progress: Progress = silent,
) -> Path:
    """Render a report to one self-contained HTML file, an accessible PDF or a Word document.

    Parameters
    ----------
    source : Path
        A .qmd file. Its cells run in its folder, with this Python, and see ``AVERTING_RENDER=1``.
    output : Path, optional
        File to write, ending in ``.html``, ``.pdf`` or ``.docx``; by default the report's own name with ``.html``, beside it.
    engine, parameters, watermark, cache, cache_key, progress
        See :func:`render_files`.

    Returns
    -------
    Path
        The file written.
    """
    source = Path(source)
    target = Path(output) if output is not None else source.with_suffix(".html")
    (made,) = render_files(
        source,
        outputs=[target],
        engine=engine,
        parameters=parameters,
        watermark=watermark,
        cache=cache,
        cache_key=cache_key,
        progress=progress,
    )
    return made


def render_files(
    source: Path,
    *,
    outputs: Sequence[Path],
    engine: Engine = "auto",
    parameters: Mapping[str, object] | None = None,
    watermark: str = "",
    cache: bool = True,
    cache_key: Sequence[str] = (),
    progress: Progress = silent,
) -> tuple[Path, ...]:
    """Render a report to several files; its cells run once.

    Each file is written at the end and in one move: a rendering that fails leaves the previous files as they were.

    Parameters
    ----------
    source : Path
        A .qmd file. Its cells run in its folder, with this Python, and see ``AVERTING_RENDER=1``.
    outputs : sequence of Path
        Files to write, each ending in ``.html`` (one file, nothing loaded from elsewhere), ``.pdf`` (tagged, and
        refused where it would not meet PDF/UA-1) or ``.docx`` (for editing in Word).
    engine : {"auto", "quarto", "embedded"}
        ``auto`` takes Quarto for HTML where it is on the PATH. A PDF is always made without it, for Quarto's does not
        meet PDF/UA-1; so is a Word document.
    parameters : mapping of str to object, optional
        Values laid over those of the cell tagged ``parameters``: text, numbers, true, false, and lists of them.
    watermark : str
        Words on every page: behind and below a PDF's, above an HTML page and across each printed sheet of it, at the
        head of a Word document's.
    cache : bool
        Reuse what the cells displayed last time while code, parameters, `cache_key` and versions are the same
        (kept in ``.averting-cache`` beside the report).
    cache_key : sequence of str
        What else the cells read: hashes of data and results. Files they read are not watched otherwise.
    progress : callable of str
        Told in words what is happening.

    Returns
    -------
    tuple of Path
        The files written, in the order of `outputs`.

    Raises
    ------
    RenderError
        With file and line: a failing cell, anything outside the supported subset, a reference that points at
        nothing, an image without alternative text, anything the page would load from elsewhere.
    MissingExtraError
        Where the ``report`` extra is not installed.
    """
    source, given = _source(Path(source)), parameters or {}
    targets = [_target(Path(output)) for output in outputs]
    by_quarto = [target for target in targets if _engine(engine, target) == "quarto"]
    others = [target for target in targets if target not in by_quarto]
    made: dict[Path, bytes] = {}
    if by_quarto:
        progress(f"{source.name}: rendering with Quarto")
        html = quarto.render(source, given, cache=cache, environment=cell_environment())
        made |= dict.fromkeys(by_quarto, html.encode())
    if others:
        formats = [_FORMATS[target.suffix.lower()] for target in others]
        _require(paper=set(formats) != {"html"})
        from . import embedded

        pages = embedded.render(
            source, given, formats=formats, watermark=watermark, cache=cache, cache_key=cache_key, tell=progress
        )
        made |= dict(zip(others, pages, strict=True))
    for target in targets:
        if target.suffix.lower() in _PAGES:
            outside = selfcontained.faults(made[target].decode(), source.name)
            refuse(RenderError, f"{source.name} cannot be rendered", outside)
            made[target] = with_banner(made[target].decode(), watermark).encode()
    for target in targets:
        _write(target, made[target])
        progress(f"{source.name}: wrote {target}")
    return tuple(targets)


def reports(folder: Path) -> tuple[str, ...]:
    """Return the names of a folder's reports without ``.qmd``, ``report`` first; parts of reports start with _."""
    names = (path.stem for path in folder.glob("*.qmd") if not path.name.startswith("_"))
    return tuple(sorted(names, key=lambda name: (name != MAIN, name)))


def check_formats(to: Sequence[str]) -> tuple[str, ...]:
    """Return the formats asked for, each once; refuse any but html, pdf and docx."""
    if not to or not set(to) <= {"html", "pdf", "docx"}:
        raise RenderError(f"The formats are {', '.join(to) or 'none'}. Give html, pdf, docx or several of them.")
    return tuple(dict.fromkeys(to))


def _source(source: Path) -> Path:
    if source.suffix != ".qmd":
        raise RenderError(f"{source} is not a .qmd file. Give the path of a report.")
    if not source.is_file():
        raise RenderError(f"There is no report at {source}. Give the path of a .qmd file.")
    return source.resolve()


def _target(target: Path) -> Path:
    if target.suffix.lower() not in _FORMATS:
        raise RenderError(f"The output is {target}. Give a file name that ends in .html, .pdf or .docx.")
    return target.resolve()


def _engine(engine: str, target: Path) -> str:
    if engine not in _ENGINES:
        raise RenderError(f"The engine is {engine!r}. Choose one of {', '.join(_ENGINES)}.")
    if target.suffix.lower() not in _PAGES:
        if engine == "quarto":
            why = (
                "its PDF does not meet PDF/UA-1"
                if target.suffix.lower() == ".pdf"
                else "only HTML is made with it"
            )
            raise RenderError(f"{target.name} cannot be made with Quarto: {why}. Choose auto or embedded.")
        return "embedded"
    if engine == "auto":
        return "quarto" if quarto.find() else "embedded"
    return engine


def _require(*, paper: bool) -> None:
    if any(find_spec(module) is None for module in (*_NEEDED, *(_NEEDED_FOR_PAPER if paper else ()))):
        raise MissingExtraError("report", "Rendering a report")


def _write(target: Path, page: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(page)
        part.replace(target)
    except OSError as error:
        raise RenderError(
            f"{target} cannot be written: {error.strerror}. Close it elsewhere or choose another."
        ) from error
    finally:
        part.unlink(missing_ok=True)
