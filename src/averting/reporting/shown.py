"""What a report's cells show beside figures and tables: paragraphs, lists and captions. For reports; needs the report extra."""

from __future__ import annotations

from collections.abc import Iterable

from averting.reporting.figures import ReportFigure


def say(*sentences: str) -> None:
    """Show sentences as one paragraph; empty ones vanish."""
    from IPython.display import Markdown, display

    display(Markdown(" ".join(sentence for sentence in sentences if sentence)))  # type: ignore[no-untyped-call]


def listed(sentences: Iterable[str]) -> None:
    """Show sentences as a list."""
    print("\n".join(f"- {sentence}" for sentence in sentences))


def captioned(label: str, figure: ReportFigure, caption: str) -> None:
    """Show a figure that only some evaluations have, numbered and captioned."""
    from IPython.display import Markdown, display

    for part in (Markdown(f"::: {{#{label}}}"), figure, Markdown(f"{caption}\n\n:::")):  # type: ignore[no-untyped-call]
        display(part)  # type: ignore[no-untyped-call]
