"""Augmented synthetic control: what the weights leave unmatched is mended by ridge regression."""

from __future__ import annotations

from averting.design import Design
from averting.effects.estimator import Estimator, Request
from averting.effects.kernels import synthetic
from averting.effects.result import Effect
from averting.effects.synthetic import SyntheticMethod, fit_synthetic

# each placebo takes as many fits as there are periods before the start, so fewer of them
METHOD = SyntheticMethod(
    "augmented_synthetic_control", synthetic.augmented_synthetic_control, "gap", most_placebos=250
)


def fit(design: Design, request: Request) -> Effect:
    """Compare the pilots' mean rate with weights that may leave the simplex where it fits badly [ben_michael_2021]_.

    Returns
    -------
    Effect
        Scale ``difference``, events per 100 pupils and period. The ridge penalty is chosen by leaving out one
        period before the start at a time, for the pilots and for every placebo alike; placebos are ranked by the
        absolute mean gap.

    Raises
    ------
    EstimationError
        With fewer than two periods before the start, too few comparison schools, cells that are not known, or
        pilots without events before.
    """
    return fit_synthetic(METHOD, design, request)


ESTIMATOR = Estimator(
    label="Ridge-augmented synthetic control, placebos in space",
    assumption="Without the programme, pilots' mean rate would have gone on following the weighted comparison schools, "
    "with what the weights leave unmatched continued as a ridge regression on earlier rates predicts.",
    inferences=("permutation",),
    supports=frozenset(),
    reference="Ben-Michael, Feller and Rothstein (2021)",
    fit=fit,
)
