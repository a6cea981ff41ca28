from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from averting.design import EntropyBalancing, NearestNeighbours, SameAsPilots, StatisticalNeighbours
from averting.errors import Fault
from averting.evaluation.comparison import read_comparison
from averting.evaluation.toml_table import TomlTable


def read(values: dict[str, Any] | None, folder: Path = Path()) -> tuple[Any, list[Fault]]:
    faults: list[Fault] = []
    table = None if values is None else TomlTable(values, "evaluation.toml [design] [comparison]", faults)
    return read_comparison(table, folder), faults


def test_nothing_said_means_every_school() -> None:
    assert read(None) == ("all", [])
    assert read({"rule": "all"}) == (SameAsPilots(on=()), [])


def test_every_key_of_the_nearest_rule() -> None:
    rule, faults = read(
        {
            "rule": "nearest", "k": 4, "on": ["size", "fsm"], "distance": "mahalanobis", "replace": False,
            "caliper": 2, "same": ["phase"], "exclude": [100001], "exclude_same_la": True, "balanced": False,
        }
    )  # fmt: skip
    pool = SameAsPilots(on=("phase",), balanced=False, exclude=("100001",), exclude_same_la=True)
    assert faults == []
    assert rule == NearestNeighbours(4, ("size", "fsm"), "mahalanobis", False, 2.0, pool)


def test_every_key_of_entropy_balancing() -> None:
    rule, faults = read(
        {
            "rule": "entropy",
            "on": ["fsm"],
            "by_period": ["suspensions"],
            "moments": 2,
            "same": ["phase"],
            "exclude": ["1"],
        }
    )
    assert faults == []
    assert rule == EntropyBalancing(("fsm",), ("suspensions",), 2, SameAsPilots(on=("phase",), exclude=("1",)))


def test_statistical_neighbours_are_read_from_beside_the_evaluation(tmp_path: Path) -> None:
    (tmp_path / "sn.csv").write_text("la_code,neighbour_code,rank\n301,308,1\n", encoding="utf-8")
    rule, faults = read({"rule": "statistical_neighbours", "neighbours": "sn.csv", "most": 5}, tmp_path)
    assert faults == []
    assert isinstance(rule, StatisticalNeighbours)
    assert (rule.neighbours.ranked, rule.most) == ({"301": ("308",)}, 5)


@pytest.mark.parametrize(
    ("values", "where", "found"),
    [
        ({"rule": "closest"}, "rule", "'closest' is not known"),
        ({"rule": "nearest", "k": 0}, "rule", "k is 0"),
        ({"rule": "nearest", "distance": "miles"}, "distance", "'miles' is not known"),
        ({"rule": "nearest", "neighbours": 3}, "neighbours", "this key is not known"),
        ({"rule": "entropy", "moments": 3}, "rule", "moments is 3"),
        ({"rule": "same", "on": ["colour"]}, "on", "colour is not a trait"),
        ({"rule": "statistical_neighbours"}, "neighbours", "this key is missing"),
        ({"rule": "statistical_neighbours", "neighbours": "gone.csv"}, "rule", "gone.csv cannot be read"),
    ],
)
def test_faults_are_named_with_their_key(values: dict[str, Any], where: str, found: str, tmp_path: Path) -> None:
    _, faults = read(values, tmp_path)
    assert faults[0].where.endswith(f" {where}")
    assert found in faults[0].found
