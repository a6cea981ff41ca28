"""School and local-authority data: from published files to a checked panel."""

from averting.data.indicators import Indicator, load_indicators
from averting.data.links import load_reorganisations, read_links
from averting.data.neighbours import Neighbours, read_neighbours
from averting.data.panel import Panel
from averting.data.read import read_panel
from averting.data.simulate import SimulatedPilot, SimulatedSchools, simulate_pilot, simulate_schools
from averting.data.succession import Joined, join_authorities, join_schools

__all__ = [
    "Indicator",
    "Joined",
    "Neighbours",
    "Panel",
    "SimulatedPilot",
    "SimulatedSchools",
    "join_authorities",
    "join_schools",
    "load_indicators",
    "load_reorganisations",
    "read_links",
    "read_neighbours",
    "read_panel",
    "simulate_pilot",
    "simulate_schools",
]
