"""Turn a .qmd report into one HTML file, by Quarto where it is installed and without it where it is not."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from averting.errors import MissingExtraError, RenderError, refuse

from . import quarto, selfcontained
from .banner import with_banner
from .environment import cell_environment

__all__ = ["render"]

Engine = Literal["auto", "quarto", "embedded"]
_ENGINES = ("auto", "quarto", "embedded")
_NEEDED = ("yaml", "nbformat", "nbclient", "jupyter_client", "ipykernel", "pypandoc")


def render(
    source: Path,
    *,
    output: Path | None = None,
    engine: Engine = "auto",
    parameters: Mapping[str, object] | None = None,
    cache: bool = True,
    cache_key: Sequence[str] = (),
    banner: str = "",
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Render a report to one self-contained HTML file.

    The file is written at the end and in one move: a rendering that fails leaves the previous file as it was.

    Parameters
    ----------
    source : Path
        A .qmd file. Its cells run in its folder, with this Python, and see ``AVERTING_RENDER=1``.
    output : Path, optional
        File to write; by default the report's own name with ``.html``, beside it.
    engine : {"auto", "quarto", "embedded"}
        ``auto`` takes Quarto where it is on the PATH.
    parameters : mapping of str to object, optional
        Values laid over those of the cell tagged ``parameters``: text, numbers, true, false, and lists of them.
    cache : bool
        Reuse what the cells displayed last time while code, parameters, `cache_key` and versions are the same
        (kept in ``.averting-cache`` beside the report).
    cache_key : sequence of str
        What else the cells read: hashes of data and results. Files they read are not watched otherwise.
    banner : str
        Words to show at the top of the page and on every page when it is printed.
    progress : callable of str, optional
        Told in words what is happening.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    RenderError
        With file and line: a failing cell, anything outside the supported subset, a reference that points at
        nothing, an image without alternative text, anything the page would load from elsewhere.
    MissingExtraError
        Where the ``report`` extra is not installed.
    """
    source, target = _paths(Path(source), output)
    tell = progress or _silent
    given = parameters or {}
    if _chosen(engine) == "quarto":
        tell(f"{source.name}: rendering with Quarto")
        html = quarto.render(source, given, cache=cache, environment=cell_environment())
    else:
        _require()
        from . import embedded

        html = embedded.render(source, given, cache=cache, cache_key=cache_key, tell=tell)
    refuse(RenderError, f"{source.name} cannot be rendered", selfcontained.faults(html, source.name))
    _write(target, with_banner(html, banner))
    tell(f"{source.name}: wrote {target}")
    return target


def _silent(_: str) -> None:
    """Say nothing."""


def _paths(source: Path, output: Path | None) -> tuple[Path, Path]:
    if source.suffix != ".qmd":
        raise RenderError(f"{source} is not a .qmd file. Give the path of a report.")
    if not source.is_file():
        raise RenderError(f"There is no report at {source}. Give the path of a .qmd file.")
    target = Path(output) if output is not None else source.with_suffix(".html")
    if target.suffix.lower() not in (".html", ".htm"):
        raise RenderError(f"The output is {target}. Give a file name that ends in .html.")
    return source.resolve(), target.resolve()


def _chosen(engine: str) -> str:
    if engine not in _ENGINES:
        raise RenderError(f"The engine is {engine!r}. Choose one of {', '.join(_ENGINES)}.")
    if engine == "auto":
        return "quarto" if quarto.find() else "embedded"
    return engine


def _require() -> None:
    if any(find_spec(module) is None for module in _NEEDED):
        raise MissingExtraError("report", "Rendering a report")


def _write(target: Path, html: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_text(html, encoding="utf-8", newline="\n")
        part.replace(target)
    except OSError as error:
        raise RenderError(
            f"{target} cannot be written: {error.strerror}. Close it elsewhere or choose another."
        ) from error
    finally:
        part.unlink(missing_ok=True)
