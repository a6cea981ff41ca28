"""Drawing from a posterior: nutpie, PyMC's own sampler, or a labelled preview."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.effects.estimator import Progress
from averting.errors import MissingExtraError

CHAINS = 4
TUNE = 1_000
SAMPLERS = ("posterior", "pymc", "advi")
"""Inference keys: nutpie; PyMC's own NUTS; a variational preview that no verdict may rest on."""


def require_bayes(method: str) -> None:
    """Refuse a Bayesian method, naming the extra, where it is not installed."""
    try:
        import nutpie  # noqa: F401
        import pymc  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("bayes", f"method '{method}'") from error


def sample(
    model: Any, *, draws: int, seed: int, sampler: str = "posterior", progress: Progress, careful: bool = False
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
    careful : bool
        Take shorter steps, for models whose posterior has narrow places.

    Returns
    -------
    DataTree
        ``posterior`` and, unless a preview, ``sample_stats``, with dims chain and draw, as ArviZ reads them.
    """
    from pytensor.configdefaults import config

    each, accept = -(-draws // CHAINS), 0.97 if careful else 0.8
    progress(f"compiling and sampling: {CHAINS} chains of {TUNE:,} + {each:,} draws ({sampler})")
    # fast-math lets code compiled afresh and code read from the compiler's cache round differently, and the
    # sampler turns one bit into another path: without it the same seed gives the same draws, at no cost measured
    with config.change_flags(numba__fastmath=False):
        if sampler == "posterior":
            return _nutpie(model, each, seed, accept)
        return _pymc(model, each, seed, accept) if sampler == "pymc" else _advi(model, each, seed)


def _nutpie(model: Any, each: int, seed: int, accept: float) -> xr.DataTree:
    import nutpie

    compiled = nutpie.compile_pymc_model(model)
    trace: xr.DataTree = nutpie.sample(
        compiled,
        draws=each,
        tune=TUNE,
        chains=CHAINS,
        cores=2,
        seed=seed,
        target_accept=accept,
        save_warmup=False,
        progress_bar=False,
    )
    return trace


def _pymc(model: Any, each: int, seed: int, accept: float) -> xr.DataTree:
    import pymc as pm

    trace: xr.DataTree = pm.sample(
        each,
        tune=TUNE,
        chains=CHAINS,
        cores=1,  # processes of its own would need their own compiled code, and gain little here
        random_seed=seed,
        model=model,
        nuts_sampler="pymc",
        target_accept=accept,
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
