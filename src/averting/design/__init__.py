"""Who is compared with whom, and from when."""

from averting.design.balance import balance, paths
from averting.design.comparison import SameAsPilots
from averting.design.design import COVID_PERIODS, Counts, Design

__all__ = ["COVID_PERIODS", "Counts", "Design", "SameAsPilots", "balance", "paths"]
