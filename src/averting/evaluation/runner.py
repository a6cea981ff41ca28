"""Run an evaluation: every stage in order, resuming where a run was stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from averting.checks import CheckResult
from averting.data import Panel
from averting.design import Design
from averting.effects import Effect
from averting.effects.estimator import Progress, silent
from averting.effects.storage import load_effect
from averting.errors import DataError, writing
from averting.evaluation import stages
from averting.evaluation.estimate_settings import EstimateSettings
from averting.evaluation.lock import alone
from averting.evaluation.model_stage import comparable
from averting.evaluation.readiness import readiness
from averting.evaluation.sequence import READING, in_order
from averting.evaluation.settings import FILE, INDICATORS, Evaluation, load_evaluation
from averting.evaluation.side_panels import guardrails_of, side_designs
from averting.evaluation.store import Store
from averting.parallel import HERE, Workers
from averting.provenance import canonical_json, content_key, file_hash, tree_hashes, versions
from averting.reporting.results import SCHEMA
from averting.resources import models_dir


@dataclass(frozen=True)
class Checked:
    """An evaluation whose inputs hold together.

    Parameters
    ----------
    evaluation : Evaluation
        What ``evaluation.toml`` says.
    design : Design
        The comparison it makes.
    checks : tuple of CheckResult
        What data and design call attention to, and what is missing with what it would take.
    succession : DataFrame
        Which schools or authorities were joined; see :class:`averting.data.Joined`.
    variants : mapping of str to Design
        The comparison without an event, by the event's id.
    panel : Panel
        All schools, without what events leave out.
    guardrails, unaffected : mapping of str to Design or str
        Designs on outcomes that exclusions can move into, and on those that cannot have moved; or why there is none.
    """

    evaluation: Evaluation
    design: Design
    checks: tuple[CheckResult, ...]
    succession: pd.DataFrame
    variants: Mapping[str, Design]
    panel: Panel
    guardrails: Mapping[str, Design | str]
    unaffected: Mapping[str, Design | str]

    def design_of(self, settings: EstimateSettings) -> Design:
        """Return the design an estimate is made from."""
        return self.variants[settings.without] if settings.without else self.design


def check(folder: str | Path, *, data: str | Path | None = None) -> Checked:
    """Read an evaluation and its data, and see whether they make a comparison; nothing is computed or written.

    Parameters
    ----------
    folder : str or Path
        The evaluation's folder.
    data : str or Path, optional
        Read the data from here instead of from the path in ``evaluation.toml``.

    Raises
    ------
    AvertingError
        The first input that cannot be used, with all its faults.

    Examples
    --------
    >>> av.check("my-pilot").design
    Design(3 pilots from 2021/22, 40 comparison schools, 10 periods used, 2 left out)
    """
    return check_evaluation(_load(folder, data))


def check_evaluation(evaluation: Evaluation) -> Checked:
    """Read an evaluation's data and see whether they make a comparison; see :func:`check`."""
    panel, succession = stages.build_panel(evaluation)
    design, variants = stages.build_design(evaluation, panel), stages.build_variants(evaluation, panel)
    for settings in evaluation.estimates:
        design.counts(settings.indicator)
    stages.check_costs(evaluation, design)
    return Checked(
        evaluation,
        design,
        (*design.panel.checks, *design.checks, *readiness(evaluation)),
        succession,
        variants,
        panel=stages.leave_out(evaluation, panel)[0],
        guardrails=side_designs(evaluation, design, guardrails_of(evaluation)),
        unaffected=side_designs(evaluation, design, evaluation.checks.unaffected),
    )


def run(
    folder: str | Path,
    *,
    data: str | Path | None = None,
    progress: Progress = silent,
    workers: int | None = 1,
    cluster: str | None = None,
) -> Path:
    """Run every stage of an evaluation and write its ``results`` folder.

    Stages whose inputs have not changed are kept. The folder is replaced in one step at the end: a run that fails
    or is stopped leaves the previous results whole, and the next one resumes at the first unfinished stage.

    Parameters
    ----------
    folder : str or Path
        The evaluation's folder.
    data : str or Path, optional
        Read the data from here instead of from the path in ``evaluation.toml``.
    progress : callable
        Is told, in words, what is being done.
    workers : int or None
        Processes for estimates and specifications; None takes every core where that saves time. In a script, other than 1
        needs ``if __name__ == "__main__":``.
    cluster : str, optional
        Address of a Dask scheduler, instead of processes here; needs the ``scale`` extra.

    Returns
    -------
    Path
        The results folder; the same bytes wherever its parts were made.

    Raises
    ------
    AvertingError
        If an input cannot be used or an effect cannot be estimated.
    StorageError
        If the folder cannot be written to, or another run is writing to it.

    Examples
    --------
    >>> av.run("my-pilot").name
    'results'
    """
    at_work = Workers(workers, cluster)
    progress(READING)
    checked = check(folder, data=data)
    evaluation = checked.evaluation
    again = "The previous results are whole; run it again, and it resumes at the first unfinished stage."
    with writing(evaluation.folder, after=again), alone(evaluation.folder):
        return write_results(checked, Store(evaluation.folder), progress=progress, workers=at_work)


