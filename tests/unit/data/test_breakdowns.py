"""Files that count by reason, length, number or setting, over a second file's pupils, held against published totals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

from averting.data import Panel, read_panel
from averting.errors import DataError

EXCLUSIONS = "data/dfe_exclusions"
AUTHORITIES = f"{EXCLUSIONS}/local_authorities_200607_202324.csv.gz"
NATION = f"{EXCLUSIONS}/exclusions_by_characteristic.zip"
REASONS = f"{EXCLUSIONS}/exclusions_by_reason.zip"
LENGTHS = f"{EXCLUSIONS}/exclusions_duration_of_fixed_exclusions.zip"
NUMBERS = f"{EXCLUSIONS}/exclusions_number_of_fixed_exclusions.zip"
CENSUS = "data/dfe_ap_finance/ap_placements_ap_census.csv.zip"
BY_SCHOOLS = "data/dfe_ap_finance/spc_school_ap_placement.csv"
ROUNDED = 2.5  # national counts are rounded to 5, so each may be off by this


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_panel(path, **options)
    return str(caught.value)


def national(shared: Path, name: str, **options: Any) -> Panel:
    return read_panel(shared / name, level="national", headcount=shared / NATION, **options)


def values(panel: Panel, indicator: str) -> np.ndarray[Any, Any]:
    return np.asarray(panel.data["value"].sel(indicator=indicator).values[0])


# --- the real files, against totals that DfE published apart from them ------------------------------------


@pytest.mark.parametrize(("phase", "early"), [("Primary", 16), ("Secondary", 3), ("Special", 5)])
def test_reasons_of_an_authority_bracket_its_published_total(shared: Path, phase: str, early: int) -> None:
    """All but one from 2010/11 on. Before, DfE weighted its counts, and a few sums are a little off its own totals."""
    options: dict[str, Any] = {"level": "local authority", "phase": phase}
    parts = read_panel(shared / REASONS, headcount=shared / AUTHORITIES, **options)
    whole = read_panel(shared / AUTHORITIES, **options)
    missed = []
    for indicator in ("permanent_exclusions", "suspensions"):
        lower, upper = (end.values for end in parts.bounds(indicator))
        published = whole.data.sel(indicator=indicator, school=list(parts.schools), period=list(parts.periods))
        low, high = published["lower"].values, published["upper"].values
        known = np.isfinite(upper) & np.isfinite(high)
        assert known.sum() > 1200
        # two intervals that hold the same number meet
        apart = np.argwhere(known & ~((lower <= high) & (low <= upper)))
        missed += [(parts.schools[i], parts.periods[j]) for i, j in apart]
    assert {place for place in missed if place[1] >= "2010/11"} <= {("373", "2015/16")}  # three short of 91
    assert sum(period < "2010/11" for _, period in missed) == early


@pytest.mark.parametrize("phase", ["Total", "Primary", "Secondary", "Special"])
def test_reasons_of_the_nation_add_up_to_what_was_published(shared: Path, phase: str) -> None:
    parts, whole = (
        national(shared, REASONS, phase=phase),
        read_panel(shared / NATION, level="national", phase=phase),
    )
    for indicator in ("permanent_exclusions", "suspensions"):
        lower, upper = (end.values[0] for end in parts.bounds(indicator))
        published = values(whole, indicator)
        assert (lower - 13 * ROUNDED <= published).all()
        assert (published <= upper + 13 * ROUNDED).all()


def test_suspensions_by_length_add_up(shared: Path) -> None:
    whole = national(shared, LENGTHS, phase="Total")
    np.testing.assert_array_equal(
        values(whole, "suspensions"),
        values(read_panel(shared / NATION, level="national", phase="Total"), "suspensions"),
    )
    lengths = [*(str(days) for days in range(46)), "46 or more", "Missing"]
    parts = national(shared, LENGTHS, phase="Total", rows={"duration_days_fixed_exclusions": lengths})
    lower, upper = (end.values[0] for end in parts.bounds("suspensions"))
    assert (lower - 49 * ROUNDED <= values(whole, "suspensions")).all()
    assert (values(whole, "suspensions") <= upper + 49 * ROUNDED).all()
    days = ["1", "2", "3", "4", "5"]
    short = national(shared, LENGTHS, phase="Total", rows={"duration_days_fixed_exclusions": days})
    # 177,900 + 89,380 + 52,190 + 12,530 + 42,115 of 381,865 in 2016/17
    assert values(short, "suspensions")[-1] == 374_115


def test_pupils_times_their_number_come_to_the_suspensions(shared: Path) -> None:
    """DfE's note on the file says days missed; those would be about twice as many."""
    total = 0.0
    for number in range(1, 16):
        part = national(shared, NUMBERS, phase="Total", rows={"num_fixed_excl": str(number)})
        total += number * values(part, "pupils_suspended")[-1]
    published = values(read_panel(shared / NATION, level="national", phase="Total"), "suspensions")[-1]
    # pupils with sixteen or more add a little; rounding adds 15 x 16 / 2 x 2.5 at most
    assert published * 0.96 < total < published + 300


