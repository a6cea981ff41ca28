"""How often tests call nothing an effect, find a halving, and cover the truth, for averting and its peers; for ``all.py``.

Panels are those of ``few_pilots.py``, whose truth is known. averting's test is ``ratio_did``. Coverage is that of the 95 %
interval for the ratio where the programme halves the count; peers that answer in differences of rates have no such ratio.
"""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from few_pilots import ALPHA, rejections
from panels import SETTINGS, Setting, draw_panels
from peer_tests import load_peers, long_frame, p_value

ASKED = ("A: 3 of 60", "B: pilots at 2.5 times the rate", "C: pilots at 0.4 times the rate", "1 of 20")
WORDS = {
    "A: 3 of 60": "3 pilots, 57 others", "B: pilots at 2.5 times the rate": "3 pilots that exclude 2.5 times as much",
    "C: pilots at 0.4 times the rate": "3 pilots that exclude 0.4 times as much", "1 of 20": "1 pilot, 19 others",
}  # fmt: skip
MORE = 10  # panels of averting's for each of a peer's, which take far longer


def _frames(setting: Setting, panels: int, ratio: float, seed: int) -> Iterator[pd.DataFrame]:
    rng = np.random.default_rng([seed, round(100 * ratio), 13])
    drawn = draw_panels(setting, panels, ratio=ratio, rng=rng)
    for events, pupils in zip(drawn.events, drawn.pupils, strict=True):
        yield long_frame(events, pupils, setting.treated())


def poisson_covers(frame: pd.DataFrame, ratio: float) -> bool:
    """Whether the peer's interval for the ratio holds the truth; not where it has no answer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fitted = importlib.import_module("pyfixest").fepois(
                "count ~ treated | school + year", frame, offset="log_pupils", vcov={"CRV1": "school"}
            )
            low, high = fitted.confint().loc["treated"].to_numpy(dtype=float)
        except Exception:  # whatever a peer raises: it has no interval
            return False
    return bool(low <= math.log(ratio) <= high)


def study(panels: int) -> Iterator[dict[str, Any]]:
    """Yield one row for each setting and test; ``panels`` for each peer, ten times as many for averting."""
    for number, name in enumerate(ASKED):
        setting, many = SETTINGS[name], MORE * panels
        size, power = (rejections(setting, many, ratio=ratio, supposed=1.0, seed=number) for ratio in (1.0, 0.5))
        missed = rejections(setting, many, ratio=0.5, supposed=0.5, seed=number)
        ours = {"setting": WORDS[name], "library": "averting", "test": "ratio_did", "panels": many}
        yield {**ours, "size": round(size, 4), "power": round(power, 4), "coverage": round(1 - missed, 4)}
        for label, test in load_peers().items():
            rates = [
                float(
                    np.mean([p_value(test, frame) <= ALPHA for frame in _frames(setting, panels, ratio, number)])
                )
                for ratio in (1.0, 0.5)
            ]
            held = (
                float(np.mean([poisson_covers(frame, 0.5) for frame in _frames(setting, panels, 0.5, number)]))
                if label.startswith("Poisson")
                else None
            )
            test_name, _, library = label.rpartition(" (")
            theirs = {"setting": WORDS[name], "library": library.rstrip(")"), "test": test_name, "panels": panels}
            yield {**theirs, "size": rates[0], "power": rates[1], "coverage": held}
