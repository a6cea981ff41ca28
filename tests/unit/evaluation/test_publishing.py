"""The only way out for boards, delivery, moves and cohorts; and an attacker with all that left recovers no suppressed count."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from averting.errors import DisclosureError
from averting.evaluation.publishing import publish_file
from averting.outcomes.board import make_board
from averting.provenance import file_hash
from averting.reporting import parts as written_parts
from averting.reporting.findings import Findings, publish_findings

MOST = 10_000.0
THRESHOLD, CANDIDATES = 5, 3
"""Rules ``under_five``: a withheld count keeps three candidates or more."""


def attacked(cells: dict[object, float | None], sums: list[tuple[object, list[object]]]) -> dict[object, int]:
    """Return how many whole numbers each cell that is not told can still be, by integer programming over what is told.

    The attacker takes what is told as exact, and knows that totals are the sums of their parts.
    """
    keys = list(cells)
    rows = np.zeros((len(sums), len(keys)))
    for at, (total, parts) in enumerate(sums):
        rows[at, keys.index(total)] = -1
        for part in parts:
            rows[at, keys.index(part)] += 1
    low = np.array([0.0 if cells[key] is None else cells[key] for key in keys], dtype=float)
    high = np.array([MOST if cells[key] is None else cells[key] for key in keys], dtype=float)
    found = {}
    for at, key in enumerate(keys):
        if cells[key] is None:
            ends = []
            for sign in (1.0, -1.0):
                aim = np.zeros(len(keys))
                aim[at] = sign
                solved = milp(
                    aim,
                    integrality=np.ones(len(keys)),
                    bounds=Bounds(low, high),
                    constraints=[LinearConstraint(rows, 0, 0)] if len(rows) else [],
                )
                ends.append(sign * solved.fun)
            found[key] = round(ends[1] - ends[0]) + 1
    return found


@pytest.fixture(autouse=True)
def _no_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages read only the tables that are checked here; rendering them is tested elsewhere."""

    def page(source: Path, **_: object) -> Path:
        source.with_suffix(".html").write_text("page", encoding="utf-8")
        return source.with_suffix(".html")

    monkeypatch.setattr(written_parts, "render", page)


DELIVERED = {"2020/21": 3, "2021/22": 14, "2022/23": 18, "2023/24": 2}


def _delivery(folder: Path) -> pd.DataFrame:
    rows = []
    for period, number in DELIVERED.items():
        day = f"{period[:4]}-11-09"
        for i in range(number):
            rows += [(f"{period}-{i}", "referral", day, period, ""), (f"{period}-{i}", "spend", day, period, "50")]
            rows += [(f"{period}-{i}", "contact", day, period, "")] * 2
            if i % 2:
                rows.append((f"{period}-{i}", "decision", day, period, ""))
    records = pd.DataFrame(rows, columns=["case", "kind", "date", "period", "amount"])
    records.to_csv(folder / "records.csv", index=False)
    (folder / "delivery.toml").write_text(
        'records = "records.csv"\nrules = "under_five_exact"\n', encoding="utf-8"
    )
    return records


def test_an_attack_on_what_was_delivered_recovers_no_small_count(tmp_path):
    records = _delivery(tmp_path)
    out = publish_file(tmp_path / "delivery.toml", tmp_path / "out", kind="delivery")
    told = pd.read_csv(out / "tables" / "delivered.csv").set_index("period")
    kinds = {"referral": "referrals", "contact": "contacts", "decision": "decisions"}
    truth = {
        (name, period): int(((records["kind"] == kind) & (records["period"] == period)).sum())
        for kind, name in kinds.items()
        for period in DELIVERED
    }
    truth |= {("cases", period): number for period, number in DELIVERED.items()}
    cells, sums = {}, []
    for name in ["cases", *kinds.values()]:
        for period in told.index:
            value = float(told.loc[period, name])
            cells[name, period] = None if np.isnan(value) else value
        sums.append(((name, "all"), [(name, period) for period in DELIVERED]))
    left = attacked(cells, sums)
    small = [key for key, count in truth.items() if 0 < count < THRESHOLD]
    assert len(small) == 7  # cases, referrals and decisions in the first and last year; contacts in the last
    assert all(cells[key] is None for key in small)
    assert min(left[key] for key in small) >= CANDIDATES
    # spending and what is per case tell nothing more
    gone = told["cases"].isna()
    assert told.loc[gone, ["spend", "spend_per_case", "contacts_per_case"]].isna().all().all()
    assert told["spend"].isna().sum() != 1


