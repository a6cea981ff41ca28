"""Beyond one authority: sums by hand, the spread between authorities, and the grant."""

from pathlib import Path

import numpy as np
import pytest

from averting.costs.authorities import CAVEAT, elsewhere, recovery, schools_grant
from averting.errors import ParameterError

DRAWS = 4_000
WEST = "Cheshire West and Chester"


def test_without_spread_it_is_counts_times_share_times_years_times_cost() -> None:
    share, years = np.full(DRAWS, 0.25), np.full(DRAWS, 2.0)
    found = elsewhere(share, {WEST: 40, "Salford": 60}, years=years, between=0)
    table = found.table.set_index("authority")
    assert table.loc[WEST, "saving_mean"] == pytest.approx(40 * 0.25 * 2 * 28_622)
    assert table.loc["Salford", "saving_mean"] == pytest.approx(60 * 0.25 * 2 * 18_641)
    assert found.averted == pytest.approx(np.full(DRAWS, 25.0))
    assert found.saving.mean() == pytest.approx(table["saving_mean"].sum())
    assert found.caveat == CAVEAT


def test_authorities_that_differ_widen_each_but_average_out() -> None:
    share, years = np.zeros(DRAWS), np.ones(DRAWS)
    places = {f"Place {i}": 10.0 for i in range(25)}
    found = elsewhere(share, places, years=years, between=0.2)
    # 25 independent sums of 10 x sd 0.2: sd 10; Monte Carlo error of an sd at 4,000 draws is about 1.1%
    assert found.averted.std() == pytest.approx(10, rel=0.05)
    assert not found.table["own_cost"].any()
    assert (found.table["averted_lower"] < 0).all()


def test_a_phase_takes_its_authority_s_cost_and_a_rise_is_kept() -> None:
    found = elsewhere(np.full(10, -0.1), {f"{WEST}, Secondary": 50}, years=np.ones(10), between=0)
    assert found.table["own_cost"].all()
    assert found.saving == pytest.approx(np.full(10, -0.1 * 50 * 28_622))


def test_phases_of_one_authority_differ_together() -> None:
    """Two phases of one place are as uncertain as the place: their differences do not average out."""
    share, years = np.zeros(DRAWS), np.ones(DRAWS)
    apart = elsewhere(share, {"Salford, Primary": 10.0, "Salford, Secondary": 30.0}, years=years, between=0.2)
    whole = elsewhere(share, {"Salford": 40.0}, years=years, between=0.2)
    np.testing.assert_allclose(apart.averted, whole.averted, rtol=1e-12)
    np.testing.assert_allclose(apart.saving, whole.saving, rtol=1e-12)
    assert apart.table[["authority", "phase"]].to_numpy().tolist() == [
        ["Salford", "Primary"],
        ["Salford", "Secondary"],
    ]
    comma = elsewhere(share, {"Bristol, City of": 5.0, "Bristol, City of, Secondary": 5.0}, years=years, between=0)
    assert comma.table["own_cost"].all()
    assert comma.table["phase"].tolist() == ["all", "Secondary"]


def test_england_by_authority_and_phase_adds_up_to_the_published_count(shared: Path) -> None:
    """Every authority's published count of 2016/17, by phase: together England's 7,720, but for rounding and suppression."""
    import pandas as pd

    frame = pd.read_csv(
        shared / "data/dfe_exclusions/local_authorities_200607_202324.csv.gz", dtype={"perm_excl": str}
    )
    year = frame.query("time_period == 201617 and school_type in ['Primary', 'Secondary', 'Special']")
    counts = pd.to_numeric(year["perm_excl"], errors="coerce").fillna(1.5)  # suppressed: 1 or 2
    places = dict(zip(year["la_name"] + ", " + year["school_type"], counts, strict=True))
    found = elsewhere(np.full(500, 0.1), places, years=np.full(500, 1.81), between=0.1)
    assert len(found.table) > 400
    # one authority is left out of the file, with under 3 % of pupils
    assert found.table["exclusions"].sum() == pytest.approx(7_720, rel=0.03)
    assert found.averted.mean() == pytest.approx(0.1 * found.table["exclusions"].sum(), rel=0.02)
    # at the pooled £18,850 a place and year (131 authorities): within the spread of costs by authority
    assert found.saving.mean() / found.averted.mean() / 1.81 == pytest.approx(18_850, rel=0.1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exclusions": {}}, "no authority"),
        ({"exclusions": {WEST: -1.0}}, "not a count"),
        ({"years": np.ones(3)}, "shapes"),
        ({"share_averted": np.full(10, 2.0)}, "above 1"),
        ({"between": 20.0}, "not a share"),
    ],
)
def test_what_cannot_be_carried_is_refused(change: dict, words: str) -> None:
    good = {"share_averted": np.zeros(10), "exclusions": {WEST: 5.0}, "years": np.ones(10), "between": 0.1}
    asked = good | change
    with pytest.raises(ParameterError, match=words):
        elsewhere(asked["share_averted"], asked["exclusions"], years=asked["years"], between=asked["between"])


def test_the_grant_is_that_published(shared: Path) -> None:
    import pandas as pd

    folder = shared / "data/dfe_ap_finance"
    balances = pd.read_excel(folder / "dsg_deficit_derived.xlsx").query("financial_year == '2021-22'")
    share = balances.set_index("la_name")["DSG cumulative balance as a % of the total income"]
    for place in ("Salford", WEST, "Gloucestershire"):
        grant = schools_grant(place)
        assert grant["balance_share"] == pytest.approx(share[place] / 100)
        assert grant["balance"] == pytest.approx(grant["allocation"] * grant["balance_share"])
    assert schools_grant("Salford")["allocation"] == 252_272_109
    with pytest.raises(ParameterError, match="Salford"):
        schools_grant("Salfrod")


def test_a_recovery_plan_by_hand() -> None:
    table = recovery(15_000_000, planned=1_000_000, saving=np.array([400_000.0, 600_000.0, -250_000.0])).set_index(
        "plan"
    )
    assert table.loc["alone", "years"] == 15
    assert table.loc["with", "yearly"] == pytest.approx(1_250_000)
    assert table.loc["with", "years"] == pytest.approx(12)
    assert table.loc["with", "chance"] == pytest.approx(2 / 3)
    assert recovery(10.0, planned=0, saving=np.zeros(2))["years"].tolist() == [np.inf, np.inf]
    with pytest.raises(ParameterError, match="above 0"):
        recovery(0, planned=1, saving=np.zeros(2))