@pytest.mark.parametrize("year", ["2017/18", "2022/23"])
def test_placements_of_authorities_add_up_to_the_nation(shared: Path, tmp_path: Path, year: str) -> None:
    pupils = pd.DataFrame({"school": ["E92000001"], "period": [year], "exposure": [8_000_000]})
    pupils.to_csv(tmp_path / "pupils.csv", index=False)
    nation = read_panel(shared / CENSUS, source="dfe_ap", level="national", headcount=tmp_path / "pupils.csv")
    assert values(nation, "ap_placements").tolist() == [{"2017/18": 22_848, "2022/23": 40_904}[year]]
    ages = ["Age 0", *(f"Age {age}" for age in range(1, 19)), "Age 19 plus"]
    parts = read_panel(
        shared / CENSUS, source="dfe_ap", level="national", headcount=tmp_path / "pupils.csv", rows={"age": ages}
    )
    np.testing.assert_array_equal(values(parts, "ap_placements"), values(nation, "ap_placements"))


def test_placements_that_schools_arrange(shared: Path) -> None:
    options: dict[str, Any] = {"source": "dfe_ap", "level": "local authority", "phase": "Total"}
    path, pupils = shared / BY_SCHOOLS, shared / AUTHORITIES
    panel = read_panel(path, headcount=pupils, **options)
    # one authority is left out of the file of pupils
    found = {check.key: check.message for check in panel.checks}
    assert "1 rows of spc_school_ap_placement.csv have none there" in found["data/headcount"]
    assert len(panel.schools) == 149
    dudley = panel.data["value"].sel(school="332", period="2022/23", indicator="ap_placements")
    assert float(dudley) == 93
    suspended = read_panel(path, headcount=pupils, rows={"pupil_characteristic": "Suspension"}, **options)
    assert len(suspended.schools) == 149  # authorities without such a row have none
    total = suspended.data["value"].sum().item()
    assert 0 < total <= 116  # the nation's, of which one authority is not here


# --- what is asked for and is not there ---------------------------------------------------------------


@pytest.fixture
def reasons(tmp_path: Path) -> Callable[..., Path]:
    def write(**columns: object) -> Path:
        table = pd.DataFrame(
            {
                "time_identifier": "Academic year",
                "time_period": ["201516", "201617"],
                "geographic_level": "Local authority",
                "old_la_code": "355",
                "la_name": "Salford",
                "school_type": "State-funded secondary",
                "perm_persistent_disruptive": ["3", "x"],
                "perm_theft": ["1", "0"],
                "fixed_persistent_disruptive": ["30", "20"],
                "fixed_theft": ["x", "x"],
            }
            | columns
        )
        path = tmp_path / "reasons.csv"
        table.to_csv(path, index=False)
        return path

    return write


@pytest.fixture
def pupils(tmp_path: Path) -> Path:
    path = tmp_path / "pupils.csv"
    pd.DataFrame({"school": "355", "period": ["2015/16", "2016/17"], "exposure": [900, 910]}).to_csv(
        path, index=False
    )
    return path


LA: dict[str, Any] = {"level": "local authority"}


def test_hidden_parts_add_up_as_bounds(reasons: Callable[..., Path], pupils: Path) -> None:
    panel = read_panel(reasons(), headcount=pupils, **LA)
    lower, upper = panel.bounds("suspensions")
    assert (lower.values.tolist(), upper.values.tolist()) == ([[31, 21]], [[32, 22]])
    one = read_panel(reasons(), headcount=pupils, rows={"reason": "persistent_disruptive"}, **LA)
    assert one.bounds("permanent_exclusions")[1].values.tolist() == [[3, 2]]
    assert one.exposure.values.tolist() == [[900, 910]]
    said = {check.key: check.message for check in one.checks}
    assert said["data/rows"] == "Counted are reason: persistent_disruptive."
    assert said["data/headcount"] == "Pupils are those of pupils.csv."