def test_a_release_holds_its_record_and_says_what_earlier_ones_told(tmp_path):
    _delivery(tmp_path)
    out = publish_file(tmp_path / "delivery.toml", tmp_path / "out", kind="delivery")
    record = json.loads((out / "disclosure.json").read_text(encoding="utf-8"))
    assert record["passes"]
    assert {one["reason"] for one in record["decisions"]} >= {"primary", "secondary"}
    assert record["files"]["tables/delivered.csv"] == file_hash(out / "tables" / "delivered.csv")
    assert set(record["files"]) == {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()} - {
        "disclosure.json"
    }
    with pytest.raises(DisclosureError, match="never overwritten"):
        publish_file(tmp_path / "delivery.toml", out, kind="delivery")
    again = publish_file(tmp_path / "delivery.toml", tmp_path / "again", kind="delivery", previous=[out])
    assert (again / "tables" / "delivered.csv").read_bytes() == (out / "tables" / "delivered.csv").read_bytes()
    records = pd.read_csv(tmp_path / "records.csv")
    records[records["period"] != "2022/23"].to_csv(tmp_path / "records.csv", index=False)
    with pytest.raises(DisclosureError, match="earlier release"):
        publish_file(tmp_path / "delivery.toml", tmp_path / "less", kind="delivery", previous=[out])
    with pytest.raises(DisclosureError, match="no kind of file"):
        publish_file(tmp_path / "delivery.toml", tmp_path / "x", kind="risk")


def _counted(table: pd.DataFrame, whole: dict[str, int], group: str) -> dict[str, float | None]:
    rows = table[table["group"] == group] if "group" in table else table
    return {
        row.after: None if np.isnan(row.share) else round(row.share * whole[group]) for row in rows.itertuples()
    }


def test_an_attack_across_tables_of_the_same_records_recovers_no_small_count(tmp_path):
    """Each table alone is safe; the one by group and the one of all together tell of a group's few, if protected alone."""
    counts = {("girls", "home"): 12, ("girls", "away"): 30, ("girls", "school"): 40}
    counts |= {("boys", "home"): 2, ("boys", "away"): 33, ("boys", "school"): 55}
    rows = [(who, "school", to) for (who, to), number in counts.items() for _ in range(number)]
    pd.DataFrame(rows, columns=["who", "from", "to"]).to_csv(tmp_path / "moves.csv", index=False)
    one = '[[transitions]]\nname = "{}"\npath = "moves.csv"\nbefore = "from"\nafter = "to"\n'
    text = 'rules = "under_five_exact"\n' + one.format("by group") + 'group = "who"\n' + one.format("of all")
    (tmp_path / "moves.toml").write_text(text, encoding="utf-8")
    out = publish_file(tmp_path / "moves.toml", tmp_path / "out", kind="moves")
    by, every = (pd.read_csv(out / "tables" / f"{name}.csv") for name in ("by_group", "of_all"))
    whole = {"girls": 82, "boys": 90, "everyone": 172}  # known from elsewhere
    cells = {(g, to): n for g in ("girls", "boys") for to, n in _counted(by, whole, g).items()}
    cells |= {("all", to): n for to, n in _counted(every, whole, "everyone").items()}
    cells |= {(g, "all"): float(n) for g, n in (("girls", 82), ("boys", 90), ("all", 172))}
    places = ("home", "away", "school")
    sums = [((g, "all"), [(g, to) for to in places]) for g in ("girls", "boys", "all")]
    sums += [(("all", to), [("girls", to), ("boys", to)]) for to in (*places, "all")]
    assert cells["boys", "home"] is None
    assert attacked(cells, sums)["boys", "home"] >= CANDIDATES


