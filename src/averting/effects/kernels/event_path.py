"""Differences period by period, with a covariance that does not lean on the few pilots."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def event_path(outcomes: Array, pilots: int, reference: int) -> tuple[Array, Array]:
    """Return how pilots differ from other units, each period against one reference period.

    Parameters
    ----------
    outcomes : array (unit, period)
        Pilots first; complete.
    pilots : int
        How many pilots.
    reference : int
        Position of the reference period.

    Returns
    -------
    beta : array (period - 1,)
        Mean change since the reference period of the pilots, less the others'.
    sigma : array (period - 1, period - 1)
        Covariance, taking the pilots' changes to vary as the others' do [1]_.

    References
    ----------
    .. [1] Conley, T. and Taber, C. (2011). Inference with "difference in differences" with a small number of policy
       changes. Review of Economics and Statistics 93(1), section 3.
    """
    changes = np.delete(outcomes - outcomes[:, [reference]], reference, axis=1)
    mine, others = changes[:pilots], changes[pilots:]
    spread = np.atleast_2d(np.cov(others, rowvar=False))
    return mine.mean(axis=0) - others.mean(axis=0), spread * (1 / pilots + 1 / len(others))
