from __future__ import annotations

import math
from pathlib import Path

import pytest

from averting.data.symbols import interval, load_symbols
from averting.errors import DataError
from averting.resources import models_dir


def test_x_means_what_its_vintage_says() -> None:
    vintages = load_symbols().vintages
    old, today = vintages["dfe_school_to_201617"].symbols["x"], vintages["ees_today"].symbols["x"]
    assert (old.status, old.lower, old.upper) == ("suppressed", 1, 2)
    assert (today.status, today.lower, today.upper) == ("missing", 0, math.inf)
    assert "x" not in vintages["ees_201718_202021"].symbols


def test_blank_is_declared_only_where_the_file_explains_it() -> None:
    vintages = load_symbols().vintages
    assert [key for key, vintage in vintages.items() if "" in vintage.symbols] == ["la_series_from_200607"]


def test_today_states_no_bounds_for_confidential_and_low() -> None:
    symbols = load_symbols().vintages["ees_today"].symbols
    for text in ("c", "low", "k", "~"):
        assert symbols[text].status == "suppressed"
        assert symbols[text].lower is None and symbols[text].upper is None
    assert symbols["z"].status == "not_applicable" and math.isnan(symbols["z"].upper or 0)
    assert {symbols[text].status for text in "u:."} == {"missing"}


def test_every_symbol_has_a_meaning_and_a_source() -> None:
    for vintage in load_symbols().vintages.values():
        assert all(symbol.meaning and symbol.source for symbol in vintage.symbols.values())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('status = "suppressed", lower = 1, ', 'status = "suppressed", ', "one bound without the other"),
        ('status = "suppressed", lower', 'status = "hidden", lower', "Use one of: suppressed, missing"),
        (
            'status = "missing", meaning = "unav',
            'status = "missing", lower = 0, upper = 9, meaning = "unav',
            "Leave",
        ),
        ('tolerates = ["zero_exposure"]', 'tolerates = ["anything"]', "tolerates 'anything'"),
        ('requires = ["urn", "school_type"]\n', "", "'requires' is missing"),
    ],
)
def test_incomplete_entry_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = (models_dir() / "symbols.toml").read_text()
    assert old in text
    path = tmp_path / "symbols.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(DataError, match=message):
        load_symbols(path)


@pytest.mark.parametrize("bounds", [(2, 1), (-1, 2), (0.5, 2), (math.inf, math.inf), (math.nan, 2)])
def test_interval_must_be_whole_and_in_order(bounds: tuple[float, float]) -> None:
    with pytest.raises(DataError, match="lower first"):
        interval("c", *bounds)


def test_open_interval_is_missing() -> None:
    assert interval("?", 0, math.inf).status == "missing"
    assert interval("c", 1, 4).status == "suppressed"
