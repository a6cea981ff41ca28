"""What leaves of termly data, file to public page: permanent exclusions with suppressed cells, and absence in sessions."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from averting.evaluation import run
from averting.reporting.publish import publish

TERMS = [f"{year}/{year - 1999} {term}" for year in range(2018, 2024) for term in ("Autumn", "Spring", "Summer")]
START = TERMS.index("2022/23 Autumn")
EVALUATION = """
schema = 1
title = "By term"
question = "Did it work?"
seed = 1
draws = 400

[data]
path = "panel.csv"
source = "tidy"

[data.columns]
school = "urn"
period = "term"
exposure = "of"
{indicator} = "count"

[data.symbols]
x = [1, 4]

[design]
pilots = ["1000", "1001", "1002"]
start = "2022/23 Autumn"

[[estimate]]
id = "main"
role = "primary"
indicator = "{indicator}"
method = "ratio_did"

[diagnostics]
run = []
"""


def evaluation(tmp_path, indicator, events, of, hide):
    """Write a folder of 24 schools whose first three are pilots; counts of 1 to 4 are x where they are hidden."""
    rng = np.random.default_rng(3)
    rows = []
    for school in range(24):
        for at, term in enumerate(TERMS):
            count = int(rng.poisson(events * (0.8 if school < 3 and at >= START else 1)))
            rows.append((1000 + school, term, of, "x" if hide and 1 <= count <= 4 else count, count))
    folder = tmp_path / indicator
    folder.mkdir()
    frame = pd.DataFrame(rows, columns=["urn", "term", "of", "count", "true"])
    frame[["urn", "term", "of", "count"]].to_csv(folder / "panel.csv", index=False)
    (folder / "evaluation.toml").write_text(EVALUATION.format(indicator=indicator), encoding="utf-8")
    return folder, frame


def published(folder, destination):
    """Return the public counts of pilots by term, after a search of everything for schools' ids."""
    run(folder)
    # without a report's source there are tables and records alone: pages are tested where they are made
    made = publish(folder, destination, engine="embedded")
    for path in made.rglob("*.*"):
        if path.suffix in (".csv", ".json"):
            found = re.search(r"\b10(0[0-9]|1[0-9]|2[0-3])\b", path.read_text(encoding="utf-8"))
            assert not found, path.name
    counts = pd.read_csv(made / "tables" / "counts.csv", dtype=str)
    by_term = counts[(counts["group"] == "pilots") & counts["period"].isin(TERMS)].set_index("period")
    assert set(by_term.index) == set(TERMS)
    return made, by_term


def test_permanent_exclusions_by_term_leave_without_small_counts(tmp_path):
    folder, frame = evaluation(tmp_path, "permanent_exclusions", events=2.5, of=900, hide=True)
    assert (frame["count"] == "x").mean() > 0.5
    made, counts = published(folder, tmp_path / "public")
    true = frame[frame["urn"] < 1003].groupby("term")["true"].sum()
    shown = counts[counts["least"] != "c"]
    assert 0 < len(shown) < len(TERMS)
    for term, row in shown.iterrows():
        assert float(row["least"]) >= 5
        # rounded to five at both ends
        assert float(row["least"]) - 2.5 <= true[term] <= float(row["most"]) + 2.5
    averted = pd.read_csv(made / "tables" / "averted.csv", dtype=str).set_index("Term")
    hidden = [term for term in averted.index if term in TERMS and counts.loc[term, "least"] == "c"]
    assert hidden
    assert (averted.loc[hidden, "Averted"] == "c").all()


def test_absence_by_term_leaves_rounded_and_in_sessions(tmp_path):
    folder, frame = evaluation(tmp_path, "absence", events=4_000, of=60_000, hide=False)
    made, counts = published(folder, tmp_path / "public")
    true = frame[frame["urn"] < 1003].groupby("term")["true"].sum()
    assert (counts["least"] == counts["most"]).all()
    for term, row in counts.iterrows():
        assert float(row["least"]) % 5 == 0
        assert abs(float(row["least"]) - true[term]) <= 2.5
    averted = pd.read_csv(made / "tables" / "averted.csv", dtype=str)
    assert averted["Term"].tolist() == ["all terms", *TERMS[START:]]
    assert averted.iloc[:, 0].str.startswith("sessions missed").all()
