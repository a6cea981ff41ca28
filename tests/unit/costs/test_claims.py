"""Claims: printed figures, what they imply, and refusal of what they do not state."""

from pathlib import Path

import pytest

from averting.costs import Claim, accept, read_claim, reconcile
from averting.costs.claims import Figure, Product, Reconciliation, Saving, known_counts
from averting.costs.claims.claim import NEEDED, claim_from_table
from averting.costs.claims.feasible import provision
from averting.errors import ParameterError


def _product(published: int | None = None, **figures: str) -> Reconciliation:
    table = {"text": "t", "source": "s", "product": figures} | ({"published": published} if published else {})
    return reconcile(claim_from_table(table, where="claim.toml"))


def _saving(**figures: object) -> Reconciliation:
    return reconcile(claim_from_table({"text": "t", "source": "s", "saving": figures}, where="claim.toml"))


SEED = {"reduction": "50 %", "annual": "£822,535", "lifetime": "£4.2m"}


@pytest.mark.parametrize(
    ("text", "low", "value", "high"),
    [
        ("£2.1bn", 2.05e9, 2.1e9, 2.15e9),
        ("£4.2m", 4.15e6, 4.2e6, 4.25e6),
        ("£822,535", 822_534.5, 822_535, 822_535.5),
        ("6,685", 6_684.5, 6_685, 6_685.5),
        ("50 %", 0.495, 0.5, 0.505),
        ("£0.37 million", 365_000, 370_000, 375_000),
        ("2.5", 2.45, 2.5, 2.55),
    ],
)
def test_a_figure_reaches_half_a_unit_of_its_last_digit(text: str, low: float, value: float, high: float) -> None:
    found = Figure.parse(text)
    assert (found.low, found.value, found.high) == pytest.approx((low, value, high), rel=1e-12)


@pytest.mark.parametrize("text", ["", "about £2bn", "£2,1bn", "1.2.3", "-5", "£3 zillion"])
def test_what_is_not_a_figure_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="as printed"):
        Figure.parse(text)


def test_370_000_times_6_685_is_not_2_1_billion_and_the_count_of_the_year_before_is() -> None:
    found = _product(published=2017, unit_cost="£370,000", count="6,685", total="£2.1bn")
    assert found.verdict == "does not hold"
    assert "£370,000 x 6,685 = £2.47bn, not £2.1bn: 15% less" in found.statements[0]
    assert "£314,136" in found.statements[1]
    latest = found.fits.iloc[0]
    assert (latest["place"], latest["year"], latest["count"]) == ("England", "2014/15", 5_795)
    # the range the total's rounding leaves, by hand: 2.05bn and 2.15bn over 370,000
    assert set(found.fits["count"]) == {c for c in (5_795, 5_740) if 2.05e9 / 370_000 <= c <= 2.15e9 / 370_000}


def test_a_claim_cannot_have_meant_a_later_count() -> None:
    assert _product(published=2012, unit_cost="£370,000", total="£2.1bn").fits["year"].tolist() == ["2009/10"]


def test_170_000_times_9_376_is_1_6_billion() -> None:
    assert _product(unit_cost="£170,000", count="9,376", total="£1.6bn").verdict == "holds"
    found = _product(unit_cost="£170,000", total="£1.6bn")
    assert found.fits["count"].tolist() == [9_376]
    assert found.fits["product"].iloc[0] == 170_000 * 9_376
    assert _product(unit_cost="£170,000", total="£1.9bn").fits["year"].tolist() == ["2023/24"]


def test_two_figures_make_the_third() -> None:
    assert _product(count="6,685", total="£2.1bn").statements == ("£2.1bn / 6,685 = £314,136 for one pupil.",)
    assert "£2.47bn" in _product(unit_cost="£370,000", count="6,685").statements[0]


def test_a_total_no_count_makes_does_not_hold() -> None:
    found = _product(unit_cost="£370,000", total="£9.9bn")
    assert found.verdict == "does not hold"
    assert found.fits.empty


def test_the_saving_of_the_seeds_is_refused_and_solved() -> None:
    found = _saving(**SEED)
    assert found.verdict == "refused"
    assert set(found.missing) == set(NEEDED)
    table = found.alternatives.set_index("unit")
    # facts: 4.15m to 4.25m over each total, twice that before, 822,535 over that a year
    assert table.loc[370_000, ["averted_low", "averted_high"]].tolist() == pytest.approx([11.22, 11.49], abs=0.01)
    assert table.loc[63_851, ["baseline_low", "baseline_high"]].tolist() == pytest.approx([130, 133.1], abs=0.1)
    assert table.loc[170_000, ["yearly_each_low", "yearly_each_high"]].tolist() == pytest.approx(
        [32_901, 33_694], abs=1
    )
    assert table.loc[63_851, "counts_that_fit"] == "Gloucestershire 2016/17: 132"
    west = found.by_count.set_index(["place", "year"]).loc[("Cheshire West and Chester", "2014/15")]
    assert 11.5 * west["years_at_own_cost"] * 28_622 == pytest.approx(822_535)
    assert west["years_at_own_cost"] == pytest.approx(2.5, abs=0.002)
    text = " ".join(found.statements)
    assert "0.1958" in text
    assert "£1,645,070" in text
    assert "53 to 150 exclusions" in text
    assert "29 to 83 exclusions" in text
    assert any("lifetime cost" in one for one in found.not_identified)
    # every alternative reproduces both printed figures
    for row in found.alternatives.itertuples():
        assert 4.15e6 <= row.unit * (row.averted_low + row.averted_high) / 2 <= 4.25e6


