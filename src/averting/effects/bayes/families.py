"""Distributions of one count around its expectation: as PyMC distributions for fitting, in NumPy for drawing.

``mean`` is the expected count, ``size`` the inverse of the dispersion, ``trials`` the exposure, for counts that
cannot exceed it. All broadcast. A family leaves aside what it has no use for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, gammaln

Array = NDArray[np.float64]
_LEAST = 1e-12


class Family(Protocol):
    """Distribution of a count."""

    @property
    def words(self) -> str:
        """Name for reports."""
        ...

    @property
    def bounded(self) -> bool:
        """Whether a count cannot exceed its exposure."""
        ...

    def centre(self, log_rate: float) -> float:
        """Return the linear predictor of a rate given by its log."""
        ...

    def scale(self, linear: Array) -> Array:
        """Return the rate for a linear predictor."""
        ...

    def scale_tensor(self, linear: Any) -> Any:
        """Return the rate for a linear predictor, as a tensor."""
        ...

    def dist(self, mean: Any, size: Any, trials: Any) -> Any:
        """Return the PyMC distribution."""
        ...

    def log_pmf(self, k: Array, mean: Array, size: Array, trials: Array) -> Array:
        """Return the log probability of counts ``k``."""
        ...

    def draw(self, mean: Array, size: Array, trials: Array, rng: np.random.Generator) -> Array:
        """Draw counts."""
        ...


class _LogLink:
    @property
    def bounded(self) -> bool:
        return False

    def centre(self, log_rate: float) -> float:
        return log_rate

    def scale(self, linear: Array) -> Array:
        return np.asarray(np.exp(linear))

    def scale_tensor(self, linear: Any) -> Any:
        import pytensor.tensor as pt

        return pt.exp(linear)


@dataclass(frozen=True)
class NegativeBinomial(_LogLink):
    """Counts of events: the variance is ``mean + mean**2 / size``."""

    words: str = "negative binomial"

    def dist(self, mean: Any, size: Any, trials: Any) -> Any:
        """Return the PyMC distribution."""
        import pymc as pm

        return pm.NegativeBinomial.dist(mu=mean, alpha=size)

    def log_pmf(self, k: Array, mean: Array, size: Array, trials: Array) -> Array:
        """Return the log probability of counts ``k``."""
        share = np.log(size / (size + mean))
        return np.asarray(
            gammaln(k + size) - gammaln(size) - gammaln(k + 1) + size * share + k * np.log(mean / (size + mean))
        )

    def draw(self, mean: Array, size: Array, trials: Array, rng: np.random.Generator) -> Array:
        """Draw counts."""
        return np.asarray(
            rng.poisson(rng.gamma(np.broadcast_to(size, mean.shape), np.maximum(mean, _LEAST) / size))
        )


@dataclass(frozen=True)
class BetaBinomial:
    """Counts out of a known number: the share of each cell is beta with ``size`` as the sum of its parameters."""

    words: str = "beta-binomial"

    @property
    def bounded(self) -> bool:
        """Whether a count cannot exceed its exposure: it cannot."""
        return True

    def centre(self, log_rate: float) -> float:
        """Return the log odds of a share given by its log."""
        share = min(float(np.exp(log_rate)), 1 - 1e-6)
        return float(np.log(share) - np.log1p(-share))

    def scale(self, linear: Array) -> Array:
        """Return the share for log odds."""
        return np.asarray(expit(linear))

    def scale_tensor(self, linear: Any) -> Any:
        """Return the share for log odds, as a tensor."""
        import pytensor.tensor as pt

        return pt.sigmoid(linear)

    def dist(self, mean: Any, size: Any, trials: Any) -> Any:
        """Return the PyMC distribution."""
        import pymc as pm

        share = mean / trials
        return pm.BetaBinomial.dist(alpha=share * size, beta=(1.0 - share) * size, n=trials)

    def log_pmf(self, k: Array, mean: Array, size: Array, trials: Array) -> Array:
        """Return the log probability of counts ``k``."""
        first, second = mean / trials * size, (1.0 - mean / trials) * size
        ways = gammaln(trials + 1) - gammaln(k + 1) - gammaln(trials - k + 1)
        return np.asarray(ways + betaln(k + first, trials - k + second) - betaln(first, second))

    def draw(self, mean: Array, size: Array, trials: Array, rng: np.random.Generator) -> Array:
        """Draw counts."""
        whole = np.broadcast_to(np.rint(trials), mean.shape)
        share = np.clip(mean / np.maximum(whole, 1.0), _LEAST, 1 - _LEAST)
        drawn = rng.beta(np.maximum(share * size, _LEAST), np.maximum((1.0 - share) * size, _LEAST))
        return np.asarray(rng.binomial(whole.astype(np.int64), np.clip(drawn, 0.0, 1.0)), dtype=np.float64)


NEGATIVE_BINOMIAL, BETA_BINOMIAL = NegativeBinomial(), BetaBinomial()
