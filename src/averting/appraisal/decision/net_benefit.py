"""``NetBenefit``: net benefit as straight lines in a threshold, and what it says of a choice between scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from averting import units
from averting.appraisal.decision.envelope import Stretches, above, stretches
from averting.errors import EvaluationError, UnitError

type Array = NDArray[np.float64]

DIMS = ("draw", "scenario")


@dataclass(frozen=True, eq=False)
class NetBenefit:
    """Net benefit of every scenario at every threshold: ``threshold * effect - cost``.

    Being a straight line in the threshold, it is never laid out as (draw, scenario, threshold): which scenario is
    best is found exactly from the points where a draw's lines cross.

    Parameters
    ----------
    effect, cost : DataArray, dims (draw, scenario)
        What is gained, and what is paid for it in pounds; draws and scenarios must be the same in both.
    thresholds : array of float, shape (thresholds,)
        Pounds a unit of effect is worth, rising.

    Raises
    ------
    EvaluationError
        For other dims, labels that differ between effect and cost, missing values, fewer than one draw or
        scenario, or thresholds that do not rise.
    """

    effect: xr.DataArray
    cost: xr.DataArray
    thresholds: Array

    def __post_init__(self) -> None:
        for name, array in (("effect", self.effect), ("cost", self.cost)):
            object.__setattr__(self, name, _checked(array, name))
        _same_labels(self.effect, self.cost)
        grid = np.atleast_1d(np.asarray(self.thresholds, dtype=np.float64))
        if grid.ndim != 1 or not grid.size or not np.isfinite(grid).all() or (np.diff(grid) <= 0).any():
            raise EvaluationError("thresholds must be finite numbers that rise. Sort them and leave out repeats.")
        object.__setattr__(self, "thresholds", grid)

    @cached_property
    def stretches(self) -> Stretches:
        """Which scenario is best in each draw, over the thresholds."""
        return stretches(self.effect.to_numpy(), self.cost.to_numpy(), self.thresholds)

    @property
    def scenarios(self) -> list[str]:
        """Keys of the scenarios, in order."""
        return [str(key) for key in self.effect["scenario"].to_numpy()]

    def mean(self) -> xr.DataArray:
        """Return the mean over draws, dims (scenario, threshold)."""
        effect, cost = (array.to_numpy().mean(axis=0)[:, None] for array in (self.effect, self.cost))
        return self._labelled(self.thresholds * effect - cost)

    def mean_of_best(self) -> xr.DataArray:
        """Return the mean over draws of the best scenario's net benefit, dims (threshold,)."""
        found = self.stretches
        effect, cost = (array.to_numpy()[found.draw, found.line] for array in (self.effect, self.cost))
        total = self.thresholds * found.total(effect) - found.total(cost)
        return xr.DataArray(
            total / self.effect.sizes["draw"], dims="threshold", coords={"threshold": self.thresholds}
        )

    def share_best(self) -> xr.DataArray:
        """Return the share of draws in which each scenario is best, dims (scenario, threshold)."""
        found = self.stretches
        counts = [found.total(where=found.line == at) for at in range(self.effect.sizes["scenario"])]
        return self._labelled(np.array(counts) / self.effect.sizes["draw"])

    def share_above(self, reference: str) -> xr.DataArray:
        """Return the share of draws in which each scenario is better than one, dims (scenario, threshold)."""
        at = self.scenarios.index(reference)
        effect, cost = (array.to_numpy() - array.to_numpy()[:, [at]] for array in (self.effect, self.cost))
        shares = [above(effect[:, i], cost[:, i], self.thresholds) for i in range(effect.shape[1])]
        return self._labelled(np.array(shares))

    def at(self, threshold: float) -> xr.DataArray:
        """Return net benefit at one threshold, dims (draw, scenario)."""
        with units.exact():
            return threshold * self.effect - self.cost

    def _labelled(self, values: Array) -> xr.DataArray:
        coords = {"scenario": self.effect["scenario"].to_numpy(), "threshold": self.thresholds}
        return xr.DataArray(values, dims=("scenario", "threshold"), coords=coords)


def _checked(array: xr.DataArray, what: str) -> xr.DataArray:
    if set(array.dims) != set(DIMS):
        raise EvaluationError(f"{what} has dims {tuple(map(str, array.dims))}. It must have draw and scenario.")
    if not array.sizes["draw"] or not array.sizes["scenario"]:
        raise EvaluationError(f"{what} is empty. Give at least one draw and one scenario.")
    if "scenario" not in array.coords or "draw" not in array.coords:
        raise EvaluationError(f"{what} has no labels on draw or scenario. Give both, so that they can be matched.")
    if not np.isfinite(array.to_numpy()).all():
        raise EvaluationError(f"{what} has missing or infinite values. A decision needs every draw.")
    return array.transpose(*DIMS).astype(np.float64)


def _same_labels(effect: xr.DataArray, cost: xr.DataArray) -> None:
    for dim in DIMS:
        if not np.array_equal(effect[dim].to_numpy(), cost[dim].to_numpy()):
            raise EvaluationError(
                f"effect and cost differ in their labels of {dim}. Align them before: nothing is left out silently."
            )


def net_benefit(effect: xr.DataArray, cost: xr.DataArray, *, thresholds: ArrayLike) -> NetBenefit:
    """Return net benefit ``threshold * effect - cost`` over thresholds.

    Parameters
    ----------
    effect : DataArray, dims (draw, scenario)
        For example exclusions averted.
    cost : DataArray, dims (draw, scenario), in pounds
        Cost on balance; negative where money is saved. Labels must be those of ``effect``.
    thresholds : array of float
        Pounds a unit of effect is worth, rising.

    Raises
    ------
    EvaluationError
        For labels that differ, missing values or thresholds that do not rise.
    UnitError
        If ``cost`` carries a unit that is not pounds.
    """
    if cost.attrs.get("units", "GBP") != "GBP":
        raise UnitError(f"cost is in {cost.attrs['units']}, but GBP is needed here.")
    return NetBenefit(effect, cost, np.asarray(thresholds, dtype=np.float64))
