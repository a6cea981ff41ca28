"""The count hierarchy with noise of each school's own that carries over from year to year, and fades."""

from __future__ import annotations

from averting.design import Design
from averting.effects.bayes.count_effect import fit_count_model
from averting.effects.bayes.count_fit import CountModel
from averting.effects.bayes.paths import FADING_NOISE
from averting.effects.bayes.priors import FAMILIES
from averting.effects.bayes.sampling import PATIENT, SAMPLERS
from averting.effects.estimator import Estimator, Request
from averting.effects.estimators.bayes_count import add_common, read_common
from averting.effects.result import Effect

MODEL = CountModel("bayes_autocorrelated", add_common, read_common, path=FADING_NOISE, pace=PATIENT)


def fit(design: Design, request: Request) -> Effect:
    """Fit noise that carries over; see :func:`averting.effects.bayes.count_effect.fit_count_model`."""
    return fit_count_model(design, request, MODEL)


ESTIMATOR = Estimator(
    label="Count hierarchy with noise that carries over",
    assumption="Without the programme, each pilot's rate would have followed its own level, the years' common "
    "shocks, a lasting shock like every other school's, and noise of its own that fades from year to year as other "
    "schools' does.",
    inferences=SAMPLERS,
    supports=frozenset({"staggered"}),
    reference="Bertrand, Duflo and Mullainathan (2004) on what carried-over noise does; Rue and Held (2005), chapter 1",
    fit=fit,
    priors=FAMILIES,
)
