"""How well a model predicts each count from all others, and which of several models does so best."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.effects.result import Effect
from averting.errors import EstimationError

Array = NDArray[np.float64]
UNRELIABLE = 0.7
"""A cell's Pareto k above which what is predicted for it without it cannot be trusted."""
TOLERATED = 0.01
"""Share of cells above it at which models are no longer compared without a warning."""
TABLE = "leave_one_out"


def leave_one_out(log_p: Array, *, chains: int) -> pd.DataFrame:
    """Predict every cell from all others, without fitting again.

    Parameters
    ----------
    log_p : array (draw, cell)
        Log probability of what is known of each cell: its count, or the bounds that it lies within. Chains follow
        one another.
    chains : int
        Number of chains.

    Returns
    -------
    DataFrame
        One row a cell: elpd, the log probability given to it by all others; p, what it lost by being left out; and
        pareto_k, how much the answer hangs on few draws.

    References
    ----------
    Vehtari, A., Gelman, A. and Gabry, J. (2017). Practical Bayesian model evaluation using leave-one-out
    cross-validation and WAIC. Statistics and Computing 27, 1413-1432.
    """
    from arviz_stats.base.array import array_stats

    by_chain = log_p.reshape(chains, -1, log_p.shape[1]).transpose(2, 0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cells that cannot be trusted, which the table says one by one
        elpd, pareto_k, p = array_stats.loo(by_chain)  # type: ignore[no-untyped-call]
    return pd.DataFrame({"elpd": np.ravel(elpd), "p": np.ravel(p), "pareto_k": np.ravel(pareto_k)})


def check_leave_one_out(table: pd.DataFrame) -> CheckResult:
    """Say how far the model's prediction of left-out counts can be trusted."""
    high, cells = int((table["pareto_k"] > UNRELIABLE).sum()), len(table)
    words = (
        f"Predicting each of {cells:,} counts from all others: {high} of them sway the fit too much for that to be "
        f"done without fitting again (Pareto k above {UNRELIABLE})."
    )
    if high > TOLERATED * cells:
        return CheckResult(
            "bayes/leave_one_out",
            "warn",
            words,
            "Do not choose between models by such predictions. The fit itself is not in doubt by this.",
        )
    return CheckResult("bayes/leave_one_out", "pass", words)


def compare_models(effects: Mapping[str, Effect]) -> pd.DataFrame:
    """Compare models of the same counts by how well they predict each count from all others.

    Parameters
    ----------
    effects : mapping of str to Effect
        Two or more Bayesian estimates, by id.

    Returns
    -------
    DataFrame
        One row an estimate, the best first: estimate, elpd (sum over cells), difference from the best with its
        standard error, p (effective number of parameters), weight in a mixture of the models that predicts best
        (stacking), and unreliable: the number of cells whose prediction cannot be trusted.

    Raises
    ------
    EstimationError
        If fewer than two estimates are given, or they are not of the same cells.

    References
    ----------
    Yao, Y., Vehtari, A., Simpson, D. and Gelman, A. (2018). Using stacking to average Bayesian predictive
    distributions. Bayesian Analysis 13, 917-1007.
    """
    from arviz_stats.loo.compare import compare

    _refuse_unlike(effects)
    found = {key: _as_arviz(effect.tables[TABLE]) for key, effect in effects.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cells that cannot be trusted, which the column ``unreliable`` counts
        table = compare(found, method="stacking", round_to="none")  # type: ignore[no-untyped-call]
    elpd = {key: effect.tables[TABLE]["elpd"].to_numpy() for key, effect in effects.items()}
    best = table.index[0]
    return pd.DataFrame(
        [
            {
                "estimate": key,
                "elpd": elpd[key].sum(),
                "difference": (elpd[key] - elpd[best]).sum(),
                "difference_se": float(np.sqrt(len(elpd[key])) * (elpd[key] - elpd[best]).std(ddof=1)),
                "p": effects[key].tables[TABLE]["p"].sum(),
                "weight": float(table.loc[key, "weight"]),
                "unreliable": int((effects[key].tables[TABLE]["pareto_k"] > UNRELIABLE).sum()),
            }
            for key in table.index
        ]
    )


def _refuse_unlike(effects: Mapping[str, Effect]) -> None:
    without = [key for key, effect in effects.items() if TABLE not in effect.tables]
    if len(effects) < 2 or without:
        what = f"{', '.join(without)} cannot predict single counts" if without else f"{len(effects)} given"
        raise EstimationError(f"Comparing models takes two or more Bayesian estimates of single counts; {what}.")
    cells = [effect.tables[TABLE][["school", "period"]].astype(str) for effect in effects.values()]
    if any(not one.equals(cells[0]) for one in cells) or len({e.estimand.indicator for e in effects.values()}) > 1:
        raise EstimationError(
            f"{', '.join(effects)} are not estimates of the same counts, so they cannot be compared by how well they "
            "predict them. Compare estimates of one indicator, from one design."
        )


def _as_arviz(table: pd.DataFrame) -> object:
    from arviz_stats.utils import ELPDDataLOO

    elpd = table["elpd"].to_numpy()
    return ELPDDataLOO(
        elpd=elpd.sum(),
        se=float(np.sqrt(len(elpd)) * elpd.std()),
        p=float(table["p"].sum()),
        n_samples=0,
        n_data_points=len(elpd),
        scale="log",
        warning=bool((table["pareto_k"] > UNRELIABLE).any()),
        good_k=UNRELIABLE,
        elpd_i=xr.DataArray(elpd, dims="cell"),
        pareto_k=xr.DataArray(table["pareto_k"].to_numpy(), dims="cell"),
    )