def test_the_declared_range_of_a_year_is_that_of_authorities() -> None:
    known = provision()
    assert (known.low, known.high) == pytest.approx((10_939, 31_382), abs=1)  # facts, section 251
    assert known.years == pytest.approx(1.81, abs=0.005)
    assert known.by_authority["Cheshire West and Chester"] == pytest.approx(28_622)


def test_a_saving_that_states_everything_is_checked() -> None:
    whole = {
        "reduction": "50 %", "baseline": "23", "annual": "£822,889", "duration": "2.5", "unit_cost": "£28,622",
        "price_year": "2021-22", "causal_share": "1",
    }  # fmt: skip
    assert _saving(**whole).verdict == "holds"
    assert _saving(**(whole | {"annual": "£900,000"})).verdict == "does not hold"
    lived = whole | {"lifetime": "£4.2m", "lifetime_unit_cost": "£370,000"}
    assert _saving(**lived).verdict == "does not hold"  # 11.5 x 370,000 is 4.255m
    assert _saving(**(lived | {"lifetime": "£4.26m"})).verdict == "holds"
    assert _saving(**(lived | {"lifetime": "£4.26m", "causal_share": "0.25"})).verdict == "does not hold"


def test_provision_that_lasts_beyond_year_11_is_refused() -> None:
    with pytest.raises(
        ParameterError, match=r"duration is 15 years, but placements of school age end with Year 11: 12"
    ):
        _saving(**SEED, duration="15")
    assert _saving(**SEED, duration="4.5").missing


@pytest.mark.parametrize("absent", list(NEEDED))
def test_a_saving_without_any_one_of_its_parts_is_refused(absent: str) -> None:
    whole = {
        "annual": "£100,000", "baseline": "10", "duration": "2", "unit_cost": "£10,000", "price_year": "2023-24",
        "causal_share": "1",
    }  # fmt: skip
    partial = claim_from_table(
        {"text": "t", "source": "s", "saving": {k: v for k, v in whole.items() if k != absent}}, where="c"
    )
    with pytest.raises(ParameterError, match=absent):
        accept(partial)
    complete = claim_from_table({"text": "t", "source": "s", "saving": whole}, where="c")
    assert accept(complete) is complete


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"source": "s", "product": {"unit_cost": "£1", "count": "2"}}, "no text"),
        ({"text": "t", "source": "s"}, "no figures"),
        ({"text": "t", "source": "s", "product": {"unit_cost": "£1"}}, "two of"),
        ({"text": "t", "source": "s", "saving": {"reduction": "50 %"}}, "annual or lifetime"),
        ({"text": "t", "source": "s", "saving": {"annual": "£5", "reduction": "50"}}, "share of 0 to 1"),
        ({"text": "t", "source": "s", "saving": {"annual": "£5", "savings": "1"}}, "not known"),
        ({"text": "t", "source": "s", "saving": {"annual": "£5", "price_year": "lately"}}, "price_year"),
        ({"text": "t", "source": "s", "saving": {"annual": "£0"}}, "above zero"),
        ({"text": "t", "source": "s", "published": "2017", "saving": {"annual": "£5"}}, "another kind"),
        ({"text": "t", "source": "s", "saving": {"annual": "£5"}, "count": [{"place": "X"}]}, "no year"),
    ],
)
def test_wrong_claims_say_what_is_wrong(table: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        claim_from_table(table, where="claim.toml")


def test_a_file_with_counts_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "claim.toml"
    path.write_text(
        'text = "t"\nsource = "s"\n[product]\nunit_cost = "£100"\ntotal = "£4,200"\n'
        '[[count]]\nplace = "Our authority"\nyear = "2022/23"\nvalue = 42\nsource = "our return"\n'
    )
    assert reconcile(read_claim(path)).fits["place"].tolist() == ["Our authority"]
    with pytest.raises(ParameterError, match="cannot be read"):
        read_claim(tmp_path / "none.toml")


def test_claims_can_be_made_in_python() -> None:
    product = Product(Figure.parse("£1,000"), Figure.parse("10"), Figure.parse("£10,000"))
    assert reconcile(Claim("t", "s", product=product)).verdict == "holds"
    assert reconcile(Claim("t", "s", saving=Saving(annual=Figure.parse("£10,000")))).verdict == "refused"


def test_known_counts_agree_with_the_published_files(shared: Path) -> None:
    import csv
    import gzip

    with gzip.open(shared / "data/dfe_exclusions/local_authorities_200607_202324.csv.gz", "rt") as handle:
        rows = {
            (row["la_name"], row["time_period"]): row["perm_excl"]
            for row in csv.DictReader(handle)
            if row["school_type"] == "Total"
        }
    with (shared / "reference/cba/pex_national_200607_201617.csv").open() as handle:
        total = {"Total": "all", "state-funded secondary": "secondary"}
        nation = {
            (row["year"], total[row["school_type"]]): row["perm_excl"]
            for row in csv.DictReader(handle)
            if row["school_type"] in total
        }
    checked = 0
    for count in known_counts():
        year = count.year.label.replace("/", "")
        if count.place != "England":
            assert round(float(rows[count.place, year])) == count.value
            checked += 1
        elif (year, count.phase) in nation:
            assert float(nation[year, count.phase]) == count.value
            checked += 1
    assert checked > 30 - 1
