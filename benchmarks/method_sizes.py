"""How often each method calls a programme that does nothing, and one that halves the count, at a nominal 5 %.

Run: ``uv run python benchmarks/method_sizes.py [panels] [--columns NAME...] [--skip METHOD...]``; all of it takes an hour.

Every method that is not Bayesian goes through :func:`averting.estimate`, as a user would call it, on the panels of
``few_pilots.py``. ``rejects`` is the share with a p-value of 5 % or less; ``says`` the share whose verdict is evidence of a
change, which a failed check withholds. A star marks what ``inference="auto"`` picks. Rows come as Markdown, ready for
docs/simulation.md. ``ratio_did`` itself has more panels in ``few_pilots.py``, the Bayesian models in
``bayes_calibration.py``. The synthetic methods try 99 placebos here, which leaves their size as it is.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from averting.design import Design
from averting.effects import Effect, Verdict, estimate, known_estimators
from averting.effects.estimator import Request
from averting.effects.estimators import augmented_synthetic_control, synthetic_control, synthetic_did
from averting.effects.inference.choice import choose_inference
from averting.effects.synthetic import SyntheticMethod, fit_synthetic
from averting.errors import EstimationError
from panels import SETTINGS, Panels, Setting, draw_panels
from ratio_did_speed import to_design

ALPHA, DRAWS, PLACEBOS = 0.05, 100, 99
A, B, C = (SETTINGS[name] for name in list(SETTINGS)[:3])
COLUMNS = {
    "A, no effect": (A, 1.0),
    "B, no effect": (B, 1.0),
    "C, no effect": (C, 1.0),
    "12 of 60, no effect": (Setting(60, 12), 1.0),
    "A, halved": (A, 0.5),
}
CLUSTERED = {
    "one LA of 10 with all three pilots, its shock's sd 0.2, no effect": Setting(60, 3, areas=10, area_sd=0.2),
    "12 pilots in two LAs of 10, its shock's sd 0.2, no effect": Setting(60, 12, areas=10, area_sd=0.2),
}
"""Regressions with ``cluster="la"``, and ``ratio_did``, which looks after authorities by itself."""
TWINS: tuple[SyntheticMethod, ...] = (
    synthetic_control.METHOD,
    synthetic_did.METHOD,
    augmented_synthetic_control.METHOD,
)
ONCE = ("did_2x2", "event_study")  # regressions of rates whose other kinds of inference twfe stands for

Fit = Callable[[Design], Effect]


def plain(method: str, inference: str, cluster: str = "") -> Fit:
    return lambda design: estimate(
        design, "events", method=method, inference=inference, cluster=cluster, draws=DRAWS
    )


def twin(method: SyntheticMethod) -> Fit:
    fewer = replace(method, most_placebos=PLACEBOS)
    return lambda design: fit_synthetic(fewer, design, Request("events", "permutation", draws=DRAWS))


def rows() -> dict[tuple[str, str], Fit]:
    """Return every method with every inference it offers."""
    found: dict[tuple[str, str], Fit] = {}
    twins = {method.key: method for method in TWINS}
    for key, spec in known_estimators().items():
        if key in twins:
            found[key, "permutation"] = twin(twins[key])
        elif not key.startswith("bayes") and key != "ratio_did":
            kinds = ("cr3", "permutation") if key in ONCE else spec.inferences
            kinds = tuple(kind for kind in kinds if kind != "subcluster")  # see clustered_rows
            found |= {(key, kind): plain(key, kind) for kind in kinds}
    return found | {("ratio_did", kind): plain("ratio_did", kind) for kind in ("permutation", "bootstrap")}


def clustered_rows() -> dict[tuple[str, str], Fit]:
    """Return the inferences that know of clusters, and the default."""
    kinds = ("cr1", "cr2", "cr3", "wild", "subcluster")
    found = {("twfe", kind): plain("twfe", kind, cluster="la") for kind in kinds}
    return found | {("ratio_did", "permutation"): plain("ratio_did", "permutation")}


def one_panel(drawn: Panels, number: int, setting: Setting) -> Design:
    single = drawn._replace(
        events=drawn.events[[number]], pupils=drawn.pupils[[number]], hidden=drawn.hidden[[number]]
    )
    return to_design(single, setting, suppress=False)


def shares(fit: Fit, designs: list[Design]) -> tuple[float, float]:
    """Return the shares of panels in which no effect is rejected, and in which the verdict says so."""
    rejected = said = 0
    for design in designs:
        try:
            effect = fit(design)
        except EstimationError:
            continue
        rejected += effect.p_value is not None and effect.p_value <= ALPHA
        said += effect.verdict in (Verdict.REDUCTION, Verdict.INCREASE)
    return rejected / len(designs), said / len(designs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("panels", nargs="?", type=int, default=250)
    parser.add_argument("--columns", nargs="*", choices=[*COLUMNS, *CLUSTERED], default=[*COLUMNS, *CLUSTERED])
    parser.add_argument("--skip", nargs="*", choices=[method for method, _ in rows()], default=[])
    asked = parser.parse_args()
    work = {name: (setting, ratio, rows) for name, (setting, ratio) in COLUMNS.items()}
    work |= {name: (setting, 1.0, clustered_rows) for name, setting in CLUSTERED.items()}
    for number, (name, (setting, ratio, fits)) in enumerate(work.items()):
        if name not in asked.columns:
            continue
        drawn = draw_panels(setting, asked.panels, ratio=ratio, rng=np.random.default_rng([number, 41]))
        designs = [one_panel(drawn, each, setting) for each in range(asked.panels)]
        print(f"\n{name}, {asked.panels} panels\n| Method | Inference | rejects | says |\n|---|---|---|---|")
        for (method, inference), fit in fits().items():
            if method not in asked.skip:
                print_row(method, inference, fit, designs)


def print_row(method: str, inference: str, fit: Fit, designs: list[Design]) -> None:
    begun = time.process_time()
    chosen = choose_inference(known_estimators()[method].inferences, designs[0])[0] == inference
    rejects, says = shares(fit, designs)
    star = "*" if chosen else ""
    spent = f"<!-- {time.process_time() - begun:.0f} s -->"
    print(f"| `{method}` | {inference}{star} | {rejects:.3f} | {says:.3f} | {spent}", flush=True)


if __name__ == "__main__":
    main()
