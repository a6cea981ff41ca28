"""Published claims of what exclusions cost: what would have to be true for one to hold, and what it leaves unsaid."""

from averting.costs.claims.claim import Claim, Product, Saving, accept, claim_from_table, read_claim
from averting.costs.claims.counts import KnownCount, known_counts
from averting.costs.claims.figures import Figure
from averting.costs.claims.reconcile import Reconciliation, reconcile

__all__ = [
    "Claim",
    "Figure",
    "KnownCount",
    "Product",
    "Reconciliation",
    "Saving",
    "accept",
    "claim_from_table",
    "known_counts",
    "read_claim",
    "reconcile",
]
