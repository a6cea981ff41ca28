"""Disclosure control: what may leave, what is withheld, and what a reader can still work out."""

from averting.data.disclosure.control import primary, protect
from averting.data.disclosure.protection import System, complementary, counts_of_rate, feasible_interval
from averting.data.disclosure.record import Decision, DisclosureRecord
from averting.data.disclosure.rules import Rules, known_rules, load_rules
from averting.data.disclosure.tables import ALL, WITHHELD, CountTable, PublicTable, Sum

__all__ = [
    "ALL",
    "WITHHELD",
    "CountTable",
    "Decision",
    "DisclosureRecord",
    "PublicTable",
    "Rules",
    "Sum",
    "System",
    "complementary",
    "counts_of_rate",
    "feasible_interval",
    "known_rules",
    "load_rules",
    "primary",
    "protect",
]
