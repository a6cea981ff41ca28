"""Drawing from a posterior: nutpie, PyMC's own sampler, NumPyro's, or a labelled preview."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.effects.estimator import Progress
from averting.errors import EstimationError, MissingExtraError

CHAINS = 4
TUNE = 1_000
SAMPLERS = ("posterior", "pymc", "numpyro", "advi")
"""Inference keys: nutpie; PyMC's own NUTS; NumPyro's, which needs JAX and is no part of the ``bayes`` extra; and a
variational preview that no verdict may rest on. BlackJAX is not among them: 1.7.1 does not take what PyMC 6.4.0 asks of it."""


@dataclass(frozen=True)
class Pace:
    """How a sampler walks.

    Parameters
    ----------
    accept : float
        Share of steps to be accepted; a higher one takes shorter steps, for posteriors with narrow places.
    tune : int
        Steps of tuning.
    thin : int
        Steps for each draw that is kept, for posteriors whose parameters mix slowly though steps are cheap.
    """

    accept: float = 0.8
    tune: int = TUNE
    thin: int = 1


USUAL, CAREFUL, PATIENT = Pace(), Pace(accept=0.97), Pace(accept=0.9, tune=2_000, thin=4)
THOROUGH = Pace(accept=0.995, tune=2_000, thin=4)

FIRST_ATTEMPT = "divergences_of_first_attempt"
"""Attribute of ``sample_stats``: how many transitions diverged before all was drawn again in shorter steps."""


def require_bayes(method: str) -> None:
    """Refuse a Bayesian method, naming the extra, where it is not installed."""
    try:
        import nutpie  # noqa: F401
        import pymc  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("bayes", f"method '{method}'") from error


def require_sampler(sampler: str) -> None:
    """Refuse a sampler that is not installed, by name.

    Raises
    ------
    EstimationError
        Naming the package.
    """
    if sampler == "numpyro" and find_spec(sampler) is None:
        raise EstimationError(
            f"inference '{sampler}' needs the package {sampler}, which is not installed and no part of the extra 'bayes'. "
            f"Install it beside averting (pip install {sampler}), or use inference='posterior', which needs nothing more."
        )


def sample(
    model: Any, *, draws: int, seed: int, sampler: str = "posterior", progress: Progress, pace: Pace = USUAL
) -> xr.DataTree:
    """Draw from the posterior of a PyMC model.

    Parameters
    ----------
    model : pymc.Model
        What to draw from.
    draws : int
        Draws over all chains, rounded up to fill them.
    seed : int
        The same seed gives the same draws on the same versions.
    sampler : str
        One of :data:`SAMPLERS`.
    progress : callable
        Is told what is being done.
    pace : Pace
        How the sampler walks.

    Returns
    -------
    DataTree
        ``posterior`` and, unless a preview, ``sample_stats``, with dims chain and draw, as ArviZ reads them. Where a
        transition diverged and steps can be shorter, all is drawn once again in shorter ones; see :data:`FIRST_ATTEMPT`.

    Raises
    ------
    EstimationError
        If the sampler is not installed.
    """
    from pytensor.configdefaults import config

    require_sampler(sampler)
    each = -(-draws // CHAINS)
    steps = each * pace.thin
    progress(f"compiling and sampling: {CHAINS} chains of {pace.tune:,} + {steps:,} draws ({sampler})")
    # fast-math lets code compiled afresh and code read from the compiler's cache round differently, and the
    # sampler turns one bit into another path: without it the same seed gives the same draws, at no cost measured
    with config.change_flags(numba__fastmath=False):
        if sampler == "advi":
            return _advi(model, each, seed)
        trace = _walk(model, steps, seed, sampler, pace)
        divergent = divergences(trace)
        if divergent and pace.accept < CAREFUL.accept:
            # what every guide says to try first; in panels of few schools one transition in thousands diverges now and then
            progress(f"{divergent} divergent transitions: drawing again in shorter steps")
            trace = _walk(model, steps, seed, sampler, replace(pace, accept=CAREFUL.accept))
            trace["sample_stats"].attrs[FIRST_ATTEMPT] = divergent
    return trace


def divergences(trace: xr.DataTree) -> int:
    """Return how many transitions of a trace diverged."""
    return int(trace["sample_stats"]["diverging"].sum())


def _walk(model: Any, steps: int, seed: int, sampler: str, pace: Pace) -> xr.DataTree:
    if sampler == "posterior":
        return thinned(_nutpie(model, steps, seed, pace), pace.thin)
    return thinned(_pymc(model, steps, seed, pace, sampler), pace.thin)


def thinned(trace: xr.DataTree, thin: int) -> xr.DataTree:
    """Keep every so many-th draw, and the statistics of every step: a divergence between two draws counts."""
    if thin == 1:
        return trace
    kept = trace["posterior"].to_dataset().isel(draw=slice(thin - 1, None, thin))
    return xr.DataTree.from_dict({"posterior": kept, "sample_stats": trace["sample_stats"].to_dataset()})


def _nutpie(model: Any, steps: int, seed: int, pace: Pace) -> xr.DataTree:
    import nutpie

    compiled = nutpie.compile_pymc_model(model)
    trace: xr.DataTree = nutpie.sample(
        compiled,
        draws=steps,
        tune=pace.tune,
        chains=CHAINS,
        cores=2,
        seed=seed,
        target_accept=pace.accept,
        save_warmup=False,
        progress_bar=False,
    )
    return trace


def _pymc(model: Any, steps: int, seed: int, pace: Pace, sampler: str) -> xr.DataTree:
    import pymc as pm

    trace: xr.DataTree = pm.sample(
        steps,
        tune=pace.tune,
        chains=CHAINS,
        cores=1,  # processes of its own would need their own compiled code, and gain little here
        random_seed=seed,
        model=model,
        nuts_sampler=sampler,
        nuts={"target_accept": pace.accept},
        progressbar=False,
        compute_convergence_checks=False,
    )
    return trace


def _advi(model: Any, each: int, seed: int) -> xr.DataTree:
    import pymc as pm

    found = pm.fit(20_000, method="advi", model=model, random_seed=seed, progressbar=False)
    drawn: xr.DataTree = found.sample(each * CHAINS, random_seed=seed)
    return drawn


def flat(posterior: xr.Dataset, name: str) -> NDArray[np.float64]:
    """Return one variable with chains joined, (draw, ...)."""
    values = np.asarray(posterior[name].to_numpy(), dtype=np.float64)
    return values.reshape(-1, *values.shape[2:])
