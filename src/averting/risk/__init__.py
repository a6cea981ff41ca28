"""Who is at risk of exclusion: associations with pupils' characteristics, never effects."""

from averting.risk.by_characteristic import ByCharacteristic, cumulative_rates, read_by_characteristic
from averting.risk.cells import RiskCells, read_cells
from averting.risk.groups import pooled_groups
from averting.risk.margins import associations, interaction_table, profile_risks
from averting.risk.model import RiskModel, fit_risk
from averting.risk.odds import Compared, PrintedRisk, odds_ratio_of, risk_ratio_of
from averting.risk.performance import calibration, discrimination, fairness, held_out
from averting.risk.priors import PublishedRatio, prior_from, published_ratios
from averting.risk.scores import OptIn, individual_scores
from averting.risk.sets import adjustment_sets, moved
from averting.risk.withheld import withheld_levels, withhold, withhold_flagged, withhold_small

__all__ = [
    "ByCharacteristic",
    "Compared",
    "OptIn",
    "PrintedRisk",
    "PublishedRatio",
    "RiskCells",
    "RiskModel",
    "adjustment_sets",
    "associations",
    "calibration",
    "cumulative_rates",
    "discrimination",
    "fairness",
    "fit_risk",
    "held_out",
    "individual_scores",
    "interaction_table",
    "moved",
    "odds_ratio_of",
    "pooled_groups",
    "prior_from",
    "profile_risks",
    "published_ratios",
    "read_by_characteristic",
    "read_cells",
    "risk_ratio_of",
    "withheld_levels",
    "withhold",
    "withhold_flagged",
    "withhold_small",
]
