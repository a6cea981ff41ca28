"""A report for Word: pictures it can show, and the words of a draft at the head of every page."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

_PPI = 200.0
_MAIN = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.header+xml"
_ID = "rIdAvertingHeader"
_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold: the same report gives the same bytes


def draw_pictures(folder: Path) -> None:
    """Draw every SVG of a folder as a PNG beside it; Word shows no SVG without one."""
    import typst

    for picture in sorted(folder.glob("*.svg")):
        text = f'#set page(width: auto, height: auto, margin: 0pt)\n#image("{picture.name}")\n'
        main = folder / "picture.typ"
        main.write_text(text, encoding="utf-8")
        made = typst.compile(str(main), root=str(folder), format="png", ppi=_PPI)
        assert isinstance(made, bytes)
        picture.with_suffix(".png").write_bytes(made)


def with_header(document: bytes, words: str) -> bytes:
    """Return a Word document with words at the head of every page, and packed alike every time.

    Parameters
    ----------
    document : bytes
        As pandoc writes it: one section, without a header.
    words : str
        Plain text; empty for none.
    """
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    core = files["docProps/core.xml"].decode()
    files["docProps/core.xml"] = re.sub(
        r"<dcterms:(created|modified)\b.*?</dcterms:\1>", "", core
    ).encode()  # no day
    if words:
        _add_header(files, words)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _DAY), data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _add_header(files: dict[str, bytes], words: str) -> None:
    run = f'<w:r><w:rPr><w:b/><w:color w:val="942514"/></w:rPr><w:t>{escape(words)}</w:t></w:r>'
    header = f'<w:hdr xmlns:w="{_MAIN}"><w:p><w:pPr><w:jc w:val="center"/></w:pPr>{run}</w:p></w:hdr>'
    files["word/header_averting.xml"] = f'<?xml version="1.0" encoding="UTF-8"?>\n{header}'.encode()
    relation = f'<Relationship Id="{_ID}" Type="{_RELATED}/header" Target="header_averting.xml"/>'
    part = f'<Override PartName="/word/header_averting.xml" ContentType="{_TYPE}"/>'
    reference = f'<w:headerReference xmlns:r="{_RELATED}" w:type="default" r:id="{_ID}"/>'
    _insert(files, "word/_rels/document.xml.rels", r"</Relationships>", relation)
    _insert(files, "[Content_Types].xml", r"</Types>", part)
    text = files["word/document.xml"].decode()
    whole, changed = re.subn(r"<w:sectPr\s*/>", f"<w:sectPr>{reference}</w:sectPr>", text)
    if not changed:
        whole = re.sub(r"(<w:sectPr\b[^>]*>)", rf"\1{reference}", text)
    files["word/document.xml"] = whole.encode()


def _insert(files: dict[str, bytes], name: str, before: str, text: str) -> None:
    files[name] = files[name].decode().replace(before, text + before, 1).encode()
