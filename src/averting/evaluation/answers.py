"""The answers that make a template into an evaluation: what is asked for, and the lines they fill."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from averting.data import read_panel
from averting.data.faults import columns_there
from averting.errors import AvertingError, EvaluationError
from averting.evaluation.guessed import WORDS, Guess, guess_columns
from averting.evaluation.scaffold import new
from averting.evaluation.settings import FILE
from averting.years import AcademicYear, FinancialYear


@dataclass(frozen=True)
class Answers:
    """What is known of a new evaluation; whatever is left empty stays as the template has it, marked EDIT.

    Parameters
    ----------
    title, question : str
        For the report.
    data : Path or None
        File to copy into the folder.
    pilots : sequence of str
        Schools' URNs, or authorities' codes.
    start : str
        First academic year of the programme, such as 2022/23.
    level : {"", "school", "local authority"}
        What a row of the data is of.
    """

    title: str = ""
    question: str = ""
    data: Path | None = None
    pilots: Sequence[str] = ()
    start: str = ""
    level: str = ""

    def __post_init__(self) -> None:
        if self.start:
            AcademicYear.parse(self.start)
        if self.data is not None and not self.data.is_file():
            raise EvaluationError(
                f"{self.data} does not exist. Name the file with your data, or leave it out for now."
            )


def new_from(folder: str | Path, answers: Answers) -> tuple[Path, tuple[str, ...]]:
    """Make the folder of a new evaluation with what is known filled in, and say what is left to do.

    Parameters
    ----------
    folder : str or Path
        Folder to make; must not exist, or be empty.
    answers : Answers
        What is known.

    Returns
    -------
    folder : Path
        As :func:`averting.evaluation.new` makes it.
    left : tuple of str
        What must still be edited in ``evaluation.toml``, one sentence each; empty where nothing is.

    Raises
    ------
    AvertingError
        If the folder cannot be made, a year is none, or the data file is not there. Nothing is made then.
    """
    made = new(folder)
    known, left = _lines(answers)
    if answers.data is not None:
        copied = made / "data" / answers.data.name
        shutil.copyfile(answers.data, copied)
        known["path"] = f"data/{answers.data.name}"
        known["source"] = _source(copied, answers.level or "school")
    text = (made / FILE).read_text(encoding="utf-8")
    for key, value in known.items():
        text = _filled(text, key, value)
    if known.get("source") == "tidy":
        guess = guess_columns(copied)
        text = text if guess is None else _with_columns(text, guess)
        left += _columns_left(guess)
    (made / FILE).write_text(text, encoding="utf-8")
    return made, tuple(left)


def _lines(answers: Answers) -> tuple[dict[str, str | Sequence[str]], list[str]]:
    known: dict[str, str | Sequence[str]] = {}
    left = []
    wanted = {
        "title": (answers.title, "title: what the report is called"),
        "pilots": (list(answers.pilots), "[design] pilots: the URNs of the pilot schools"),
        "start": (answers.start, "[design] start: the first academic year of the programme"),
    }
    for key, (value, about) in wanted.items():
        if value:
            known[key] = value
        else:
            left.append(about)
    if answers.start:  # money may move from the financial year in which the programme starts
        known["base_year"] = FinancialYear(AcademicYear.parse(answers.start).start).label
    if answers.question:
        known["question"] = answers.question
    if answers.level:
        known["level"] = answers.level
    if answers.data is None:
        left.append("[data] path: your file, which belongs into the folder data")
    return known, left


def _filled(text: str, key: str, value: str | Sequence[str]) -> str:
    """Return the template with one key's value replaced, and its EDIT mark gone."""
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    made, times = re.subn(rf"(?m)^{key} = .*$", lambda _: line, text, count=1)
    if not times:
        raise EvaluationError(f"The template has no line '{key} = '. It ships with averting: reinstall it.")
    return made


def _with_columns(text: str, guess: Guess) -> str:
    """Return the template with columns as guessed, and without what this table cannot answer."""
    text, times = re.subn(r"(?ms)^# \[data\.columns\]\n.*?(?=\n\[design\])", lambda _: guess.toml(), text, count=1)
    if not times:
        raise EvaluationError("The template has no '# [data.columns]'. It ships with averting: reinstall it.")
    traits = [trait for trait in ("phase", "region") if trait in guess.columns]
    if "phase" not in traits:
        text = text.replace('phase = "Secondary"', '# phase = "Secondary"   # the table does not say', 1)
    if traits:
        return _filled(text, "on", traits)
    text = text.replace('rule = "same" ', 'rule = "all"  ', 1)
    return re.sub(r"(?m)^on = ", "# on = ", text, count=1)


def _columns_left(guess: Guess | None) -> list[str]:
    """Return what is left to say of a table of one's own."""
    if guess is None:
        return ["[data.columns]: which of your columns is which (averting check names those it misses)"]
    if not guess.columns:
        return [f"[data.columns]: which of your columns is which. {columns_there(guess.header)}"]
    taken = ", ".join(f"{role} = '{column}'" for role, column in guess.columns.items())
    left = [f"[data.columns]: is this right? {taken}"]
    left += [f"[data.columns] {role}: the column with {WORDS[role]}" for role in guess.missing]
    if guess.symbols:
        named = ", ".join(f"'{text}'" for text in guess.symbols)
        left.append(f"[data.symbols]: from what to what {named} stands for, as whoever made the table says")
    return left


def _source(path: Path, level: str) -> str:
    """Return how a file is to be read."""
    try:
        read_panel(path, source="dfe_exclusions", level=level, phase="Secondary")
    except AvertingError:
        return "tidy"
    return "dfe_exclusions"
