"""Schools that were joined to one series: named by any of their ids, under every rule."""

from __future__ import annotations

import pandas as pd
import pytest

from averting.data import Neighbours, Panel, join_schools
from averting.design import ComparisonRule, Design, NearestNeighbours, SameAsPilots, StatisticalNeighbours

MERGED = "200001"
NEIGHBOURS = Neighbours({"1": ("2",)}, {"1": "Alpha", "2": "Beta"})


@pytest.fixture
def joined(table: pd.DataFrame) -> Panel:
    """Schools 100001 and 100003 merge to 200001 in 2021, and 100002 splits to 300001 and 300002."""
    late = table["year"] >= "2021/22"
    changed = table.assign(share=range(len(table)))
    changed.loc[late & (table["urn"] == "100001"), "urn"] = MERGED
    changed = changed[~(late & (table["urn"] == "100003"))]
    split = changed[late.loc[changed.index] & (changed["urn"] == "100002")]
    changed = pd.concat([changed.drop(index=split.index), split.assign(urn="300001"), split.assign(urn="300002")])
    panel = Panel.from_frame(
        changed, school="urn", period="year", counts=["permanent_exclusions"], exposure="pupils",
        symbols={"x": (1, 2)}, phase="phase", region="region", la="la", covariates=["share"],
    )  # fmt: skip
    pairs = [("100001", MERGED), ("100003", MERGED), ("100002", "300001"), ("100002", "300002")]
    links = pd.DataFrame(pairs, columns=["before", "after"]).assign(
        how="Successor", date=pd.Timestamp(2021, 9, 1), directed=True
    )
    return join_schools(panel, links).panel


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (NearestNeighbours(k=2, on=("share",), pool=SameAsPilots(on=())), {"300001+300002", "100004"}),
        (NearestNeighbours(k=2, on=("share",), pool=SameAsPilots(on=(), exclude=("100002",))), None),
        (StatisticalNeighbours(NEIGHBOURS), {"100005", "100006", "100007", "100008"}),
        (SameAsPilots(on=("la",)), {"300001+300002", "100004"}),
    ],
)
def test_every_rule_follows_joined_schools(joined: Panel, rule: ComparisonRule, expected: set[str] | None) -> None:
    pilots = ["100003"] if expected else ["100003", "100005"]
    design = Design(joined, pilots, start="2021/22", comparison=rule)
    assert design.pilots[0] == MERGED
    assert MERGED not in design.comparison
    if expected:
        assert set(design.comparison) == expected
    else:  # left out by the id it had before
        assert "300001+300002" not in design.comparison


def test_a_list_may_use_any_id_of_a_series_once(joined: Panel) -> None:
    design = Design(joined, [MERGED], start="2021/22", comparison=["100002", "300002", "100004"])
    assert design.comparison == ("300001+300002", "100004")


def test_the_old_and_new_id_are_one_pilot(joined: Panel) -> None:
    assert Design(joined, ["100001", "100003", MERGED], start="2021/22").pilots == (MERGED,)
