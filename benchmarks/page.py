"""Write docs/benchmarks.md and its plot from the history of benchmark runs; ``all.py`` calls it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import work

ROOT = Path(__file__).parents[1]
PAGE, PLOT = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "pictures" / "benchmarks.svg"
SHOWN = 10  # runs in the history's table
COLOURS = {
    "averting": "#1d70b8", "pyfixest": "#d4351c", "diff-diff": "#f47738", "csdid": "#4c2c92", "linearmodels": "#00703c",
    "statsmodels": "#6f777b", "NumPy loop": "#6f777b", "pandas": "#6f777b", "diff_diff": "#f47738",
}  # fmt: skip

HEAD = """# Benchmarks: averting beside its peers

One run of `python benchmarks/all.py{flag}` on {date}: averting {version} and the peers below did the same work on the same
simulated schools, and their tests were tried on {panels} panels a setting (averting's on {more:,}) whose truth is known.
The machine ({machine}) was shared with other work. Times are therefore processor time, on one core, and not what a clock would
show; the last two runs differ by up to a third. Compare libraries with each other, within this page only.

Run it again and this page is rewritten, and the run is added to `benchmarks/history.jsonl`.

Peers: {peers}.

![Left: processor seconds of each library for the same work. Right: how often a test calls a programme that does nothing an
effect; one in twenty is what a fair test does. The numbers are in the tables below.](pictures/benchmarks.svg)

## Is the test fair, and does it find anything?

Simulated schools whose truth is known. *False alarm*: how often a programme that does nothing is called an effect, where one in
twenty (5 %) is promised. *Finds a halving*: how often a true halving is called an effect. *Holds the truth*: how often the 95 %
interval for the ratio holds the true halving; a dash where a method answers in differences of rates. A test that gives false
alarms finds more for the wrong reason: do not compare what they find. With 100 panels a share of 20 % is known to within 8
points either way; [Which method for my pilot](which-method.md) has 500 panels, and more methods.

"""
SPEED = """
## How fast is it, and does it say the same?

Schools over {years} years, three of them pilots. *Again* is the median of three calls after the first, which may compile.
Memory is the whole process, imports and all. averting's time holds what `averting.estimate` always does: the interval, its
checks and 4,000 draws. Where a method is the same, answers agree to the digits shown.

"""
NOTES = """
In the permutation test the answers are not of one test, and need not agree. `ratio_did` judges counts by a statistic that allows
for schools that exclude more. diff-diff permutes which schools are pilots, on rates. pyfixest's `ritest` draws each school's
label by a fair coin, so that half of all schools are pilots in each draw; with three pilots its p-value is far too small. The two
synthetic difference-in-differences differ in the third decimal; we have not traced why.

"""
HISTORY = """
## History

Processor seconds of averting for each task with 300 schools (second and later calls), newest run first.

"""


def write(history: list[dict[str, Any]]) -> None:
    """Write the page and the plot from the latest run, and the history's table from all."""
    PAGE.write_text(text(history), encoding="utf-8")
    _plot(history[-1])


def text(history: list[dict[str, Any]]) -> str:
    """Return the page."""
    run = history[-1]
    peers = ", ".join(f"{name} {number}" for name, number in run["versions"].items() if name != "averting")
    head = HEAD.format(
        flag=" --quick" if run["mode"] == "quick" else "",
        date=run["date"],
        version=run["averting"],
        machine=run["machine"],
        peers=peers.replace("NumPy loop", "NumPy"),
        panels=min(row["panels"] for row in run["quality"]),
        more=max(row["panels"] for row in run["quality"]),
    )
    parts = [head, _quality(run), SPEED.format(years=work.YEARS), _work(run), NOTES, HISTORY]
    return "".join([*parts, _history(history)])


def _table(heads: list[str], rows: list[list[str]]) -> str:
    right = ["---"] + ["---:" if i > 1 else "---" for i in range(1, len(heads))]
    lines = [heads, right, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _quality(run: dict[str, Any]) -> str:
    rows = [
        [
            row["setting"], f"{row['library']}: {row['test']}", f"{row['panels']:,}", _percent(row["size"]),
            _percent(row["power"]), _percent(row["coverage"]),
        ]
        for row in run["quality"]
    ]  # fmt: skip
    return _table(["Schools", "Test", "Panels", "False alarm", "Finds a halving", "Holds the truth"], rows)


def _number(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def _work(run: dict[str, Any]) -> str:
    rows = []
    for row in run["work"]:
        task = work.TASKS[row["task"]]
        named = [
            f"{task.label}, {row['schools']:,} schools" if row["library"] == "averting" else "",
            row["library"],
        ]
        if "failed" in row:
            rows.append([*named, row["failed"], "", "", ""])
            continue
        answer = f"{_number(row['answer'])} {task.answer}"
        rows.append([*named, f"{row['first']:.3f}", f"{row['seconds']:.3f}", f"{row['megabytes']:,}", answer])
    return _table(["Work", "Library", "First call, s", "Again, s", "Memory, MB", "Answer"], rows)


def _history(history: list[dict[str, Any]]) -> str:
    rows = []
    for run in reversed(history[-SHOWN:]):
        own = {
            row["task"]: f"{row['seconds']:.3f}"
            for row in run["work"]
            if row["library"] == "averting" and row["schools"] == 300 and "seconds" in row
        }
        rows.append([run["date"], run["averting"], *(own.get(key, "–") for key in work.TASKS)])
    return _table(["Date", "Version", *(key.replace("_", " ") for key in work.TASKS)], rows)


def _plot(run: dict[str, Any]) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    style: dict[Any, Any] = {
        "svg.hashsalt": "averting",
        "svg.fonttype": "path",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(style):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.6), layout="constrained")
        _speed_axes(left, [row for row in run["work"] if "seconds" in row and row["schools"] == 300])
        _size_axes(right, run["quality"])
        PLOT.parent.mkdir(exist_ok=True)
        figure.savefig(PLOT, metadata={"Date": None}, transparent=False)
        plt.close(figure)


def _speed_axes(axes: Any, rows: list[dict[str, Any]]) -> None:
    tasks = [key for key in work.TASKS if any(row["task"] == key for row in rows)][::-1]
    seen = set()
    for row in rows:
        name = row["library"]
        ours = name == "averting"
        axes.plot(
            row["seconds"], tasks.index(row["task"]), "o" if ours else "D", ms=9 if ours else 6, color=COLOURS[name],
            label=None if name in seen else name, zorder=3 if ours else 2,
        )  # fmt: skip
        seen.add(name)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(tasks)), [key.replace("_", " ") for key in tasks])
    axes.grid(axis="x", color="#d8dadb", lw=0.6)
    axes.set_xlabel("processor seconds, log scale; left is faster")
    axes.set_title("The same work, 300 schools", loc="left", fontweight="bold")
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=4)


