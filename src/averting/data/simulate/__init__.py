"""Invented schools with known effects: for tests, demonstrations and docs.

:func:`simulate_pilot` draws one small file of schools, in DfE's layout; the demonstration stands on it.
:func:`simulate_schools` is the general one: authorities, pupils, terms, other exits, schools that change.
"""

from averting.data.simulate.options import Authorities, Changes, Programme, Pupils, Suppression
from averting.data.simulate.pilot import SimulatedPilot, simulate_pilot
from averting.data.simulate.schools import SimulatedSchools, simulate_schools
from averting.data.simulate.truth import Truth

__all__ = [
    "Authorities",
    "Changes",
    "Programme",
    "Pupils",
    "SimulatedPilot",
    "SimulatedSchools",
    "Suppression",
    "Truth",
    "simulate_pilot",
    "simulate_schools",
]
