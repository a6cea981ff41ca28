"""Synthetic difference-in-differences: schools weighed to run parallel, periods weighed to stand for those after."""

from __future__ import annotations

from averting.design import Design
from averting.effects.estimator import Estimator, Request
from averting.effects.kernels import synthetic
from averting.effects.result import Effect
from averting.effects.synthetic import SyntheticMethod, fit_synthetic

METHOD = SyntheticMethod("synthetic_did", synthetic.synthetic_did, "gap")


def fit(design: Design, request: Request) -> Effect:
    """Compare weighted changes of the pilots' mean rate with those of comparison schools [arkhangelsky_2021]_.

    Returns
    -------
    Effect
        Scale ``difference``, events per 100 pupils and period. Placebos are ranked by the absolute estimate;
        ``interval`` holds the constant effects that leave the pilots' estimate no outlier.

    Raises
    ------
    EstimationError
        With fewer than two periods before the start, too few comparison schools, cells that are not known, or
        pilots without events before.
    """
    return fit_synthetic(METHOD, design, request)


ESTIMATOR = Estimator(
    label="Synthetic difference-in-differences, placebos in space",
    assumption="Without the programme, pilots' mean rate would have moved in parallel with the weighted comparison "
    "schools, up to differences of the size seen when comparison schools take the pilots' place.",
    inferences=("permutation",),
    supports=frozenset(),
    reference="Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), algorithms 1 and 4",
    fit=fit,
)
