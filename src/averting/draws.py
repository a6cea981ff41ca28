"""Random draws: one named stream per quantity, and one joint index for all of them.

Each stream is seeded by (seed, key), so that adding a parameter never moves another's draws, and scenarios
that share a parameter share its draws (common random numbers).
"""

from __future__ import annotations

import hashlib

import numpy as np
import xarray as xr
from numpy.typing import NDArray


def stream(seed: int, key: str) -> np.random.Generator:
    """Return the random generator that belongs to one key.

    Parameters
    ----------
    seed : int
        The evaluation's seed, 0 or more.
    key : str
        Name of the quantity, for example ``costs/ap_top_up``.
    """
    words = np.frombuffer(hashlib.sha256(key.encode()).digest()[:16], dtype=np.uint32)
    return np.random.default_rng(np.random.SeedSequence([seed, *words.tolist()]))


def spread_of(draws: NDArray[np.float64], level: float) -> dict[str, float]:
    """Return median and equal-tailed interval of draws, as columns of a table."""
    tail = (1 - level) / 2
    lower, middle, upper = np.quantile(draws, [tail, 0.5, 1 - tail])
    return {"median": float(middle), "lower": float(lower), "upper": float(upper)}


def resample(array: xr.DataArray, n: int, *, seed: int, key: str) -> xr.DataArray:
    """Bring an array to exactly ``n`` draws.

    Where there are enough draws they are thinned evenly after a shuffle; where there are too few, whole copies
    are used before any draw is repeated once more, so that no draw weighs much more than another.

    Parameters
    ----------
    array : DataArray, dims (draw, ...)
        Draws whose order carries no meaning.
    n : int
        Number wanted.
    seed, key : int, str
        Name the stream that shuffles.

    Returns
    -------
    DataArray, dims (draw, ...), draw = 0..n-1
    """
    have = array.sizes["draw"]
    order = stream(seed, key).permutation(have)
    index = np.resize(order, n)
    return array.isel(draw=index).assign_coords(draw=np.arange(n))
