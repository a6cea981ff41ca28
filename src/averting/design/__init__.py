"""Who is compared with whom, and from when."""

from averting.design.balance import balance, paths
from averting.design.comparison import SameAsPilots
from averting.design.design import COVID_PERIODS, Counts, Design
from averting.design.events import Event, default_events, without_cells

__all__ = [
    "COVID_PERIODS",
    "Counts",
    "Design",
    "Event",
    "SameAsPilots",
    "balance",
    "default_events",
    "paths",
    "without_cells",
]
