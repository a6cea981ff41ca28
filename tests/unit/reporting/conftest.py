"""Effects of every kind, and results folders to change."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from averting import units
from averting.checks import CheckResult
from averting.effects import Effect, Estimand

FAILS = CheckResult("sampler/r_hat", "fail", "Largest R-hat is 1.200.")
WARNS = CheckResult("ratio_did/bounded", "warn", "Take care.")


@pytest.fixture
def effect() -> Callable[..., Effect]:
    """Make an effect on permanent exclusions."""

    def make(
        interval: tuple[float, float] = (0.4, 0.9),
        draw_kind: Any = "confidence",
        *,
        checks: str = "",
        averted: float = 5.0,
        chances: list[float] | None = None,
    ) -> Effect:
        draws = xr.DataArray(np.linspace(0.3, 0.95, 40), dims="draw", coords={"draw": np.arange(40)})
        change = xr.DataArray(
            np.linspace(-averted - 3, -averted + 3, 40)[:, None, None],
            dims=("draw", "school", "period"),
            coords={"draw": np.arange(40), "school": ["1"], "period": ["2021/22"]},
        )
        tables = {"priors": pd.DataFrame({"parameter": ["log_ratio"], "below_zero": [0.5]})}
        if chances:
            tables["detectable"] = pd.DataFrame({"reduction": np.arange(10) / 10, "chance": chances})
        return Effect(
            Estimand("permanent_exclusions", "rate with over rate without", "pilots", "ratio"),
            method="bayes_count" if draw_kind == "posterior" else "ratio_did",
            inference="in words",
            estimate=0.62,
            interval=interval,
            level=0.95,
            draws=units.label(draws, "ratio"),
            draw_kind=draw_kind,
            change=units.label(change, "events"),
            checks={"": (), "warn": (WARNS,), "fail": (WARNS, FAILS)}[checks],
            tables=tables,
        )

    return make


@pytest.fixture
def results_folder(quick_copy: Path) -> Path:
    """A copy of the quick demonstration's results."""
    return quick_copy / "results"


@pytest.fixture
def rewrite() -> Callable[..., None]:
    """Change entries of a JSON file of results."""

    def change(path: Path, **entries: Any) -> None:
        record = json.loads(path.read_text(encoding="utf-8"))
        assert set(entries) <= set(record)
        path.write_text(json.dumps({**record, **entries}), encoding="utf-8")

    return change


@pytest.fixture
def grade() -> Callable[[str], float]:
    """Flesch-Kincaid grade of a text: the school year whose pupils can read it, in the United States."""

    def count(text: str) -> float:
        """Flesch-Kincaid grade (Kincaid et al. 1975), syllables counted as groups of vowels."""
        sentences = [part for part in re.split(r"[.!?:;]+\s", f"{text} ") if re.search("[A-Za-z]", part)]
        words = re.findall(r"[A-Za-z']+", text)
        syllables = sum(
            max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e$|es$|ed$", "", word.lower())))) for word in words
        )
        return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59

    return count
