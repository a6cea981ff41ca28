"""Who is compared with whom, and from when."""

from averting.design.balance import balance, paths
from averting.design.comparison import ComparisonRule, SameAsPilots, choose_comparison
from averting.design.design import COVID_PERIODS, Counts, Design
from averting.design.entropy import EntropyBalancing
from averting.design.events import Event, default_events, with_covariate, without_cells
from averting.design.matching import NearestNeighbours, StatisticalNeighbours
from averting.design.regression import RegressionToMean, regression_to_mean

__all__ = [
    "COVID_PERIODS",
    "ComparisonRule",
    "Counts",
    "Design",
    "EntropyBalancing",
    "Event",
    "NearestNeighbours",
    "RegressionToMean",
    "SameAsPilots",
    "StatisticalNeighbours",
    "balance",
    "choose_comparison",
    "default_events",
    "paths",
    "regression_to_mean",
    "with_covariate",
    "without_cells",
]
