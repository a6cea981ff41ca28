"""Which estimates are compared, and what is written of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from averting.effects import Effect, Estimand
from averting.evaluation.estimate_settings import EstimateSettings
from averting.evaluation.model_stage import comparable, write_models


def settings(key: str, method: str, indicator: str = "suspensions", without: str = "") -> EstimateSettings:
    return EstimateSettings(key, "secondary", indicator, method, 0.95, without=without)


def test_only_bayesian_estimates_of_one_indicator_with_every_event_are_compared() -> None:
    plain, pooled = settings("plain", "bayes_count"), settings("pooled", "bayes_pooled")
    others = (
        settings("main", "auto"),
        settings("other", "bayes_count", "permanent_exclusions"),
        settings("less", "bayes_count", without="covid"),
    )
    assert comparable((plain, *others)) == {}
    assert comparable((plain, *others, pooled)) == {"suspensions": ("plain", "pooled")}


def effect_of(seed: int, indicator: str, better: float) -> Effect:
    rng = np.random.default_rng(seed)
    coords = {"draw": range(100), "school": ["a"], "period": ["2020/21"]}
    change = xr.DataArray(np.zeros((100, 1, 1)), dims=tuple(coords), coords=coords, attrs={"units": "events"})
    draws = xr.DataArray(np.linspace(0.5, 1, 100), dims="draw", coords={"draw": range(100)})
    cells = {"school": [f"s{i}" for i in range(50)], "period": "2020/21"}
    table = pd.DataFrame({**cells, "elpd": rng.normal(better, 0.1, 50), "p": 0.1, "pareto_k": [0.9] + [0.2] * 49})
    estimand = Estimand(indicator, "with over without", "pilots", "ratio")
    made = Effect(estimand, "bayes_count", "posterior", 0.7, (0.5, 1.0), 0.95, draws, "posterior", change)
    return replace(made, tables={"leave_one_out": table} if better else {})


def test_each_indicators_models_are_ranked_and_others_left_out(tmp_path) -> None:  # type: ignore[no-untyped-def]
    effects = {
        "worse": effect_of(1, "suspensions", -2.0),
        "best": effect_of(2, "suspensions", -1.5),
        "pooled_counts": effect_of(3, "suspensions", 0.0),
        "alone": effect_of(4, "permanent_exclusions", -1.0),
    }
    write_models(tmp_path, effects)
    table = pd.read_csv(tmp_path / "models.csv")
    assert table["estimate"].tolist() == ["best", "worse"]
    assert table["indicator"].tolist() == ["suspensions"] * 2
    assert table["unreliable"].tolist() == [1, 1]
    assert table["difference"].tolist()[1] < -2 * table["difference_se"].tolist()[1]
    write_models(tmp_path, {key: effects[key] for key in ("best", "pooled_counts")})
    assert len(pd.read_csv(tmp_path / "models.csv")) == 0
