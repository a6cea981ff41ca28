"""Whether the covariates that estimates name are there, and their methods can use them; whether an event is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from averting.design.events import COVARIATE as EVENT
from averting.effects import DEFAULT_METHOD, known_estimators
from averting.effects.estimator import Feature
from averting.errors import Fault

if TYPE_CHECKING:
    from averting.evaluation.estimate_settings import EstimateSettings
    from averting.evaluation.settings import Evaluation


def covariate_faults(evaluation: Evaluation, file: str) -> list[Fault]:
    """Find covariates that are not declared or not usable, and events to be modelled that no estimate adjusts for."""
    modelled = {event.covariate: event for event in evaluation.events if event.treatment == "model"}
    known = {*evaluation.data.covariates, *modelled}
    faults = [
        fault
        for estimate in evaluation.estimates
        if not estimate.without
        for fault in _estimate_faults(estimate, known, f"{file} [[estimate]] {estimate.id}, covariates")
    ]
    named = {name for estimate in evaluation.estimates for name in estimate.covariates}
    for name, event in modelled.items():
        if name not in named:
            fix = f'Write covariates = ["{name}"] in an [[estimate]] whose method is one of: {_able("changing_covariates")}'
            found = "the event is to be modelled, and no estimate adjusts for it"
            faults.append(Fault(f"{file} [[event]] {event.id}, treatment", found, fix))
    return faults


def _estimate_faults(estimate: EstimateSettings, known: set[str], where: str) -> Iterator[Fault]:
    for name in estimate.covariates:
        if name not in known:
            fix = (
                f'Declare the [[event]] with treatment = "model"; its covariate is "{EVENT}" and its id'
                if name.startswith(EVENT)
                else "Name the column in covariates of [data] too"
            )
            yield Fault(where, f"'{name}' is not among the data's covariates", fix)
    method = DEFAULT_METHOD if estimate.method == "auto" else estimate.method
    event = any(name.startswith(EVENT) for name in estimate.covariates)
    needed: Feature = "changing_covariates" if event else "covariates"
    spec = known_estimators().get(method)  # an unknown one is told of elsewhere
    if estimate.covariates and spec is not None and needed not in spec.supports:
        what = "an event, which changes over time" if event else "covariates"
        yield Fault(where, f"{method} cannot adjust for {what}", f"Use method = one of: {_able(needed)}")


def _able(feature: Feature) -> str:
    return ", ".join(f"'{key}'" for key, spec in known_estimators().items() if feature in spec.supports)
