"""What is wrong between tables of an ``evaluation.toml`` that are each right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from averting.appraisal import CENTRAL, NO_PROGRAMME
from averting.effects import not_a_count
from averting.errors import Fault
from averting.evaluation.covariate_faults import covariate_faults
from averting.evaluation.event_settings import event_faults

if TYPE_CHECKING:
    from averting.evaluation.settings import Evaluation


def contradictions(evaluation: Evaluation, file: str) -> list[Fault]:
    """Find what is wrong between tables that are each right."""
    ids = [estimate.id for estimate in evaluation.estimates]
    primary = sum(estimate.role == "primary" for estimate in evaluation.estimates)
    faults = [
        Fault(f"{file} [[estimate]] {key}", not_a_count(declared), "")
        for estimate in evaluation.estimates
        for key, indicator in (("indicator", estimate.indicator), ("alongside", estimate.alongside))
        if (declared := evaluation.indicators.get(indicator)) and declared.kind != "count"
    ]
    if len(set(ids)) < len(ids):
        faults.append(Fault(f"{file} [[estimate]] id", f"ids repeat: {', '.join(ids)}", "Give each its own."))
    if primary != 1:
        faults.append(
            Fault(
                f"{file} [[estimate]] role", f"{primary} estimates are primary", "Exactly one carries the verdict."
            )
        )
    faults += event_faults(evaluation.events, evaluation.design.exclude_periods)
    faults += covariate_faults(evaluation, file)
    if evaluation.appraisal and not evaluation.costs:
        faults.append(Fault(f"{file} [appraisal]", "there is no [costs] table", "Add one, or drop [appraisal]."))
    if evaluation.appraisal:
        keys = [NO_PROGRAMME.key, *(scenario.key for scenario in evaluation.appraisal.scenarios)]
        if repeated := sorted({key for key in keys if keys.count(key) > 1}):
            taken = f"'{NO_PROGRAMME.key}' and '{CENTRAL.key}' are there already"
            found, fix = f"keys repeat: {', '.join(repeated)}", f"Give each its own; {taken}."
            faults.append(Fault(f"{file} [[scenario]] key", found, fix))
        valued = {e.id: e.indicator for e in evaluation.estimates}.get(evaluation.appraisal.estimate)
        if valued != "permanent_exclusions":
            faults.append(
                Fault(
                    f"{file} [appraisal] estimate",
                    f"'{evaluation.appraisal.estimate}' is not an estimate of permanent exclusions",
                    "Costs are declared for permanent exclusions: name the id of such an estimate.",
                )
            )
    return faults