def write_results(checked: Checked, store: Store, *, progress: Progress = silent, workers: Workers = HERE) -> Path:
    """Run every stage of a checked evaluation into a store, keeping those that are there; return the results."""
    evaluation = checked.evaluation
    store.recover()
    inputs = _inputs(evaluation)
    keys = _stage_keys(evaluation, inputs)

    def kept(name: str) -> bool:
        return store.holds(name, keys[name])

    def estimated(key: str) -> Effect:
        return load_effect(store.stage(f"estimates/{key}", keys[f"estimates/{key}"], _nothing)[0])

    for stage in in_order(checked, kept=kept, estimated=estimated, workers=workers, progress=progress):
        progress(stage.doing)
        _, reused = store.stage(stage.name, keys[stage.name], stage.write)
        if reused:
            progress("kept from an earlier run")
    references = (models_dir() / "references.bib").read_text(encoding="utf-8")
    manifest = canonical_json(
        _manifest(evaluation, inputs, keys) | {"units_in_data": checked.panel.data.sizes["school"]}
    )
    # what verify runs again, whatever becomes of the file beside the results
    said = evaluation.declared_in.read_bytes().decode()
    store.publish(list(keys), {"manifest.json": manifest, "references.bib": references, FILE: said})
    return store.results


def _nothing(_folder: Path) -> None:
    raise AssertionError("an estimate is written before it is used")


def _alike(path: Path) -> str:
    """Name the files beside a missing one that are called nearly so, such as in other case."""
    try:
        there = {one.name.casefold(): one.name for one in path.parent.iterdir() if one.is_file()}
    except OSError:
        return ""
    near = [there[name] for name in get_close_matches(path.name.casefold(), list(there), n=2)]
    return f" There is {' and '.join(near)}: write the name exactly so." if near else ""


def _load(folder: str | Path, data: str | Path | None) -> Evaluation:
    evaluation = load_evaluation(folder)
    if data is not None:
        evaluation = evaluation.with_data(Path(data))
    if not evaluation.data.path.is_file():
        raise DataError(
            f"{evaluation.data.path} does not exist.{_alike(evaluation.data.path)} Put the file there, change [data] path in "
            f"{FILE}, or name it with --data."
        )
    return evaluation


def _inputs(evaluation: Evaluation) -> dict[str, object]:
    own = evaluation.folder / INDICATORS
    files = {"succession": evaluation.data.succession, "headcount": evaluation.data.headcount}
    files["local_figures"] = evaluation.costs.local_figures if evaluation.costs else None
    others = {name: {"file": path.name, "sha256": file_hash(path)} for name, path in files.items() if path}
    return {
        **others,
        FILE: file_hash(evaluation.declared_in),
        **({INDICATORS: file_hash(own)} if own.is_file() else {}),
        "data": {"file": evaluation.data.path.name, "sha256": file_hash(evaluation.data.path)},
        **software(),
    }


def software() -> dict[str, object]:
    """Return what results depend on beside their inputs: declared numbers, code and versions."""
    return {
        "models": tree_hashes(models_dir(), "*.*"),
        "code": content_key(tree_hashes(Path(__file__).parents[1], "*.py")),
        "versions": versions(),
    }


def _stage_keys(evaluation: Evaluation, inputs: dict[str, object]) -> dict[str, str]:
    """Return each stage's key: what it depends on and nothing more, so that other stages can be kept."""
    common = content_key(inputs["models"], inputs["code"], inputs["versions"], SCHEMA)
    data = content_key(
        common,
        inputs["data"],
        inputs.get("succession"),
        inputs.get("headcount"),
        _plain({**asdict(evaluation.data), "path": None, "succession": None, "headcount": None, "note": None}),
        # the panel that is written has the design's schools, without those that an event takes out
        _plain(asdict(evaluation.design)),
        _plain([asdict(event) for event in evaluation.events]),
        sorted(evaluation.estimated),
    )
    keys = {"data": data, "design": data}
    sample = [evaluation.seed, evaluation.draws]
    for settings in evaluation.estimates:
        keys[f"estimates/{settings.id}"] = content_key(data, asdict(settings), sample)
    primary = keys[f"estimates/{evaluation.primary.id}"]
    for name in ("diagnostics", "guardrails"):
        keys[name] = content_key(name, primary, asdict(evaluation.checks))
    if groups := comparable(evaluation.estimates):
        keys["models"] = content_key(
            "models", [keys[f"estimates/{key}"] for ids in groups.values() for key in ids]
        )
    if evaluation.appraisal and evaluation.costs:
        valued = keys[f"estimates/{evaluation.appraisal.estimate}"]
        keys["appraisal"] = content_key(
            valued,
            _plain({**asdict(evaluation.costs), "local_figures": inputs.get("local_figures")}),
            _plain(asdict(evaluation.appraisal)),
            sample,
        )
    return keys


def _plain(value: object) -> object:
    """Return a nested value with everything that JSON does not know written as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def _manifest(evaluation: Evaluation, inputs: dict[str, object], keys: dict[str, str]) -> dict[str, object]:
    design = evaluation.design
    return {
        "schema": SCHEMA,
        "title": evaluation.title,
        "question": evaluation.question,
        "seed": evaluation.seed,
        "draws": evaluation.draws,
        "data_note": evaluation.data.note,
        "exclude_reason": design.exclude_reason,
        "estimates": [asdict(estimate) for estimate in evaluation.estimates],
        "diagnostics": [*evaluation.checks.run, *(["specification_curve"] if evaluation.checks.curve else [])],
        "events": [{"id": event.id, "label": event.label} for event in evaluation.events],
        "indicators": stages.indicator_labels(evaluation),
        "exposures": stages.exposure_nouns(evaluation),
        "declared": evaluation.report.to_dict(),
        "inputs": inputs,
        "stages": keys,
    }
