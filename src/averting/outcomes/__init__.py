"""The common outcomes framework over time: local against alike and all areas, with intervals and small numbers withheld."""

from averting.outcomes.board import Board, make_board
from averting.outcomes.rates import Direction, Funnel, direction, funnel, rate_interval
from averting.outcomes.series import from_panel, read_own
from averting.outcomes.sets import OutcomeSet, framework, outcome_sets

__all__ = [
    "Board",
    "Direction",
    "Funnel",
    "OutcomeSet",
    "direction",
    "framework",
    "from_panel",
    "funnel",
    "make_board",
    "outcome_sets",
    "rate_interval",
    "read_own",
]
