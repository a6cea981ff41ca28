"""Published ratios as priors, on request: raw and adjusted ones are never pooled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from averting.errors import Fault, ParameterError, refuse
from averting.resources import models_dir, read_toml
from averting.risk.model import Prior

Basis = Literal["raw", "adjusted"]
BASES: tuple[Basis, ...] = ("raw", "adjusted")
SPREAD = 0.35
"""Standard deviation of the log of a published ratio as a prior: an assumption, since no standard error is published.
Half to twice the ratio is 95 %."""


@dataclass(frozen=True)
class PublishedRatio:
    """A published ratio of one group's exclusion to another's.

    Parameters
    ----------
    key : str
        Name to ask for it by.
    group, reference, outcome : str
        Who, against whom, and of what.
    raw, adjusted : float or None
        Ratio without and with other characteristics held equal, as printed.
    note, source, locator : str
        What to beware of, the key in ``references.bib``, and where it stands.
    """

    key: str
    group: str
    reference: str
    outcome: str
    source: str
    locator: str
    raw: float | None = None
    adjusted: float | None = None
    note: str = ""


def published_ratios(path: Path | None = None) -> dict[str, PublishedRatio]:
    """Return the declared ratios of ``models/risk/timpson_2019.toml`` by key.

    Raises
    ------
    ParameterError
        If an entry lacks a key, has an unknown one, or neither a raw nor an adjusted ratio above 0.
    """
    path = path or models_dir() / "risk" / "timpson_2019.toml"
    tables = read_toml(path, error=ParameterError)
    made, faults = {}, []
    for key, table in tables.items():
        try:
            made[key] = PublishedRatio(key=key, **table)
        except TypeError as error:
            faults.append(
                Fault(f"{path.name}, {key}", str(error).split(") ")[-1], "Give the keys of the other entries")
            )
            continue
        given = [value for value in (made[key].raw, made[key].adjusted) if value is not None]
        if not given or min(given) <= 0:
            faults.append(Fault(f"{path.name}, {key}", "it has no ratio above 0", "Give raw, adjusted or both"))
    refuse(ParameterError, f"{path.name} cannot be used", faults)
    return made


def prior_from(
    asked: Mapping[tuple[str, str], str], *, basis: str, adjusted_model: bool = True, spread: float = SPREAD
) -> Prior:
    """Return priors of log odds ratios from published ratios, all of one basis.

    Parameters
    ----------
    asked : mapping of (characteristic, level) to str
        Which published ratio each level takes.
    basis : {"raw", "adjusted"}
        Which of its ratios; one for all.
    adjusted_model : bool
        Whether the model they are for holds other characteristics equal. A raw ratio cannot inform an adjusted one, nor the
        other way round.
    spread : float
        Standard deviation of the log ratio.

    Raises
    ------
    ParameterError
        If a key is not known or has no ratio of this basis, or the basis is not the model's.
    """
    known = published_ratios()
    faults = [Fault("prior", f"basis is '{basis}'", "Use raw or adjusted") for _ in range(basis not in BASES)]
    if basis in BASES and (basis == "adjusted") != adjusted_model:
        kind = "adjusted" if adjusted_model else "unadjusted"
        fix = "Raw and adjusted ratios are never pooled: ask for the other, or leave the prior out"
        faults.append(Fault("prior", f"{basis} ratios are asked for, and the model is {kind}", fix))
    for (name, text), key in asked.items():
        if key not in known:
            faults.append(
                Fault(f"prior of {name} {text}", f"'{key}' is not known", f"Use one of: {', '.join(known)}")
            )
        elif basis in BASES and getattr(known[key], basis) is None:
            faults.append(Fault(f"prior of {name} {text}", f"'{key}' has no {basis} ratio", "Leave it out"))
    if not 0 < spread < 5:
        faults.append(Fault("prior", f"spread is {spread:g}", "Give a standard deviation of log ratios, above 0"))
    refuse(ParameterError, "The priors cannot be used", faults)
    return {at: (math.log(getattr(known[key], basis)), spread) for at, key in asked.items()}
