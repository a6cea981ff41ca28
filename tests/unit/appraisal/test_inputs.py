"""What goes into an appraisal: spend with a payer and a source, and scenarios with a reason for every change."""

from __future__ import annotations

import math

import pytest

from averting.appraisal import CENTRAL, NO_PROGRAMME, ProgrammeCost, Scenario
from averting.appraisal.programme import programme_flows
from averting.costs import Distribution, Override
from averting.errors import EvaluationError, ParameterError
from averting.years import FinancialYear

YEAR = FinancialYear(2022)
GOOD = {"year": YEAR, "amount": 1.0, "payer": "school", "price_year": YEAR, "source": "ledger"}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("amount", -0.01, "zero or more"),
        ("amount", math.nan, "zero or more"),
        ("amount", math.inf, "zero or more"),
        ("payer", "", "'' is not a payer. Known payers: school, la_high_needs"),
        ("payer", "School", "'School' is not a payer"),
        ("source", " ", "has no source"),
    ],
)
def test_spend_that_cannot_be_counted_is_refused_with_its_year(key, value, words):
    with pytest.raises(ParameterError, match=f"programme cost of 2022-23.*{words}"):
        ProgrammeCost(**{**GOOD, key: value})


def test_spending_nothing_is_allowed():
    assert not programme_flows([ProgrammeCost(**{**GOOD, "amount": 0.0})], price_year=YEAR).any()


def test_spend_of_one_year_and_payer_is_summed_and_negative():
    flows = programme_flows(
        [
            ProgrammeCost(**GOOD),
            ProgrammeCost(**{**GOOD, "amount": 2.0}),
            ProgrammeCost(**{**GOOD, "payer": "dfe"}),
        ],
        price_year=YEAR,
    )
    assert flows["payer"].to_numpy().tolist() == ["school", "dfe"]
    assert flows.to_numpy().tolist() == [[-3.0], [-1.0]]
    assert flows.attrs == {"units": "GBP", "price_year": "2022-23", "basis": "undiscounted"}


@pytest.mark.parametrize("key", ["", "two words", "1st", "a/b", "a-b"])
def test_a_scenario_key_names_columns_and_files(key):
    with pytest.raises(EvaluationError, match="letters, digits and underscores"):
        Scenario(key, "label")


def test_doing_nothing_cannot_be_changed():
    with pytest.raises(EvaluationError, match="overrides mean nothing"):
        Scenario("nothing", "Nothing", {"x": Override(Distribution.point(1.0), "r")}, programme=False)


def test_a_change_without_a_reason_is_refused():
    with pytest.raises(ParameterError, match="no reason"):
        Override(Distribution.point(1.0), "  ")


def test_the_standing_scenarios():
    assert (NO_PROGRAMME.programme, CENTRAL.programme) == (False, True)
    assert not CENTRAL.overrides
