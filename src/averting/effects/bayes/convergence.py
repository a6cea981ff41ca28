"""Whether the sampler explored the posterior; a fit that fails one of these cannot carry a verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from averting.checks import CheckResult
from averting.effects.bayes.sampling import FIRST_ATTEMPT, divergences

R_HAT_LIMIT, ESS_LIMIT, E_BFMI_LIMIT = 1.01, 400.0, 0.3
_REDO = "Do not use this fit: see 'What to do when a check fails' in the documentation, or use method='ratio_did'."


def check_convergence(trace: xr.DataTree, names: Sequence[str]) -> tuple[list[CheckResult], pd.DataFrame]:
    """Return checks and a summary of the named parameters.

    Parameters
    ----------
    trace : DataTree
        From :func:`averting.effects.bayes.sampling.sample`. Without ``sample_stats`` it is a preview, which fails.
    names : sequence of str
        Parameters to summarise.

    Returns
    -------
    checks : list of CheckResult
        R-hat [vehtari_2021]_, bulk effective sample size, divergences, and E-BFMI [betancourt_2016]_.
    summary : DataFrame
        One row a parameter.

    References
    ----------
    .. [vehtari_2021] Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. and Bürkner, P.-C. (2021).
       Rank-normalization, folding, and localization: an improved R-hat. Bayesian Analysis 16, 667-718.
    .. [betancourt_2016] Betancourt, M. (2016). Diagnosing suboptimal cotangent disintegrations in Hamiltonian
       Monte Carlo. arXiv:1604.00695.
    """
    from arviz_stats.summary import summary as summarise

    found = summarise(  # type: ignore[no-untyped-call]
        trace, var_names=list(names), kind="all", round_to="none"
    ).astype(float)
    table = found.rename_axis("parameter").reset_index()
    if "sample_stats" not in trace.children:
        words = "This is a quick preview by variational approximation: its interval is known to be too narrow."
        return [CheckResult("sampler/preview", "fail", words, "Use inference='posterior'.")], table
    stats = trace["sample_stats"]
    divergent, before = divergences(trace), int(stats.attrs.get(FIRST_ATTEMPT, 0))
    again = (
        f" A first attempt in longer steps had {before}, so all was drawn again in shorter ones." if before else ""
    )
    r_hat, ess = float(found["r_hat"].max()), float(found["ess_bulk"].min())
    checks = [
        _check(
            "r_hat", r_hat <= R_HAT_LIMIT, f"Largest R-hat is {r_hat:.3f}; it should be at most {R_HAT_LIMIT}."
        ),
        _check(
            "ess", ess >= ESS_LIMIT, f"Smallest bulk effective sample size is {ess:.0f}; at least {ESS_LIMIT:.0f}."
        ),
        _check("divergences", divergent == 0, f"{divergent} divergent transitions; there should be none.{again}"),
    ]
    if "energy" in stats:
        energy = stats["energy"].to_numpy()
        e_bfmi = float((np.square(np.diff(energy, axis=1)).mean(1) / energy.var(1)).min())
        checks.append(
            _check("e_bfmi", e_bfmi >= E_BFMI_LIMIT, f"Smallest E-BFMI is {e_bfmi:.2f}; at least {E_BFMI_LIMIT}.")
        )
    return checks, table


def _check(key: str, ok: bool, message: str) -> CheckResult:
    return CheckResult(f"sampler/{key}", "pass" if ok else "fail", message, "" if ok else _REDO)
