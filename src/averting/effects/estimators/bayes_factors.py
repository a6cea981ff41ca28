"""The count hierarchy with courses over the years of which each school takes parts of its own: many schools at once."""

from __future__ import annotations

from averting.design import Design
from averting.effects.bayes.count_effect import fit_count_model
from averting.effects.bayes.count_fit import CountModel
from averting.effects.bayes.paths import SHARED_COURSES
from averting.effects.bayes.priors import FAMILIES
from averting.effects.bayes.sampling import PATIENT, SAMPLERS
from averting.effects.estimator import Estimator, Request
from averting.effects.estimators.bayes_count import add_common, read_common
from averting.effects.result import Effect

MODEL = CountModel("bayes_factors", add_common, read_common, path=SHARED_COURSES, pace=PATIENT)


def fit(design: Design, request: Request) -> Effect:
    """Fit shared courses; see :func:`averting.effects.bayes.count_effect.fit_count_model`."""
    return fit_count_model(design, request, MODEL)


ESTIMATOR = Estimator(
    label="Count hierarchy with shared courses",
    assumption="Without the programme, each pilot's rate would have followed its own level, the years' common "
    "shocks, a lasting shock like every other school's, and the same parts as before of the few courses over the years "
    "that schools share.",
    inferences=SAMPLERS,
    supports=frozenset({"staggered"}),
    reference="Xu (2017) and Athey et al. (2021) on what schools share; Bhattacharya and Dunson (2011) on few factors",
    fit=fit,
    priors=FAMILIES,
)
