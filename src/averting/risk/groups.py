"""Risks of groups, small ones drawn towards the mean of all (partial pooling), in the order given and never ranked."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from averting.risk.cells import RiskCells, in_order
from averting.risk.model import fit_risk


def pooled_groups(cells: RiskCells, characteristic: str, *, level: float = 0.95) -> pd.DataFrame:
    """Return each group's own risk and its partially pooled one.

    Levels in log odds are normal around their mean; mean and spread are estimated from all groups (empirical Bayes), so
    a group of few pupils says little by itself and is drawn to the mean. The spread's own uncertainty is not in the interval.

    Parameters
    ----------
    cells : RiskCells
        Pupils, counted.
    characteristic : str
        Whose levels are the groups.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        ``level``, ``pupils``, ``events``, ``own_risk``, ``risk``, ``risk_lower``, ``risk_upper`` (0 to 1), in the order of
        the levels' names. For inside use: it holds counts.
    """
    model = fit_risk(cells, adjust=[characteristic], pool=[characteristic])
    counts = cells.counts(characteristic)
    pupils = counts.sum(axis=1)
    levels = cells.levels[characteristic]
    x = model.design(np.array([_at(cells, characteristic, code) for code in range(len(levels))]))
    eta = x @ model.fit.coefficients
    error = np.sqrt(np.einsum("ij,jk,ik->i", x, model.fit.covariance, x))
    z = norm.ppf((1 + level) / 2)
    table = pd.DataFrame(
        {
            "level": levels,
            "pupils": pupils,
            "events": counts[:, 0],
            "own_risk": counts[:, 0] / np.maximum(pupils, 1),
            "risk": expit(eta),
            "risk_lower": expit(eta - z * error),
            "risk_upper": expit(eta + z * error),
        }
    )
    order = sorted(range(len(levels)), key=lambda at: in_order(levels[at]))
    return table.iloc[order].reset_index(drop=True)


def _at(cells: RiskCells, characteristic: str, code: int) -> list[int]:
    return [code if name == characteristic else 0 for name in cells.characteristics]