def _size_axes(axes: Any, rows: list[dict[str, Any]]) -> None:
    settings = list(dict.fromkeys(row["setting"] for row in rows))[::-1]
    tests = list(dict.fromkeys(f"{row['library']}: {row['test']}" for row in rows))
    marks = dict(zip(tests, "oDs^v<>", strict=False))
    tints = dict(zip(tests, ("#1d70b8", "#d4351c", "#942514", "#f47738"), strict=False))
    for test in tests:
        own = [row for row in rows if f"{row['library']}: {row['test']}" == test]
        axes.plot(
            [100 * row["size"] for row in own], [settings.index(row["setting"]) for row in own], marks[test], ls="",
            ms=9 if test.startswith("averting") else 6, color=tints.get(test, "#6f777b"), label=test,
        )  # fmt: skip
    axes.axvline(5, color="#0b0c0c", lw=1, ls="--")
    axes.text(5.6, len(settings) - 0.62, "promised: 5 %", fontsize=8)
    axes.set_ylim(-0.5, len(settings) - 0.4)
    axes.set_yticks(range(len(settings)), [name.replace(" that ", "\nthat ") for name in settings])
    axes.set_xlim(left=0)
    axes.grid(axis="x", color="#d8dadb", lw=0.6)
    axes.set_xlabel("false alarms, % of panels without any effect")
    axes.set_title("Is the test fair?", loc="left", fontweight="bold")
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.4, -0.12), ncols=1)
