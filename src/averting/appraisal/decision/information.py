"""What better evidence is worth: on groups of parameters (EVPPI), from a study (EVSI), and net of its cost (ENBS)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.appraisal.decision.choices import Benefit, evpi
from averting.appraisal.decision.envelope import stretches
from averting.appraisal.decision.net_benefit import DIMS, NetBenefit
from averting.appraisal.decision.regression import fitted
from averting.costs import factors
from averting.draws import stream
from averting.errors import EvaluationError, Fault, refuse

type Array = NDArray[np.float64]

_BINS = 8_192
"""One input's fits are averaged in so many bins of neighbours, where there are more than twice as many draws."""
_ERROR_DRAWS = 10_000
"""A standard error needs no more draws than this to be known to a per cent or two."""


def evppi(
    net_benefit: Benefit, inputs: xr.Dataset, *, groups: Mapping[str, Sequence[str]] | None = None
) -> xr.Dataset:
    """Return the expected value of perfect information on groups of parameters [strong_2014]_.

    Net benefit of each scenario is regressed on a group's draws by penalised splines, of each parameter and of
    every pair; the average of the highest fitted value is what choosing with knowledge of the group would bring.
    Effects and costs are regressed once, whatever the number of thresholds.

    Parameters
    ----------
    net_benefit : NetBenefit, or DataArray with dims (draw, scenario)
        Net benefit.
    inputs : Dataset, dims (draw,)
        Draws of parameters, on the same draws as net benefit.
    groups : mapping of str to sequence of str, optional
        Names of inputs to be known together, by the name of the group; each input alone by default.

    Returns
    -------
    Dataset, dims (group[, threshold])
        ``evppi``; ``mcse``, its Monte Carlo standard error, from the variance over draws of what the choice made
        with the knowledge gains; ``evpi``; and ``adjusted``, by how much the regression's value was moved so that
        no group is worth less than a group inside it, or more than knowing everything.

    Raises
    ------
    EvaluationError
        For inputs on other draws, with missing values, or that are not there, or a group without inputs.

    Notes
    -----
    A spline is smooth: worth that hangs on a jump, or on how three or more parameters act together beyond pairs,
    is found in part only.

    References
    ----------
    .. [strong_2014] Strong, Oakley & Brennan (2014), Medical Decision Making 34: 311-326.
    """
    lines = _lines(net_benefit)
    wanted = _groups(lines, inputs, groups)
    most = evpi(lines).to_numpy()
    values, errors = np.empty((2, len(wanted), len(lines.thresholds)))
    for row, members in enumerate(wanted.values()):
        known = np.stack([inputs[name].to_numpy() for name in members], axis=1).astype(np.float64)
        values[row], errors[row] = _worth(lines, known)
    nested = _nested(values, [frozenset(members) for members in wanted.values()], most)
    coords = {"group": list(wanted), "threshold": lines.thresholds}
    made = xr.Dataset(
        {
            "evppi": (("group", "threshold"), nested),
            "mcse": (("group", "threshold"), errors),
            "adjusted": (("group", "threshold"), nested - values),
            "evpi": ("threshold", most),
        },
        coords=coords,
    )
    return made if isinstance(net_benefit, NetBenefit) else made.isel(threshold=0, drop=True)


def _lines(net_benefit: Benefit) -> NetBenefit:
    if isinstance(net_benefit, NetBenefit):
        return net_benefit
    if set(net_benefit.dims) != set(DIMS):
        raise EvaluationError(
            f"net_benefit has dims {tuple(map(str, net_benefit.dims))}. Give (draw, scenario), or the lines that "
            "averting.decision.net_benefit makes."
        )
    return NetBenefit(xr.zeros_like(net_benefit, dtype=np.float64), -net_benefit, np.zeros(1))


def _groups(
    lines: NetBenefit, inputs: xr.Dataset, groups: Mapping[str, Sequence[str]] | None
) -> dict[str, tuple[str, ...]]:
    """Return the groups asked for, once everything about them is known to be right."""
    asked = {str(name): (str(name),) for name in inputs.data_vars} if groups is None else groups
    wanted = {name: tuple(members) for name, members in asked.items()}
    faults = [
        Fault(f"group '{name}'", "it has no inputs", "Name at least one.") for name in wanted if not wanted[name]
    ]
    used = dict.fromkeys(member for members in wanted.values() for member in members)
    for name in used:
        if name not in inputs:
            faults.append(Fault(f"input '{name}'", "it is not there", f"Known: {', '.join(map(str, inputs))}."))
        elif inputs[name].dims != ("draw",) or not np.isfinite(inputs[name].to_numpy()).all():
            faults.append(Fault(f"input '{name}'", "it is not one finite number a draw", "Give dims (draw,)."))
    if not used:
        faults.append(Fault("groups", "there are none", "Name at least one input."))
    elif "draw" not in inputs.coords or not np.array_equal(
        inputs["draw"].to_numpy(), lines.effect["draw"].to_numpy()
    ):
        faults.append(Fault("inputs", "their draws are not those of net benefit", "Use the same joint draws."))
    refuse(EvaluationError, "The worth of information cannot be found", faults)
    return wanted


