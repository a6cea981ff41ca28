"""Words (JSON) and tables (CSV) in one folder, written for a page and read again by it; the page, drawn from a template."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from averting.data.written import read_table, write_table
from averting.effects.estimator import Progress
from averting.errors import RenderError
from averting.provenance import canonical_json
from averting.reporting.render import render
from averting.reporting.wording import DRAFT


def write_parts(
    path: Path, words: Mapping[str, object], tables: Mapping[str, pd.DataFrame], *, files: Mapping[str, str]
) -> None:
    """Write tables as CSV beside a record of words, which says in which order they are and which columns are text.

    Parameters
    ----------
    path : Path
        The record; its folder is made where it is not there.
    words : mapping
        Plain values; ``tables`` is kept for the list of tables.
    tables : mapping of str to DataFrame
        By name.
    files : mapping of str to str
        Name of each table's file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_table(table, path.parent / files[name])
    listed = [(name, files[name], _texts(table)) for name, table in tables.items()]
    path.write_text(canonical_json({**words, "tables": listed}), encoding="utf-8")


def read_parts(path: Path, *, advice: str) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Read what :func:`write_parts` wrote: words and tables, where an empty text is a text still.

    Raises
    ------
    RenderError
        If the folder does not hold them; ends with the advice.
    """
    try:
        words: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        listed = words.pop("tables")
        tables = {name: read_table(path.parent / file, texts=texts) for name, file, texts in listed}
        for name, _, texts in listed:
            tables[name][texts] = tables[name][texts].astype(object).fillna("").astype(str)
    except (OSError, ValueError, KeyError) as error:
        raise RenderError(f"{path.parent} holds no {path.stem} ({type(error).__name__}). {advice}") from error
    return words, tables


def draw_page(
    template: Path,
    source: Path,
    *,
    title: str | None = None,
    draft: bool,
    progress: Progress,
) -> Path:
    """Render a template beside the folder ``tables`` that it reads, marked as a draft or not; return the page.

    Parameters
    ----------
    template : Path
        The page's source, which ships with averting.
    source : Path
        Where its copy is written, and removed again; the page is beside it.
    title : str, optional
        Put in place of the template's own.
    """
    text = template.read_text(encoding="utf-8")
    if title is not None:
        _, own, rest = text.partition("title: ")
        text = f"---\n{own}{json.dumps(title)}\n{rest.partition('\n')[2]}"
    source.write_text(text, encoding="utf-8")
    try:
        return render(source, engine="embedded", watermark=DRAFT if draft else "", cache=False, progress=progress)
    finally:
        source.unlink()


def _texts(table: pd.DataFrame) -> list[str]:
    return [str(column) for column in table if not is_numeric_dtype(table[column])]
