"""Read a results folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from averting.checks import CheckResult
from averting.data.written import read_table
from averting.design.events import COVARIATE as EVENT
from averting.effects import Effect
from averting.effects.storage import load_effect
from averting.errors import RenderError
from averting.schemas import Step, brought_up

SCHEMA = 1
"""Layout of a results folder: its files, and the keys of its manifest."""
STEPS: Mapping[int, Step] = {}
"""What leads from an earlier layout of the manifest to the next, by the earlier one's number."""


@dataclass(frozen=True)
class Results:
    """The results of one evaluation, as files.

    Parameters
    ----------
    folder : Path
        A ``results`` folder written by :func:`averting.run`.
    manifest : mapping
        Title, question, estimates, and where everything comes from.
    """

    folder: Path
    manifest: Mapping[str, Any]

    def record(self, name: str) -> dict[str, Any]:
        """Return a JSON record, for example ``design/design``."""
        value: dict[str, Any] = json.loads(self._file(f"{name}.json").read_text(encoding="utf-8"))
        return value

    def table(self, name: str) -> pd.DataFrame:
        """Return a CSV table, for example ``appraisal/summary``."""
        path = self._file(f"{name}.csv")
        return _read_csv(path, path.stat().st_mtime_ns)

    def effect(self, estimate: str) -> Effect:
        """Return one estimate's Effect by its id."""
        folder = self._file(f"estimates/{estimate}/effect.json").parent
        return _load_effect(folder, max(path.stat().st_mtime_ns for path in folder.iterdir()))

    def checks(self, stage: str) -> tuple[CheckResult, ...]:
        """Return the checks of the ``data`` or ``design`` stage."""
        found = json.loads(self._file(f"{stage}/checks.json").read_text(encoding="utf-8"))
        return tuple(CheckResult(**check) for check in found)

    @property
    def estimates(self) -> tuple[str, ...]:
        """Ids of all estimates, the primary one first."""
        listed = sorted(self.manifest["estimates"], key=lambda estimate: estimate["role"] != "primary")
        return tuple(estimate["id"] for estimate in listed)

    @property
    def primary(self) -> Effect:
        """The effect that the verdict rests on."""
        return self.effect(self.estimates[0])

    @property
    def valued(self) -> Effect | None:
        """The effect that was valued in money, if any was."""
        return self.effect(self.record("appraisal/appraisal")["estimate"]) if self.has_appraisal else None

    @property
    def has_appraisal(self) -> bool:
        """Whether what was averted was valued."""
        return (self.folder / "appraisal" / "appraisal.json").is_file()

    @property
    def disclosure(self) -> dict[str, Any] | None:
        """What disclosure control did to these results; None where they have not passed it."""
        about: dict[str, Any] | None = self.manifest.get("disclosure")
        return about if about and about["passes"] else None

    def indicator(self, key: str) -> str:
        """Return an indicator's label in running text, for example ``permanent exclusions``."""
        label: str = self.manifest["indicators"].get(key, key.replace("_", " "))
        return label[:1].lower() + label[1:]

    def per(self, key: str) -> str:
        """Return what an indicator's rates are in: ``per 100 pupils``, or per 100 of what else it is counted over."""
        return f"per 100 {self.manifest['exposures'].get(key, 'pupils')}"

    def name(self, estimate: str) -> str:
        """Return what an estimate is of in running text: its indicator, and events it leaves out or adjusts for."""
        entry = next(entry for entry in self.manifest["estimates"] if entry["id"] == estimate)
        without = [event for event in self.manifest["events"] if event["id"] == entry["without"]]
        labels = {f"{EVENT}{event['id']}": event["label"] for event in self.manifest["events"]}
        parts = [f"without {event['label']}" for event in without]
        for name in entry["covariates"]:
            # a public report does not say what events of named schools are called
            other = "an event of named schools" if name.startswith(EVENT) else name.replace("_", " ")
            parts.append(f"adjusted for {labels.get(name, other)}")
        return ", ".join([self.indicator(entry["indicator"]), *parts])

    def negligible(self, estimate: str) -> tuple[float, ...]:
        """Return the ratios between which an estimate was declared too small to matter; empty where none were."""
        entry = next(entry for entry in self.manifest["estimates"] if entry["id"] == estimate)
        return tuple(entry.get("negligible", ()))

    def declared(self, part: str) -> dict[str, Any]:
        """Return what was declared of the protocol, the intervention or the roles; empty where nothing was."""
        return dict(self.manifest.get("declared", {}).get(part, {}))

    def declared_list(self, part: str) -> list[dict[str, str]]:
        """Return the declared deviations, or the entries of the assurance log."""
        return list(self.manifest.get("declared", {}).get(part, []))

    def _file(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise RenderError(f"{path} is missing. Make the results again with: averting run {self.folder.parent}")
        return path


# kept by time of writing too: a second run in the same session must not show the numbers of the first
@cache
def _read_csv(path: Path, _written: int) -> pd.DataFrame:
    return read_table(path)


@cache
def _load_effect(folder: Path, _written: int) -> Effect:
    return load_effect(folder)


def open_results(folder: str | Path = "results") -> Results:
    """Open a results folder.

    Parameters
    ----------
    folder : str or Path
        By default ``results`` in the working directory, where a report's cells run.

    Raises
    ------
    RenderError
        If the folder holds no results, or results of another layout.
    """
    folder = Path(folder)
    path = folder / "manifest.json"
    if not path.is_file():
        raise RenderError(f"{folder} holds no results. Make them with: averting run {folder.parent}")
    try:
        manifest = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, RecursionError) as error:
        raise RenderError(
            f"{path} is not what averting writes ({type(error).__name__}). Make the results again: averting run {folder.parent}"
        ) from error
    again = f"Make the results again: averting run {folder.parent}"
    manifest = brought_up(manifest, to=SCHEMA, steps=STEPS, what=str(path), again=again, error=RenderError)
    return Results(folder, manifest)
