import math

import numpy as np
import pytest

from averting.costs.distributions import FAMILIES, Distribution
from averting.draws import stream
from averting.errors import ParameterError

DECLARED = {
    "normal moments": ({"family": "normal", "mean": 3.0, "sd": 2.0}, 3.0, 4.0),
    "normal quantiles": ({"family": "normal", "p5": -1.6448536269514722, "p95": 1.6448536269514722}, 0.0, 1.0),
    "lognormal moments": ({"family": "lognormal", "mean": 10.0, "sd": 4.0}, 10.0, 16.0),
    "gamma moments": ({"family": "gamma", "mean": 8850.0, "sd": 6200.0}, 8850.0, 6200.0**2),
    "gamma shape": ({"family": "gamma", "shape": 2.0, "scale": 3.0}, 6.0, 18.0),
    "beta moments": ({"family": "beta", "mean": 0.87, "sd": 0.07}, 0.87, 0.0049),
    "beta numbers": ({"family": "beta", "alpha": 2.0, "beta": 6.0}, 0.25, 12 / (64 * 9)),
    "triangular": ({"family": "triangular", "low": 0.0, "mode": 1.0, "high": 5.0}, 2.0, 21 / 18),
    "pert": ({"family": "pert", "low": 0.0, "mode": 1.0, "high": 4.0}, 4 / 3, (4 / 3) * (8 / 3) / 7),
    "uniform": ({"family": "uniform", "low": 1.0, "high": 4.0}, 2.5, 0.75),
    "fixed": ({"family": "fixed", "value": 7.0}, 7.0, 0.0),
}


@pytest.mark.parametrize("name", DECLARED)
def test_draws_have_the_analytic_moments(name: str) -> None:
    table, mean, variance = DECLARED[name]
    distribution = Distribution.from_table(table)
    n = 400_000
    draws = distribution.draw(n, stream(1, name))
    assert distribution.mean == pytest.approx(mean, rel=1e-12, abs=1e-12)
    assert draws.mean() == pytest.approx(mean, abs=5 * math.sqrt(variance / n) + 1e-12)
    assert draws.var() == pytest.approx(variance, rel=0.03, abs=1e-12)


def test_every_family_is_tested() -> None:
    assert {table["family"] for table, _, _ in DECLARED.values()} == set(FAMILIES)


@pytest.mark.parametrize(
    ("table", "probabilities"),
    [
        ({"family": "lognormal", "p5": 2.0, "p95": 9.0}, {0.05: 2.0, 0.95: 9.0}),
        ({"family": "lognormal", "median": 2.0, "p95": 9.0}, {0.5: 2.0, 0.95: 9.0}),
        ({"family": "lognormal", "p25": 2.0, "p75": 9.0}, {0.25: 2.0, 0.75: 9.0}),
        ({"family": "normal", "p5": 2.0, "p95": 9.0}, {0.05: 2.0, 0.95: 9.0}),
    ],
)
def test_quantiles_are_those_declared(table: dict[str, object], probabilities: dict[float, float]) -> None:
    distribution = Distribution.from_table(table)
    for probability, value in probabilities.items():
        assert distribution.quantile(probability) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"family": "gama", "mean": 1, "sd": 1}, "not a family"),
        ({"mean": 1, "sd": 1}, "not a family"),
        ({"family": "gamma", "mean": 1, "sd": 1, "skew": 1}, "Give {mean, sd} or {shape, scale}"),
        ({"family": "gamma", "mean": 1}, "Give {mean, sd}"),
        ({"family": "gamma", "mean": -1, "sd": 1}, "above 0"),
        ({"family": "gamma", "mean": "1", "sd": 1}, "finite number"),
        ({"family": "gamma", "mean": math.nan, "sd": 1}, "finite number"),
        ({"family": "gamma", "mean": 1, "sd": 1e-200}, "cannot be computed"),
        ({"family": "lognormal", "mean": 1e-200, "sd": 1}, "cannot be computed"),
        ({"family": "beta", "mean": 0.5, "sd": 1e-200}, "above 0"),
        ({"family": "beta", "mean": 0.5, "sd": 0.6}, "square root"),
        ({"family": "pert", "low": 3, "mode": 2, "high": 4}, "low <= mode <= high"),
        ({"family": "uniform", "low": 3, "high": 3}, "below high"),
        ({"family": "lognormal", "p5": 3, "p95": 2}, "must rise"),
        ({"family": "lognormal", "p5": 0, "p95": 2}, "above 0"),
        ({"family": "normal", "mean": 0, "sd": 0}, "above 0"),
        ({"family": "gamma", "shape": 2, "scale": 3, "mean": 6.1}, "declares mean 6.1"),
    ],
)
def test_what_makes_no_distribution_is_refused(table: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match="(?s).*" + words.replace("{", r"\{").replace("}", r"\}")):
        Distribution.from_table(table)


def test_a_declared_mean_may_be_rounded() -> None:
    assert Distribution.from_table({"family": "pert", "low": 0, "mode": 1, "high": 4, "mean": 1.333}).mean == 4 / 3


def test_one_stream_gives_the_same_ranks_to_two_distributions() -> None:
    one = Distribution.from_table({"family": "gamma", "mean": 2, "sd": 1}).draw(500, stream(3, "a"))
    two = Distribution.from_table({"family": "uniform", "low": 0, "high": 9}).draw(500, stream(3, "a"))
    np.testing.assert_array_equal(one.argsort(), two.argsort())
