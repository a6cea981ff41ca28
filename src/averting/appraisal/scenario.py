"""``Scenario``: named changes to known parameters, each with a reason. Doing nothing is one like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from averting.appraisal.adjustments import Adjustment
from averting.costs import Override, ParameterSet
from averting.errors import EvaluationError, Fault, refuse


@dataclass(frozen=True)
class Scenario:
    """A set of assumptions.

    Parameters
    ----------
    key, label : str
        Name in files, and name in reports.
    overrides : mapping of str to Override
        Parameters that differ from their declared values; each override carries its reason.
    programme : bool
        False: nothing is done, nothing is spent and nothing is averted.
    adjustments : tuple of Adjustment
        Declared corrections to what was averted and spent, at most one of a kind.

    Examples
    --------
    >>> av.Scenario("nothing", "Nothing is done", programme=False).programme
    False
    """

    key: str
    label: str
    overrides: Mapping[str, Override] = field(default_factory=dict)
    programme: bool = True
    adjustments: tuple[Adjustment, ...] = ()

    def __post_init__(self) -> None:
        if not self.key.isidentifier():
            raise EvaluationError(
                f"scenario key '{self.key}': use letters, digits and underscores, starting with a letter."
            )
        kinds = [one.kind for one in self.adjustments]
        if len(set(kinds)) < len(kinds):
            raise EvaluationError(
                f"scenario '{self.key}' adjusts one thing twice: {', '.join(kinds)}. Give each once."
            )
        if self.adjustments and not self.programme:
            raise EvaluationError(f"scenario '{self.key}' has no programme, so adjustments mean nothing in it.")
        if self.overrides and not self.programme:
            raise EvaluationError(f"scenario '{self.key}' has no programme, so overrides mean nothing in it.")


NO_PROGRAMME = Scenario("no_programme", "No programme", programme=False)
CENTRAL = Scenario("central", "Central")


def refuse_other_lines(parameters: ParameterSet, scenarios: Sequence[Scenario]) -> None:
    """Refuse scenarios that count a line which others leave out: their totals would not be of the same things.

    A line waits where nobody has given its number; giving it in one scenario alone would wake it there alone.

    Raises
    ------
    EvaluationError
        Naming each scenario, line and number. Unknown overrides are refused as by :meth:`ParameterSet.under`.
    """
    asleep = parameters.asleep
    faults = [
        Fault(
            f"scenario '{scenario.key}'",
            f"it gives {' and '.join(asleep[line])}, so it counts the line {line}, which others leave out",
            "Give the number for all: [costs.override], or ParameterSet.under before scenarios",
        )
        for scenario in scenarios
        if scenario.programme
        for line in sorted(set(asleep) - set(parameters.under(scenario.overrides).asleep))
    ]
    refuse(EvaluationError, "Scenarios cannot be compared", faults)
