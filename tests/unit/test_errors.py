"""Errors: one root, every fault listed, and a count of those left out."""

from __future__ import annotations

import inspect

import pytest

from averting import errors
from averting.errors import AvertingError, DataError, Fault, MissingExtraError, refuse

FAULTS = [Fault(f"schools.csv, row {i}", "a negative count", "Correct it.") for i in range(1, 6)]


def test_no_fault_is_no_error():
    refuse(DataError, "schools.csv cannot be read", [])
    refuse(DataError, "schools.csv cannot be read", iter(()))


def test_every_fault_is_listed_in_order():
    with pytest.raises(DataError) as caught:
        refuse(DataError, "schools.csv cannot be read", iter(FAULTS))
    first, *rest = str(caught.value).splitlines()
    assert first == "schools.csv cannot be read: 5 faults"
    assert rest == [f"  - schools.csv, row {i}: a negative count. Correct it." for i in range(1, 6)]
    assert caught.value.faults == tuple(FAULTS)
    assert caught.value.message == first


def test_one_fault_is_singular():
    with pytest.raises(DataError, match="cannot be read: 1 fault\n"):
        refuse(DataError, "schools.csv cannot be read", FAULTS[:1])


def test_a_long_list_says_how_much_is_left_out():
    with pytest.raises(DataError) as caught:
        refuse(DataError, "x", FAULTS, most=2)
    assert str(caught.value).splitlines()[0] == "x: 5 faults (2 listed, and 3 more)"
    assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(DataError, match=r"x: 5 faults\n"):
        refuse(DataError, "x", FAULTS, most=5)


def test_there_is_one_root():
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert len(kinds) > 5
    assert all(issubclass(kind, AvertingError) for kind in kinds)


def test_a_missing_extra_says_how_to_get_it():
    assert "pip install 'averting[bayes]'" in str(MissingExtraError("bayes", "method 'bayes_count'"))
