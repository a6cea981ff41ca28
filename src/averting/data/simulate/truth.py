"""What a simulation knows and an estimate should find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


def _none() -> Mapping[str, float]:
    return MappingProxyType({})


def _no_paths() -> Mapping[str, tuple[float, ...]]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Truth:
    """What the simulation knows and an estimate should find.

    Parameters
    ----------
    effect : mapping of str to float
        Factor on each indicator's expected count at pilots from the start; 0.6 averts 40 %. Where the effect is
        phased in or fades, the factor at full strength.
    averted : mapping of str to float
        Expected count averted at all pilots over all years from the start. A pilot that left the programme, or
        closed, averts nothing from then on.
    path : mapping of str to tuple of float
        Factor in each year from the start, for pilots that stay.
    spilled : mapping of str to float
        Expected count averted at the pilots' neighbours.
    displaced : mapping of str to float
        Expected number of averted exclusions that became another exit, by exit.
    """

    effect: Mapping[str, float]
    averted: Mapping[str, float]
    path: Mapping[str, tuple[float, ...]] = field(default_factory=_no_paths)
    spilled: Mapping[str, float] = field(default_factory=_none)
    displaced: Mapping[str, float] = field(default_factory=_none)

    @property
    def truly_averted(self) -> float:
        """Expected permanent exclusions averted at pilots that became no other exit."""
        return self.averted["permanent_exclusions"] - sum(self.displaced.values())
