"""Who is compared with whom, and from when."""

from averting.design.balance import balance, paths
from averting.design.comparison import ComparisonRule, SameAsPilots, choose_comparison
from averting.design.design import COVID_PERIODS, Counts, Design

__all__ = [
    "COVID_PERIODS",
    "ComparisonRule",
    "Counts",
    "Design",
    "SameAsPilots",
    "balance",
    "choose_comparison",
    "paths",
]