def test_a_file_without_pupils_asks_for_them(
    reasons: Callable[..., Path], good: pd.DataFrame, pupils: Path
) -> None:
    assert "does not say how many pupils there were. Name a second file" in refusal(reasons(), **LA)
    good.to_csv(pupils.parent / "own.csv", index=False)
    assert "has pupils of its own, in column 'headcount'. Leave headcount out" in refusal(
        pupils.parent / "own.csv", headcount=pupils
    )


def test_what_is_not_in_the_file_is_refused(reasons: Callable[..., Path], pupils: Path) -> None:
    path = reasons()
    assert "reason is nowhere 'thefts'. Use any of: 'persistent_disruptive', 'theft'" in refusal(
        path, headcount=pupils, rows={"reason": "thefts"}, **LA
    )
    assert "rows names column 'age', which is not there" in refusal(
        path, headcount=pupils, rows={"age": "1"}, **LA
    )
    assert "names one of reason twice" in refusal(
        path, headcount=pupils, rows={"reason": ["theft", "theft"]}, **LA
    )
    assert "rows names nothing of reason" in refusal(path, headcount=pupils, rows={"reason": []}, **LA)
    assert "no column for pupils_suspended" in refusal(
        path, headcount=pupils, indicators=["pupils_suspended"], **LA
    )
    assert "there is no such file" in refusal(path, headcount=path.parent / "none.csv", **LA)
    assert "what its symbols mean is not known" in refusal(
        reasons(time_period=["201617", "201718"]), headcount=pupils, **LA
    )


def test_an_authority_twice_is_refused(reasons: Callable[..., Path], pupils: Path) -> None:
    message = refusal(reasons(time_period="201617"), headcount=pupils, **LA)
    assert "reasons.csv, row 3: the same part occurs twice" in message


def test_pupils_of_other_years_or_places_are_not_borrowed(reasons: Callable[..., Path], pupils: Path) -> None:
    pd.DataFrame({"school": ["356"], "period": ["2016/17"], "exposure": [5]}).to_csv(pupils, index=False)
    assert "pupils.csv has no pupils for any row of reasons.csv" in refusal(reasons(), headcount=pupils, **LA)
    pd.DataFrame({"school": ["355"], "period": ["2016/17"], "exposure": [5]}).to_csv(pupils, index=False)
    panel = read_panel(reasons(), headcount=pupils, **LA)
    assert panel.periods == ("2016/17",)
    told = next(check for check in panel.checks if check.key == "data/headcount")
    assert (told.status, "1 rows of reasons.csv have none there" in told.message) == ("warn", True)


def test_a_table_of_ones_own_takes_pupils_and_rows(tmp_path: Path, pupils: Path) -> None:
    moves = pd.DataFrame(
        {
            "school": "355",
            "period": ["2015/16", "2016/17"] * 2,
            "kind": ["primary", "primary", "secondary", "secondary"],
            "managed_moves": [1, 2, 3, 4],
        }
    )
    moves.to_csv(tmp_path / "moves.csv", index=False)
    options: dict[str, Any] = {"source": "tidy", **LA}
    panel = read_panel(tmp_path / "moves.csv", headcount=pupils, rows={"kind": "secondary"}, **options)
    assert values(panel, "managed_moves").tolist() == [3, 4]
    assert panel.exposure.values.tolist() == [[900, 910]]
    both = refusal(tmp_path / "moves.csv", headcount=pupils, **options)
    assert "occurs" in both or "twice" in both
    assert "there is no column 'exposure'" in refusal(tmp_path / "moves.csv", **options)
    no_pupils = refusal(tmp_path / "moves.csv", headcount=tmp_path / "moves.csv", **options)
    assert "moves.csv does not say how many pupils there were" in no_pupils


def test_a_characteristic_can_be_chosen(shared: Path) -> None:
    boys = read_panel(shared / NATION, level="national", phase="Total", rows={"characteristic": "Gender male"})
    assert values(boys, "permanent_exclusions")[-1] == 6035  # of 7,720 in 2016/17
    assert float(boys.exposure[0, -1]) == 4_090_410


# --- Excel ----------------------------------------------------------------------------------------------


def test_a_wrong_size_in_a_workbook_loses_no_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [
        ("school", "period", "exposure", "suspensions"),
        ("a", "2021/22", 900, 4),
        ("a", "2022/23", 900, 6),
    ]:
        sheet.append(row)
    monkeypatch.setattr(type(sheet), "calculate_dimension", lambda self: "A1:D2")
    book.save(tmp_path / "short.xlsx")
    panel = read_panel(tmp_path / "short.xlsx", source="tidy")
    assert panel.periods == ("2021/22", "2022/23")
