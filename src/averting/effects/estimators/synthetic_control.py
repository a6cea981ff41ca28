"""Synthetic control: comparison schools weighed so that their mean follows the pilots' before the start."""

from __future__ import annotations

from averting.design import Design
from averting.effects.estimator import Estimator, Request
from averting.effects.kernels import synthetic
from averting.effects.result import Effect
from averting.effects.synthetic import SyntheticMethod, fit_synthetic

METHOD = SyntheticMethod("synthetic_control", synthetic.synthetic_control, "ratio")


def fit(design: Design, request: Request) -> Effect:
    """Compare the pilots' mean rate with a weighted mean of comparison schools [abadie_2010]_.

    Returns
    -------
    Effect
        Scale ``difference``, events per 100 pupils and period. Placebos are ranked by the ratio of root mean square
        gaps, after over before the start; ``interval`` holds the constant effects whose ratio is no outlier.

    Raises
    ------
    EstimationError
        With fewer than two periods before the start, too few comparison schools, cells that are not known, or
        pilots without events before.
    """
    return fit_synthetic(METHOD, design, request)


ESTIMATOR = Estimator(
    label="Synthetic control, placebos in space",
    assumption="Without the programme, pilots' mean rate would have gone on following the weighted comparison schools "
    "that it followed before, and the gap would have been no larger than placebo schools show.",
    inferences=("permutation",),
    supports=frozenset(),
    reference="Abadie, Diamond and Hainmueller (2010)",
    fit=fit,
)
