"""Tests of no effect that peer libraries offer by default, for ``few_pilots.py``; they are not of our making."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Treated = NDArray[np.bool_]
Peer = Callable[[pd.DataFrame], float]


def long_frame(events: NDArray[np.int64], pupils: NDArray[np.float64], treated: Treated) -> pd.DataFrame:
    """Return one panel as the peers want it, pilots first; ``g`` is the first treated year, 0 for none."""
    schools, years = events.shape
    ever = np.zeros(schools, dtype=int)
    ever[: len(treated)] = treated.argmax(axis=1) + 1
    now = np.zeros(events.shape)
    now[: len(treated)] = treated
    return pd.DataFrame(
        {
            "school": np.repeat(np.arange(schools), years),
            "year": np.tile(np.arange(years) + 1, schools),
            "rate": (100 * events / pupils).ravel(),
            "count": events.ravel().astype(float),
            "log_pupils": np.log(pupils).ravel(),
            "treated": now.ravel(),
            "g": np.repeat(ever, years),
        }
    )


def _twfe(frame: pd.DataFrame) -> float:
    fitted = importlib.import_module("pyfixest").feols(
        "rate ~ treated | school + year", frame, vcov={"CRV1": "school"}
    )
    return float(fitted.pvalue()["treated"])


def _poisson(frame: pd.DataFrame) -> float:
    fitted = importlib.import_module("pyfixest").fepois(
        "count ~ treated | school + year", frame, offset="log_pupils", vcov={"CRV1": "school"}
    )
    return float(fitted.pvalue()["treated"])


def _group_time(frame: pd.DataFrame) -> float:
    fitted = importlib.import_module("diff_diff").CallawaySantAnna().fit(frame, "rate", "school", "year", "g")
    return float(fitted.overall_p_value)


PEERS: dict[str, tuple[str, Peer]] = {
    "two-way effects, clustered (pyfixest)": ("pyfixest", _twfe),
    "Poisson, exposure, clustered (pyfixest)": ("pyfixest", _poisson),
    "Callaway-Sant'Anna (diff-diff)": ("diff_diff", _group_time),
}


def load_libraries() -> set[str]:
    """Return which of the peers are installed."""
    found = set()
    for library, _ in PEERS.values():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the peers' own making, at import
                importlib.import_module(library)
        except ImportError:
            continue
        found.add(library)
    return found


def load_peers() -> dict[str, Peer]:
    """Return the tests whose library is installed."""
    installed = load_libraries()
    return {name: test for name, (library, test) in PEERS.items() if library in installed}


def p_value(test: Peer, frame: pd.DataFrame) -> float:
    """Return a peer's p-value; 1 where it has no answer, as with a school that has no event."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = test(frame)
    except Exception:
        return 1.0
    return found if np.isfinite(found) else 1.0
