from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from averting.data import read_panel
from averting.data.simulate import (
    Authorities,
    Changes,
    Programme,
    Pupils,
    SimulatedSchools,
    Suppression,
    facts,
    simulate_schools,
)
from averting.errors import DataError

YEARS: dict[str, Any] = {"first_year": "2014/15", "last_year": "2018/19"}
PROGRAMME = Programme(pilots=4, start="2017/18")
EVENTS = ["permanent_exclusions", "suspensions", "pupils_suspended"]


def small(**options: Any) -> SimulatedSchools:
    return simulate_schools(**{"seed": 5, "schools": 60, "programme": PROGRAMME, **YEARS, **options})


def numbers(frame: pd.DataFrame) -> pd.DataFrame:
    counts = [name for name in (*EVENTS, *facts.EXITS, "headcount") if name in frame.columns]
    return frame.assign(**{name: frame[name].astype(int) for name in counts})


@pytest.fixture(scope="module")
def everything() -> SimulatedSchools:
    programme = replace(PROGRAMME, neighbours=2, spill_over=0.5, displacement={"managed_moves": 0.4})
    changes = Changes(conversions=6, mergers=4, closures=3, leavers=1)
    return small(programme=programme, changes=changes, pupils=Pupils(), terms=True, seed=8)


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    """Four thousand secondary schools without a programme, in years without Covid."""
    drawn = simulate_schools(seed=2, schools=4000, authorities=Authorities(number=400), **YEARS)
    return numbers(drawn.frame)


