"""Published costs of an exclusion over a whole life: named alternatives, of which one at most is used."""

from __future__ import annotations

from averting.costs.families import known_families, load_parameters
from averting.costs.parameters import Parameter

_ALTERNATIVE = "lifetime_"
_TOTAL = "_total"


def lifetime_totals() -> dict[str, Parameter]:
    """Return the published cost of one exclusion over a life, in pounds for one pupil, by family.

    They are alternatives: they count the same money under other assumptions, so they are never added or averaged.
    """
    return {
        family: parameter
        for family in known_families()
        if family.startswith(_ALTERNATIVE)
        for key, parameter in load_parameters(family).items()
        if key.endswith(_TOTAL)
    }
