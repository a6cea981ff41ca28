from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from averting.data import Neighbours, Panel, read_neighbours
from averting.design import Design, NearestNeighbours, SameAsPilots, StatisticalNeighbours
from averting.errors import DataError, DesignError

YEARS = ("2015/16", "2016/17", "2017/18", "2018/19")
BEFORE = YEARS[:3]
SCHOOLS = tuple(f"2000{number:02d}" for number in range(14))
PILOTS = SCHOOLS[:2]
LAS = ("Salford", "Trafford", "Bolton", "Kent", "302", "")


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    rows = []
    for number, school in enumerate(SCHOOLS):
        fsm = rng.uniform(5, 60)
        for year in YEARS:
            rows.append(
                {
                    "urn": school,
                    "year": year,
                    "pupils": 600 + 40 * number,
                    "suspensions": int(rng.poisson(20 + 8 * number)),
                    "fsm": round(fsm + rng.normal(), 3),
                    "la": LAS[number % 5],
                }
            )
    return pd.DataFrame(rows)


def panel_of(table: pd.DataFrame) -> Panel:
    return Panel.from_frame(
        table, school="urn", period="year", counts=["suspensions"], exposure="pupils", la="la", covariates=["fsm"]
    )


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return frame()


@pytest.fixture(scope="module")
def panel(table: pd.DataFrame) -> Panel:
    return panel_of(table)


@pytest.fixture(scope="module")
def measures(table: pd.DataFrame) -> pd.DataFrame:
    """What schools looked like before the start, by pandas."""
    early = table[table["year"].isin(BEFORE)].groupby("urn")
    rate = 100 * early["suspensions"].sum() / early["pupils"].sum()
    return pd.DataFrame({"suspensions": rate, "size": early["pupils"].mean(), "fsm": early["fsm"].mean()})


def scipy_distances(measures: pd.DataFrame, kind: str) -> np.ndarray:
    pilots, donors = measures.loc[list(PILOTS)].to_numpy(), measures.drop(list(PILOTS)).to_numpy()
    if kind == "mahalanobis":
        return cdist(pilots, donors, "mahalanobis", VI=np.linalg.inv(np.cov(donors, rowvar=False)))
    return cdist(pilots, donors, "seuclidean", V=donors.var(axis=0, ddof=1))


@pytest.mark.parametrize("kind", ["standardised", "mahalanobis"])
@pytest.mark.parametrize("k", [1, 3])
def test_nearest_schools_are_those_of_a_search_through_all(
    panel: Panel, measures: pd.DataFrame, kind: str, k: int
) -> None:
    donors = [school for school in SCHOOLS if school not in PILOTS]
    apart = scipy_distances(measures, kind)
    expected = {donors[i] for row in apart for i in np.argsort(row)[:k]}
    rule = NearestNeighbours(k=k, distance=kind)  # type: ignore[arg-type]
    assert tuple(rule.select(panel, PILOTS, YEARS, BEFORE)) == tuple(sorted(expected))


def test_without_replacement_the_total_distance_is_the_least_of_all(panel: Panel, measures: pd.DataFrame) -> None:
    apart = scipy_distances(measures, "standardised")
    least = min(
        (apart[0, list(first)].sum() + apart[1, list(second)].sum(), {*first, *second})
        for first in combinations(range(12), 2)
        for second in combinations(sorted(set(range(12)) - set(first)), 2)
    )
    chosen = NearestNeighbours(k=2, replace=False).select(panel, PILOTS, YEARS, BEFORE)
    assert {SCHOOLS.index(school) - 2 for school in chosen} == least[1]
    assert len(chosen) == 4


def test_nothing_after_the_start_bears_on_the_choice(table: pd.DataFrame, panel: Panel) -> None:
    changed = table.copy()
    late = changed["year"] == YEARS[3]
    changed.loc[late, "suspensions"] = np.arange(late.sum()) * 40
    changed.loc[late, "fsm"] = 99.0
    rule = NearestNeighbours(k=3)
    chosen = [Design(p, PILOTS, start=YEARS[3], comparison=rule).comparison for p in (panel, panel_of(changed))]
    assert chosen[0] == chosen[1]


def test_only_measures_asked_for_count(panel: Panel, measures: pd.DataFrame) -> None:
    chosen = NearestNeighbours(k=1, on=["fsm"]).select(panel, PILOTS[:1], YEARS, BEFORE)
    gap = (measures["fsm"] - measures.loc[PILOTS[0], "fsm"]).abs().drop(PILOTS[0])
    assert tuple(chosen) == (gap.idxmin(),)


def test_caliper_keeps_what_is_near_and_names_a_pilot_left_alone(panel: Panel, measures: pd.DataFrame) -> None:
    apart = scipy_distances(measures, "standardised")
    caliper = float(np.sort(apart, axis=1)[:, 1].max()) + 1e-9
    chosen = NearestNeighbours(k=12, caliper=caliper).select(panel, PILOTS, YEARS, BEFORE)
    assert {SCHOOLS.index(school) - 2 for school in chosen} == set(np.flatnonzero((apart <= caliper).any(axis=0)))
    with pytest.raises(DesignError, match=r"No school lies within the caliper of 2000"):
        NearestNeighbours(caliper=1e-6).select(panel, PILOTS, YEARS, BEFORE)


def test_ties_go_to_the_first_school_in_the_panel(table: pd.DataFrame) -> None:
    same = table.copy()
    same.loc[same["urn"].isin(SCHOOLS[2:6]), "fsm"] = 30.0
    same.loc[same["urn"].isin(SCHOOLS[:2]), "fsm"] = 30.0
    panel = panel_of(same)
    assert tuple(NearestNeighbours(k=2, on=["fsm"]).select(panel, PILOTS, YEARS, BEFORE)) == SCHOOLS[2:4]


