"""How much of a two-way regression's weight lies on comparing late starters with schools already treated."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray


def forbidden_share(starts: NDArray[np.intp], never: int, periods: int) -> float:
    """Return the share of weight on comparisons with schools already treated [goodman_bacon_2021]_.

    Parameters
    ----------
    starts : array (pilot,)
        Position of each pilot's first treated period, 1 to ``periods`` - 1.
    never : int
        Number of schools that are never treated.
    periods : int
        Number of periods; the panel is taken to be balanced and schools to weigh alike.

    References
    ----------
    .. [goodman_bacon_2021] Goodman-Bacon, A. (2021). Difference-in-differences with variation in treatment timing.
       Journal of Econometrics 225(2), theorem 1.
    """
    first, count = np.unique(starts, return_counts=True)
    treated = (periods - first) / periods
    clean = [
        (n + never) ** 2 * (n * never / (n + never) ** 2) * d * (1 - d)
        for n, d in zip(count, treated, strict=True)
    ]
    later = []
    for early, late in combinations(range(len(first)), 2):
        n, d, e = count[early] * count[late], treated[early], treated[late]
        clean.append(n * (d - e) * (1 - d))
        later.append(n * e * (d - e))
    total = sum(clean) + sum(later)
    return float(sum(later) / total)
