"""Put a report together again as pandoc Markdown, with what its cells displayed in their places."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from averting.errors import Fault, RenderError, refuse

from .execute import ANSI
from .inside import _INLINE_MIME
from .source import INLINE, Cell, Document, Prose
from .text import Line

Output = Mapping[str, object]
_ORDER = ("text/html", "text/markdown", "image/svg+xml", "image/png", "text/plain")
_LITERAL = re.compile(r"\{\{(\w+)\}\}")
_HANDLE = re.compile(r"^[\[(]*<|^Text\(")


def compose(document: Document, outputs: Mapping[int, Sequence[Output]], figures: Path) -> tuple[Line, ...]:
    """Return a report as Markdown lines, each with the line of the report it comes from.

    Parameters
    ----------
    document : Document
    outputs : mapping of int to sequence of Output
        What was displayed, by index of the document's part.
    figures : Path
        Folder to write images to; Markdown names them by file name.

    Raises
    ------
    RenderError
        Where an image has no alternative text, or an output no form a page can show.
    """
    faults: list[Fault] = []
    lines: list[Line] = []
    for index, part in enumerate(document.parts):
        shown = outputs.get(index, ())
        if isinstance(part, Prose):
            lines += _prose(part, shown)
            continue
        composer = _CellComposer(part, f"averting-figure-{index}", figures, faults)
        text = composer.markdown(shown).splitlines() if part.options.include else []
        blank = Line("", part.opening.file, part.opening.number)
        lines += [
            blank,
            *(Line(part.indent + row if row else "", blank.file, blank.number) for row in text),
            blank,
        ]
    refuse(RenderError, f"{document.path.name} cannot be rendered", faults)
    return tuple(lines)


def _prose(part: Prose, outputs: Sequence[Output]) -> Iterator[Line]:
    values = iter([_data(output)[_INLINE_MIME] for output in outputs if _INLINE_MIME in _data(output)])
    for line, live in zip(part.lines, part.live, strict=True):
        text = line.text
        if live:
            text = INLINE.sub(lambda found: str(next(values)) if found[1] == "python" else found[0], text)
        yield Line(_LITERAL.sub(r"{\1}", text), line.file, line.number)


def _data(output: Output) -> dict[str, object]:
    data = output.get("data")
    return data if isinstance(data, dict) else {}


def _joined(text: object) -> str:
    """Return text that a notebook may hold as a list of lines."""
    return "".join(map(str, text)) if isinstance(text, list) else str(text)


def fenced(text: str, attributes: str) -> str:
    """Return a fenced block that no text within can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks} {{{attributes}}}\n{text.rstrip()}\n{ticks}\n"


def _quoted(text: str) -> str:
    escaped = re.sub(r'([\\"])', r"\\\1", " ".join(text.split()))
    return f'"{escaped}"'


