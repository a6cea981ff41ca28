"""How often any test could find a halving with few pilots, were everything known but the pilots' own levels.

Run: ``uv run python benchmarks/attainable_power.py [panels]``; about ten minutes with the default of 16,000, which give a
Monte Carlo error near 0.01 (most of it is that of the cut, which 400 panels without effect exceed).

The best test of one ratio against another compares the likelihoods. Here it knows what no evaluator does: the years'
shocks, how much schools differ and drift, and how counts vary about their means, all exactly as they were drawn; single
schools' levels and shocks are averaged over their true distributions. In the first column the pilots' common level is free,
as it must be where pilots may have been chosen for excluding more: it is averaged over widely, which is the best that a
test can do whose error rate does not hang on that level. In the second the pilots are known to be like the rest. Both
reject a fall 2.5 % of the time under no effect, as a fair two-sided test at 5 % does.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm, qmc

from panels import (
    DISPERSION,
    PUPILS_DRIFT_SD,
    PUPILS_LOG_SD,
    PUPILS_MEDIAN,
    SCHOOL_SD,
    SETTINGS,
    SHOCK_SD,
    YEAR_SD,
    Floats,
    Setting,
)

TAIL = 0.025
POINTS = 512  # quasi-random levels and shocks that a likelihood is averaged over
LEVELS = np.arange(-1.6, 1.61, 0.4).astype(np.float32)
NAMES = [*list(SETTINGS)[:3], "2 of 60"]


def drifted(shock: Floats, persistence: float) -> Floats:
    """Turn independent shocks (..., year) into ones that persist."""
    for year in range(1, shock.shape[-1]):
        fresh = np.sqrt(1 - persistence**2) * shock[..., year]
        shock[..., year] = persistence * shock[..., year - 1] + fresh
    return shock


def draw_pilots(setting: Setting, panels: int, ratio: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return pilots' counts and what is known of their means, (panel, pilot, year), as ``panels.draw_panels`` draws them."""
    shape = (panels, setting.pilots, setting.years)
    size = rng.normal(0, PUPILS_LOG_SD, shape[:2])[..., None]
    drift = rng.normal(0, PUPILS_DRIFT_SD, shape).cumsum(-1)
    pupils = np.rint(PUPILS_MEDIAN * np.exp(size + drift)).clip(100) * setting.size
    level = rng.normal(-(SCHOOL_SD**2) / 2, SCHOOL_SD, shape[:2])[..., None]
    shock = SHOCK_SD * drifted(rng.normal(size=shape), setting.persistence) - SHOCK_SD**2 / 2
    known = setting.mean * setting.level * pupils / PUPILS_MEDIAN
    known = known * np.exp(rng.normal(0, YEAR_SD, (panels, 1, setting.years)))
    mean = known * np.exp(level + shock) * np.where(setting.treated(), ratio, 1)
    return rng.poisson(rng.gamma(1 / DISPERSION, mean * DISPERSION)).astype(float), known


def log_likelihood_ratios(setting: Setting, counts: Floats, known: Floats) -> tuple[Floats, Floats]:
    """Return log likelihood of a halving less that of no effect, (panel,), with the common level free and known."""
    normal = norm.ppf(qmc.Sobol(1 + setting.years, rng=1).random(POINTS).clip(1e-6, 1 - 1e-6))
    shock = SHOCK_SD * drifted(normal[:, 1:].copy(), setting.persistence) - SHOCK_SD**2 / 2
    unknown = (SCHOOL_SD * normal[:, :1] - SCHOOL_SD**2 / 2 + shock).astype(np.float32)
    free, fixed = np.empty(len(counts)), np.empty(len(counts))
    for panel, (own, base) in enumerate(zip(counts, known, strict=True)):
        of_level = []
        for ratio in (1.0, 0.5):
            certain = np.log(base) + np.log(ratio) * setting.treated()
            log_mean = certain[:, None, None, :] + unknown[:, None, :] + LEVELS[:, None]
            y = own[:, None, None, :].astype(np.float32)
            log_mean = log_mean.astype(np.float32)
            cell = y * log_mean - (y + np.float32(1 / DISPERSION)) * np.log1p(DISPERSION * np.exp(log_mean))
            of_level.append(logsumexp(cell.sum(-1), axis=1).sum(0))
        none, halved = of_level
        free[panel] = logsumexp(halved) - logsumexp(none)
        fixed[panel] = (halved - none)[len(LEVELS) // 2]
    return free, fixed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("panels", nargs="?", type=int, default=16_000)
    panels = parser.parse_args().panels
    print(f"{panels} panels, share of halvings found at 2.5 % on the side of a fall")
    print(f"{'':34s}{'level free':>12s}{'level known':>13s}")
    for number, name in enumerate(NAMES):
        setting, found = SETTINGS[name], {}
        for ratio in (1.0, 0.5):
            drawn = draw_pilots(setting, panels, ratio, np.random.default_rng([number, round(100 * ratio)]))
            found[ratio] = log_likelihood_ratios(setting, *drawn)
        power = [(found[0.5][i] > np.quantile(found[1.0][i], 1 - TAIL)).mean() for i in (0, 1)]
        print(f"{name:34s}{power[0]:12.3f}{power[1]:13.3f}", flush=True)


if __name__ == "__main__":
    main()
