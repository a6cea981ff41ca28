"""What may leave of a file on delivery, moves, areas, cohorts or outcomes: the same gate as for an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from averting.effects.estimator import Progress, silent
from averting.errors import DisclosureError
from averting.evaluation.areas import areas_together
from averting.evaluation.delivery import what_was_delivered
from averting.evaluation.equity import effects_by_cohort
from averting.evaluation.moves import where_pupils_went
from averting.evaluation.outcomes import publish_board
from averting.reporting.findings import Findings, earlier_counts, publish_findings
from averting.reporting.publish import WITHHOLDING

KINDS = ("delivery", "moves", "areas", "equity", "outcomes")
"""Commands whose files can be published."""


def publish_file(
    path: str | Path,
    destination: str | Path,
    *,
    kind: str,
    rules: str = "under_five",
    previous: Sequence[str | Path] = (),
    progress: Progress = silent,
) -> Path:
    """Write what may leave of a command's file into a new folder: page, tables and the record of what was withheld.

    Parameters
    ----------
    path : str or Path
        The file that the command reads.
    destination, previous, progress
        As for :func:`averting.reporting.publish.publish`; ``previous`` are releases of the same file.
    kind : {"delivery", "moves", "areas", "equity", "outcomes"}
        The command.
    rules : str
        Rule set, for areas; the other files name their own.

    Returns
    -------
    Path
        The destination.

    Raises
    ------
    DisclosureError
        If the kind is not known, or for a reason that :func:`averting.reporting.publish.publish` has.
    """
    if kind not in KINDS:
        raise DisclosureError(
            f"'{kind}' is no kind of file that can be published. Say which command reads {path}: --of {', '.join(KINDS)}."
        )
    if kind in ("areas", "outcomes") and previous:
        raise DisclosureError(f"Earlier releases of {kind} cannot be taken into account: leave --previous out.")
    if kind == "outcomes":
        return publish_board(path, destination, progress=progress)
    progress(WITHHOLDING)
    return publish_findings(_findings(path, kind, rules, previous), destination, progress=progress)


def _findings(path: str | Path, kind: str, rules: str, previous: Sequence[str | Path]) -> Findings:
    if kind == "areas":
        return areas_together(path, rules=rules)
    makers = {"delivery": what_was_delivered, "moves": where_pupils_went, "equity": effects_by_cohort}
    return makers[kind](path, previous=earlier_counts(kind, previous))