class _CellComposer:
    """Writes one cell: its code, what it displayed, and the numbered float around that."""

    def __init__(self, cell: Cell, stem: str, figures: Path, faults: list[Fault]) -> None:
        self.cell = cell
        self.options = cell.options
        self.stem = stem
        self.figures = figures
        self.faults = faults
        self.images = 0

    def markdown(self, outputs: Sequence[Output]) -> str:
        """Return the cell as Markdown."""
        parts = self._code()
        shown = [text for text in self._shown(outputs) if text]
        if self.images and len(self.options.fig_alt) != self.images:
            self._wrong_alt()
        body = self._float("\n".join(self._parts(shown)))
        parts += [body] if body else []
        if not parts:
            return ""
        identifier = f"#{self.options.label} " if self.options.label and self.options.kind is None else ""
        classes = " ".join(f".{name}" for name in ("cell", *self.options.classes))
        return f":::::: {{{identifier}{classes}}}\n" + "\n".join(parts) + "\n::::::\n"

    def _code(self) -> list[str]:
        """Return the code as shown: bare, with its fence and options, or folded away."""
        options, code = self.options, "\n".join(line.text for line in self.cell.code).strip("\n")
        if not options.echo or not code:
            return []
        shown = fenced(code, ".python .cell-code")
        if options.echo == "fenced":
            head = [f"#| {line.text}" for line in self.cell.head if not line.text.startswith("echo:")]
            shown = fenced("\n".join(["```{python}", *head, code, "```"]), ".cell-code")
        if not options.code_fold:
            return [shown]
        opened = " .open" if options.code_fold == "show" else ""
        return [f"::::: {{.code-fold{opened} summary={_quoted(options.code_summary)}}}\n{shown}\n:::::\n"]

    def _parts(self, shown: Sequence[str]) -> Sequence[str]:
        """Give each thing shown its own label and caption where the options list captions of parts."""
        options = self.options
        captions = options.tbl_subcap if options.kind == "tbl" else options.fig_subcap
        if not captions:
            return shown
        if options.kind is None or len(captions) != len(shown):
            found = f"the cell shows {len(shown)} and captions {len(captions)} parts"
            fix = "Give it a fig- or tbl- label, and as many captions of parts as it shows."
            self.faults.append(self.cell.opening.fault(found, fix))
            return shown
        return [
            f":::: {{#{options.label}-{number} .float}}\n{text}\n::::: {{.float-caption}}\n{caption}\n:::::\n\n::::\n"
            for number, (text, caption) in enumerate(zip(shown, captions, strict=True), 1)
        ]

    def _shown(self, outputs: Sequence[Output]) -> Iterator[str]:
        if self.options.output is False:
            return
        graphic = any(mime.startswith("image/") for output in outputs for mime in _data(output))
        for output in outputs:
            kind = output.get("output_type")
            if kind == "stream":
                yield self._stream(output)
            elif kind == "error":
                yield fenced(f"{output.get('ename')}: {_joined(output.get('evalue'))}", ".cell-output .cell-error")
            else:
                yield self._display(_data(output), graphic=graphic and kind == "execute_result")

    def _stream(self, output: Output) -> str:
        text = ANSI.sub("", _joined(output.get("text", "")))
        if output.get("name") == "stderr":
            return fenced(text, ".cell-output .cell-stderr") if self.options.warning else ""
        return text + "\n" if self.options.output == "asis" else fenced(text, ".cell-output")

    def _display(self, data: Mapping[str, object], *, graphic: bool) -> str:
        mime = next((mime for mime in _ORDER if mime in data), None)
        if mime is None:
            kinds = ", ".join(sorted(data)) or "nothing"
            fix = f"Display one of: {', '.join(_ORDER)}."
            self.faults.append(self.cell.opening.fault(f"the cell displays only {kinds}", fix))
            return ""
        text = _joined(data[mime])
        if mime == "text/html":
            return fenced(text, "=html")
        if mime == "text/markdown":
            return text + "\n"
        if mime.startswith("image/"):
            return self._image(text, mime)
        if graphic and _HANDLE.match(text):
            return ""  # the name of a plot object beside the plot itself
        return fenced(ANSI.sub("", text), ".cell-output")

    def _image(self, text: str, mime: str) -> str:
        self.images += 1
        svg = mime == "image/svg+xml"
        name = f"{self.stem}-{self.images}.{'svg' if svg else 'png'}"
        (self.figures / name).write_bytes(text.encode() if svg else base64.b64decode(text))
        texts = self.options.fig_alt
        alt = texts[self.images - 1] if self.images <= len(texts) else ""
        return f"![]({name}){{fig-alt={_quoted(alt)}}}\n"

    def _wrong_alt(self) -> None:
        count = f"{self.images} image{'s' * (self.images > 1)}"
        found = f"the cell shows {count} and has {len(self.options.fig_alt)} alternative texts"
        fix = "Add '#| fig-alt:' with a sentence that says what each image shows."
        self.faults.append(self.cell.opening.fault(found, fix))

    def _float(self, body: str) -> str:
        """Wrap the outputs in a numbered or captioned float where the options ask for one."""
        kind = self.options.kind
        caption = self.options.tbl_cap if kind == "tbl" else self.options.fig_cap if kind == "fig" else None
        unnumbered = self.options.tbl_cap or self.options.fig_cap
        if not body:
            if kind is not None and self.options.output is not False:
                found = f"nothing is shown under the label '{self.options.label}'"
                self.faults.append(
                    self.cell.opening.fault(found, "Display the figure or table, or drop the label.")
                )
            return ""
        if kind is None and not unnumbered:
            return body
        identifier = f"#{self.options.label}" if kind else f".{'tbl' if self.options.tbl_cap else 'fig'}"
        text = caption if kind else unnumbered
        layout = f" layout-ncol={self.options.layout_ncol}" if self.options.layout_ncol else ""
        inner = f"\n:::: {{.float-caption}}\n{text}\n::::\n" if text else ""
        return f"::::: {{{identifier} .float{layout}}}\n{body}{inner}\n:::::\n"
