"""What the kernel runs before a report's first cell; its text is sent there, so it imports nothing of averting."""

# No `from __future__` import here: IPython would apply it to every later cell.
import logging as _logging
import re as _re
import warnings as _warnings

_INLINE_MIME = "application/vnd.averting.inline"
# A plain number is safe everywhere, also within a formula, and is left alone.
_NUMBER = _re.compile(r"[+\-−]?\d[\d,]*(\.\d+)?%?")
_PUNCTUATION = _re.compile(r"[!-/:-@\[-`{-~]")


def _averting_text(value: object) -> str:
    """Return a value as Markdown that shows exactly its text, or the Markdown it offers itself."""
    markdown = getattr(value, "_repr_markdown_", None)
    if callable(markdown):
        return " ".join(str(markdown()).split("\n"))
    text = " ".join(str(value).split())
    if _NUMBER.fullmatch(text):
        return text
    # references to characters rather than backslashes: \\( and \\[ open formulas
    return _PUNCTUATION.sub(lambda found: f"&#{ord(found[0])};", text)


def _averting_inline(value: object) -> None:
    """Send the value of an inline expression to the renderer."""
    from IPython.display import publish_display_data

    publish_display_data({_INLINE_MIME: _averting_text(value)})  # type: ignore[no-untyped-call]


def _averting_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Word a warning without the path of a temporary file, so that two renderings agree."""
    return f"{category.__name__}: {message}\n"


_warnings.formatwarning = _averting_warning
# "building the font cache" would be in a report's first rendering only
_logging.getLogger("matplotlib.font_manager").setLevel(_logging.ERROR)
