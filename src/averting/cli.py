"""The command line: words for the Python functions, and no logic of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError
from rich.console import Console
from rich.table import Table

from averting.commands.init_data import init_data
from averting.commands.new import new
from averting.commands.options import Data, Folder, Formats, Json, Quiet, Renderer, print_json
from averting.commands.progress import teller, timed
from averting.commands.verify import verify
from averting.errors import AvertingError

app = App(
    name="averting",
    help=(
        "Did a pilot avert school exclusions, and was it worth the money?\n\n"
        "First: averting demo, and open the report it names. Then your own pilot: averting new my-pilot; averting check "
        "my-pilot; averting run my-pilot; averting render my-pilot. Every command explains itself: averting run --help.\n\n"
        "A command ends with status 0 where it did what was asked, 2 where something given cannot be used (the message says "
        "what to do), 3 where verify finds a difference, and 130 where it was stopped."
    ),
    help_format="plaintext",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,  # main says how to resume
)

for _command in (init_data, new, verify):
    app.command(_command)

for _word in ("risk", "what_works", "outcomes", "delivery", "moves", "areas", "equity"):
    app.command(f"averting.commands.{_word}:{_word}", name=_word.replace("_", "-"))


@app.command
def demo(folder: Path = Path("averting-demo"), *, quiet: Quiet = False) -> None:
    """Evaluate a simulated pilot from start to finish and write its report.

    Parameters
    ----------
    folder
        Where to put data, results and report.
    """
    from averting.evaluation import demo as make_demo
    from averting.evaluation import render_all
    from averting.evaluation import run as run_evaluation

    progress = teller(quiet)
    progress("simulating three pilot schools and forty comparison schools")
    made = make_demo(folder)
    run_evaluation(made, progress=progress)
    progress("rendering the reports")
    for path in render_all(made, progress=progress):
        print(f"{path.stem}: {path}")


@app.command
def check(folder: Folder, *, data: Data = None, json: Json = False) -> None:
    """Read an evaluation and its data and say whether they hold together. Nothing is written."""
    from averting.evaluation import check as check_evaluation

    checked = check_evaluation(folder, data=data)
    if json:
        print_json([result.to_dict() for result in checked.checks])
        return
    print(repr(checked.design))
    for result in checked.checks:
        print(f"{result.status:>5}  {result.message} {result.guidance}".rstrip())


@app.command
def run(
    folder: Folder,
    *,
    data: Data = None,
    workers: int | None = None,
    cluster: str | None = None,
    quiet: Quiet = False,
) -> None:
    """Run an evaluation: read, compare, estimate, value, and write the results folder.

    Parameters
    ----------
    workers
        Processes for estimates and specifications; every core by default, where that saves time.
    cluster
        Address of a Dask scheduler to run them on, for example tcp://10.0.0.5:8786.
    """
    from averting.evaluation import run as run_evaluation

    with timed(folder, "run", quiet=quiet) as progress:
        results = run_evaluation(folder, data=data, progress=progress, workers=workers, cluster=cluster)
    print(f"results: {results}")


@app.command
def render(
    folder: Folder,
    *,
    to: Formats = "html",
    report: str | None = None,
    engine: Renderer = "auto",
    output: Path | None = None,
    cache: bool = True,
    quiet: Quiet = False,
) -> None:
    """Render an evaluation's reports from its results: report.qmd, summary.qmd and any other beside them.

    Parameters
    ----------
    report
        Render only this one, for example summary; with --output and without --report it is report.
    output
        Where to write one report; its ending, .html, .pdf or .docx, is the format.
    cache
        Reuse executed cells where report and results are unchanged.
    """
    from averting.evaluation import render as render_report
    from averting.evaluation import render_all

    progress, formats = teller(quiet), [name.strip() for name in to.split(",")]
    if output is not None:
        one = render_report(
            folder, report=report or "report", engine=engine, output=output, cache=cache, progress=progress
        )
        made: tuple[Path, ...] = (one,)
    else:
        names = None if report is None else [report]
        made = render_all(folder, names=names, to=formats, engine=engine, cache=cache, progress=progress)
    for path in made:
        print(f"{path.stem}: {path}")


@app.command
def publish(
    folder: Folder,
    destination: Path,
    *,
    rules: str = "under_five",
    previous: tuple[Path, ...] = (),
    engine: Renderer = "auto",
    to: Formats = "html",
    quiet: Quiet = False,
) -> None:
    """Write what may leave of an evaluation: report, tables and the record of what was withheld.

    Parameters
    ----------
    destination
        Folder to make.
    rules
        Rule set of models/disclosure.toml.
    previous
        Folder of an earlier release; give it once for each.
    """
    from averting.reporting.publish import publish as publish_results

    formats = [name.strip() for name in to.split(",")]
    made = publish_results(
        folder, destination, rules=rules, previous=previous, engine=engine, to=formats, progress=teller(quiet)
    )
    print(f"published: {made}")


@app.command
def sources(
    *families: str, local_authority: str | None = None, as_of: date | None = None, json: Json = False
) -> None:
    """List declared costs with their sources, evidence grades and review dates, and what to beware of.

    Parameters
    ----------
    families
        Families of costs; all by default.
    local_authority
        Use this authority's own figures where they are declared.
    as_of
        Day, such as 2027-04-01; numbers whose review was due before it are called stale.
    """
    from averting.costs import declared_sources

    frame, unset = declared_sources(*families, la=local_authority, as_of=as_of)
    if json:
        print_json(frame.astype(str).to_dict(orient="records"))
        return
    # a block of lines for each, which a narrow terminal can show and a screen reader can read
    for row in frame.to_dict(orient="records"):
        spread = f" ({row['low']:,.4g} to {row['high']:,.4g})" if row["low"] < row["high"] else ""
        prices = f", {row['price_year']} prices" if row["price_year"] else ""
        print(f"{row['key']}: {row['label']}")
        print(f"  {row['central']:,.4g}{spread} {row['unit']}{prices}")
        print(f"  evidence {row['grade']}, {row['confidence']}; review by {row['review_by']}")
        print(f"  {row['source']}: {row['locator']}")
        if row["beware"]:
            print(f"  beware: {row['beware']}")
    for asked in unset:
        print(f"you must give: {asked.key} ({asked.unit}). {asked.ask}")


@app.command
def reconcile(claim: Path, *, json: Json = False) -> None:
    """Say what would have to be true for a published claim to hold, and what it leaves unsaid.

    Parameters
    ----------
    claim
        TOML file with the claim's figures as printed: [product], [saving] or both.
    """
    from averting.costs import read_claim
    from averting.costs import reconcile as reconcile_claim

    found = reconcile_claim(read_claim(claim))
    if json:
        print_json(found.to_dict())
        return
    print("\n".join(found.lines()))


@app.command
def power(
    folder: Path | None = None,
    *,
    data: Data = None,
    pilots: int | None = None,
    years_after: int | None = None,
    comparison: int | None = None,
    mean: float | None = None,
    pilot_mean: float | None = None,
    size: float | None = None,
    lasting: float | None = None,
    ar: float | None = None,
    years_before: int | None = None,
    hidden: tuple[int, int] | None = None,
    trials: int = 1_000,
    level: float | None = None,
    seed: int | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say what a design could find before it begins: the chance of each verdict, by true effect.

    Give the folder of an evaluation, whose data before the start are enough; or no folder, and declare schools with
    --pilots and --comparison, and what differs from England's secondary schools.

    Parameters
    ----------
    pilots
        From one to this many pilots; the number named in evaluation.toml by default.
    years_after
        From one to this many years after the start; 3 by default.
    comparison
        Comparison schools, 40 by default; without a folder only, like the next seven.
    mean
        Mean count of a comparison school in a year; 1.73 by default.
    pilot_mean
        Mean count of a pilot in a year before the programme; that of comparison schools by default.
    size
        Size of the negative binomial: the smaller, the more schools differ; inf for not at all; 0.65 by default.
    lasting
        Share of a school's standing that never changes, 0 to 1; 0.35 by default.
    ar
        Correlation of the rest from one year to the next; 0.8 by default.
    years_before
        Years before the start; 5 by default.
    hidden
        Counts from the first to the second are suppressed, for example 1 2.
    trials
        Simulated pilots for each row.
    level
        Level of the interval; the evaluation's, or 0.95, by default.
    seed
        Seed of every random number; the evaluation's, or 1, by default.
    workers
        Processes; every core by default, where that saves time.
    cluster
        Address of a Dask scheduler to run on, for example tcp://10.0.0.5:8786.
    """
    from averting.effects.power import DeclaredNoise
    from averting.evaluation.power import power as find_power

    options: dict[str, Any] = {
        "comparison": comparison, "mean": mean, "pilot_mean": pilot_mean, "size": size, "lasting": lasting, "ar": ar,
        "years_before": years_before, "hidden": hidden,
    }  # fmt: skip
    given = {name: value for name, value in options.items() if value is not None}
    with _bar(quiet or json) as advance:
        found = find_power(
            folder,
            declared=DeclaredNoise(**given) if given else None,
            data=data,
            pilots=pilots,
            years_after=years_after,
            trials=trials,
            level=level,
            seed=seed,
            workers=workers,
            cluster=cluster,
            advance=advance,
        )
    if json:
        print_json(found.to_dict())
        return
    print(f"{found.basis}; chances from {found.trials:,} simulated pilots a row")
    console = Console()
    for title, frame in found.readable().items():
        table = Table(*frame.columns, title=title)
        for row in frame.itertuples(index=False):
            table.add_row(*row)
        console.print(table)
    for result in found.checks:
        print(f"{result.status:>5}  {result.message} {result.guidance}".rstrip())


@contextmanager
def _bar(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the time left on standard error."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("simulating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as shown:
        task = shown.add_task("power", total=None)
        yield lambda done, of: shown.update(task, completed=done, total=of)


app.register_install_completion_command(
    name="--install-completion", help="Let the shell complete commands, options and paths on Tab."
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error made by averting ends it with status 2 and no traceback."""
    try:
        app(arguments if arguments is not None else sys.argv[1:], exit_on_error=False)
    except CycloptsError:
        sys.exit(2)  # the library has said which option was wrong, and how it is used
    except AvertingError as error:
        print(f"averting: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("averting: stopped; run the same command again to resume", file=sys.stderr)
        sys.exit(130)
