"""What the design stage writes for the report: balance with its plot, and the check of regression to the mean."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from averting.reporting import figures, open_results


def test_love_plot_shows_every_row_of_the_balance_table(quick_run: Path) -> None:
    results = open_results(quick_run / "results")
    table = results.table("design/balance")
    figure = figures.balance(results)
    for gap in table["standardised_difference"]:
        assert f"{gap:+.2f}" in figure.alt
    assert figure.alt.split("called large. ")[1].count(";") == len(table) - 1
    assert figures.balance(results).svg == figure.svg


def test_love_plot_shows_both_differences_where_schools_are_weighted(quick_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(quick_run / "results", tmp_path / "results")
    before = figures.balance(open_results(folder))
    table = pd.read_csv(folder / "design" / "balance.csv")
    table.assign(standardised_difference=0.0).to_csv(folder / "design" / "balance.csv", index=False)
    figure = figures.balance(open_results(folder))
    assert "without weights" not in before.alt
    for gap in table["unweighted_difference"]:
        assert f"+0.00 (without weights {gap:+.2f})" in figure.alt


def test_regression_to_the_mean_is_among_the_checks_of_the_design(quick_run: Path) -> None:
    results = open_results(quick_run / "results")
    found = [check for check in results.checks("design") if check.key == "design/regression_to_mean"]
    indicators = [path.stem for path in (quick_run / "results" / "design").glob("regression_*.csv")]
    assert len(found) == len(indicators) > 0
    for name in indicators:
        table = pd.read_csv(quick_run / "results" / "design" / f"{name}.csv")
        assert table["group"].tolist() == ["pilots", "comparison"]