@pytest.fixture(scope="module")
def pupils() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Enrolments and events of some eight hundred thousand pupil-years."""
    drawn = simulate_schools(seed=4, schools=160, pupils=Pupils(), authorities=Authorities(number=20), **YEARS)
    assert drawn.enrolments is not None and drawn.events is not None
    return drawn.enrolments, drawn.events


# --- what schools are like ------------------------------------------------------------------------------------------


def test_schools_follow_the_founding_documents(many: pd.DataFrame) -> None:
    counts = many["permanent_exclusions"]
    assert counts.mean() == pytest.approx(1.73, rel=0.08)
    # 43 % in the founding documents; authorities that differ leave a little fewer schools without any
    assert (counts == 0).mean() == pytest.approx(0.40, abs=0.02)
    assert (counts > 10).mean() == pytest.approx(0.0137, abs=0.005)
    assert many["suspensions"].sum() / many["headcount"].sum() == pytest.approx(0.10, rel=0.08)


def test_primary_schools_hardly_exclude() -> None:
    frame = numbers(simulate_schools(seed=2, schools=3000, primary_share=0.8, **YEARS).frame)
    shares = frame.groupby("phase")["permanent_exclusions"].agg(lambda counts: (counts == 0).mean())
    assert (frame["phase"] == facts.PRIMARY.label).mean() == pytest.approx(0.8)
    assert shares[facts.PRIMARY.label] == pytest.approx(0.94, abs=0.01)
    assert frame.groupby("la_name")["phase"].nunique().eq(2).all()


def authority_spread(frame: pd.DataFrame, indicator: str) -> float:
    sums = frame.groupby("la_name")[[indicator, "headcount"]].sum()
    return float(np.log(sums[indicator] / sums["headcount"]).std())


def test_authorities_differ_as_asked_and_schools_no_more_than_before() -> None:
    spreads, schools = {}, {}
    for log_sd in (0.0, 0.45):
        drawn = simulate_schools(seed=2, schools=8000, authorities=Authorities(number=100, log_sd=log_sd), **YEARS)
        frame = numbers(drawn.frame)
        spreads[log_sd] = authority_spread(frame, "suspensions")
        rates = frame.groupby("urn")[["suspensions", "headcount"]].sum()
        rate = rates["suspensions"] / rates["headcount"]
        schools[log_sd] = rate.std() / rate.mean()
    assert spreads[0.0] < 0.12
    assert spreads[0.45] == pytest.approx(0.45, rel=0.2)
    assert schools[0.45] == pytest.approx(schools[0.0], rel=0.15)


def test_shocks_hit_whole_authorities_for_a_year() -> None:
    shaken = Authorities(number=50, log_sd=0.0, shock_log_sd=0.5)
    spread = {}
    for name, authorities in (("calm", replace(shaken, shock_log_sd=0.0)), ("shaken", shaken)):
        frame = numbers(simulate_schools(seed=2, schools=4000, authorities=authorities, **YEARS).frame)
        sums = frame.groupby(["la_name", "time_period"])[["suspensions", "headcount"]].sum()
        logs = np.log(sums["suspensions"] / sums["headcount"]).unstack()
        spread[name] = logs.sub(logs.mean(axis=1), axis=0).to_numpy().std()
    assert spread["calm"] < 0.1
    assert spread["shaken"] == pytest.approx(0.5 * np.sqrt(4 / 5), rel=0.15)


# --- known effects --------------------------------------------------------------------------------------------------


def change_at(drawn: SimulatedSchools, none: SimulatedSchools, urns: tuple[str, ...], name: str) -> pd.Series[Any]:
    """Counts with a programme over counts without, by year, at some schools."""
    totals = [
        numbers(found.frame).query("urn in @urns").groupby("time_period")[name].sum() for found in (drawn, none)
    ]
    return totals[0] / totals[1]


@pytest.mark.parametrize(
    ("shape", "path"),
    [
        ("immediate", (0.5, 0.5, 0.5, 0.5)),
        ("phased_in", (0.5 ** (1 / 3), 0.5 ** (2 / 3), 0.5, 0.5)),
        ("fading", (0.5, 0.5 ** (2 / 3), 0.5 ** (1 / 3), 1.0)),
    ],
)
def test_effect_takes_its_shape(shape: Any, path: tuple[float, ...]) -> None:
    programme = Programme(pilots=300, start="2015/16", effect={"suspensions": 0.5}, shape=shape)
    drawn, none = (
        simulate_schools(seed=3, schools=800, programme=one, **YEARS)
        for one in (programme, replace(programme, effect={}))
    )
    assert drawn.truth.path["suspensions"] == pytest.approx(path)
    ratios = change_at(drawn, none, drawn.pilots, "suspensions")
    assert ratios.iloc[0] == 1.0
    assert ratios.iloc[1:].tolist() == pytest.approx(path, abs=0.01)
    others = tuple(set(drawn.frame["urn"]) - set(drawn.pilots))
    assert (change_at(drawn, none, others, "suspensions") == 1).all()
    assert (change_at(drawn, none, drawn.pilots, "permanent_exclusions") == 1).all()


def test_truth_counts_what_is_averted_spilled_and_displaced() -> None:
    programme = Programme(
        pilots=200,
        start="2016/17",
        neighbours=1,
        spill_over=0.5,
        displacement={"managed_moves": 0.3, "elective_home_education": 0.2},
    )
    changes = Changes(leavers=60)
    drawn, none = (
        simulate_schools(seed=3, schools=900, programme=one, changes=changes, exits=True, **YEARS)
        for one in (programme, replace(programme, effect={}))
    )
    assert drawn.pilots == none.pilots and drawn.neighbours == none.neighbours and drawn.left == none.left

    def fewer(urns: tuple[str, ...], name: str) -> int:
        sums = [numbers(found.frame).query("urn in @urns")[name].sum() for found in (none, drawn)]
        return int(sums[0] - sums[1])

    truth = drawn.truth
    assert truth.averted["permanent_exclusions"] == pytest.approx(
        fewer(drawn.pilots, "permanent_exclusions"), rel=0.1
    )
    assert truth.averted["suspensions"] == pytest.approx(fewer(drawn.pilots, "suspensions"), rel=0.03)
    assert truth.spilled["suspensions"] == pytest.approx(fewer(drawn.neighbours, "suspensions"), rel=0.1)
    for name, share in programme.displacement.items():
        assert truth.displaced[name] == pytest.approx(share * truth.averted["permanent_exclusions"])
        assert -fewer(drawn.pilots, name) == pytest.approx(truth.displaced[name], rel=0.2)
    assert truth.truly_averted == pytest.approx(0.5 * truth.averted["permanent_exclusions"])
    assert fewer(drawn.pilots, "off_site_direction") == 0
    assert len(drawn.left) == 60 and set(drawn.left.values()) <= {"2017/18", "2018/19"}


def test_pilots_that_leave_lose_their_effect() -> None:
    programme = Programme(pilots=100, start="2015/16", effect={"suspensions": 0.5})
    drawn, none = (
        simulate_schools(seed=3, schools=300, programme=one, changes=Changes(leavers=100), **YEARS)
        for one in (programme, replace(programme, effect={}))
    )
    with_, without = (
        numbers(found.frame).set_index(["urn", "time_period"])["suspensions"] for found in (drawn, none)
    )
    gone = np.array([year >= drawn.left.get(urn, "9999/00") for urn, year in with_.index])
    assert (with_[gone] == without[gone]).all()
    assert gone.sum() >= 100


def test_harm_spreads_too() -> None:
    programme = Programme(pilots=50, start="2016/17", effect={"suspensions": 1.5}, neighbours=1, spill_over=-1.0)
    drawn = simulate_schools(seed=3, schools=400, programme=programme, **YEARS)
    assert drawn.truth.averted["suspensions"] < 0 < drawn.truth.spilled["suspensions"]


def test_neighbours_are_the_nearest_schools(everything: SimulatedSchools) -> None:
    drawn = small(programme=replace(PROGRAMME, neighbours=1))
    places = drawn.places.set_index("urn")
    for pilot in drawn.pilots:
        away = np.hypot(*(places - places.loc[pilot]).to_numpy().T)
        nearest = places.index[~places.index.isin(drawn.pilots)]
        assert away[places.index.get_indexer(nearest)].argmin() in np.flatnonzero(nearest.isin(drawn.neighbours))
    assert not set(everything.pilots) & set(everything.neighbours)


def test_pilots_of_one_authority() -> None:
    drawn = small(programme=replace(PROGRAMME, pilots=2, one_authority=True))
    assert drawn.frame[drawn.frame["urn"].isin(drawn.pilots)]["la_code"].nunique() == 1


# --- an option that is off moves no draw ----------------------------------------------------------------------------


def text(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False)


@pytest.mark.parametrize(
    "options",
    [
        {"terms": True},
        {"pupils": Pupils()},
        {"pupils": Pupils(), "terms": True},
        {"changes": Changes(leavers=0)},
        {"authorities": Authorities(shock_log_sd=0.0)},
        {"programme": replace(PROGRAMME, neighbours=2)},
        {"programme": replace(PROGRAMME, spill_over=0.7)},
        {"programme": replace(PROGRAMME, displacement={"managed_moves": 0.0})},
        {"programme": replace(PROGRAMME, shape_years=7)},
    ],
)
def test_features_leave_yearly_counts_alone(options: dict[str, Any]) -> None:
    assert text(small(**options).frame) == text(small().frame)


def test_features_leave_the_rest_alone() -> None:
    plain = small().frame
    assert text(small(exits=True).frame[plain.columns]) == text(plain)
    displaced = small(programme=replace(PROGRAMME, displacement={"managed_moves": 0.5}))
    assert text(displaced.frame[plain.columns]) == text(plain)
    moved = small(exits=True).frame["managed_moves"] != displaced.frame["managed_moves"]
    assert set(displaced.frame[moved]["urn"]) <= set(displaced.pilots)
    spread = small(programme=replace(PROGRAMME, neighbours=2, spill_over=0.9))
    differs = (spread.frame[EVENTS] != plain[EVENTS]).any(axis=1)
    assert set(spread.frame[differs]["urn"]) <= set(spread.neighbours)
    hidden = small(suppression=Suppression())
    shown = ~hidden.frame[EVENTS].isin(["x"])
    assert (hidden.frame[EVENTS].where(shown, "") == plain[EVENTS].where(shown, "")).all(axis=None)
    assert set(plain[EVENTS].to_numpy()[~shown.to_numpy()]) == {"1", "2"}


def test_without_a_programme_the_rest_is_the_same() -> None:
    none = small(programme=None)
    assert none.start is None and none.pilots == () and set(none.truth.averted.values()) == {0.0}
    without = small(programme=replace(PROGRAMME, effect={}))
    assert text(none.frame) == text(without.frame)


@pytest.mark.parametrize("name", ["schools.csv", "schools.csv.gz"])
def test_same_seed_same_bytes(tmp_path: Path, name: str) -> None:
    for folder, seed in (("a", 7), ("b", 7), ("c", 8)):
        (tmp_path / folder).mkdir()
        small(seed=seed).write(tmp_path / folder / name)
    first, second, other = ((tmp_path / folder / name).read_bytes() for folder in "abc")
    assert first == second != other


def test_one_school_more_or_less_is_another_simulation_of_the_same_kind() -> None:
    one, two = small(schools=60), small(schools=61)
    assert len(two.frame) == len(one.frame) + 5


# --- pupils ---------------------------------------------------------------------------------------------------------


def sums(events: pd.DataFrame) -> pd.DataFrame:
    keys = ["urn", "time_period"]
    found = events.groupby([*keys, "indicator"], observed=True).size().unstack(fill_value=0)
    who = events[events["indicator"] == "suspensions"].groupby(keys, observed=True)["pupil"].nunique()
    return found.assign(pupils_suspended=who).fillna(0).astype(int)


def test_school_counts_are_sums_of_pupils_and_events(everything: SimulatedSchools) -> None:
    assert everything.events is not None and everything.enrolments is not None and everything.terms is not None
    frame = numbers(everything.frame).set_index(["urn", "time_period"])
    found = sums(everything.events)
    found.index = pd.MultiIndex.from_tuples([(str(urn), str(year)) for urn, year in found.index])
    for name in EVENTS:
        assert (found[name].reindex(frame.index, fill_value=0) == frame[name]).all(), name
    roll = everything.enrolments.groupby(["urn", "time_period"], observed=True).size()
    roll.index = pd.MultiIndex.from_tuples([(str(urn), str(year)) for urn, year in roll.index])
    assert (roll.reindex(frame.index) == frame["headcount"]).all() and len(roll) == len(frame)
    keys = ["urn", "time_period", "term"]
    terms = everything.terms.set_index(keys)
    for name in ("permanent_exclusions", "suspensions"):
        counted = everything.events[everything.events["indicator"] == name].groupby(keys, observed=True).size()
        counted.index = pd.MultiIndex.from_tuples([tuple(map(str, key)) for key in counted.index])
        assert (counted.reindex(terms.index, fill_value=0) == terms[name].astype(int)).all()


def test_nothing_happens_to_a_pupil_after_exclusion(everything: SimulatedSchools) -> None:
    events, enrolments = everything.events, everything.enrolments
    assert events is not None and enrolments is not None
    out = events[events["indicator"] == "permanent_exclusions"].set_index("pupil")
    assert out.index.is_unique and len(out) > 100
    mine = events[events["pupil"].isin(out.index)]
    assert (mine["date"].to_numpy() <= out.loc[mine["pupil"], "date"].to_numpy()).all()
    last = enrolments.groupby("pupil")["time_period"].max()
    assert (last.loc[out.index].astype(str) == out["time_period"].astype(str)).all()
    assert not enrolments.duplicated(["pupil", "time_period"]).any()


def test_pupils_move_up_year_by_year(everything: SimulatedSchools) -> None:
    roll = everything.enrolments
    assert roll is not None
    entered = roll["time_period"].cat.codes.astype(int) - roll["year_group"].astype(int)
    assert (entered.groupby(roll["pupil"]).nunique() == 1).all()
    for name in ("sex", "fsm", "sen", "looked_after", "ethnicity"):
        assert (roll.groupby("pupil", observed=True)[name].nunique() == 1).all()
    assert set(roll["year_group"]) == {7, 8, 9, 10, 11}


def test_dates_lie_in_their_year_and_term(everything: SimulatedSchools) -> None:
    events = everything.events
    assert events is not None
    assert (events["date"].dt.day_of_week < 5).all()
    year = events["time_period"].astype(str).str[:4].astype(int)
    month = events["date"].dt.month
    assert (events["date"].dt.year == year + (month < 9)).all()
    allowed = {"Autumn": {9, 10, 11, 12}, "Spring": {1, 2, 3, 4}, "Summer": {4, 5, 6, 7}}
    for term, months in allowed.items():
        assert set(month[events["term"] == term]) <= months


@pytest.mark.parametrize("indicator", facts.INDICATORS)
@pytest.mark.parametrize("name", ["sex", "fsm", "sen", "ethnicity", "looked_after"])
def test_ratios_by_characteristic_are_found_again(
    pupils: tuple[pd.DataFrame, pd.DataFrame], indicator: str, name: str
) -> None:
    roll, events = pupils
    times = events[events["indicator"] == indicator].groupby(["pupil", "time_period"], observed=True).size()
    index = pd.MultiIndex.from_arrays([roll["pupil"], roll["time_period"].astype(str)])
    times.index = pd.MultiIndex.from_arrays(
        [times.index.get_level_values(0), times.index.get_level_values(1).astype(str)]
    )
    found = pd.Series(times.reindex(index, fill_value=0).to_numpy()).groupby(roll[name].to_numpy())
    rate, number = found.mean(), found.sum()
    labels = {"sex": ["female", "male"], "sen": list(facts.SEN_LEVELS), "ethnicity": list(facts.ETHNIC_GROUPS)}
    for label, ratio in zip(labels.get(name, [False, True]), facts.RATIOS[indicator][name], strict=True):
        if number[label] >= 60:
            # schools differ in who is there and how often they exclude, and pupils have repeats
            noise = 4.5 / np.sqrt(number[label])
            assert rate[label] / rate.iloc[rate.index.get_loc(labels.get(name, [False])[0])] == pytest.approx(
                ratio, rel=0.13 + noise
            ), label


def test_shares_and_repeats_follow_the_national_tables(pupils: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    roll, events = pupils
    assert roll["fsm"].mean() == pytest.approx(facts.FSM_SHARE, abs=0.015)
    assert roll["sen"].value_counts(normalize=True)["support"] == pytest.approx(0.107, abs=0.003)
    suspended = (
        events[events["indicator"] == "suspensions"].groupby(["pupil", "time_period"], observed=True).size()
    )
    assert (suspended == 1).mean() == pytest.approx(0.61, abs=0.03)
    out = events[events["indicator"] == "permanent_exclusions"]
    before = pd.MultiIndex.from_frame(out[["pupil", "time_period"]]).isin(suspended.index)
    assert before.mean() == pytest.approx(0.95, abs=0.02)
    by_year = roll.merge(
        out.assign(out=1)[["pupil", "time_period", "out"]], how="left", on=["pupil", "time_period"]
    )
    rates = by_year.groupby("year_group")["out"].apply(lambda found: found.notna().mean())
    expected = facts.SECONDARY.by_year["permanent_exclusions"]
    assert (rates / rates.loc[7]).tolist() == pytest.approx(expected, rel=0.25)


def test_terms_have_their_shares() -> None:
    for options in ({}, {"pupils": Pupils()}):
        drawn = small(terms=True, programme=None, **options)
        assert drawn.terms is not None
        totals = drawn.terms.assign(count=drawn.terms["suspensions"].astype(int)).groupby("term")["count"].sum()
        shares = (totals / totals.sum()).loc[list(facts.TERMS)]
        assert shares.tolist() == pytest.approx(facts.TERM_SHARES["suspensions"], abs=0.015)
        yearly = numbers(drawn.frame)["suspensions"].sum()
        assert totals.sum() == yearly


# --- schools that change --------------------------------------------------------------------------------------------


def test_changes_keep_every_pupil_and_count() -> None:
    plain = numbers(small().frame).groupby("time_period")[[*EVENTS, "headcount"]].sum()
    changed = small(changes=Changes(conversions=10, mergers=6))
    found = numbers(changed.frame)
    assert (found.groupby("time_period")[[*EVENTS, "headcount"]].sum() == plain).all(axis=None)
    assert not found.duplicated(["urn", "time_period"]).any()
    assert found.groupby("time_period")["urn"].nunique().iloc[-1] == 60 - 6


def test_links_have_the_shape_of_the_register(everything: SimulatedSchools, shared: Path) -> None:
    register = pd.read_csv(shared / "data/dfe_exclusions/school_succession_links.csv.gz", dtype=str)
    links = everything.links
    assert list(links.columns) == list(register.columns)
    assert set(links["LinkType"]) <= set(register["LinkType"])
    assert links["LinkEstablishedDate"].str.fullmatch(r"01-09-\d{4}").all()
    assert len(links) == 2 * (6 + 4)


def test_links_lead_from_the_last_row_to_the_next(everything: SimulatedSchools) -> None:
    years = everything.frame.groupby("urn")["time_period"].agg(["min", "max"])
    ahead = everything.links[everything.links["LinkType"].str.startswith("Successor")]
    for link in ahead.itertuples():
        year = f"{link.LinkEstablishedDate[-4:]}/"
        assert years.loc[link.URN, "max"] < year <= years.loc[link.LinkURN, "max"]
        if link.LinkType == "Successor":
            assert years.loc[link.LinkURN, "min"].startswith(year)
    back = everything.links[everything.links["LinkType"].str.startswith("Predecessor")]
    assert set(zip(ahead["URN"], ahead["LinkURN"], strict=True)) == set(
        zip(back["LinkURN"], back["URN"], strict=True)
    )


def test_closed_schools_end_without_a_link() -> None:
    drawn = small(changes=Changes(closures=7))
    last = drawn.frame.groupby("urn")["time_period"].max()
    gone = set(last.index[last < "2018/19"])
    assert len(gone) == 7 and not gone & {*drawn.pilots, *drawn.links["URN"]}


# --- reading it back ------------------------------------------------------------------------------------------------


def test_written_file_reads_back_as_simulated(tmp_path: Path) -> None:
    drawn = small(suppression=Suppression(lower=1, upper=4, symbol="c"), exits=True, changes=Changes(mergers=2))
    drawn.write(tmp_path / "schools.csv")
    panel = read_panel(tmp_path / "schools.csv", source="tidy", columns=drawn.columns, symbols=drawn.symbols)
    same = drawn.panel()
    assert set(panel.indicators) == set(drawn.indicators)
    for indicator in same.indicators:
        for one, two in zip(panel.bounds(indicator), same.bounds(indicator), strict=True):
            assert one.identical(two)
    lower, upper = panel.bounds("permanent_exclusions")
    # a school that merged has no rows from then on: missing, not hidden
    assert set(np.unique((upper - lower).values)) == {0, 3, np.inf}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first_year": "2018/19"}, "must come after the first year"),
        ({"first_year": "soon"}, "'soon' is not an academic year"),
        ({"schools": 0}, "0 schools"),
        ({"schools": 45_001}, "45001 schools"),
        ({"schools": 5}, "Give each authority a school"),
        ({"primary_share": 1.1}, "Use a share"),
        ({"programme": Programme(pilots=40, start="2017/18")}, "in the higher half"),
        ({"programme": replace(PROGRAMME, neighbours=99)}, "Ask for fewer neighbours"),
        ({"programme": None, "changes": Changes(leavers=1)}, "there is none"),
        ({"changes": Changes(leavers=5)}, "5 leavers, yet 4 schools"),
        ({"programme": Programme(start="2018/19"), "changes": Changes(leavers=1)}, "later last_year"),
        ({"changes": Changes(closures=57)}, "57 closures, yet 56 schools"),
        ({"changes": Changes(mergers=30)}, "30 mergers"),
        ({"authorities": Authorities(log_sd=2.0)}, "differ more than all schools do"),
    ],
)
def test_impossible_requests_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        small(**options)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (Programme, {"pilots": 0}, "pilots is 0"),
        (Programme, {"shape": "sudden"}, "shape is 'sudden'"),
        (Programme, {"effect": {"attendance": 0.5}}, "effect on attendance"),
        (Programme, {"effect": {"suspensions": 0.0}}, "each above 0"),
        (Programme, {"spill_over": float("nan")}, "spill_over must be a number"),
        (Programme, {"displacement": {"prison": 0.1}}, "displacement into prison"),
        (Programme, {"displacement": {"managed_moves": 0.6, "elective_home_education": 0.6}}, "more than 1"),
        (Authorities, {"number": 0}, "authorities is 0"),
        (Authorities, {"log_sd": -1.0}, "0 or more"),
        (Changes, {"mergers": -1}, "mergers is -1"),
        (Suppression, {"lower": 3}, "upper is 2"),
        (Suppression, {"symbol": "7"}, "symbol must be text"),
        (Pupils, {"fsm_share": 1.0}, "between 0 and 1"),
        (Pupils, {"prior_suspension": 2.0}, "is a share"),
        (Pupils, {"ratios": {}}, "must be given for"),
    ],
)
def test_impossible_options_are_refused(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        kind(**options)
