from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from averting.checks import CheckResult
from averting.design import Design
from averting.effects import Effect, estimate
from averting.effects.storage import load_effect, save_effect

Make = Callable[..., Effect]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(
    "interval", [(0.5, 1.25), (0.0, np.inf), (-np.inf, 0.3), (-np.inf, np.inf), (np.nan, np.nan)], ids=str
)
def test_what_is_written_comes_back(make_effect: Make, tmp_path: Path, interval: tuple[float, float]) -> None:
    effect = make_effect(
        interval=interval,
        p_value=1 / 3,
        checks=(CheckResult("a/b", "warn", "Look out: 5 % – £3.", "Do this."), CheckResult("c", "pass", "Fine.")),
        tables={
            "detectable": pd.DataFrame({"reduction": [0.1, 0.2], "chance": [1 / 3, 0.1 + 0.2]}),
            "permutation": pd.DataFrame({"statistic": [1e-17, -2.5], "is_pilots": [True, False]}),
        },
    )
    save_effect(effect, tmp_path / "deep" / "effect")
    back = load_effect(tmp_path / "deep" / "effect")
    for name in ("estimand", "method", "inference", "estimate", "level", "draw_kind", "p_value", "checks"):
        assert getattr(back, name) == getattr(effect, name)
    np.testing.assert_array_equal(back.interval, effect.interval)
    assert back.verdict is effect.verdict
    xr.testing.assert_identical(back.draws, effect.draws.rename("draws"))
    xr.testing.assert_identical(back.change, effect.change.rename("change"))
    assert set(back.tables) == set(effect.tables)
    for name, table in effect.tables.items():
        pd.testing.assert_frame_equal(back.tables[name], table, check_exact=True)


def test_no_p_value_and_no_tables(make_effect: Make, tmp_path: Path) -> None:
    save_effect(make_effect(), tmp_path)
    back = load_effect(tmp_path)
    assert back.p_value is None
    assert back.tables == {}
    assert sorted(contents(tmp_path)) == ["draws.nc", "effect.json"]


def test_same_effect_same_bytes_also_after_reading(
    counts: Callable[..., np.ndarray], design_of: Callable[..., Design], tmp_path: Path
) -> None:
    events = counts(1, schools=12)
    for name in ("one", "two"):
        save_effect(estimate(design_of(events), "events", draws=150, seed=5), tmp_path / name)
    save_effect(load_effect(tmp_path / "one"), tmp_path / "three")
    one = contents(tmp_path / "one")
    assert set(one) == {"draws.nc", "effect.json", "detectable.csv", "permutation.csv"}
    assert contents(tmp_path / "two") == one
    assert contents(tmp_path / "three") == one


def test_record_is_strict_json_with_its_verdict(make_effect: Make, tmp_path: Path) -> None:
    save_effect(make_effect(interval=(0.5, np.inf)), tmp_path)

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    record = json.loads((tmp_path / "effect.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert record["interval"] == [0.5, "inf"]
    assert record["verdict"] == "too uncertain to tell"
