"""Authorities' own figures: which there are, and how one takes the place of a national figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from averting.costs.distributions import Distribution
from averting.costs.parameters import Override
from averting.errors import Fault, ParameterError, UnitError, refuse
from averting.resources import read_model, read_toml
from averting.years import FinancialYear

type Table = Mapping[str, Any]

SECTION_251, GRANT = "section_251", "schools_grant"
"""Tables of a set of one's own, as ``averting local-figures`` writes it."""
_KEYS = ("relative_sd", "source", "locator", "grade", "confidence", "review_by", "note")
_ABOUT = ("source", "locator", "grade", "confidence", "review_by", "note")


@cache
def _return(name: str) -> Table:
    return read_model("local", f"{name}.toml")


def local_values(key: str, table: Table, *, where: str) -> dict[str, float]:
    """Return the figures of one ``[local.*]`` table by authority.

    They stand in its ``values``, or in the table of the parameter's name in the file of ``models/local`` that
    ``values_from`` names.

    Raises
    ------
    ParameterError
        For a table that has both or neither.
    """
    if ("values" in table) == ("values_from" in table):
        fault = Fault(where, f"[local.{key}] must have one set of figures", "Give either values or values_from")
        refuse(ParameterError, f"{where} does not load", [fault])
    values: Table = table["values"] if "values" in table else _return(table["values_from"])[key]
    return {la: float(value) for la, value in values.items()}


def localised(declared: Table, la: str, *, where: str, own: Table | None = None) -> Table:
    """Put an authority's own figures in place of the national ones, where the file, or ``own``, has them by key."""
    changed = dict(declared)
    for key, table in declared.get("local", {}).items():
        faults = [Fault(where, f"[local.{key}] has no {name}", "Add it") for name in _KEYS if name not in table]
        if key not in declared:
            faults.append(Fault(where, f"[local.{key}] has no national figure", f"Declare [{key}]"))
        refuse(ParameterError, f"{where} does not load", faults)
        given = (own or {}).get(key, {}).get(la)
        mean = local_values(key, table, where=where).get(la) if given is None else float(given)
        if mean is not None:
            about = {name: table[name] for name in (*_ABOUT, "plausible") if name in table}
            spread = {"family": "lognormal", "mean": mean, "sd": mean * table["relative_sd"]}
            label = f"{declared[key]['label']} ({la})"
            changed[key] = {**declared[key], **about, "label": label, "distribution": spread}
    return changed


def refuse_unknown(la: str, known: tuple[str, ...], families: tuple[str, ...]) -> None:
    """Refuse an authority without figures, naming those like it.

    Raises
    ------
    ParameterError
        Where ``la`` is not among ``known``.
    """
    if la in known:
        return
    like = get_close_matches(la, known, n=3, cutoff=0.5)
    near = f"Do you mean {' or '.join(like)}? " if like else ""
    raise ParameterError(
        f"There are no figures of '{la}' in {', '.join(families)}, which know {len(known)} authorities. {near}"
        "averting.costs.known_authorities lists them. For another, leave it out (local_authority; la in Python): costs are then "
        "spread over all authorities, and figures of your own go under [costs.override] in evaluation.toml."
    )


@dataclass(frozen=True)
class OwnFigures:
    """One table of a set of one's own.

    Parameters
    ----------
    source, locator : str
        In the user's words.
    year : FinancialYear
        Whose prices, or whose grant.
    values : mapping of str to mapping of str to float
        By key and authority.
    """

    source: str
    locator: str
    year: FinancialYear
    values: Mapping[str, Mapping[str, float]]


def read_figures(path: str | Path) -> dict[str, OwnFigures]:
    """Read a set of authorities' own figures, as ``averting local-figures`` writes it.

    Raises
    ------
    ParameterError
        Listing every fault: a table that is not known, without source, locator or year, or a figure that is no number.
    """
    path = Path(path)
    try:
        tables = read_toml(path, error=ParameterError)
    except OSError as error:
        raise ParameterError(
            f"{path.name} cannot be read. Make it with: averting local-figures WORKBOOK"
        ) from error
    faults: list[Fault] = []
    for kind, table in tables.items():
        if kind not in (SECTION_251, GRANT) or not isinstance(table, Mapping):
            faults.append(Fault(path.name, f"[{kind}] is not known", f"Use [{SECTION_251}] or [{GRANT}]"))
            continue
        faults += _figure_faults(path.name, kind, table)
    refuse(ParameterError, f"{path.name} cannot be used", faults)
    return {kind: _own(table, _YEAR[kind]) for kind, table in tables.items() if isinstance(table, Mapping)}


_YEAR = {SECTION_251: "price_year", GRANT: "year"}


def _figure_faults(file: str, kind: str, table: Table) -> list[Fault]:
    where = f"{file} [{kind}]"
    texts = ("source", "locator", _YEAR[kind])
    faults = [
        Fault(where, f"there is no {name}", f'Write {name} = "..."')
        for name in texts
        if not (isinstance(table.get(name), str) and table[name].strip())
    ]
    if not faults:
        try:
            FinancialYear.parse(table[_YEAR[kind]])
        except UnitError as error:
            faults.append(Fault(where, error.message, ""))
    for key, figures in table.items():
        if key in texts:
            continue
        if not isinstance(figures, Mapping):
            faults.append(Fault(where, f"{key} is not known", "Write figures below [" + f"{kind}.{key}]"))
            continue
        faults += [
            Fault(f"{file} [{kind}.{key}]", f"{la} has no number", "Write one, without £ or commas")
            for la, value in figures.items()
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12
        ]
    return faults


def _own(table: Table, year: str) -> OwnFigures:
    values = {key: dict(figures) for key, figures in table.items() if isinstance(figures, Mapping)}
    return OwnFigures(table["source"], table["locator"], FinancialYear.parse(table[year]), values)


def own_overrides(own: OwnFigures, la: str, local: Table) -> dict[str, Override]:
    """Return changes that put an authority's figures of a set of one's own in place of the declared ones.

    Parameters
    ----------
    own : OwnFigures
        Of ``section_251``.
    la : str
        The authority.
    local : mapping
        The families' ``[local.*]`` tables, which say how far one year's figure is from the next pupil's cost.
    """
    found = {}
    for key, table in local.items():
        mean = own.values.get(key, {}).get(la)
        if mean is not None:
            spread = {"family": "lognormal", "mean": float(mean), "sd": float(mean) * table["relative_sd"]}
            reason = f"{la}'s own figure of {own.year.label}: {own.locator}"
            found[key] = Override(Distribution.from_table(spread), reason, own.source, own.year)
    return found
