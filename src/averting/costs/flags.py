"""What to beware of in declared numbers: the stale, the weak and the disputed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pandas as pd

from averting.costs.families import known_authorities, known_families, load_parameters
from averting.costs.local_figures import refuse_unknown
from averting.costs.parameters import Parameter, Unset

WEAK_GRADES = ("D", "E")


def flags(parameter: Parameter, *, as_of: date | None = None) -> tuple[str, ...]:
    """Return what a reader should beware of in one parameter.

    Parameters
    ----------
    parameter : Parameter
        As declared, or after overrides.
    as_of : date, optional
        Day to judge review dates by. Averting reads no clock: without a day nothing is called stale.

    Returns
    -------
    tuple of str
        Of ``stale`` (its review was due by then), ``weak`` (grade D or E) and ``disputed``.
    """
    found = {
        "stale": as_of is not None and parameter.review_by < as_of,
        "weak": parameter.grade in WEAK_GRADES,
        "disputed": bool(parameter.disputed),
    }
    return tuple(name for name, holds in found.items() if holds)


def flagged(parameters: Mapping[str, Parameter], *, as_of: date | None = None) -> dict[str, tuple[str, ...]]:
    """Return the flags of every parameter that has any, by key; see :func:`flags`."""
    every = {key: flags(parameter, as_of=as_of) for key, parameter in parameters.items()}
    return {key: names for key, names in every.items() if names}


def declared_sources(
    *families: str, la: str | None = None, as_of: date | None = None
) -> tuple[pd.DataFrame, tuple[Unset, ...]]:
    """Return every declared number with its source and flags, and the numbers that the user must give.

    Families are listed one after another, because some are alternatives that cannot be counted together.

    Parameters
    ----------
    *families : str
        Files of ``models/costs``; all by default.
    la : str, optional
        Authority whose own figures replace national ones in the families that have them.
    as_of : date, optional
        As in :func:`flags`.

    Returns
    -------
    (DataFrame, tuple of Unset)
        One row per parameter, as :meth:`ParameterSet.sources`, with ``beware``; each key once.

    Raises
    ------
    ParameterError
        For an unknown family or authority.
    """
    chosen = families or known_families()
    if la is not None:
        refuse_unknown(la, known_authorities(*chosen), chosen)
    tables: list[pd.DataFrame] = []
    unset: dict[str, Unset] = {}
    for family in chosen:
        parameters = load_parameters(family, la=la if la in known_authorities(family) else None)
        beware = flagged(parameters, as_of=as_of)
        tables.append(parameters.sources().assign(beware=[", ".join(beware.get(key, ())) for key in parameters]))
        unset.update(parameters.unset)
    every = pd.concat(tables, ignore_index=True).drop_duplicates("key", ignore_index=True)
    return every, tuple(unset.values())
