"""About how long the stages of an evaluation take, for who waits for a first run."""

from __future__ import annotations

from pathlib import Path

from averting.errors import AvertingError
from averting.evaluation import sequence
from averting.evaluation.model_stage import comparable
from averting.evaluation.settings import load_evaluation
from averting.resources import analyses_dir

SIMULATING, RENDERING = "simulating three pilot schools and forty comparison schools", "rendering the reports"
_SECONDS = {
    sequence.READING: 2.5,
    sequence.DESCRIBING: 2.5,
    sequence.COMPARING: 0.5,
    sequence.QUESTIONING: 5.0,
    sequence.GUARDING: 0.5,
    sequence.PREDICTING: 3.0,
    sequence.VALUING: 4.5,
}
"""As the demonstration took in November 2026 on one of two shared cores; what is done so far says how a machine compares."""
_ESTIMATE = {True: 35.0, False: 2.0}
"""The same of one estimate, by whether it is Bayesian."""


def usual_seconds(folder: str | Path) -> dict[str, float]:
    """Return about how long each stage of an evaluation takes, in order, by the words that tell of it.

    Parameters
    ----------
    folder : str or Path
        The evaluation's folder; one that cannot be read has no forecast, for the run itself says what is wrong.
    """
    try:
        evaluation = load_evaluation(folder)
    except (AvertingError, OSError):
        return {}
    found = {words: _SECONDS[words] for words in (sequence.READING, sequence.DESCRIBING, sequence.COMPARING)}
    for one in evaluation.estimates:
        words = sequence.estimating(one)
        found[words] = found.get(words, 0.0) + _ESTIMATE[sequence.is_bayesian(one)]
    later = [sequence.QUESTIONING, sequence.GUARDING]
    later += [sequence.PREDICTING] * bool(comparable(evaluation.estimates))
    later += [sequence.VALUING] * bool(evaluation.costs and evaluation.appraisal)
    return {**found, **{words: _SECONDS[words] for words in later}}


def demo_seconds() -> dict[str, float]:
    """Return the same for the demonstration, from its data to its reports."""
    return {SIMULATING: 1.0, **usual_seconds(analyses_dir() / "demo"), RENDERING: 25.0}
