"""Who is compared with whom, and from when."""

from averting.design.balance import balance, paths
from averting.design.comparison import ComparisonRule, SameAsPilots, choose_comparison
from averting.design.design import COVID_PERIODS, Counts, Design
from averting.design.matching import NearestNeighbours, StatisticalNeighbours

__all__ = [
    "COVID_PERIODS",
    "ComparisonRule",
    "Counts",
    "Design",
    "NearestNeighbours",
    "SameAsPilots",
    "StatisticalNeighbours",
    "balance",
    "choose_comparison",
    "paths",
]
