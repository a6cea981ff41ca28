"""What an evaluation that holds together still lacks, and what it would take."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from averting.checks import CheckResult, Status
from averting.costs import load_parameters
from averting.evaluation.settings import FILE, Evaluation

_SHOWN = 4


def readiness(evaluation: Evaluation) -> tuple[CheckResult, ...]:
    """Say what is missing, each with what it would take to have it; empty where nothing is.

    Parameters
    ----------
    evaluation : Evaluation
        As read; its data are not looked at.
    """
    return tuple([*_extras(evaluation), *_words(evaluation), *_money(evaluation)])


def _missing(key: str, status: Status, message: str, guidance: str) -> CheckResult:
    return CheckResult(f"readiness/{key}", status, message, guidance)


def _extras(evaluation: Evaluation) -> Iterator[CheckResult]:
    bayesian = [one.id for one in evaluation.estimates if one.method.startswith("bayes")]
    if bayesian and find_spec("pymc") is None:
        message = f"Missing: what estimates {', '.join(bayesian)} are computed with; averting run will stop there."
        yield _missing("bayes", "warn", message, "It takes: pip install 'averting[bayes]', or leaving them out.")
    if find_spec("nbclient") is None:
        guidance = "It takes: pip install 'averting[report]'. averting run works without."
        yield _missing("report", "info", "Missing: what averting render draws reports with.", guidance)


def _words(evaluation: Evaluation) -> Iterator[CheckResult]:
    if evaluation.title == "My pilot":
        yield _missing("title", "info", "Missing: a title of your own.", f"It takes: title in {FILE}.")
    if not evaluation.data.note.strip():
        message = "Missing: where the data come from, which a reader of the report will ask."
        yield _missing("note", "info", message, f"It takes: one sentence, [data] note in {FILE}.")


def _money(evaluation: Evaluation) -> Iterator[CheckResult]:
    if evaluation.costs is None or evaluation.appraisal is None:
        guidance = f"It takes: [costs] and [appraisal] in {FILE}; averting sources lists what is declared."
        yield _missing(
            "value", "info", "Missing: what an averted exclusion is worth; nothing will be valued.", guidance
        )
        return
    if not evaluation.appraisal.programme:
        message = "Missing: what the programme cost; no benefit-cost ratio can be stated."
        yield _missing(
            "programme", "info", message, f"It takes: one [[programme]] for each year and payer in {FILE}."
        )
    costs = evaluation.costs
    parameters = load_parameters(*costs.families, la=costs.local_authority, own=costs.local_figures).under(
        costs.overrides
    )
    wanted = sorted({key for keys in parameters.asleep.values() for key in keys})
    if wanted:
        named = ", ".join(wanted[:_SHOWN]) + (f" and {len(wanted) - _SHOWN} more" if len(wanted) > _SHOWN else "")
        message = (
            f"Missing: numbers that only you can give ({named}); {len(parameters.asleep)} lines are left out."
        )
        yield _missing(
            "asked", "info", message, "It takes: [costs.override.<number>] with value, reason and source."
        )
