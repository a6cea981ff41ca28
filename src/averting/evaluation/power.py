"""What an evaluation could find, asked before its pilot has begun."""

from __future__ import annotations

from pathlib import Path

from averting.design import choose_comparison
from averting.effects.power import DeclaredNoise, PanelNoise, Power, simulate_power
from averting.errors import EvaluationError, Fault, refuse
from averting.evaluation.settings import Evaluation, load_evaluation
from averting.evaluation.stages import build_panel, leave_out
from averting.parallel import Advance, no_advance

_PILOTS, _YEARS = 3, 3


def planned_noise(evaluation: Evaluation) -> PanelNoise:
    """Take the noise from an evaluation's data before its earliest start; later years may be absent.

    Raises
    ------
    EvaluationError
        If a pilot is not in the data, or no period precedes the start.
    """
    panel, excluded = leave_out(evaluation, build_panel(evaluation).panel)
    settings = evaluation.design
    named = settings.pilots
    pilots = panel.ids(named)
    starts = tuple(named.values()) if isinstance(named, dict) else (settings.start,)
    start = min(first for first in starts if first is not None)
    past = tuple(period for period in panel.periods if period < start and period not in excluded)
    faults = [
        Fault(
            f"pilot {pilot}", "this school is not in the data", "Check for a new URN after conversion or merger."
        )
        for pilot in pilots
        if pilot not in panel.schools
    ]
    if not past:
        span = f"The data run from {panel.periods[0]} to {panel.periods[-1]}."
        faults.append(Fault("start", f"no period before {start} is in the data", span))
    refuse(EvaluationError, "Power cannot be found from these data", faults)
    known = panel.select(periods=past)
    chosen, _ = choose_comparison(known, pilots, settings.comparison, periods=past, before=past)
    if len(set(chosen.values())) > 1:
        raise EvaluationError(
            "The comparison rule weights schools, and power is found from sets of schools that are alike. Ask for it "
            'with a rule that does not, such as rule = "nearest".'
        )
    indicator = evaluation.primary.indicator
    return PanelNoise.from_panel(known, indicator, pilots=pilots, comparison=tuple(chosen), periods=past)


def power(
    folder: str | Path | None = None,
    *,
    declared: DeclaredNoise | None = None,
    data: Path | None = None,
    pilots: int | None = None,
    years_after: int | None = None,
    trials: int = 1_000,
    level: float | None = None,
    seed: int | None = None,
    workers: int | None = 1,
    cluster: str | None = None,
    advance: Advance = no_advance,
) -> Power:
    """Find what a design could find, from an evaluation's data before the start or from declared schools.

    Parameters
    ----------
    folder : str or Path, optional
        With an ``evaluation.toml`` that names the pilots and the start: its primary estimate's indicator is used;
        pilots with starts of their own are taken to start together.
    declared : DeclaredNoise, optional
        Schools as declared, where there is no folder.
    data : Path, optional
        Read the data from here instead of from the path in ``evaluation.toml``.
    pilots, years_after : int, optional
        From one to this many. By default the pilots named (3 without a folder), and three years, or half of the
        years before the start if they are fewer than six.
    level, seed : optional
        By default the primary estimate's level and the evaluation's seed, or 0.95 and 1.
    trials, workers, cluster, advance
        As in :func:`averting.effects.power.simulate_power`.

    Raises
    ------
    AvertingError
        If the evaluation, its data or an option does not allow it.
    """
    noise: PanelNoise | DeclaredNoise
    if folder is not None and declared is None:
        evaluation = load_evaluation(folder)
        noise = planned_noise(evaluation if data is None else evaluation.with_data(data))
        most, longest = noise.pilots, max(1, min(_YEARS, noise.lower.shape[1] // 2))
        usual_level, usual_seed = evaluation.primary.level, evaluation.seed
    elif declared is not None and folder is None and data is None:
        noise, most, longest, usual_level, usual_seed = declared, _PILOTS, _YEARS, 0.95, 1
    else:
        raise EvaluationError(
            "power needs either an evaluation's folder, whose data say how schools vary, or declared schools: "
            "averting power my-pilot; averting power --pilots 3 --comparison 40 --mean 1.7. Not both."
        )
    return simulate_power(
        noise,
        pilots=range(1, (most if pilots is None else pilots) + 1),
        years_after=range(1, (longest if years_after is None else years_after) + 1),
        level=usual_level if level is None else level,
        trials=trials,
        seed=usual_seed if seed is None else seed,
        workers=workers,
        cluster=cluster,
        advance=advance,
    )