def _worth(lines: NetBenefit, known: Array) -> tuple[Array, Array]:
    """Worth of knowing some inputs, and its standard error, at each threshold."""
    effect, cost = (array.to_numpy() - array.to_numpy()[:, :1] for array in (lines.effect, lines.cost))
    count, grid = effect.shape[1], lines.thresholds
    smooth = fitted(known, np.hstack([effect[:, 1:], cost[:, 1:]]))
    first = np.zeros((len(effect), 1))
    gain, price = np.hstack([first, smooth[:, : count - 1]]), np.hstack([first, smooth[:, count - 1 :]])
    uninformed = grid[:, None] * effect.mean(axis=0) - cost.mean(axis=0)
    informed = _informed(known, gain, price, grid)
    some = np.linspace(0, len(effect) - 1, min(len(effect), _ERROR_DRAWS)).astype(np.intp)
    fits, outcomes = (gain[some], price[some]), (effect[some], cost[some])
    error = _spread_of_gain(fits, outcomes, uninformed.argmax(axis=1), grid) / np.sqrt(len(effect))
    return informed - uninformed.max(axis=1), error


def _informed(known: Array, gain: Array, price: Array, grid: Array) -> Array:
    """Mean over draws of the highest fitted net benefit, at each threshold."""
    weight = np.ones(len(gain))
    if known.shape[1] == 1 and len(gain) > 2 * _BINS:
        # fits of one input hardly differ between neighbours, and only where the choice turns does it matter
        order = np.argsort(known[:, 0])
        edges = np.linspace(0, len(gain), _BINS + 1).astype(np.intp)[:-1]
        weight = np.diff(np.append(edges, len(gain))).astype(np.float64)
        gain, price = (np.add.reduceat(fit[order], edges) / weight[:, None] for fit in (gain, price))
    found = stretches(gain, price, grid)
    at = (found.draw, found.line)
    total = grid * found.total(weight[found.draw] * gain[at]) - found.total(weight[found.draw] * price[at])
    return np.asarray(total / weight.sum(), dtype=np.float64)


def _spread_of_gain(
    fits: tuple[Array, Array], outcomes: tuple[Array, Array], chosen: NDArray[np.intp], grid: Array
) -> Array:
    """Return the standard deviation of what choosing by the fits gains on choosing without.

    The gain is in net benefit itself, not in its fit, so that its variance holds the regression's error as well.
    """
    effect, cost = outcomes
    found = stretches(*fits, grid)
    at = (found.draw, found.line)
    spread = np.empty(len(grid))
    for reference in np.unique(chosen):
        more, dearer = effect[at] - effect[found.draw, reference], cost[at] - cost[found.draw, reference]
        moments = [found.total(w) / len(effect) for w in (more, dearer, more**2, more * dearer, dearer**2)]
        mean, square = _mean_and_square(moments, grid)
        spread = np.where(chosen == reference, np.sqrt(np.maximum(square - mean**2, 0)), spread)
    return spread


def _mean_and_square(moments: Sequence[Array], grid: Array) -> tuple[Array, Array]:
    more, dearer, more_square, both, dearer_square = moments
    return grid * more - dearer, grid**2 * more_square - 2 * grid * both + dearer_square


def _nested(values: Array, members: Sequence[frozenset[str]], most: Array) -> Array:
    """Raise a group's worth to that of any group inside it, and lower it to that of knowing everything."""
    nested: Array = np.clip(values, 0, most)
    for row in sorted(range(len(members)), key=lambda row: len(members[row])):
        inside = [other for other in range(len(members)) if members[other] < members[row]]
        nested[row] = np.max(nested[[row, *inside]], axis=0)
    return nested


