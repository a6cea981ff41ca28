"""``averting publish``: the only way out."""

from __future__ import annotations

from pathlib import Path

from averting.commands.options import Folder, Formats, Json, Quiet, Renderer, print_json
from averting.commands.progress import timed


def publish(
    folder: Folder,
    destination: Path,
    *,
    rules: str = "under_five",
    previous: tuple[Path, ...] = (),
    of: str | None = None,
    engine: Renderer = "auto",
    to: Formats = "html",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write what may leave of an evaluation, or of another command's file: pages, tables and the record of what was withheld.

    Example: averting publish my-pilot public

    Parameters
    ----------
    destination
        Folder to make.
    of
        The command whose file is given in place of an evaluation's folder: delivery, moves, areas, equity or outcomes.
    rules
        Rule set of models/disclosure.toml.
    previous
        Folder of an earlier release; give it once for each.
    """
    made = _published_file(folder, destination, of, rules, previous, quiet or json) if of else None
    if made is None:
        from averting.evaluation.usual_pages import publishing_seconds
        from averting.reporting.publish import publish as publish_results

        formats = [name.strip() for name in to.split(",")]
        usual = publishing_seconds(folder, to=formats)
        with timed(folder, f"publish {to}", quiet=quiet or json, usual=usual) as progress:
            made = publish_results(
                folder, destination, rules=rules, previous=previous, engine=engine, to=formats, progress=progress
            )
    if json:
        print_json({"published": str(made)})
        return
    print(f"published: {made}")


def _published_file(
    file: Path, destination: Path, kind: str, rules: str, previous: tuple[Path, ...], quiet: bool
) -> Path:
    from averting.evaluation.publishing import publish_file
    from averting.evaluation.usual_pages import ONE_PAGE

    # no times are kept: the file's folder is not ours, and the new one must hold nothing but what may leave
    with timed(file.parent, f"publish {kind}", quiet=quiet, usual=ONE_PAGE, keep=False) as progress:
        return publish_file(file, destination, kind=kind, rules=rules, previous=previous, progress=progress)
