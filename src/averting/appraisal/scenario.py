"""``Scenario``: named changes to known parameters, each with a reason. Doing nothing is one like any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from averting.appraisal.adjustments import Adjustment
from averting.costs import Override
from averting.errors import EvaluationError


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
