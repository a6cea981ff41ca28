"""All diagnostics by name, and those that run where nothing else is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from averting.effects.diagnostics.anticipation import anticipation
from averting.effects.diagnostics.asked import Asked, Finding, finding
from averting.effects.diagnostics.bacon import bacon
from averting.effects.diagnostics.honest import honest
from averting.effects.diagnostics.influence import leave_one_out
from averting.effects.diagnostics.placebo import placebo_in_outcomes, placebo_in_space, placebo_in_time
from averting.effects.diagnostics.pretrends import pretrends
from averting.effects.diagnostics.spillover import spillover

Run = Callable[[Asked], Finding]


@dataclass(frozen=True)
class Diagnostic:
    """A diagnostic by the question it asks.

    Parameters
    ----------
    label : str
        Name for reports.
    question : str
        What it asks, for readers.
    run : callable
        Takes an :class:`averting.effects.diagnostics.asked.Asked`, returns a
        :class:`averting.effects.diagnostics.asked.Finding`.
    again : bool
        Whether it estimates again, which takes long where a model is sampled.
    """

    label: str
    question: str
    run: Run
    again: bool = True


KNOWN: Mapping[str, Diagnostic] = MappingProxyType(
    {
        "placebo_in_time": Diagnostic("Earlier start", "Is there an effect before there was a programme?", placebo_in_time),
        "placebo_in_space": Diagnostic("Others in their place", "How unusual are the pilots?", placebo_in_space, again=False),
        "placebo_in_outcomes": Diagnostic(
            "Other outcomes", "Did something move that could not have?", placebo_in_outcomes
        ),
        "leave_one_out": Diagnostic("One left out", "Does the answer rest on a single one?", leave_one_out),
        "anticipation": Diagnostic("Last period left out", "Did pilots change before the start?", anticipation),
        "spillover": Diagnostic("Neighbours", "Did the programme reach those nearby?", spillover),
        "pretrends": Diagnostic(
            "Earlier trends", "Were pilots on another path, and would it have been seen?", pretrends, again=False
        ),
        "honest": Diagnostic("Uneven trends", "How uneven may trends be before the answer changes?", honest, again=False),
        "bacon": Diagnostic("Comparisons made", "Are pilots compared with pilots?", bacon, again=False),
    }
)  # fmt: skip
"""Every diagnostic that needs nothing but an estimate; the specification curve also needs a grid."""

DEFAULT = ("placebo_in_time", "leave_one_out", "anticipation")


def diagnose(asked: Asked, names: tuple[str, ...] = DEFAULT) -> dict[str, Finding]:
    """Run diagnostics on one estimate.

    Parameters
    ----------
    asked : Asked
        The estimate, and how it was made.
    names : tuple of str
        Keys of :data:`KNOWN`.

    Returns
    -------
    dict of str to Finding
        By name, in the order asked. Estimates by a sampled model are not made again: those say so.
    """
    return {name: _run(asked, name) for name in names}


def _run(asked: Asked, name: str) -> Finding:
    if KNOWN[name].again and asked.effect.draw_kind == "posterior":
        what = (
            f"{asked.effect.method} would have to be sampled anew for this; make an estimate by ratio_did primary."
        )
        return finding(name, "info", f"{KNOWN[name].label}: not looked at. {what}")
    return KNOWN[name].run(asked)
