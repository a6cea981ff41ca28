"""School and local-authority data: from published files to a checked panel."""

from averting.data.indicators import Indicator, load_indicators
from averting.data.neighbours import Neighbours, read_neighbours
from averting.data.panel import Panel
from averting.data.read import read_panel
from averting.data.simulate import SimulatedPilot, SimulatedSchools, simulate_pilot, simulate_schools

__all__ = [
    "Indicator",
    "Neighbours",
    "Panel",
    "SimulatedPilot",
    "SimulatedSchools",
    "load_indicators",
    "read_neighbours",
    "read_panel",
    "simulate_pilot",
    "simulate_schools",
]
