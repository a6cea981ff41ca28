"""Costs: from averted exclusions to pounds by line, payer and year. Nothing here knows a school."""

from averting.costs.authorities import Elsewhere, elsewhere, recovery, schools_grant
from averting.costs.claims import Claim, Reconciliation, accept, read_claim, reconcile
from averting.costs.cost_line import CostLine
from averting.costs.declarations import overrides_from_table
from averting.costs.discounting import factors, present_value
from averting.costs.distributions import Distribution
from averting.costs.families import known_authorities, known_families, load_parameters
from averting.costs.flags import declared_sources, flagged, flags
from averting.costs.lifetime import lifetime_totals
from averting.costs.model import savings
from averting.costs.overlaps import known_overlaps, overlap_matrix
from averting.costs.parameters import Override, Parameter, ParameterSet
from averting.costs.pathways import placement_months, placement_years
from averting.costs.payer_rules import apply_payer_rules, known_payer_rules
from averting.costs.payers import known_payers
from averting.costs.pooled import match_funding, pool_account, risk_share
from averting.costs.prices import Deflator, deflate, known_deflator, known_vintages, read_deflator
from averting.costs.quantities import places_cut
from averting.costs.references import Reference, known_references

__all__ = [
    "Claim",
    "CostLine",
    "Deflator",
    "Distribution",
    "Elsewhere",
    "Override",
    "Parameter",
    "ParameterSet",
    "Reconciliation",
    "Reference",
    "accept",
    "apply_payer_rules",
    "declared_sources",
    "deflate",
    "elsewhere",
    "factors",
    "flagged",
    "flags",
    "known_authorities",
    "known_deflator",
    "known_families",
    "known_overlaps",
    "known_payer_rules",
    "known_payers",
    "known_references",
    "known_vintages",
    "lifetime_totals",
    "load_parameters",
    "match_funding",
    "overlap_matrix",
    "overrides_from_table",
    "placement_months",
    "placement_years",
    "places_cut",
    "pool_account",
    "present_value",
    "read_claim",
    "read_deflator",
    "reconcile",
    "recovery",
    "risk_share",
    "savings",
    "schools_grant",
]
