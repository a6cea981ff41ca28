"""Set a report on paper: Typst text to a tagged PDF that meets PDF/UA-1."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal

from averting.errors import RenderError

STANDARD: Literal["ua-1"] = "ua-1"


def from_typst(text: str, *, folder: Path, name: str) -> bytes:
    """Return the PDF of a report; the same text and pictures give the same bytes.

    Parameters
    ----------
    text : str
        The report as Typst.
    folder : Path
        Folder of its pictures; nothing outside is read.
    name : str
        File name of the report, for messages.

    Raises
    ------
    RenderError
        Where the text cannot be set, or the PDF would not be accessible (PDF/UA-1).
    """
    import typst

    # as a file: compiled from bytes, relative paths of pictures would have no folder
    main = folder / "report.typ"
    main.write_text(shown(text), encoding="utf-8")
    try:
        made = typst.compile(
            str(main),
            root=str(folder),
            font_paths=[str(_fonts())],
            ignore_system_fonts=True,  # the same letters on every machine
            format="pdf",
            pdf_standards=STANDARD,
        )
    except typst.TypstError as error:
        hints = " ".join(error.hints)
        raise RenderError(
            f"{name} cannot be set as an accessible PDF: {error.message} {hints}".rstrip()
        ) from error
    assert isinstance(made, bytes)
    return made


def _fonts() -> Path:
    """Return the folder of the fonts that come with matplotlib: they know more scripts than Typst's own."""
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf"


@cache
def _known() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(_fonts() / "DejaVuSans.ttf")).get_charmap())


def shown(text: str) -> str:
    """Write letters that no font here has as their number in Unicode, so that none is lost on paper."""
    known = _known()
    spelled = {code: f"⟨U+{code:04X}⟩" for code in set(map(ord, text)) if code > 126 and code not in known}
    spelled |= dict.fromkeys((code for code in spelled if _UNSEEN.fullmatch(chr(code))), "")
    # a selector of the look of a letter that is spelled out has nothing left to select
    return text.translate(spelled | dict.fromkeys(range(0xFE00, 0xFE10), ""))


# what only changes the look of its neighbours, or nothing
_UNSEEN = re.compile("[\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]")
