"""A pilot with data on one side of its start only is named before anything is estimated, with what joins it to its other half."""

from __future__ import annotations

import pandas as pd
import pytest

import averting as av
from averting.data import join_schools, read_links
from averting.errors import DesignError

YEARS = ("2019/20", "2020/21", "2021/22", "2022/23", "2023/24")


def panel_of(rows: dict[str, tuple[str, ...]]) -> av.Panel:
    frame = pd.DataFrame(
        [(school, year, 4, 900) for school, years in rows.items() for year in years],
        columns=["urn", "year", "suspensions", "pupils"],
    )
    return av.Panel.from_frame(frame, school="urn", period="year", counts=["suspensions"], exposure="pupils")


def others(number: int = 12) -> dict[str, tuple[str, ...]]:
    return {f"1000{at:02d}": YEARS for at in range(number)}


@pytest.mark.parametrize(
    ("pilot", "side"), [("111412", "from 2022/23 on"), ("148900", "before 2022/23")], ids=["old", "new"]
)
def test_a_pilot_with_one_side_names_its_other_half(pilot: str, side: str) -> None:
    panel = panel_of({**others(), "111412": YEARS[:3], "148900": YEARS[3:]})
    with pytest.raises(DesignError) as refused:
        av.Design(panel, [pilot], start="2022/23", exclude_periods=())
    text = str(refused.value)
    assert f"pilot {pilot}: no number of pupils in any period used {side}" in text
    assert "111412,148900,Successor," in text
    assert 'succession = "data/links.csv"' in text


def test_what_it_says_to_write_joins_the_two(tmp_path) -> None:
    panel = panel_of({**others(), "111412": YEARS[:3], "148900": YEARS[3:]})
    path = tmp_path / "links.csv"
    path.write_text("URN,LinkURN,LinkType,LinkEstablishedDate\n111412,148900,Successor,\n", encoding="utf-8")
    joined, _ = join_schools(panel, read_links(path))
    design = av.Design(joined, ["111412"], start="2022/23", exclude_periods=())
    assert design.pilots == ("148900",)


def test_a_school_that_is_not_there_when_it_is_cannot_be_its_other_half() -> None:
    panel = panel_of({**others(), "111412": YEARS[:3]})
    with pytest.raises(DesignError, match=r"If it has another URN then, join the two.*111412,OTHER-URN,Successor"):
        av.Design(panel, ["111412"], start="2022/23", exclude_periods=())
