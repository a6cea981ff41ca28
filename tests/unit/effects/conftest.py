"""Designs built from plain arrays, so that tests can say what every cell is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from averting.data import Panel
from averting.design import Design
from averting.effects import Effect, Estimand


def design_from_arrays(
    events: np.ndarray,
    *,
    pilots: int = 3,
    start: int = 3,
    hidden: np.ndarray | None = None,
    bounds: tuple[int, int] = (1, 2),
    pupils: np.ndarray | float = 900,
    order: list[int] | None = None,
    starts: list[int] | None = None,
    covariates: dict[str, np.ndarray] | None = None,
    level: str = "school",
    areas: list[str] | None = None,
) -> Design:
    """Build a design from counts (school, year), pilots first; NaN is missing, ``hidden`` cells are suppressed.

    ``order`` gives the positions of comparison schools in the order to list them, ``starts`` each pilot's own start,
    ``areas`` each school's local authority.
    """
    schools, years = events.shape
    names = [f"s{number:03d}" for number in range(schools)]
    labels = [f"{2006 + year}/{(7 + year) % 100:02d}" for year in range(years)]
    cells = np.where(np.isnan(events), "", np.nan_to_num(events).astype(int).astype(str)).astype(object)
    if hidden is not None:
        cells[hidden] = "x"
    frame = pd.DataFrame(
        {
            "school": np.repeat(names, years),
            "period": np.tile(labels, schools),
            "events": cells.ravel(),
            "pupils": np.broadcast_to(pupils, events.shape).ravel(),
        }
    )
    for name, values in (covariates or {}).items():
        frame[name] = np.broadcast_to(values, events.shape).ravel()
    if areas is not None:
        frame["area"] = np.repeat(areas, years)
    panel = Panel.from_frame(
        frame,
        school="school",
        period="period",
        counts=["events"],
        exposure="pupils",
        covariates=list(covariates or {}),
        symbols={"x": bounds},
        level=level,
        la=None if areas is None else "area",
    )
    chosen = names[:pilots] if starts is None else {names[i]: labels[first] for i, first in enumerate(starts)}
    return Design(
        panel,
        chosen,
        start=None if starts is not None else labels[start],
        comparison=[names[i] for i in order or range(pilots, schools)],
        exclude_periods=(),
    )


@pytest.fixture
def design_of() -> Callable[..., Design]:
    return design_from_arrays


@pytest.fixture
def counts() -> Callable[..., np.ndarray]:
    """Draw counts (school, year) of schools that differ, with pilots' rate multiplied from ``start`` on."""

    def draw(
        seed: int, *, schools: int = 15, years: int = 6, mean: float = 6.0, ratio: float = 1.0, start: int = 3
    ) -> np.ndarray:
        rng = np.random.default_rng(seed)
        rate = mean * rng.gamma(3, 1 / 3, (schools, 1)) * rng.gamma(8, 1 / 8, (schools, years))
        rate[:3, start:] *= ratio
        return rng.poisson(rate).astype(float)

    return draw


@pytest.fixture
def make_effect() -> Callable[..., Effect]:
    """Build an Effect with 200 draws of two pilots over two years; any field can be replaced."""

    def make(**changes: object) -> Effect:
        rng = np.random.default_rng(1)
        coords = {"draw": np.arange(200), "school": ["s1", "s2"], "period": ["2021/22", "2022/23"]}
        fields: dict[str, object] = {
            "estimand": Estimand("suspensions", "with over without", "two pilots", "ratio"),
            "method": "ratio_did",
            "inference": "permutation",
            "estimate": 0.75,
            "interval": (0.5, 1.25),
            "level": 0.95,
            "draws": xr.DataArray(
                rng.lognormal(-0.3, 0.2, 200),
                dims="draw",
                coords={"draw": np.arange(200)},
                attrs={"units": "ratio"},
            ),
            "draw_kind": "confidence",
            "change": xr.DataArray(
                rng.normal(-3, 1, (200, 2, 2)), dims=tuple(coords), coords=coords, attrs={"units": "events"}
            ),
        }
        return Effect(**{**fields, **changes})  # type: ignore[arg-type]

    return make
