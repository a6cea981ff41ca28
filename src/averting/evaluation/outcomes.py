"""An outcomes board from a file that says what to show: read, compare, withhold, write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from averting.data import Neighbours, load_indicators, read_neighbours, read_panel
from averting.data.disclosure import load_rules
from averting.data.frequency import FREQUENCIES
from averting.effects.estimator import Progress, silent
from averting.errors import EvaluationError, Fault, refuse
from averting.evaluation.toml_table import TomlTable, open_table
from averting.outcomes import Board, framework, from_panel, make_board, outcome_sets, read_own
from averting.outcomes.board import LAST, board_record, closures
from averting.reporting.board import BoardFiles, draw_board, write_board
from averting.reporting.findings import DRAWING, may_leave
from averting.reporting.release import new_release, seal

READING = "reading the data"


@dataclass(frozen=True)
class _Source:
    path: Path
    source: str
    level: str
    phase: str | None
    frequency: str
    headcount: Path | None


@dataclass(frozen=True)
class BoardSettings:
    """What a board's file says; see docs/outcomes-board.md for its keys."""

    title: str
    local: str
    measures: tuple[str, ...]
    note: str
    neighbours: Path | None
    alike: tuple[str, ...]
    leave_out: tuple[str, ...]
    last: int
    rules: str
    level: float
    sources: tuple[_Source, ...]
    own: tuple[Path, ...]
    credit: str


def read_board(path: str | Path) -> BoardSettings:
    """Read a board's file.

    Raises
    ------
    EvaluationError
        Listing every key that is missing, unknown or cannot be read.
    """
    path = Path(path)
    faults: list[Fault] = []
    top = open_table(path, faults, advice="Name a board's file.")
    measures, note = _measures(top)
    neighbours = top.take("neighbours", str, None)
    made = BoardSettings(
        title=top.take("title", str),
        local=top.take("local", str, help="Give the area's code or name, as the data have it."),
        measures=measures,
        note=note,
        neighbours=None if neighbours is None else path.parent / neighbours,
        alike=top.texts("alike", []),
        leave_out=top.texts("leave_out", list(closures())),
        last=top.take("last", int, LAST),
        rules=top.take("rules", str, "under_five"),
        level=top.take("level", float, 0.95),
        sources=tuple(_source(table, path.parent) for table in top.tables("data")),
        own=tuple(path.parent / one for one in top.texts("own", [])),
        credit=top.take("source", str, help="Say where the numbers come from; it is printed with them."),
    )
    top.done()
    if not (made.sources or made.own):
        faults.append(Fault(path.name, "there are no data", "Write [[data]], or own = [...]"))
    refuse(EvaluationError, f"{path.name} cannot be used", faults)
    return made


def _measures(top: TomlTable) -> tuple[tuple[str, ...], str]:
    """Return the measures asked for: a ready set, the whole framework, or a list."""
    sets = outcome_sets()
    chosen = top.choice("set", (*sets, "framework", "listed"), "listed")
    listed = top.texts("measures", [])
    if chosen in sets:
        return tuple(
            dict.fromkeys([*sets[chosen].measures, *listed])
        ), f"{sets[chosen].note} Source: {sets[chosen].source}."
    if chosen == "framework":
        return tuple(
            key for keys in framework().values() for key in keys
        ), "The common outcomes framework, every level."
    for key in listed:
        if key not in load_indicators():
            top.fault("measures", f"'{key}' is not declared", f"Use: {', '.join(load_indicators())}.")
    if not listed:
        top.fault("measures", "no measure is named", f"Name some, or set = one of {', '.join(sets)}, framework.")
    return listed, ""


def _source(table: TomlTable, folder: Path) -> _Source:
    made = _Source(
        folder / table.take("path", str),
        table.take("source", str, "dfe_exclusions"),
        table.choice("level", ("school", "local authority"), "local authority"),
        table.take("phase", str, None),
        table.choice("frequency", FREQUENCIES, "year"),
        table.path("headcount", folder, None),
    )
    table.done()
    return made


def board_of(settings: BoardSettings) -> Board:
    """Read a board's data and make its tables."""
    parts: list[pd.DataFrame] = []
    local, names = settings.local, {settings.local}
    for one in settings.sources:
        panel = read_panel(
            one.path,
            source=one.source,
            level=one.level,
            phase=one.phase,
            frequency=one.frequency,
            headcount=one.headcount,
        )
        called = dict(zip(map(str, panel.data["name"].to_numpy()), panel.schools, strict=True))
        called |= {name.casefold(): code for name, code in called.items()}
        local = called.get(settings.local, called.get(settings.local.casefold(), local))
        parts.append(from_panel(panel, settings.measures))
    names |= {local}
    parts += [read_own(path, local=local) for path in settings.own]
    series = pd.concat([part for part in parts if len(part)], ignore_index=True)
    series["area"] = series["area"].where(~series["area"].isin(names), local)
    alike = settings.alike or _alike(settings, local)
    return make_board(
        series,
        local=local,
        measures=settings.measures,
        neighbours=alike,
        leave_out=settings.leave_out,
        last=settings.last,
        rules=settings.rules,
        level=settings.level,
    )


def _alike(settings: BoardSettings, local: str) -> tuple[str, ...]:
    if settings.neighbours is None:
        return ()
    found: Neighbours = read_neighbours(settings.neighbours)
    code = found.code_of(local) or found.code_of(settings.local)
    if code is None:
        raise EvaluationError(
            f"{settings.neighbours.name} has no '{settings.local}'. Name the area as it does, or give alike = [...]."
        )
    return found.ranked.get(code, ())


def outcomes_board(
    path: str | Path,
    folder: str | Path,
    *,
    page: bool = True,
    progress: Progress = silent,
) -> tuple[Path, ...]:
    """Make an outcomes board: tables, a spreadsheet and a page, small numbers withheld.

    Parameters
    ----------
    path : str or Path
        The board's file.
    folder : str or Path
        Where to write.
    page : bool
        Whether to render ``board.html`` besides (the ``report`` extra).
    progress : callable
        Is told, in words, what is being done.

    Returns
    -------
    tuple of Path
        The spreadsheet, and the page where it is rendered; the page is marked as a draft.

    Raises
    ------
    EvaluationError
        If the file cannot be used.
    """
    settings = read_board(path)
    progress(READING)
    return _write_board(settings, board_of(settings), Path(folder), page=page, draft=True, progress=progress)


def publish_board(path: str | Path, destination: str | Path, *, progress: Progress = silent) -> Path:
    """Write what may leave of a board into a new folder: page, spreadsheet, tables and the record of what was withheld.

    Raises
    ------
    DisclosureError
        If the destination exists.
    EvaluationError
        If the file cannot be used.
    """
    settings, destination = read_board(path), Path(destination)
    progress(READING)
    board = board_of(settings)
    record = may_leave(board_record(board, load_rules(settings.rules)), settings.title, destination)
    with new_release(destination) as public:
        _write_board(settings, board, public, page=True, draft=False, progress=progress)
        seal(public, record, (), groups="outcomes")
    return destination


def _write_board(
    settings: BoardSettings,
    board: Board,
    folder: Path,
    *,
    page: bool,
    draft: bool,
    progress: Progress,
) -> tuple[Path, ...]:
    files = BoardFiles(settings.title, settings.local, settings.note, board)
    made = write_board(files, folder, source=settings.credit)
    if not page:
        return (made,)
    progress(DRAWING)
    return made, draw_board(folder, draft=draft, progress=progress)
