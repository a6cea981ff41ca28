"""Bounds of the schools of an authority bracket what DfE published for that authority, on the real files.

The authorities' file has 1,044 secondary authority-years for 2010/11 to 2016/17. Documented, not hidden:

- 7 are of Cheshire West and Chester, whose schools the school-level file leaves out;
- 14 have no published count (seven authorities that were renamed, in 2015/16 and 2016/17);
- the other 1,023 are compared. Coverage is the same in every one: the schools' headcounts add up to the authority's
  exactly, so special schools play no part and academies are on both sides. All of them bracket;
- in 116 of these some school-year has exclusions over no pupils (a closure, or a school split between authorities): a
  panel marks it missing, so its events are in the published total and in no cell. There the panel's lower total is
  still no more than was published, its upper total is without end, and both ends are compared on the cells as read.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from averting.data import read_panel
from averting.data.cells import read_counts
from averting.data.symbols import load_symbols
from averting.years import AcademicYear

SCHOOLS = "data/dfe_exclusions/schools_secondary_201011_201617.csv.gz"
AUTHORITIES = "data/dfe_exclusions/local_authorities_200607_202324.csv.gz"
INDICATORS = ("permanent_exclusions", "suspensions", "pupils_suspended")
COLUMNS = ("perm_excl", "fixed_excl", "one_plus_fixed")
KEY = ["la_code", "period"]


@pytest.fixture(scope="module")
def schools(shared: Path) -> pd.DataFrame:
    """One row for each school and year in the file, with its bounds and its authority in that year."""
    raw = pd.read_csv(shared / SCHOOLS, dtype=str, na_filter=False)
    rows = raw.assign(
        school=raw["urn"],
        la_code=raw["old_la_code"],
        period=[AcademicYear.parse(year).label for year in raw["time_period"]],
        pupils=raw["headcount"].astype(float),
    )
    panel = read_panel(shared / SCHOOLS).to_frame()
    return rows[["school", "period", "la_code", "pupils"]].merge(panel, on=["school", "period"], validate="m:1")


@pytest.fixture(scope="module")
def authorities(shared: Path) -> pd.DataFrame:
    panel = read_panel(shared / AUTHORITIES, level="local authority", phase="Secondary")
    years = [period for period in panel.periods if "2010/11" <= period <= "2016/17"]
    frame = panel.select(periods=years).to_frame()
    return frame.rename(columns={"school": "la_code"})


def totals(schools: pd.DataFrame, authorities: pd.DataFrame, indicator: str) -> pd.DataFrame:
    known = schools[f"{indicator}_status"].isin(["observed", "suppressed"])
    sums = schools.assign(
        low=schools[f"{indicator}_lower"].where(known, 0.0),
        high=schools[f"{indicator}_upper"].where(known, 0.0),
        whole=schools[f"{indicator}_status"] != "missing",
    )
    summed = sums.groupby(KEY).agg(
        low=("low", "sum"), high=("high", "sum"), pupils=("pupils", "sum"), whole=("whole", "all")
    )
    published = authorities[authorities[f"{indicator}_status"].isin(["observed", "suppressed"])]
    return published.merge(summed.reset_index(), on=KEY, how="inner")


@pytest.mark.parametrize("indicator", INDICATORS)
def test_every_published_total_lies_between_the_sums_of_its_schools(
    schools: pd.DataFrame, authorities: pd.DataFrame, indicator: str
) -> None:
    both = totals(schools, authorities, indicator)
    assert len(both) == 1023
    # the same schools are behind both numbers
    assert (both["pupils"] == both["exposure"]).all()
    assert (both["low"] <= both[f"{indicator}_upper"]).all()
    whole = both[both["whole"]]
    assert len(whole) == 907
    assert (whole["high"] >= whole[f"{indicator}_lower"]).all()


@pytest.mark.parametrize(("indicator", "column"), list(zip(INDICATORS, COLUMNS, strict=True)))
def test_cells_as_read_bracket_every_published_total(
    shared: Path, authorities: pd.DataFrame, indicator: str, column: str
) -> None:
    raw = pd.read_csv(shared / SCHOOLS, dtype=str, na_filter=False)
    cells = read_counts(raw[column], load_symbols().vintages["dfe_school_to_201617"].symbols)
    read = pd.DataFrame({"la_code": raw["old_la_code"], "low": cells.lower, "high": cells.upper})
    read["period"] = [AcademicYear.parse(year).label for year in raw["time_period"]]
    published = authorities[authorities[f"{indicator}_status"].isin(["observed", "suppressed"])]
    both = published.merge(read.groupby(KEY).sum().reset_index(), on=KEY, how="inner")
    assert len(both) == 1023
    outside = (both["low"] > both[f"{indicator}_upper"]) | (both["high"] < both[f"{indicator}_lower"])
    assert not outside.any()


def test_what_is_not_compared_is_what_is_documented(schools: pd.DataFrame, authorities: pd.DataFrame) -> None:
    listed = authorities[authorities["exposure"].notna()]
    assert len(listed) == 1044
    without_schools = listed[~listed["la_code"].isin(schools["la_code"])]
    assert dict(without_schools["la_code"].value_counts()) == {"896": 7}
    unpublished = listed[listed["permanent_exclusions_status"] == "missing"]
    assert unpublished["la_code"].nunique() == 7
    assert sorted(unpublished["period"]) == ["2015/16"] * 7 + ["2016/17"] * 7
