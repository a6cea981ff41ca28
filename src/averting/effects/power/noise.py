"""Where simulated pilots come from: the panel's own past, or declared parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from averting.checks import CheckResult
from averting.data import Panel
from averting.effects.kernels.conditional import Array
from averting.errors import EstimationError

# more would come closer to the pilots, but pick the same few schools again and again
_CANDIDATES = 20
_MOST_COMPARISON = 300
_TABLE = np.linspace(-8.0, 8.0, 4_001)


class Trials(NamedTuple):
    """Pilots that have no effect, many at once; arrays (trial, school, period), pilots first.

    ``counts`` and ``exposure`` are zero where a cell is not known; ``expected`` is what counts would be on average.
    """

    counts: NDArray[np.int64]
    exposure: Array
    expected: Array
    after: NDArray[np.bool_]


@dataclass(frozen=True)
class DeclaredNoise:
    """Schools as declared, without any data.

    A school's expected count is gamma distributed over schools and years: part of its standing lasts, the rest
    drifts as a first-order autoregression (a Gaussian copula joins the years). Counts are Poisson around it, so
    that a school-year's count is negative binomial. The defaults are England's secondary schools: 1.73 permanent
    exclusions a year with size 0.65 in 2016/17 (Timpson Review, 2019), persistence as in DfE's school-level file.

    Parameters
    ----------
    comparison : int
        Comparison schools, at least 2; 40 unless declared.
    mean : float
        Mean count of a comparison school in a year.
    pilot_mean : float, optional
        Mean count of a pilot in a year before the programme; that of comparison schools by default.
    size : float
        Of the negative binomial: variance is mean + mean² / size. Infinite: no difference between schools.
    lasting : float
        Share of a school's standing that never changes, 0 to 1.
    ar : float
        Correlation of the rest from one year to the next, 0 to less than 1.
    years_before : int
        Years before the start.
    hidden : tuple of int, optional
        Counts from the first to the second are suppressed, such as (1, 2).

    Raises
    ------
    EstimationError
        If a parameter is out of its range.
    """

    comparison: int = 40
    mean: float = 1.73
    pilot_mean: float | None = None
    size: float = 0.65
    lasting: float = 0.35
    ar: float = 0.8
    years_before: int = 5
    hidden: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name, value, fine, allowed in (
            ("comparison", self.comparison, self.comparison >= 2, "2 schools or more"),
            ("mean", self.mean, 0 < self.mean < np.inf, "a number above 0"),
            ("pilot_mean", self.pilot_mean, self.pilot_mean is None or 0 < self.pilot_mean < np.inf, "above 0"),
            ("size", self.size, self.size > 0, "a number above 0, or infinity for no differences"),
            ("lasting", self.lasting, 0 <= self.lasting <= 1, "a share from 0 to 1"),
            ("ar", self.ar, 0 <= self.ar < 1, "a correlation from 0 to less than 1"),
            ("years_before", self.years_before, self.years_before >= 1, "1 year or more"),
            (
                "hidden",
                self.hidden,
                _is_interval(self.hidden),
                "two whole numbers, the smaller first, such as 1 2",
            ),
        ):
            if not fine:
                raise EstimationError(f"power: {name} is {value}. Give {allowed}.")

    @property
    def basis(self) -> str:
        """Where the noise comes from, in words."""
        return (
            f"declared: {self.comparison} comparison schools with {self.mean:g} a year (size {self.size:g}), pilots "
            f"with {self.pilot_mean or self.mean:g}, {self.years_before} years before"
        )

    def checks(self, pilots: Sequence[int], years_after: Sequence[int]) -> tuple[CheckResult, ...]:
        """Say what the simulation rests on."""
        longest, most = max(years_after), max(pilots)
        message = (
            f"Schools and years are simulated as declared (pilots: up to {most}, years after: up to {longest}), not "
            "taken from data: trends, shocks and suppression that were not declared are not in them."
        )
        return (CheckResult("power/basis", "info", message, "Use your own panel's past once you have it."),)

    def draw(self, pilots: int, years_after: int, trials: int, rng: np.random.Generator) -> Trials:
        """Draw trials without an effect."""
        units, periods = pilots + self.comparison, self.years_before + years_after
        standing = rng.normal(size=(trials, units, 1))
        path = rng.normal(size=(trials, units, periods))
        for year in range(1, periods):
            path[..., year] = self.ar * path[..., year - 1] + np.sqrt(1 - self.ar**2) * path[..., year]
        normal = np.sqrt(self.lasting) * standing + np.sqrt(1 - self.lasting) * path
        mean = np.full(units, float(self.mean))
        mean[:pilots] = self.pilot_mean or self.mean
        expected = mean[None, :, None] * _unit_gamma(normal, self.size)
        after = np.arange(periods) >= self.years_before
        return Trials(rng.poisson(expected).astype(np.int64), np.ones_like(expected), expected, after)


def _is_interval(hidden: tuple[int, int] | None) -> bool:
    return hidden is None or 0 <= hidden[0] <= hidden[1]


@lru_cache(maxsize=8)
def _gamma_table(size: float) -> Array:
    return np.asarray(special.gammaincinv(size, special.ndtr(_TABLE)) / size, dtype=np.float64)


def _unit_gamma(normal: Array, size: float) -> Array:
    """Map standard normals to gammas of mean one; by table, a hundred times faster than the inverse itself."""
    if np.isinf(size):
        return np.ones_like(normal)
    return np.interp(normal, _TABLE, _gamma_table(size))


@dataclass(frozen=True, eq=False)
class PanelNoise:
    """The panel's own past: random sets of comparison schools stand in for the pilots.

    The last years before the start stand for the years after it, and sets of comparison schools are treated as if
    they were the pilots. Of twenty random sets, the one whose events over the whole past come closest to the
    pilots' own is taken: pilots usually exclude more than others, and the chance of seeing anything hangs on that.
    Matching on events over all years, not those before a supposed start, builds in no return to the mean.

    Parameters
    ----------
    lower, upper, exposure : array (school, period)
        Bounds of counts and exposure of all periods used before the start, pilots first; NaN where not known.
    pilots : int
        Number of pilots named.
    years_before : int
        Years before the start that the evaluation will have.
    about : str
        Indicator and rule, for messages.
    """

    lower: Array
    upper: Array
    exposure: Array
    pilots: int
    years_before: int
    about: str

    @classmethod
    def from_panel(
        cls,
        panel: Panel,
        indicator: str,
        *,
        pilots: Sequence[str],
        comparison: Sequence[str],
        periods: Sequence[str],
    ) -> PanelNoise:
        """Take the noise from a panel.

        Parameters
        ----------
        panel : Panel
            Its past is enough; later years are not looked at.
        indicator : str
            What is counted.
        pilots, comparison : sequence of str
            The schools planned; pilots' own events set how many their stand-ins should have.
        periods : sequence of str
            Periods to use, all before the start.

        Raises
        ------
        EstimationError
            If there are fewer than two periods, or no pilot has a known count.
        """
        if len(periods) < 2:
            raise EstimationError(
                f"power: {len(periods)} periods before the start are in the data. Two are the least: one to stand "
                "for before and one for after. Add earlier years, or declare the noise (--mean, --size)."
            )
        cells = panel.data.sel(school=[*pilots, *comparison], period=list(periods))
        exposure = cells["exposure"].transpose("school", "period").to_numpy()
        ends = [
            cells[name].sel(indicator=indicator).transpose("school", "period").to_numpy()
            for name in ("lower", "upper")
        ]
        missing = ~np.isfinite(ends[1]) | ~np.isfinite(exposure) | (exposure <= 0)
        lower, upper, exposed = (np.where(missing, np.nan, array) for array in (*ends, exposure))
        if missing[: len(pilots)].all(axis=1).any():
            raise EstimationError(f"power: a pilot has no known {indicator} before the start. Check its URN.")
        about = f"{indicator}, {len(comparison)} comparison schools, {periods[0]} to {periods[-1]}"
        return cls(lower, upper, exposed, len(pilots), len(periods), about)

    @property
    def comparison(self) -> int:
        """Comparison schools in the panel."""
        return len(self.lower) - self.pilots

    @property
    def hidden(self) -> tuple[int, int] | None:
        """Interval of the suppressed counts, where there are any: simulated counts are suppressed alike."""
        suppressed = self.upper > self.lower
        if not suppressed.any():
            return None
        return int(np.nanmin(self.lower[suppressed])), int(np.nanmax(self.upper[suppressed]))

    @property
    def basis(self) -> str:
        """Where the noise comes from, in words."""
        return f"the panel's own past: {self.about}"

    def checks(self, pilots: Sequence[int], years_after: Sequence[int]) -> tuple[CheckResult, ...]:
        """Say what the simulation rests on, and refuse what the past is too short for.

        Raises
        ------
        EstimationError
            If the past has too few years or too few schools.
        """
        periods, longest, most = self.lower.shape[1], max(years_after), max(pilots)
        if longest >= periods:
            raise EstimationError(
                f"power: {longest} years after the start cannot be played through in a past of {periods} years. "
                f"Ask for at most {periods - 1}, or declare the noise (--mean, --size)."
            )
        if self.comparison < most + 2:
            raise EstimationError(
                f"power: {most} stand-ins leave {max(self.comparison - most, 0)} of {self.comparison} comparison "
                "schools to compare with; two are the least. Ask for fewer pilots, or widen the comparison rule."
            )
        before = periods - longest
        short = before < self.years_before
        message = (
            f"Stand-ins are drawn from {self.comparison} comparison schools; with {longest} years after, the past "
            f"leaves {before} years before, where the evaluation will have {self.years_before}."
        )
        advice = "The chances shown are a little low for that." if short else ""
        return (CheckResult("power/basis", "info", message, advice),)

    def draw(self, pilots: int, years_after: int, trials: int, rng: np.random.Generator) -> Trials:
        """Draw trials without an effect."""
        width = self.lower.shape[1] - years_after
        after = np.arange(width + years_after) >= width
        counts, exposure = self._known_counts(trials, rng)
        usable = self._usable(after)
        order = self._orders(pilots, trials, usable, counts, exposure, rng)
        rows = np.arange(trials)[:, None]
        chosen, exposed = counts[rows, order], exposure[order]
        rate = chosen.sum(2) / exposed.sum(2)
        return Trials(chosen, exposed, rate[..., None] * exposed, after)

    def _known_counts(self, trials: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], Array]:
        """Draw suppressed counts evenly between their bounds, one draw a trial; (trial, school, period)."""
        known = np.isfinite(self.upper)
        low, high = (np.where(known, end, 0.0).astype(np.int64) for end in (self.lower, self.upper))
        counts = rng.integers(low, high + 1, size=(trials, *low.shape))
        return counts, np.where(known, self.exposure, 0.0)

    def _usable(self, after: NDArray[np.bool_]) -> NDArray[np.intp]:
        known = np.isfinite(self.upper)
        both = known[:, after].any(axis=1) & known[:, ~after].any(axis=1)
        return np.flatnonzero(both[self.pilots :]) + self.pilots

    def _orders(
        self,
        pilots: int,
        trials: int,
        usable: NDArray[np.intp],
        counts: NDArray[np.int64],
        exposure: Array,
        rng: np.random.Generator,
    ) -> NDArray[np.intp]:
        """Return for each trial the schools in order: stand-ins, then comparison schools."""
        if len(usable) < pilots + 2:
            raise EstimationError(
                f"power: {len(usable)} comparison schools have counts on both sides of a supposed start; "
                f"{pilots + 2} are needed for {pilots} pilots. Widen the comparison rule."
            )
        total = counts.sum(axis=2)[:, usable]
        wanted = counts[:, : self.pilots].sum(axis=(1, 2)) * pilots / self.pilots
        candidates = rng.integers(len(usable), size=(trials, _CANDIDATES, pilots))
        # one that is sure to name no school twice
        candidates[:, 0] = rng.permuted(np.tile(np.arange(len(usable)), (trials, 1)), axis=1)[:, :pilots]
        twice = (np.diff(np.sort(candidates, axis=2), axis=2) == 0).any(axis=2)
        rows = np.arange(trials)[:, None]
        events = total[rows[..., None], candidates].sum(axis=2)
        gap = np.where(twice, np.inf, np.abs(np.log1p(events) - np.log1p(wanted)[:, None]))
        chosen = candidates[np.arange(trials), gap.argmin(axis=1)]
        keys = rng.random((trials, len(usable)))
        keys[rows, chosen] = -1.0  # stand-ins first, then the rest in an order left to chance
        order = np.argsort(keys, axis=1, kind="stable")[:, : pilots + _MOST_COMPARISON]
        return np.asarray(usable[order])
