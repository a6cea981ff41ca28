"""Fit CausalPy's nearest model to a panel; for ``bayes_speed.py``, which runs this in an environment with CausalPy.

Run: ``PYTHON benchmarks/bayes_causalpy.py PANEL.csv CHAINS STEPS``; prints one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import pandas as pd


def processor() -> float:
    """Return the seconds that this process and its finished children have taken of processors."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    import arviz
    import causalpy

    path, chains, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    frame = pd.read_csv(path)
    options = {"chains": chains, "tune": steps, "draws": steps, "cores": 2, "random_seed": 1, "progressbar": False}
    begun, used = time.perf_counter(), processor()
    model = causalpy.pymc_models.LinearRegression(sample_kwargs=options)
    fitted = causalpy.PanelRegression(
        data=frame,
        formula="rate ~ 1 + treated + C(school) + C(year)",
        unit_fe_variable="school",
        time_fe_variable="year",
        model=model,
    )
    total, used = time.perf_counter() - begun, processor() - used
    posterior = fitted.model.idata
    found = arviz.ess(posterior, method="bulk", var_names=["beta", "y_hat_sigma"])
    beta = found["beta"].sel(coeffs="treated")
    everything = {"treated": float(beta.min()), "any": min(float(found[name].min()) for name in found)}
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    sampling = float(posterior.posterior.attrs.get("sampling_time", total))
    answer = {
        "sampling": sampling,
        "cpu": used,
        "total": total,
        "ess": everything["any"],
        "least": f"any coefficient; the programme's {everything['treated']:.0f}",
        "divergences": int(posterior.sample_stats["diverging"].sum()),
        "memory": peak / 1024,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