def test_an_attack_on_placements_recovers_no_small_count(tmp_path):
    """How many still last is told by share; what is left of all must not be the one reason with few."""
    rows = []
    still = {"behaviour": (40, 17), "exclusion": (70, 29), "health": (10, 3)}
    for reason, (number, lasting) in still.items():
        for i in range(number):
            rows.append((f"p{i}", "2023-01-01", "" if i < lasting else "2023-03-01", reason, 100, 70))
    columns = ["pupil", "start", "end", "reason", "sessions_possible", "sessions_attended"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "placements.csv", index=False)
    text = 'rules = "under_five_exact"\n[placements]\npath = "placements.csv"\nuntil = 2023-07-31\n'
    (tmp_path / "moves.toml").write_text(text, encoding="utf-8")
    out = publish_file(tmp_path / "moves.toml", tmp_path / "out", kind="moves")
    told = pd.read_csv(out / "tables" / "placements_by_reason.csv").set_index("reason")
    cells: dict[object, float | None] = {}
    sums: list[tuple[object, list[object]]] = []
    for reason, (number, _) in {**still, "all": (120, 49)}.items():
        row = told.loc[reason]
        cells[reason, "number"] = None if np.isnan(row["placements"]) else row["placements"]
        lasting = None if np.isnan(row["still_placed"]) else round(row["still_placed"] * number)
        cells[reason, "lasting"], cells[reason, "ended"] = lasting, None if lasting is None else number - lasting
        sums.append(((reason, "number"), [(reason, "lasting"), (reason, "ended")]))
    sums += [(("all", what), [(reason, what) for reason in still]) for what in ("number", "lasting", "ended")]
    assert cells["health", "lasting"] is None
    assert attacked(cells, sums)["health", "lasting"] >= CANDIDATES


def _equity(folder: Path, plan: int) -> Path:
    rng = np.random.default_rng(2)
    rows = []
    for school in range(1, 19):
        for year in ("2016/17", "2017/18", "2018/19", "2021/22", "2022/23"):
            support, none = rng.poisson(30), rng.poisson(60)
            late = school <= 4 and year > "2021"
            few = plan * (school == 1) * (year == "2022/23") if late else 3
            rows.append((school, year, support + none + few, 1000, support, 150, few, 30, none, 820))
    names = ["urn", "year", "all", "roll", "support", "support_roll", "plan", "plan_roll", "none", "none_roll"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "cohorts.csv", index=False)
    text = (
        'data = "cohorts.csv"\nschool = "urn"\nperiod = "year"\ncount = "all"\nexposure = "roll"\npilots = [1, 2, 3, 4]\n'
        'start = "2021/22"\nindicator = "suspensions"\ndraws = 100\nrules = "under_five_exact"\n'
    )
    text += "".join(
        f'[[cohort]]\nlabel = "{key}"\ncount = "{key}"\nexposure = "{key}_roll"\n'
        for key in ("support", "plan", "none")
    )
    (folder / "equity.toml").write_text(text, encoding="utf-8")
    return folder / "equity.toml"


def test_an_attack_on_cohorts_that_make_up_all_pupils_recovers_no_small_count(tmp_path):
    """Pilots' events after the start follow from a printed ratio; support, plan and none make up everybody."""
    out = publish_file(_equity(tmp_path, plan=3), tmp_path / "out", kind="equity")
    told = pd.read_csv(out / "tables" / "cohorts.csv").set_index("cohort")
    beside = pd.read_csv(out / "tables" / "beside_the_rest.csv").set_index("cohort")
    frame = pd.read_csv(tmp_path / "cohorts.csv")
    late = frame[(frame["urn"] <= 4) & (frame["year"] >= "2021")]
    parts = ("support", "plan", "none")
    cells: dict[object, float | None] = {
        part: None if np.isnan(told.loc[part, "estimate"]) else float(late[part].sum()) for part in parts
    }
    cells |= {
        f"not {part}": None if np.isnan(beside.loc[part, "ratio"]) else float((late["all"] - late[part]).sum())
        for part in parts
    }
    cells["all"] = float(late["all"].sum())  # from the pilots' own report
    sums: list[tuple[object, list[object]]] = [("all", list(parts))]
    sums += [("all", [part, f"not {part}"]) for part in parts]
    assert cells["plan"] is None
    assert attacked(cells, sums)["plan"] >= CANDIDATES


