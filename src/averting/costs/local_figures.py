"""Authorities' own figures: which there are, and how one takes the place of a national figure."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from averting.errors import Fault, ParameterError, refuse
from averting.resources import read_model

type Table = Mapping[str, Any]

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


def localised(declared: Table, la: str, *, where: str) -> Table:
    """Put an authority's own figures in place of the national ones, where the file has them."""
    changed = dict(declared)
    for key, table in declared.get("local", {}).items():
        faults = [Fault(where, f"[local.{key}] has no {name}", "Add it") for name in _KEYS if name not in table]
        if key not in declared:
            faults.append(Fault(where, f"[local.{key}] has no national figure", f"Declare [{key}]"))
        refuse(ParameterError, f"{where} does not load", faults)
        mean = local_values(key, table, where=where).get(la)
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
