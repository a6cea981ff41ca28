"""What net benefit says of a choice: who is best how often, what a wrong choice loses, what certainty is worth.

Every function takes either a :class:`NetBenefit` or an array (draw, scenario), with or without a further dimension
such as ``threshold`` or ``view``. Of scenarios with equal net benefit the first listed counts as best.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from averting import units
from averting.appraisal.decision.net_benefit import DIMS, NetBenefit
from averting.errors import EvaluationError

type Benefit = NetBenefit | xr.DataArray


def _array(net_benefit: xr.DataArray) -> xr.DataArray:
    missing = [dim for dim in DIMS if dim not in net_benefit.dims]
    if missing:
        raise EvaluationError(f"net_benefit has no dimension {' and '.join(missing)}. It needs draw and scenario.")
    if not np.isfinite(net_benefit.to_numpy()).all():
        raise EvaluationError("net_benefit has missing or infinite values. A decision needs every draw.")
    return net_benefit


def _known(net_benefit: Benefit, reference: str) -> None:
    array = net_benefit.effect if isinstance(net_benefit, NetBenefit) else _array(net_benefit)
    keys = [str(key) for key in array["scenario"].to_numpy()]
    if reference not in keys:
        raise EvaluationError(f"There is no scenario '{reference}'. Known: {', '.join(keys)}.")


def p_best(net_benefit: Benefit) -> xr.DataArray:
    """Return the share of draws in which each scenario has the highest net benefit of all.

    A probability only where the draws are a posterior; with a flat prior read into them otherwise.

    Returns
    -------
    DataArray, dims (scenario[, threshold]), adding up to 1 over scenarios
    """
    if isinstance(net_benefit, NetBenefit):
        return net_benefit.share_best()
    array = _array(net_benefit)
    best = array.argmax("scenario")
    shares = [(best == at).mean("draw") for at in range(array.sizes["scenario"])]
    return xr.concat(shares, dim=array["scenario"])


def p_cost_effective_vs(net_benefit: Benefit, reference: str) -> xr.DataArray:
    """Return the share of draws in which each scenario alone beats one other; not the same as being best of all.

    Parameters
    ----------
    net_benefit : NetBenefit, or DataArray with dims (draw, scenario, ...)
        Net benefit.
    reference : str
        Key of the scenario compared with; its own share is 0.

    Raises
    ------
    EvaluationError
        For an unknown scenario.
    """
    _known(net_benefit, reference)
    if isinstance(net_benefit, NetBenefit):
        return net_benefit.share_above(reference)
    with units.exact():
        return (net_benefit > net_benefit.sel(scenario=reference, drop=True)).mean("draw")


def ceac(net_benefit: Benefit) -> xr.DataArray:
    """Return the cost-effectiveness acceptability curves: :func:`p_best` over thresholds [fenwick_2001]_.

    References
    ----------
    .. [fenwick_2001] Fenwick, Claxton & Sculpher (2001), Health Economics 10: 779-787.
    """
    if not isinstance(net_benefit, NetBenefit) and "threshold" not in net_benefit.dims:
        raise EvaluationError("A curve needs thresholds. Make net benefit with averting.decision.net_benefit.")
    return p_best(net_benefit)


def _mean(net_benefit: Benefit) -> xr.DataArray:
    return net_benefit.mean() if isinstance(net_benefit, NetBenefit) else _array(net_benefit).mean("draw")


def _mean_of_best(net_benefit: Benefit) -> xr.DataArray:
    if isinstance(net_benefit, NetBenefit):
        return net_benefit.mean_of_best()
    return _array(net_benefit).max("scenario").mean("draw")


def ceaf(net_benefit: Benefit) -> xr.Dataset:
    """Return the acceptability frontier: the scenario best on average, and how often it is best.

    Returns
    -------
    Dataset with ``scenario`` (its key) and ``p_best``, dims ([threshold])
        The scenario to choose is the one best on average, which need not be the one most often best.
    """
    mean, shares = _mean(net_benefit), p_best(net_benefit)
    at = mean.argmax("scenario")
    keys = mean["scenario"].isel(scenario=at)
    return xr.Dataset(
        {"best": keys.drop_vars("scenario"), "p_best": shares.isel(scenario=at).drop_vars("scenario")}
    )


def expected_loss(net_benefit: Benefit) -> xr.DataArray:
    """Return what choosing each scenario loses on average against choosing the best in every draw.

    Returns
    -------
    DataArray, dims (scenario[, threshold]), units of net benefit, zero or more
        The smallest over scenarios is :func:`evpi`.
    """
    with units.exact():
        # rounding can leave minus a millionth of a penny
        return (_mean_of_best(net_benefit) - _mean(net_benefit)).clip(min=0).transpose("scenario", ...)


def evpi(net_benefit: Benefit) -> xr.DataArray:
    """Return the expected value of perfect information: what knowing every draw would add to the choice.

    Returns
    -------
    DataArray, dims ([threshold]), units of net benefit, zero or more
        For one decision; see :func:`population` for many. With draws that are no posterior it assumes a flat prior.
    """
    return expected_loss(net_benefit).min("scenario")
