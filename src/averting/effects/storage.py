"""Write an ``Effect`` to a folder of plain files, and read it back."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import xarray as xr

from averting.checks import CheckResult
from averting.data.written import read_table, write_table
from averting.effects.result import Effect, Estimand
from averting.provenance import canonical_json

_DRAWS, _RECORD, _TRACE = "draws.nc", "effect.json", "trace_"


def save_effect(effect: Effect, folder: Path) -> None:
    """Write ``effect.json``, ``draws.nc``, one CSV per table and a Bayesian fit's trace.

    The same effect gives the same bytes.

    An end of the interval that is not finite is written as text: "inf", "-inf" or "nan".
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "estimand": asdict(effect.estimand),
        "method": effect.method,
        "inference": effect.inference,
        "estimate": effect.estimate,
        "interval": [end if math.isfinite(end) else str(end) for end in effect.interval],
        "level": effect.level,
        "draw_kind": effect.draw_kind,
        "p_value": effect.p_value,
        "verdict": str(effect.verdict),
        "checks": [check.to_dict() for check in effect.checks],
        "tables": sorted(effect.tables),
    }
    (folder / _RECORD).write_text(canonical_json(record), encoding="utf-8")
    # the core scipy engine writes netCDF3: no time stamps, so equal draws give equal files
    xr.Dataset({"draws": effect.draws, "change": effect.change}).to_netcdf(folder / _DRAWS, engine="scipy")
    if effect.trace is not None:
        for name, group in effect.trace.children.items():
            group.to_dataset().to_netcdf(folder / f"{_TRACE}{name}.nc", engine="scipy")
    for name, table in effect.tables.items():
        write_table(table, folder / f"{name}.csv")


def load_effect(folder: Path) -> Effect:
    """Read what :func:`save_effect` wrote."""
    record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    with xr.open_dataset(folder / _DRAWS, engine="scipy") as stored:
        arrays = stored.load()
    change = arrays["change"]
    change = change.assign_coords({dim: change[dim].astype(str) for dim in ("school", "period")})
    lower, upper = map(float, record["interval"])
    return Effect(
        estimand=Estimand(**record["estimand"]),
        method=record["method"],
        inference=record["inference"],
        estimate=record["estimate"],
        interval=(lower, upper),
        level=record["level"],
        draws=arrays["draws"],
        draw_kind=record["draw_kind"],
        change=change,
        p_value=record["p_value"],
        checks=tuple(CheckResult(**check) for check in record["checks"]),
        tables={name: read_table(folder / f"{name}.csv") for name in record["tables"]},
        trace=_load_trace(folder),
    )


def _load_trace(folder: Path) -> xr.DataTree | None:
    groups = {}
    for path in sorted(folder.glob(f"{_TRACE}*.nc")):
        with xr.open_dataset(path, engine="scipy") as stored:
            groups[path.stem.removeprefix(_TRACE)] = stored.load()
    return xr.DataTree.from_dict(groups) if groups else None
