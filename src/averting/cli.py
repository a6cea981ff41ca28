"""The command line: words for the Python functions, and no logic of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console
from rich.table import Table

from averting.commands.areas import areas
from averting.commands.delivery import delivery
from averting.commands.equity import equity
from averting.commands.init_data import init_data
from averting.commands.local_figures import local_figures
from averting.commands.moves import moves
from averting.commands.new import new
from averting.commands.options import (
    Data,
    Folder,
    Formats,
    Json,
    Quiet,
    Renderer,
    Values,
    one_thread,
    print_answer,
    print_json,
    print_paths,
    read_values,
)
from averting.commands.outcomes import outcomes
from averting.commands.progress import bar, timed
from averting.commands.publish import publish
from averting.commands.risk import risk
from averting.commands.savings import savings
from averting.commands.verify import verify
from averting.commands.what_works import what_works
from averting.errors import AvertingError

app = App(
    name="averting",
    help=(
        "Did a pilot avert school exclusions, and was it worth the money?\n\n"
        "First: averting demo, and open the report it names. Then your own pilot: averting new my-pilot; averting check "
        "my-pilot; averting run my-pilot; averting render my-pilot. Every command explains itself: averting run --help.\n\n"
        "A command ends with status 0 where it did what was asked, 2 where something given cannot be used (the message says "
        "what to do), 3 where verify finds a difference, and 130 where it was stopped. docs/command-line.md says more."
    ),
    help_format="plaintext",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,  # main says how to resume
    default_parameter=Parameter(negative_iterable=()),  # no --empty-pilots: leaving an option out says as much
)

for _command in (
    areas,
    delivery,
    equity,
    init_data,
    local_figures,
    moves,
    new,
    outcomes,
    publish,
    risk,
    savings,
    verify,
    what_works,
):
    app.command(_command)


@app.command
def demo(folder: Path = Path("averting-demo"), *, json: Json = False, quiet: Quiet = False) -> None:
    """Evaluate a simulated pilot from start to finish and write its report.

    Takes a minute or two. Three invented schools, whose true effect is known; then open the report it names.

    Example: averting demo

    Parameters
    ----------
    folder
        Where to put data, results and report.
    """
    from averting.evaluation import demo as make_demo
    from averting.evaluation import render_all, usual
    from averting.evaluation import run as run_evaluation

    with timed(folder, "demo", quiet=quiet or json, usual=usual.demo_seconds()) as progress:
        progress(usual.SIMULATING)
        made = make_demo(folder)
        run_evaluation(made, progress=progress)
        progress(usual.RENDERING)
        reports = render_all(made, progress=progress)
    print_paths(reports, json)


@app.command
def check(folder: Folder, *, data: Data = None, json: Json = False) -> None:
    """Read an evaluation and its data and say whether they hold together. Nothing is written.

    Run it after each change of evaluation.toml: it lists every fault at once, and what is still missing, with what it takes.

    Example: averting check my-pilot
    """
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
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run an evaluation: read, compare, estimate, value, and write the results folder.

    Stopped or killed, it resumes with the same command. Reports come next: averting render.

    Example: averting run my-pilot

    Parameters
    ----------
    workers
        Processes for estimates and specifications; every core by default, where that saves time.
    cluster
        Address of a Dask scheduler to run them on, for example tcp://10.0.0.5:8786.
    """
    from averting.evaluation import run as run_evaluation
    from averting.evaluation.usual import usual_seconds

    with timed(folder, "run", quiet=quiet or json, usual=usual_seconds(folder)) as progress:
        results = run_evaluation(folder, data=data, progress=progress, workers=workers, cluster=cluster)
    if json:
        print_json({"results": str(results)})
        return
    print(f"results: {results}")


@app.command
def render(
    folder: Folder,
    *,
    to: Formats = "html",
    report: str | None = None,
    engine: Renderer = "auto",
    output: Path | None = None,
    parameter: Values = (),
    cache: bool = True,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Render an evaluation's reports from its results: report.qmd, summary.qmd and any other beside them.

    Example: averting render my-pilot --to html,pdf

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
    from averting.evaluation import render_all, usual
    from averting.evaluation.usual_pages import rendering_seconds

    formats, given = [name.strip() for name in to.split(",")], read_values(parameter)
    names = [report or "report"] if report or output else None
    first = rendering_seconds(folder, names=names, to=formats)
    with timed(folder, f"render {to} {report or ''}", quiet=quiet or json, usual=first) as progress:
        progress(usual.RENDERING)
        if output is not None:
            one = render_report(
                folder,
                report=report or "report",
                engine=engine,
                output=output,
                parameters=given,
                cache=cache,
                progress=progress,
            )
            made: tuple[Path, ...] = (one,)
        else:
            made = render_all(
                folder, names=names, to=formats, engine=engine, parameters=given, cache=cache, progress=progress
            )
    print_paths(made, json)


@app.command
def sources(
    *families: str, local_authority: str | None = None, as_of: date | None = None, json: Json = False
) -> None:
    """List declared costs with their sources, evidence grades and review dates, and what to beware of.

    Example: averting sources high_needs_block --local-authority Portsmouth

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
    from averting.units import shown

    frame, unset = declared_sources(*families, la=local_authority, as_of=as_of)
    if json:
        print_json(frame.astype(str).to_dict(orient="records"))
        return
    # a block of lines for each, which a narrow terminal can show and a screen reader can read
    for row in frame.to_dict(orient="records"):
        spread = f" ({shown(row['low'])} to {shown(row['high'])})" if row["low"] < row["high"] else ""
        prices = f", {row['price_year']} prices" if row["price_year"] else ""
        print(f"{row['key']}: {row['label']}")
        print(f"  {shown(row['central'])}{spread} {row['unit']}{prices}")
        print(f"  evidence {row['grade']}, {row['confidence']}; review by {row['review_by']}")
        print(f"  {row['source']}: {row['locator']}")
        if row["beware"]:
            print(f"  beware: {row['beware']}")
    for asked in unset:
        print(f"you must give: {asked.key} ({asked.unit}). {asked.ask}")


@app.command
def reconcile(claim: Path, *, json: Json = False) -> None:
    """Say what would have to be true for a published claim to hold, and what it leaves unsaid.

    How to write the TOML file: docs/why-not-370000.md.

    Example: averting reconcile claim.toml

    Parameters
    ----------
    claim
        TOML file with the claim's figures as printed: [product], [saving] or both.
    """
    from averting.costs import read_claim
    from averting.costs import reconcile as reconcile_claim

    found = reconcile_claim(read_claim(claim))
    print_answer(found, json)


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

    Example: averting power --pilots 3 --comparison 40

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
    with bar(quiet or json) as advance:
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


app.register_install_completion_command(
    name="--install-completion", help="Let the shell complete commands, options and paths on Tab."
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error made by averting ends it with status 2 and no traceback."""
    one_thread()
    try:
        try:
            app(arguments if arguments is not None else sys.argv[1:], exit_on_error=False)
        finally:
            sys.stdout.flush()
    except CycloptsError:
        sys.exit(2)  # the library has said which option was wrong, and how it is used
    except AvertingError as error:
        print(f"averting: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # head, or a pager that was left; what is still to be written has no reader
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # until the process ends
        sys.exit(141)
    except KeyboardInterrupt:
        print("averting: stopped; run the same command again to resume", file=sys.stderr)
        sys.exit(130)
