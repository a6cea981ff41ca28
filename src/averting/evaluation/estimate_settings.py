"""Estimates of an ``evaluation.toml``: what each may say, read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from averting.effects import DEFAULT_METHOD, known_estimators
from averting.effects.bayes.priors import FAMILIES, Prior
from averting.effects.regressions import CLUSTERED, CLUSTERS
from averting.errors import AvertingError
from averting.evaluation.toml_table import TomlTable

DIRECTORY = "directory:"


@dataclass(frozen=True)
class EstimateSettings:
    """One estimate to make; see :func:`averting.effects.estimate`.

    ``negligible`` holds the lower and upper end of the region of changes too small to matter, as ratios, set before
    outcomes are seen; it is empty where none is set. ``without`` is the id of an event whose periods, or schools in
    them, are left out of this estimate only.
    """

    id: str
    role: str
    indicator: str
    method: str
    level: float
    inference: str = "auto"
    covariates: tuple[str, ...] = ()
    prior: str | Prior = "neutral"
    alongside: str = ""
    cluster: str = ""
    negligible: tuple[float, ...] = ()
    without: str = ""


def read_estimate(table: TomlTable, folder: Path) -> EstimateSettings:
    """Read one ``[[estimate]]`` of an evaluation in a folder; faults are noted on the table."""
    settings = EstimateSettings(
        id=table.take("id", str),
        role=table.choice("role", ("primary", "secondary")),
        indicator=table.take("indicator", str),
        method=table.choice("method", ("auto", *known_estimators()), "auto"),
        level=table.take("level", float, 0.95),
        inference=table.take("inference", str, "auto"),
        covariates=table.texts("covariates", []),
        prior=_prior(table, folder),
        alongside=table.take("alongside", str, ""),
        cluster=table.choice("cluster", ("", *CLUSTERS), ""),
        negligible=_negligible(table),
    )
    _check_inference(settings, table)
    _check_alongside(settings, table)
    _check_takes(settings, table)
    _check_cluster(settings, table)
    if settings.id and not re.fullmatch(r"[a-z][a-z0-9_]*", settings.id):
        table.fault("id", f"'{settings.id}' cannot name a folder", "Use small letters, digits and underscores.")
    if not 0.5 <= settings.level <= 0.999:
        table.fault("level", f"{settings.level} is not a level", "Give a share between 0.5 and 0.999.")
    table.done()
    return settings


def _prior(table: TomlTable, folder: Path) -> str | Prior:
    """Return a family of priors, or what an entry of the Directory of What Works makes one expect."""
    asked: str = table.take("prior", str, "neutral")
    own = table.path("directory", folder, None)
    if not asked.startswith(DIRECTORY):
        if asked not in FAMILIES:
            table.fault(
                "prior", f"'{asked}' is not known", f"Use one of: {', '.join(FAMILIES)}, or {DIRECTORY}<entry>."
            )
        return asked
    from averting.appraisal.what_works import directory_prior, what_works

    key = asked.removeprefix(DIRECTORY)
    try:
        found = {one.key: one for one in what_works(own=own)}
    except AvertingError as error:
        table.fault("directory", error.message, "")
        return "neutral"
    if key not in found:
        table.fault("prior", f"the directory has no entry '{key}'", f"Use one of: {', '.join(sorted(found))}.")
        return "neutral"
    return directory_prior(found[key], str(table.values.get("indicator")))


def _negligible(table: TomlTable) -> tuple[float, ...]:
    ends = table.take("negligible", list, [])
    if not ends and "negligible" not in table.values:
        return ()
    numbers = [end for end in ends if isinstance(end, int | float) and not isinstance(end, bool)]
    if len(ends) != 2 or len(numbers) != 2 or not 0 < numbers[0] < 1 < numbers[1]:
        found = "this is not a region about no effect"
        table.fault("negligible", found, "Give two ratios, one below 1 and one above it, like [0.9, 1.1].")
        return ()
    return float(numbers[0]), float(numbers[1])


def _check_alongside(settings: EstimateSettings, table: TomlTable) -> None:
    known = known_estimators()
    able = [key for key, spec in known.items() if "alongside" in spec.supports]
    method = DEFAULT_METHOD if settings.method == "auto" else settings.method
    if settings.alongside and method in known and method not in able:
        found = f"{method} models one indicator, not two together"
        table.fault("alongside", found, f"Leave it out, or use method = one of: {', '.join(able)}.")
    if method in able and settings.alongside in ("", settings.indicator):
        found = f"{method} models two indicators together, and no second one is named"
        table.fault("alongside", found, 'Name a commoner one, such as alongside = "suspensions".')


def _check_takes(settings: EstimateSettings, table: TomlTable) -> None:
    known = known_estimators()
    if settings.method in known and known[settings.method].takes != "count":
        found = f"{settings.method} takes means and shares, and an evaluation estimates counts"
        table.fault("method", found, "Estimate it in Python: averting.estimate(design, ..., method=...).")


def _check_cluster(settings: EstimateSettings, table: TomlTable) -> None:
    known = known_estimators()
    able = [key for key, spec in known.items() if "cluster" in spec.supports]
    if settings.cluster and (settings.method not in able or settings.inference not in CLUSTERED):
        found = f"method '{settings.method}' with inference '{settings.inference}' does not cluster"
        fix = f"Leave it out, or use method = one of: {', '.join(able)}; and inference = one of: {', '.join(CLUSTERED)}."
        table.fault("cluster", found, fix)


def _check_inference(settings: EstimateSettings, table: TomlTable) -> None:
    known = known_estimators()
    method = DEFAULT_METHOD if settings.method == "auto" else settings.method
    # an unknown method has been noted already
    offered = ("auto", *known[method].inferences) if method in known else (settings.inference,)
    if settings.inference not in offered:
        what = f"{method} has no inference '{settings.inference}'"
        table.fault("inference", what, f"Use one of: {', '.join(offered)}.")
