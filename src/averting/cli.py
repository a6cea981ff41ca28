"""The command line: words for the Python functions, and no logic of its own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Column, Table

from averting.errors import AvertingError

app = App(
    name="averting",
    help="Did a pilot avert school exclusions, and was it worth the money?",
    help_format="plaintext",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,  # main says how to resume
)

Json = Annotated[bool, Parameter(name="--json", negative="")]
Quiet = Annotated[bool, Parameter(name=["--quiet", "-q"], negative="")]
Engine = Literal["auto", "quarto", "embedded"]


@app.command
def demo(folder: Path = Path("averting-demo"), *, quiet: Quiet = False) -> None:
    """Evaluate a simulated pilot from start to finish and write its report.

    Parameters
    ----------
    folder
        Where to put data, results and report.
    quiet
        Print only where the report is.
    """
    from averting.evaluation import demo as make_demo
    from averting.evaluation import render as render_report
    from averting.evaluation import run as run_evaluation

    progress = _progress(quiet)
    progress("simulating three pilot schools and forty comparison schools")
    made = make_demo(folder)
    run_evaluation(made, progress=progress)
    progress("rendering the report")
    print(f"report: {render_report(made, progress=progress)}")


@app.command
def new(folder: Path) -> None:
    """Make the folder of a new evaluation: one evaluation.toml to edit, and a report that reads its results.

    Parameters
    ----------
    folder
        Folder to make, for example my-pilot.
    """
    from averting.evaluation import new as make_new

    made = make_new(folder)
    print(f"made {made}: put your data in {made / 'data'}, edit {made / 'evaluation.toml'},")
    print(f"then: averting check {made}; averting run {made}; averting render {made}")


@app.command
def check(folder: Path, *, data: Path | None = None, json: Json = False) -> None:
    """Read an evaluation and its data and say whether they hold together. Nothing is written.

    Parameters
    ----------
    folder
        The evaluation's folder.
    data
        Read the data from here instead of from the path in evaluation.toml.
    json
        Print the checks as JSON.
    """
    from averting.evaluation import check as check_evaluation

    checked = check_evaluation(folder, data=data)
    if json:
        _print_json([result.to_dict() for result in checked.checks])
        return
    print(repr(checked.design))
    for result in checked.checks:
        print(f"{result.status:>5}  {result.message} {result.guidance}".rstrip())


@app.command
def run(folder: Path, *, data: Path | None = None, quiet: Quiet = False) -> None:
    """Run an evaluation: read, compare, estimate, value, and write the results folder.

    Parameters
    ----------
    folder
        The evaluation's folder.
    data
        Read the data from here instead of from the path in evaluation.toml.
    quiet
        Print only where the results are.
    """
    from averting.evaluation import run as run_evaluation

    print(f"results: {run_evaluation(folder, data=data, progress=_progress(quiet))}")


@app.command
def render(
    folder: Path, *, engine: Engine = "auto", output: Path | None = None, cache: bool = True, quiet: Quiet = False
) -> None:
    """Render an evaluation's report from its results.

    Parameters
    ----------
    folder
        The evaluation's folder.
    engine
        auto uses Quarto where it is installed, else the renderer that averting brings.
    output
        Where to write; by default report.html in the folder.
    cache
        Reuse executed cells where report and results are unchanged.
    quiet
        Print only where the report is.
    """
    from averting.evaluation import render as render_report

    made = render_report(folder, engine=engine, output=output, cache=cache, progress=_progress(quiet))
    print(f"report: {made}")


@app.command
def publish(
    folder: Path,
    destination: Path,
    *,
    rules: str = "under_five",
    previous: tuple[Path, ...] = (),
    engine: Engine = "auto",
    quiet: Quiet = False,
) -> None:
    """Write what may leave of an evaluation: report, tables and the record of what was withheld.

    Parameters
    ----------
    folder
        The evaluation's folder.
    destination
        Folder to make.
    rules
        Rule set of models/disclosure.toml.
    previous
        Folder of an earlier release; give it once for each.
    engine
        auto uses Quarto where it is installed, else the renderer that averting brings.
    quiet
        Print only where the release is.
    """
    from averting.reporting.publish import publish as publish_results

    made = publish_results(
        folder, destination, rules=rules, previous=previous, engine=engine, progress=_progress(quiet)
    )
    print(f"published: {made}")


@app.command
def sources(*families: str, local_authority: str | None = None, json: Json = False) -> None:
    """List declared costs with their sources, evidence grades and review dates.

    Parameters
    ----------
    families
        Families of costs; all by default.
    local_authority
        Use this authority's own figures where they are declared.
    json
        Print as JSON.
    """
    from averting.costs import known_families, load_parameters

    frame = load_parameters(*(families or known_families()), la=local_authority).sources()
    if json:
        _print_json(frame.astype(str).to_dict(orient="records"))
        return
    names = ("parameter", "central", "90 % range", "unit", "prices", "grade", "confidence", "source", "review by")
    table = Table(*(Column(name, overflow="fold") for name in names))  # narrow, but nothing is cut off
    for row in frame.itertuples():
        table.add_row(
            str(row.key),
            f"{row.central:,.4g}",
            f"{row.low:,.4g} to {row.high:,.4g}",
            str(row.unit),
            str(row.price_year or ""),
            str(row.grade),
            str(row.confidence),
            str(row.source),
            str(row.review_by),
        )
    Console().print(table)


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _progress(quiet: bool) -> Callable[[str], None]:
    start = time.monotonic()

    def tell(message: str) -> None:
        if not quiet:
            print(f"[{time.monotonic() - start:5.1f} s] {message}", file=sys.stderr, flush=True)

    return tell


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error made by averting ends it with status 2 and no traceback."""
    try:
        app(arguments if arguments is not None else sys.argv[1:])
    except AvertingError as error:
        print(f"averting: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("averting: stopped; run the same command again to resume", file=sys.stderr)
        sys.exit(130)