def study_error(truth: xr.DataArray, *, have: float, add: float) -> float:
    """Return the standard error a further study of the same kind would have.

    Taken from how uncertain the pilot left the effect: error falls with the root of the amount of data, so a study
    of ``add`` has ``sqrt(have / add)`` times the standard deviation of the draws.

    Parameters
    ----------
    truth : DataArray, dims (draw,)
        Draws of the effect from the pilot, on the scale on which the study measures it, for example averted a year.
    have, add : float
        Amounts of data, in the same unit: years of the same schools, or schools over the same years.

    Raises
    ------
    EvaluationError
        For amounts that are not above zero.

    Notes
    -----
    It assumes a flat prior, independent years, and that new schools respond as the old ones. Shocks that a year's
    schools share make one more year tell less than this, so what follows is an upper limit.
    """
    if not (have > 0 and add > 0):
        raise EvaluationError(f"have is {have} and add is {add}. Both must be above zero, in the same unit.")
    return float(truth.std()) * float(np.sqrt(have / add))


def evsi(net_benefit: Benefit, truth: xr.DataArray, *, studies: Mapping[str, float], seed: int = 1) -> xr.Dataset:
    """Return the expected value of sample information of studies that measure one quantity with error [strong_2015]_.

    In each draw the study's result is simulated, the draw's truth plus a normal error, and net benefit is regressed
    on it: what could be decided from the result, averaged over the results that may come.

    Parameters
    ----------
    net_benefit : NetBenefit, or DataArray with dims (draw, scenario)
        Net benefit.
    truth : DataArray, dims (draw,)
        What the study measures, for example exclusions averted a year.
    studies : mapping of str to float
        Standard error of each study, in units of ``truth``; see :func:`study_error`.
    seed : int
        Seed of the errors, which all studies share.

    Returns
    -------
    Dataset, dims (study[, threshold])
        ``evsi``, ``mcse`` as in :func:`evppi`, and ``evppi``, the worth of a study without error, which limits it.

    Raises
    ------
    EvaluationError
        For draws that differ, no study, or an error that is not above zero.

    References
    ----------
    .. [strong_2015] Strong, Oakley, Brennan & Breeze (2015), Medical Decision Making 35: 570-583.
    """
    wrong = [
        Fault(f"study '{name}'", f"its error is {error}", "It must be a number above zero.")
        for name, error in studies.items()
        if not (np.isfinite(error) and error > 0)
    ]
    if not studies:
        wrong.append(Fault("studies", "there are none", "Name at least one, with its standard error."))
    refuse(EvaluationError, "The worth of a study cannot be found", wrong)
    noise = stream(seed, "decision/study").standard_normal(truth.sizes.get("draw", 1))
    results = {f"study {name}": truth + error * noise for name, error in studies.items()}
    made = evppi(net_benefit, xr.Dataset({**results, "truth": truth}))
    limit = made["evppi"].sel(group="truth", drop=True)
    found = made.sel(group=list(results)).rename(group="study").assign_coords(study=list(studies))
    worth = found["evppi"].where(found["evppi"] < limit, limit)
    return xr.Dataset({"evsi": worth, "mcse": found["mcse"], "evppi": limit})


def population(*, a_year: float, years: int, edition: str = "2026", begin: int = 0) -> float:
    """Return how many times a decision counts: so many a year, over a horizon, discounted.

    Parameters
    ----------
    a_year : float
        Times a year, for example groups of three schools that could take the programme up.
    years : int
        Years for which the decision matters.
    edition : str
        Edition of the Green Book whose schedule discounts them.
    begin : int
        Years from now to the first, for example while the study runs.

    Raises
    ------
    EvaluationError
        For negative numbers or no years.
    """
    if a_year < 0 or years < 1 or begin < 0:
        raise EvaluationError(
            f"{a_year} a year over {years} years from year {begin}: use zero or more, and a year."
        )
    return a_year * float(factors(np.arange(begin, begin + years), edition=edition).sum())


def enbs(worth: xr.DataArray, *, times: float, study_cost: float) -> xr.DataArray:
    """Return the expected net benefit of sampling: what a study is worth, less what it costs.

    Parameters
    ----------
    worth : DataArray, units GBP
        Worth of the study for one decision, from :func:`evsi`.
    times : float
        How many times the decision counts, from :func:`population`.
    study_cost : float
        Cost of the study in pounds of the same price year and base year.

    Returns
    -------
    DataArray, same dims
        Above zero: the study is worth its cost.

    Raises
    ------
    EvaluationError
        For a negative cost or number of times.
    """
    if times < 0 or study_cost < 0:
        raise EvaluationError(f"times is {times} and study_cost is {study_cost}. Both must be zero or more.")
    return worth * times - study_cost
