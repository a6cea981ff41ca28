"""The stages of an evaluation in their order: what each is called, what it does in words, and what writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from averting.design import Design
from averting.effects import DEFAULT_METHOD, Effect, known_estimators
from averting.effects.estimator import Progress, silent
from averting.evaluation import check_stages, stages
from averting.evaluation.estimate_settings import EstimateSettings
from averting.evaluation.model_stage import comparable, write_models
from averting.parallel import Workers

if TYPE_CHECKING:
    from averting.evaluation.runner import Checked

_SECONDS = {
    True: 60.0,
    False: 2.0,
}  # a usual estimate's time, by whether it is Bayesian: decides on processes only
READING = "reading and checking the data"
DESCRIBING, COMPARING = "describing the data", "comparing pilots with comparison schools"
QUESTIONING, GUARDING = "finding what would change the answer", "looking at where exclusions can move to"
PREDICTING = "comparing Bayesian models by how well they predict single counts"
VALUING = "valuing what was averted"
_THREADS = {True: 2, False: 1}  # chains of one fit run beside each other


@dataclass(frozen=True)
class Stage:
    """One folder of the results.

    Parameters
    ----------
    name : str
        Its path below the results.
    doing : str
        What is being done, for who waits.
    write : callable
        Fills the empty folder.
    """

    name: str
    doing: str
    write: Callable[[Path], None]


def in_order(
    checked: Checked,
    *,
    kept: Callable[[str], bool],
    estimated: Callable[[str], Effect],
    workers: Workers,
    progress: Progress,
) -> Iterator[Stage]:
    """Yield every stage, each when those before it are written.

    Parameters
    ----------
    checked : Checked
        The evaluation and its designs.
    kept : callable
        Says of a stage's name whether it need not be written again.
    estimated : callable
        Loads an estimate that is written, by its id.
    workers : Workers
        Where estimates and specifications are made.
    progress : callable
        Is told of what takes long within a stage.
    """
    yield from _described(checked)
    waiting = [one for one in checked.evaluation.estimates if not kept(f"estimates/{one.id}")]
    yield from (_estimate(checked, one, progress) for one in checked.evaluation.estimates if one not in waiting)
    yield from _estimates(checked, waiting, workers, progress)
    yield from _held_against(checked, estimated, workers, progress)
    yield from _compared(checked, estimated)
    yield from _valued(checked, estimated)


def _described(checked: Checked) -> Iterator[Stage]:
    panel, design, events = checked.design.panel, checked.design, checked.evaluation.events
    yield Stage("data", DESCRIBING, lambda at: stages.write_data(at, panel, checked.succession))
    yield Stage("design", COMPARING, lambda at: stages.write_design(at, design, events))


def _estimates(
    checked: Checked, waiting: Sequence[EstimateSettings], workers: Workers, progress: Progress
) -> Iterator[Stage]:
    """Yield estimates as they are made: one after the other, or as workers return them."""
    bayesian = [is_bayesian(one) for one in waiting]
    seconds = sum(_SECONDS[one] for one in bayesian) / max(1, len(waiting))
    threads = _THREADS[any(bayesian)]
    if workers.count(len(waiting), seconds=seconds, threads=threads) == 1:
        yield from (_estimate(checked, one, progress) for one in waiting)
        return
    evaluation, total = checked.evaluation, len(waiting)
    work = partial(_estimated_files, draws=evaluation.draws, seed=evaluation.seed)
    tasks = [(checked.design_of(one), one) for one in waiting]
    progress(f"estimating {total} effects beside each other")
    for i, files in workers.each(work, tasks, seconds=seconds, threads=threads):
        one = waiting[i]
        yield Stage(f"estimates/{one.id}", f"estimated {one.id} ({one.method})", partial(_write_files, files))


def _method(settings: EstimateSettings) -> str:
    return DEFAULT_METHOD if settings.method == "auto" else settings.method


def _estimate(checked: Checked, settings: EstimateSettings, progress: Progress) -> Stage:
    evaluation = checked.evaluation
    write = partial(
        stages.write_estimate,
        design=checked.design_of(settings),
        settings=settings,
        draws=evaluation.draws,
        seed=evaluation.seed,
        progress=progress,
    )
    return Stage(f"estimates/{settings.id}", estimating(settings), write)


def estimating(settings: EstimateSettings) -> str:
    """Say of an estimate that it is being made."""
    return f"estimating the effect on {settings.indicator} ({settings.method})"


def is_bayesian(settings: EstimateSettings) -> bool:
    """Say whether an estimate is sampled from a posterior, which takes far longer."""
    return bool(known_estimators()[_method(settings)].priors)


def _estimated_files(task: tuple[Design, EstimateSettings], *, draws: int, seed: int) -> dict[str, bytes]:
    """Make one estimate wherever this runs, and return the files of its stage, which another machine cannot write."""
    design, settings = task
    with TemporaryDirectory(prefix="averting-estimate-") as scratch:
        folder = Path(scratch)
        stages.write_estimate(folder, design, settings, draws=draws, seed=seed, progress=silent)
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }


def _write_files(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _held_against(
    checked: Checked, estimated: Callable[[str], Effect], workers: Workers, progress: Progress
) -> Iterator[Stage]:
    """Yield what is held against the primary estimate."""
    evaluation, main = checked.evaluation, checked.evaluation.primary
    yield Stage(
        "diagnostics",
        QUESTIONING,
        lambda at: check_stages.write_diagnostics(
            at,
            evaluation,
            checked.design_of(main),
            estimated(main.id),
            panel=checked.panel,
            unaffected=checked.unaffected,
            progress=progress,
            workers=workers,
        ),
    )
    yield Stage(
        "guardrails",
        GUARDING,
        lambda at: check_stages.write_guardrails(
            at,
            evaluation,
            checked.design_of(main),
            estimated(main.id),
            designs=checked.guardrails,
            progress=progress,
        ),
    )


def _compared(checked: Checked, estimated: Callable[[str], Effect]) -> Iterator[Stage]:
    beside = [key for ids in comparable(checked.evaluation.estimates).values() for key in ids]
    if beside:
        yield Stage(
            "models",
            PREDICTING,
            lambda at: write_models(at, {key: estimated(key) for key in beside}),
        )


def _valued(checked: Checked, estimated: Callable[[str], Effect]) -> Iterator[Stage]:
    evaluation = checked.evaluation
    costs, appraisal = evaluation.costs, evaluation.appraisal
    if costs and appraisal:
        yield Stage(
            "appraisal",
            VALUING,
            lambda at: stages.write_appraisal(
                at, estimated(appraisal.estimate), costs, appraisal, draws=evaluation.draws, seed=evaluation.seed
            ),
        )
