"""What may be asked of :func:`averting.data.simulate.simulate_schools`; every part can be left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from averting.data.simulate import facts
from averting.errors import DataError

Shape = Literal["immediate", "phased_in", "fading"]
_SHAPES = ("immediate", "phased_in", "fading")


def _default_effect() -> Mapping[str, float]:
    # judgement: the demonstration's effects, large enough to be found and smaller than most claims
    return MappingProxyType({"permanent_exclusions": 0.6, "suspensions": 0.8})


def _no_displacement() -> Mapping[str, float]:
    return MappingProxyType({})


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise DataError(f"simulate_schools: {message}")


def _whole(value: int, name: str, *, least: int = 0) -> None:
    _require(int(value) == value and value >= least, f"{name} is {value}. Use a whole number from {least}.")


@dataclass(frozen=True)
class Programme:
    """A programme at some schools, and what it truly does.

    Parameters
    ----------
    pilots : int
        Number of schools, drawn from those whose lasting rate of permanent exclusion is in the higher half.
    start : str
        First academic year.
    effect : mapping of str to float
        Factor on ``permanent_exclusions`` and ``suspensions`` at full strength; 1 where left out.
    shape : {"immediate", "phased_in", "fading"}
        Full strength at once; a growing share of the log factor until full strength in year ``shape_years``; or
        full strength at first and nothing from year ``shape_years`` + 1 on.
    shape_years : int
        How long that takes.
    one_authority : bool
        Draw all pilots from the authority with the most eligible schools, as a council's own programme would be.
    neighbours : int
        For each pilot, how many of the nearest schools that are no pilots change with it.
    spill_over : float
        Share of the pilot's log factor that reaches a neighbour; negative where neighbours get worse.
    displacement : mapping of str to float
        Share of averted permanent exclusions that become another exit: ``managed_moves``,
        ``off_site_direction`` or ``elective_home_education``.
    """

    pilots: int = 3
    start: str = "2021/22"
    effect: Mapping[str, float] = field(default_factory=_default_effect)
    shape: Shape = "immediate"
    shape_years: int = 3
    one_authority: bool = False
    neighbours: int = 0
    spill_over: float = 0.0
    displacement: Mapping[str, float] = field(default_factory=_no_displacement)

    def __post_init__(self) -> None:
        _whole(self.pilots, "pilots", least=1)
        _whole(self.shape_years, "shape_years", least=1)
        _whole(self.neighbours, "neighbours")
        _require(self.shape in _SHAPES, f"shape is '{self.shape}'. Use one of: {', '.join(_SHAPES)}.")
        _require(math.isfinite(self.spill_over), "spill_over must be a number.")
        bad = [
            key for key, value in self.effect.items() if key not in facts.INDICATORS or not 0 < value < math.inf
        ]
        _require(not bad, f"effect on {', '.join(bad)}. Use {' and '.join(facts.INDICATORS)}, each above 0.")
        shares = self.displacement
        bad = [key for key, share in shares.items() if key not in facts.EXITS or not 0 <= share <= 1]
        _require(not bad, f"displacement into {', '.join(bad)}. Use shares of {', '.join(facts.EXITS)}.")
        _require(sum(shares.values()) <= 1, "the shares of displacement add up to more than 1.")

    def strength(self, years: int) -> tuple[float, ...]:
        """Return the share of the log factor in force in each of ``years`` years from the start."""
        if self.shape == "phased_in":
            return tuple(min(1.0, (year + 1) / self.shape_years) for year in range(years))
        if self.shape == "fading":
            return tuple(max(0.0, 1.0 - year / self.shape_years) for year in range(years))
        return (1.0,) * years


@dataclass(frozen=True)
class Authorities:
    """Local authorities that schools share something with.

    Parameters
    ----------
    number : int
        How many; schools are spread over them in turn.
    log_sd : float
        Spread of authorities' lasting log factors on schools' rates. The spread over all schools stays the same:
        schools within an authority differ the less, the more authorities do.
    shock_log_sd : float
        Spread of factors that hit all schools of an authority in one year; these add to the spread.
    """

    number: int = 10
    log_sd: float = facts.AUTHORITY_LOG_SD
    shock_log_sd: float = 0.0

    def __post_init__(self) -> None:
        _whole(self.number, "authorities", least=1)
        bad = [value for value in (self.log_sd, self.shock_log_sd) if not 0 <= value < math.inf]
        _require(not bad, "log_sd and shock_log_sd are 0 or more.")


@dataclass(frozen=True)
class Changes:
    """Schools that do not stay as they are; each change happens on a 1 September drawn at random.

    Parameters
    ----------
    conversions : int
        Schools, pilots among them, that go on under a new URN.
    mergers : int
        Pairs of one authority of which one goes on under the other's URN, pupils and counts included.
    closures : int
        Schools that close for good.
    leavers : int
        Pilots that leave the programme, at least a year after its start; its effect stops.

    Notes
    -----
    Pilots and their neighbours neither merge nor close.
    """

    conversions: int = 0
    mergers: int = 0
    closures: int = 0
    leavers: int = 0

    def __post_init__(self) -> None:
        for name in ("conversions", "mergers", "closures", "leavers"):
            _whole(getattr(self, name), name)


@dataclass(frozen=True)
class Suppression:
    """Which counts are hidden, and how.

    Parameters
    ----------
    lower, upper : int
        Counts from one to the other are hidden; by default 1 and 2, as in DfE's files to 2016/17.
    symbol : str
        What is written instead.
    """

    lower: int = 1
    upper: int = 2
    symbol: str = "x"

    def __post_init__(self) -> None:
        _whole(self.lower, "lower")
        _whole(self.upper, "upper", least=self.lower)
        _require(
            bool(self.symbol.strip()) and not self.symbol.strip().isdigit(), "symbol must be text, no number."
        )


@dataclass(frozen=True)
class Pupils:
    """Pupils on roll, and which of them events happen to.

    Parameters
    ----------
    ratios : mapping of str to mapping of str to tuple of float
        For each indicator, ratios of rates by ``sex`` (female, male), ``fsm`` and ``looked_after`` (no, yes),
        ``sen`` (none, support, plan) and ``ethnicity`` (as ``facts.ETHNIC_GROUPS``).
    fsm_share : float
        Eligible for free school meals, over all schools; schools differ.
    prior_suspension : float
        Share of permanently excluded pupils who had been suspended before in the same year, where anybody was.
    """

    ratios: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=lambda: facts.RATIOS)
    fsm_share: float = facts.FSM_SHARE
    prior_suspension: float = facts.PRIOR_SUSPENSION

    def __post_init__(self) -> None:
        _require(0 < self.fsm_share < 1, "fsm_share lies between 0 and 1.")
        _require(0 <= self.prior_suspension <= 1, "prior_suspension is a share.")
        for indicator, wanted in facts.RATIOS.items():
            given = self.ratios.get(indicator, {})
            sizes = {name: len(values) for name, values in wanted.items()}
            same = {name: len(values) for name, values in given.items()} == sizes
            _require(same, f"ratios of {indicator} must be given for {sizes}, by name and number.")
            positive = all(0 < ratio < math.inf for values in given.values() for ratio in values)
            _require(positive, f"ratios of {indicator} must all be above 0.")