def test_where_no_cohort_is_small_all_are_told(tmp_path):
    out = publish_file(_equity(tmp_path, plan=40), tmp_path / "out", kind="equity")
    assert json.loads((out / "disclosure.json").read_text(encoding="utf-8"))["decisions"] == []
    assert pd.read_csv(out / "tables" / "cohorts.csv")["estimate"].notna().all()


def test_what_was_not_checked_or_cannot_be_protected_does_not_leave(tmp_path):
    with pytest.raises(DisclosureError, match="was not run"):
        publish_findings(Findings("areas", "Areas", ""), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _series(local: int, other: int) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    rows = []
    for at, area in enumerate(["Here", *"BCDEFGHIJKLM"]):
        for start in range(2016, 2022):
            count = int(rng.poisson(20))
            count = local if (area, start) == ("Here", 2021) else other if (area, start) == ("M", 2021) else count
            rows.append(("permanent_exclusions", area, f"{start}/{start - 1999}", count, count, 900 + 10 * at))
    return pd.DataFrame(rows, columns=["indicator", "area", "period", "lower", "upper", "of"])


@pytest.mark.parametrize("changed", ["local", "other"])
def test_nothing_on_a_board_depends_on_which_small_count_it_is(changed):
    """The strongest attack: a reader who knows every other count. Local or not, all small counts give the same board."""
    boards = [
        make_board(
            _series(**{"local": 12, "other": 14, changed: count}),
            local="Here",
            measures=["permanent_exclusions"],
            neighbours=["L", "M"],
        )
        for count in (1, 2, 3, 4)
    ]
    for board in boards[1:]:
        for name in ("summary", "over_time", "funnels"):
            pd.testing.assert_frame_equal(getattr(board, name), getattr(boards[0], name))
    own = boards[0].over_time.query("group == 'local' and period == '2021/22'")
    assert np.isnan(own["rate"].iloc[0]) == (changed == "local")


def test_a_board_leaves_with_the_record_of_what_it_withholds(tmp_path, monkeypatch):
    """Its page is rendered from the tables that are hashed here."""
    monkeypatch.setattr("averting.reporting.render.render", lambda source, **_: source.with_suffix(".html"))
    rows = [
        ("managed_moves", f"{year}/{year - 1999}", 3 if year == 2021 else 9, 900) for year in range(2016, 2023)
    ]
    pd.DataFrame(rows, columns=["indicator", "period", "count", "of"]).to_csv(tmp_path / "own.csv", index=False)
    text = 'title = "Here"\nlocal = "Here"\nmeasures = ["managed_moves"]\nown = ["own.csv"]\nsource = "invented"\n'
    (tmp_path / "board.toml").write_text(text, encoding="utf-8")
    out = publish_file(tmp_path / "board.toml", tmp_path / "out", kind="outcomes")
    record = json.loads((out / "disclosure.json").read_text(encoding="utf-8"))
    assert [one["cell"] for one in record["decisions"]] == [["local", "2021/22"]]
    assert record["files"]["tables/over_time.csv"] == file_hash(out / "tables" / "over_time.csv")
    assert not list(out.glob("*.qmd"))
    with pytest.raises(DisclosureError, match="leave --previous out"):
        publish_file(tmp_path / "board.toml", tmp_path / "x", kind="outcomes", previous=[out])
