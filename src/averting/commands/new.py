"""``averting new``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

_ASKED = (
    ("title", "What shall the report be called?"),
    ("pilots", "URNs of the pilot schools, with spaces between"),
    ("start", "First academic year of the programme, such as 2022/23"),
    ("data", "File with your data (a DfE exclusions file, or a table of your own)"),
)


def new(
    folder: Annotated[Path, Parameter(help="Folder to make, for example my-pilot.")],
    *,
    title: Annotated[str, Parameter(help="Title of the report.")] = "",
    question: Annotated[str, Parameter(help="What the evaluation asks, in one sentence.")] = "",
    pilots: Annotated[
        tuple[str, ...],
        Parameter(help="URNs of the pilot schools, or codes of authorities.", consume_multiple=True),
    ] = (),
    start: Annotated[str, Parameter(help="First academic year of the programme, such as 2022/23.")] = "",
    data: Annotated[Path | None, Parameter(help="File with your data; it is copied into the folder.")] = None,
    level: Annotated[
        Literal["school", "local authority"], Parameter(help="What a row of the data is of.")
    ] = "school",
    ask: Annotated[
        bool | None, Parameter(help="Ask for what is not given; by default on a terminal, where nothing is given.")
    ] = None,
) -> None:
    """Make the folder of a new evaluation: one evaluation.toml, and a report that reads its results.

    On a terminal it asks four questions; with options it asks none. What you leave out stays marked EDIT.

    Example: averting new my-pilot --pilots 100001 100002 --start 2022/23 --data schools.csv
    """
    from averting.evaluation.answers import Answers, new_from

    given = {"title": title, "pilots": " ".join(pilots), "start": start, "data": str(data or "")}
    nothing = not any(given.values())
    if ask or (ask is None and nothing and sys.stdin.isatty()):
        given = _asked(given)
    answers = Answers(
        title=given["title"],
        question=question,
        data=Path(given["data"]) if given["data"] else None,
        pilots=tuple(given["pilots"].replace(",", " ").split()),
        start=given["start"],
        level="" if level == "school" else level,
    )
    made, left = new_from(folder, answers)
    if answers == Answers():  # nothing was said
        print(f"made {made}: put your data in {made / 'data'}, edit {made / 'evaluation.toml'},")
        print(f"then: averting check {made}; averting run {made}; averting render {made}")
        return
    print(f"made {made}")
    for one in left:
        print(f"still to say in {made / 'evaluation.toml'}: {one}")
    print(f"next: averting check {made}; averting run {made}; averting render {made}")


def _asked(given: dict[str, str]) -> dict[str, str]:
    """Ask for what is missing on the terminal; an empty answer leaves it for later."""
    print("Four questions; press Enter to leave one for later.", file=sys.stderr)
    return {key: given[key] or input(f"{words}: ").strip() for key, words in _ASKED}
