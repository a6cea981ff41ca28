"""A school's page: its own numbers beside the others' mean, what chance does, no rank, and never published."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from scipy import stats

from averting.data import Panel
from averting.errors import RenderError
from averting.reporting import numbers, open_results, profiles


@pytest.fixture
def results(results_folder):
    return open_results(results_folder)


def test_one_page_for_each_pilot_by_name(results):
    made = profiles.profiles(results)
    pilots = results.record("design/design")["pilots"]
    assert [one.name for one in made] == sorted(about["name"] for about in pilots.values())


def test_a_profile_of_one_pilot(results):
    for number, about in results.record("design/design")["pilots"].items():
        (one,) = profiles.profiles(results, number)
        assert one.name == about["name"]
    with pytest.raises(RenderError, match="no pilot 'nobody'"):
        profiles.profiles(results, "nobody")


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ({"1": "St Mary’s CE (VA) School"}, ["st-marys-ce-va-school"]),
        ({"1": "../../etc/passwd"}, ["etc-passwd"]),
        ({"1": "<script>alert(1)</script>"}, ["script-alert-1-script"]),
        ({"7": "مدرسة الأمل"}, ["7"]),
        ({"7": "学校"}, ["7"]),
        ({"A/B": ""}, ["a-b"]),
        ({"é": "École Ñandú"}, ["ecole-nandu"]),
        ({"1": "Same", "2": "same!"}, ["same-1", "same-2"]),
        ({"学": "校"}, ["pilot"]),
        ({"学": "校", "校": "学"}, ["pilot", "pilot-again"]),
        ({"1": "x" * 300}, ["x" * 60]),
        ({"1": "CON.html"}, ["con-html"]),
    ],
)
def test_file_names_are_safe_and_differ(results, rewrite, names, wanted):
    pilots = {number: {"name": name, "start": "2021/22"} for number, name in names.items()}
    rewrite(results.folder / "design" / "design.json", pilots=pilots)
    assert list(profiles.files(open_results(results.folder)).values()) == wanted


def test_bars_are_explained_only_where_there_are_some(results):
    made = profiles.profiles(results)
    hidden = next(one for one in made if (one.lower < one.upper).any())
    assert "a bar shows" in profiles.how_to_read(results, hidden)
    assert "a bar shows" not in profiles.how_to_read(results, dataclasses.replace(hidden, lower=hidden.upper))


def test_rates_are_the_panels_own(results):
    panel = Panel.from_netcdf(results.folder / "data" / "panel.nc").data
    design = results.record("design/design")
    first = profiles.profiles(results)[0]
    school = next(key for key, about in design["pilots"].items() if about["name"] == first.name)
    cells = panel.sel(school=school, indicator="permanent_exclusions", period=design["periods"])
    before = cells.sel(period=[period for period in design["periods"] if period < first.start])
    low, high = (100 * float(before[end].sum() / before["exposure"].sum()) for end in ("lower", "upper"))
    sentence = profiles.told(results, first)[0]
    own = f"between {numbers.decimal(low)} and {numbers.decimal(high)}" if low != high else numbers.decimal(low)
    assert own in sentence


def test_chance_is_poissons(results):
    assert profiles._by_chance(0.0) == (0, 0)
    low, high = profiles._by_chance(3.0)
    assert stats.poisson.cdf(high, 3.0) - stats.poisson.cdf(low - 1, 3.0) >= 0.95
    for profile in profiles.profiles(results):
        assert "one year says little" in profiles.told(results, profile)[-1]


def test_no_page_names_another_pilot_or_ranks(results):
    made = profiles.profiles(results)
    for profile in made:
        text = " ".join(profiles.told(results, profile)) + profiles.figure(results, profile).alt
        assert not any(other.name in text for other in made if other is not profile)
        assert not re.search(
            r"\b(rank|best|worst|better|worse|above average|below average|\d+(st|nd|rd|th))\b", text
        )


def test_a_suppressed_or_missing_year_is_said(results):
    made = profiles.profiles(results)
    one = next(profile for profile in made if (profile.lower < profile.upper).any())
    shown = profiles.figure(results, one).numbers.rows
    assert any("between" in row[1] for row in shown)
    gone = np.full_like(one.lower, np.nan)
    missing = profiles.Profile(one.name, one.start, one.periods, gone, gone, one.exposure, one.others)
    assert {row[1] for row in profiles.figure(results, missing).numbers.rows} == {"missing"}
    assert "not known" in profiles.told(results, missing)[0]


def test_profiles_are_refused_under_disclosure_control(results, monkeypatch):
    monkeypatch.setattr("averting.reporting.results.Results.disclosure", {"passes": True})
    with pytest.raises(RenderError, match="not published"):
        profiles.profiles(results)