def test_schools_of_the_pilots_authorities_can_be_left_out(panel: Panel) -> None:
    pool = SameAsPilots(on=(), exclude_same_la=True)
    rule = NearestNeighbours(k=50, pool=pool)
    left = rule.select(panel, PILOTS, YEARS, BEFORE)
    assert {LAS[SCHOOLS.index(school) % 5] for school in left} == {"Bolton", "Kent", "302"}
    assert "none in a pilot's local authority" in rule.describe()


def test_a_school_without_a_covariate_is_not_taken_and_a_pilot_without_it_refused(table: pd.DataFrame) -> None:
    bare = table.astype({"fsm": object})
    bare.loc[bare["urn"] == SCHOOLS[5], "fsm"] = ""
    assert SCHOOLS[5] not in NearestNeighbours(k=50).select(panel_of(bare), PILOTS, YEARS, BEFORE)
    bare.loc[bare["urn"] == PILOTS[0], "fsm"] = None
    with pytest.raises(DesignError, match="A pilot has no fsm"):
        NearestNeighbours().select(panel_of(bare), PILOTS, YEARS, BEFORE)


def test_refusals_name_what_is_wrong(panel: Panel, table: pd.DataFrame) -> None:
    with pytest.raises(DesignError, match="on ofsted"):
        NearestNeighbours(on=["ofsted"]).select(panel, PILOTS, YEARS, BEFORE)
    with pytest.raises(DesignError, match="k is 0"):
        NearestNeighbours(k=0)
    with pytest.raises(DesignError, match="repeat one another"):
        twice = Panel.from_frame(
            table.assign(again=table["fsm"] * 2),
            school="urn", period="year", counts=["suspensions"], exposure="pupils", covariates=["fsm", "again"],
        )  # fmt: skip
        NearestNeighbours(on=["fsm", "again"], distance="mahalanobis").select(twice, PILOTS, YEARS, BEFORE)
    with pytest.raises(DataError, match="a covariate that is not a number"):
        panel_of(table.assign(fsm="high"))


def test_covariates_survive_storage_and_selection(panel: Panel, table: pd.DataFrame, tmp_path: Path) -> None:
    panel.to_netcdf(tmp_path / "panel.nc")
    back = Panel.from_netcdf(tmp_path / "panel.nc")
    assert back.covariates == ("fsm",)
    assert back.data.identical(panel.data)
    part = back.select(schools=SCHOOLS[3:5], periods=YEARS[1:2])
    expected = table[table["urn"].isin(SCHOOLS[3:5]) & (table["year"] == YEARS[1])]["fsm"]
    np.testing.assert_array_equal(part.data["covariates"].to_numpy().ravel(), expected)


# --- statistical neighbours ---------------------------------------------------------------------------

TABLE = Neighbours(
    ranked={"355": ("358", "350"), "358": ("886",)},
    names={"355": "Salford", "358": "Trafford", "350": "Bolton", "886": "Kent"},
)


def test_statistical_neighbours_of_every_pilots_authority(panel: Panel) -> None:
    def authorities(pilots: tuple[str, ...], most: int) -> set[str]:
        chosen = StatisticalNeighbours(TABLE, most=most).select(panel, pilots, YEARS, BEFORE)
        return {LAS[SCHOOLS.index(school) % 5] for school in chosen}

    assert authorities(PILOTS[:1], 1) == {"Trafford"}
    assert authorities(PILOTS[:1], 10) == {"Trafford", "Bolton"}
    assert authorities(PILOTS, 10) == {"Trafford", "Bolton", "Kent"}


def test_an_authority_without_neighbours_is_named(panel: Panel) -> None:
    with pytest.raises(DesignError, match=r"pilot 200002 \(Bolton\) is not in the table"):
        StatisticalNeighbours(TABLE).select(panel, (SCHOOLS[2],), YEARS, BEFORE)


def test_the_published_workbook(shared: Path) -> None:
    found = read_neighbours(shared / "data/dfe_neighbours/sn_may_2025.xlsx")
    assert set(map(len, found.ranked.values())) == {10}
    assert all(code not in others and set(others) <= set(found.names) for code, others in found.ranked.items())
    # read by eye in the workbook: Barking and Dagenham's closest
    assert found.names["301"] == "Barking and Dagenham"
    assert found.ranked["301"][:3] == ("308", "821", "313")
    assert found.code_of("barking and dagenham") == "301"
    assert found.code_of("Middle-earth") is None


def test_a_csv_of_ranks(tmp_path: Path) -> None:
    path = tmp_path / "neighbours.csv"
    path.write_text("la_code,neighbour_code,rank\n301,821,2\n301,308,1\n302,301,1\n", encoding="utf-8")
    assert read_neighbours(path).ranked == {"301": ("308", "821"), "302": ("301",)}
    for content, said in (
        ("la_code,rank\n301,1\n", "missing neighbour_code"),
        ("la_code,neighbour_code,rank\n301,308,1\n301,308,2\n", "a neighbour twice: 301"),
        ("la_code,neighbour_code,rank\n301,308,first\n", "cannot be read"),
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=said):
            read_neighbours(path)
    (tmp_path / "broken.xlsx").write_text("no zip", encoding="utf-8")
    with pytest.raises(DataError, match=r"broken\.xlsx cannot be read"):
        read_neighbours(tmp_path / "broken.xlsx")
