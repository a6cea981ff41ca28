"""The same work for averting and its peers, for ``all.py``: each entry prepares its input, then does the work again and again.

Run one by hand: ``python benchmarks/work.py TASK LIBRARY SCHOOLS``; it prints one line of JSON with processor seconds of the
first call (which may compile) and of a warm one, the most memory the process has held, and the answer.

What counts is what a user calls: averting's own time holds the interval and the checks that ``estimate`` always makes. Data
are ready in each library's own form before the clock starts.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import resource
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

YEARS, SETS, REPEATS, ENOUGH = 15, 9_999, 3, 20.0
Work = Callable[[], object]


class Made(NamedTuple):
    """Work to be timed, and how its answer is read."""

    work: Work
    read: Callable[[Any], float] = float


def _drawn(schools: int) -> tuple[Any, Any]:
    from panels import Setting, draw_panels

    setting = Setting(schools, 3, years=YEARS)
    return setting, draw_panels(setting, 1, ratio=0.6, rng=np.random.default_rng(1))


def _design(schools: int) -> Any:
    from ratio_did_speed import to_design

    setting, drawn = _drawn(schools)
    return to_design(drawn, setting, suppress=False)


def _frame(schools: int) -> pd.DataFrame:
    from peer_tests import long_frame

    setting, drawn = _drawn(schools)
    frame = long_frame(drawn.events[0], drawn.pupils[0], setting.treated())
    late = (frame["year"] > YEARS // 2).astype(int)
    return frame.assign(late=late, pilot=(frame["g"] > 0).astype(int))


def _ours(method: str, inference: str) -> Callable[[int], Made]:
    def make(schools: int) -> Made:
        from averting.effects import estimate

        design = _design(schools)
        return Made(
            lambda: estimate(design, "events", method=method, inference=inference), lambda e: float(e.estimate)
        )

    return make


def _pyfixest(kind: str, formula: str) -> Callable[[int], Made]:
    def make(schools: int) -> Made:
        frame, fit = _frame(schools), getattr(importlib.import_module("pyfixest"), kind)
        offset = {"offset": "log_pupils"} if kind == "fepois" else {}
        vcov = {"CRV1": "school"}
        power = np.exp if kind == "fepois" else float
        return Made(lambda: fit(formula, frame, vcov=vcov, **offset), lambda f: float(power(f.coef()["treated"])))

    return make


def _linearmodels(schools: int) -> Made:
    model = importlib.import_module("linearmodels").PanelOLS
    frame = _frame(schools).set_index(["school", "year"])

    def work() -> object:
        fitted = model(frame["rate"], frame[["treated"]], entity_effects=True, time_effects=True)
        return fitted.fit(cov_type="clustered", cluster_entity=True)

    return Made(work, lambda found: float(found.params["treated"]))


def _diff_diff_twfe(schools: int) -> Made:
    model, frame = importlib.import_module("diff_diff").TwoWayFixedEffects, _frame(schools)
    return Made(
        lambda: model(cluster="school").fit(frame, "rate", "pilot", "late", "school"),
        lambda found: float(found.att),
    )


def _statsmodels_poisson(schools: int) -> Made:
    api, frame = importlib.import_module("statsmodels.api"), _frame(schools)
    dummies = pd.get_dummies(frame[["school", "year"]].astype("category"), drop_first=True, dtype=float)
    columns = pd.concat([frame[["treated"]], dummies], axis=1).assign(one=1.0)

    def work() -> object:
        model = api.GLM(frame["count"], columns, family=api.families.Poisson(), offset=frame["log_pupils"])
        return model.fit(cov_type="cluster", cov_kwds={"groups": frame["school"]})

    return Made(work, lambda found: float(np.exp(found.params["treated"])))


def _diff_diff(name: str, **options: Any) -> Callable[[int], Made]:
    def make(schools: int) -> Made:
        model, frame = getattr(importlib.import_module("diff_diff"), name), _frame(schools)
        return Made(
            lambda: model(**options).fit(frame, "rate", "school", "year", "g"),
            lambda found: float(found.overall_att),
        )

    return make


def _csdid(schools: int) -> Made:
    model, frame = importlib.import_module("csdid.att_gt").ATTgt, _frame(schools)

    def work() -> Any:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints its own table
            fitted = model("rate", "year", "school", "g", frame, control_group="nevertreated", biters=999)
            return fitted.fit(bstrap=True).aggte(typec="simple")

    return Made(work, lambda found: float(found.atte["overall_att"]))


def _diff_diff_synthetic(schools: int) -> Made:
    model, frame = importlib.import_module("diff_diff").SyntheticDiD, _frame(schools)
    years = sorted(frame.loc[frame["late"] > 0, "year"].unique().tolist())
    names = {"outcome": "rate", "treatment": "pilot", "unit": "school", "time": "year", "post_periods": years}
    return Made(lambda: model(n_bootstrap=200, seed=1).fit(frame, **names), lambda found: float(found.att))


def _ritest(schools: int) -> Made:
    frame = _frame(schools)
    rate = frame.groupby(["school", "late"])["rate"].mean().unstack()
    changes = pd.DataFrame({"y": rate[1] - rate[0], "d": np.arange(schools) < 3}).astype(float)
    fitted = importlib.import_module("pyfixest").feols("y ~ d", changes)

    def work() -> object:
        return fitted.ritest("d", reps=SETS, rng=np.random.default_rng(1))

    return Made(work, lambda found: float(found["Pr(>|t|)"]))


def _diff_diff_permutation(schools: int) -> Made:
    test, frame = importlib.import_module("diff_diff").permutation_test, _frame(schools)
    names = {"outcome": "rate", "treatment": "pilot", "time": "late", "unit": "school"}
    # a tenth of the sets: all of them would take minutes
    return Made(
        lambda: test(frame, **names, n_permutations=SETS // 10, seed=1), lambda found: float(found.p_value)
    )


def _ours_permutation(schools: int) -> Made:
    from averting.effects import estimate

    design = _design(schools)
    return Made(lambda: estimate(design, "events", method="ratio_did"), lambda found: float(found.p_value))


def _decision(schools: int) -> tuple[Any, Any, Any]:
    draws = 100_000 if schools > 1_000 else 20_000
    rng = np.random.default_rng(1)
    return (
        rng.normal(np.arange(10), 1, (draws, 10)),
        rng.normal(1_000.0, 9_000, (draws, 10)),
        np.linspace(0, 50_000, 101),
    )


def _ours_decision(schools: int) -> Made:
    from decision import curves, labelled

    effect, cost, grid = _decision(schools)
    made = labelled(effect), labelled(cost)
    return Made(lambda: curves(*made, grid), lambda found: float(found[1].max()))


def _loop_decision(schools: int) -> Made:
    from decision import loop

    effect, cost, grid = _decision(schools)
    return Made(lambda: loop(effect, cost, grid), lambda found: float(found[1].max()))


def _table(schools: int) -> Path:
    path = Path(tempfile.mkdtemp(prefix="averting-bench-")) / "schools.csv"
    setting, drawn = _drawn(schools)
    frame = pd.DataFrame(
        {
            "school": np.repeat(np.arange(setting.schools) + 100_000, YEARS),
            "period": [f"{2009 + y}/{(10 + y) % 100:02d}" for _ in range(schools) for y in range(YEARS)],
            "exposure": drawn.pupils[0].ravel().astype(int),
            "suspensions": drawn.events[0].ravel().astype(str),
        }
    )
    frame.loc[frame["suspensions"].isin(["1", "2"]), "suspensions"] = "x"
    frame.to_csv(path, index=False)
    return path


def _ours_reading(schools: int) -> Made:
    from averting.data import read_panel

    path = _table(schools)
    return Made(
        lambda: read_panel(path, source="tidy", symbols={"x": (1, 2)}), lambda panel: float(panel.exposure.sum())
    )


def _pandas_reading(schools: int) -> Made:
    path = _table(schools)
    return Made(lambda: pd.read_csv(path, dtype={"school": str}), lambda frame: float(frame["exposure"].sum()))


class Task(NamedTuple):
    """One piece of work: what it is, what its answer is, and who can do it."""

    label: str
    answer: str
    libraries: dict[str, Callable[[int], Made]]


TASKS: dict[str, Task] = {
    "twfe": Task(
        "Difference-in-differences of rates, errors clustered by school", "difference in the rate",
        {
            "averting": _ours("twfe", "cr1"), "pyfixest": _pyfixest("feols", "rate ~ treated | school + year"),
            "linearmodels": _linearmodels, "diff-diff": _diff_diff_twfe,
        },
    ),
    "poisson": Task(
        "Poisson regression with pupils as exposure, errors clustered by school", "ratio",
        {
            "averting": _ours("poisson_fe", "cr1"), "pyfixest": _pyfixest("fepois", "count ~ treated | school + year"),
            "statsmodels": _statsmodels_poisson,
        },
    ),
    "group_time": Task(
        "Group-time effects (Callaway and Sant'Anna), 999 bootstrap draws", "difference in the rate",
        {
            "averting": _ours("callaway_santanna", "bootstrap"),
            "diff-diff": _diff_diff("CallawaySantAnna", n_bootstrap=999, seed=1), "csdid": _csdid,
        },
    ),
    "imputation": Task(
        "Imputation (Borusyak, Jaravel and Spiess)", "difference in the rate",
        {"averting": _ours("imputation", "analytic"), "diff-diff": _diff_diff("ImputationDiD")},
    ),
    "synthetic_did": Task(
        "Synthetic difference-in-differences, with placebos", "difference in the rate",
        {"averting": _ours("synthetic_did", "permutation"), "diff-diff": _diff_diff_synthetic},
    ),
    "permutation": Task(
        "Permutation test of which schools are pilots (averting: 20,000 sets and its interval; pyfixest 9,999 sets; "
        "diff-diff 999)", "p-value",
        {"averting": _ours_permutation, "pyfixest": _ritest, "diff-diff": _diff_diff_permutation},
    ),
    "decision": Task(
        "Acceptability, value of information and expected loss at 101 thresholds", "value of information, £",
        {"averting": _ours_decision, "NumPy loop": _loop_decision},
    ),
    "reading": Task(
        "Reading a CSV of counts with suppressed cells (pandas: as text, unchecked)", "pupils",
        {"averting": _ours_reading, "pandas": _pandas_reading},
    ),
}  # fmt: skip


def _seconds(work: Work) -> tuple[float, object]:
    start = time.process_time()
    answer = work()
    return time.process_time() - start, answer


def measure(task: str, library: str, schools: int) -> dict[str, Any]:
    """Return what one library took for one task."""
    warnings.simplefilter("ignore")  # of the peers' own making
    made = TASKS[task].libraries[library](schools)
    first, answer = _seconds(made.work)
    taken = [_seconds(made.work)[0] for _ in range(REPEATS if first < ENOUGH else 0)] or [first]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "task": task, "library": library, "schools": schools, "first": round(first, 4),
        "seconds": round(statistics.median(taken), 4), "megabytes": round(peak), "answer": float(f"{made.read(answer):.7g}"),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
