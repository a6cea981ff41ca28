"""The hierarchy for counts out of a known number, such as persistent absentees of enrolments: beta-binomial."""

from __future__ import annotations

from averting.design import Design
from averting.effects.bayes.count_effect import fit_count_model
from averting.effects.bayes.count_fit import CountModel
from averting.effects.bayes.families import BETA_BINOMIAL
from averting.effects.bayes.priors import FAMILIES
from averting.effects.bayes.sampling import SAMPLERS
from averting.effects.estimator import Estimator, Request
from averting.effects.estimators.bayes_count import add_common, read_common
from averting.effects.result import Effect

MODEL = CountModel("bayes_binomial", add_common, read_common, family=BETA_BINOMIAL)


def fit(design: Design, request: Request) -> Effect:
    """Fit shares; see :func:`averting.effects.bayes.count_effect.fit_count_model`.

    Raises
    ------
    EstimationError
        Also where a count may exceed its exposure.
    """
    return fit_count_model(design, request, MODEL)


ESTIMATOR = Estimator(
    label="Beta-binomial hierarchy",
    assumption="Without the programme, each pilot's odds would have followed its own level, the years' common "
    "shocks, and a lasting shock drawn from the same spread as every other school's; nobody counts twice.",
    inferences=SAMPLERS,
    supports=frozenset({"staggered"}),
    reference="Williams (1982) for the beta-binomial; Gelman and Hill (2007), chapter 14",
    fit=fit,
    priors=FAMILIES,
)
