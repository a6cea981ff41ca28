"""A model of risk by characteristics: which columns it has, how it is fitted, and what risks it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from averting.errors import EstimationError, Fault, refuse
from averting.risk.cells import RiskCells
from averting.risk.logistic import Floats, Ints, LogitFit, fit_logit
from averting.risk.school_effects import fit_school_logit, quadrature

Pair = tuple[str, str]
Prior = Mapping[tuple[str, str], tuple[float, float]]
"""Mean and standard deviation of the log odds ratio of (characteristic, level) against the reference."""


@dataclass(frozen=True)
class Terms:
    """What a model holds equal.

    Parameters
    ----------
    characteristics : tuple of str
        Each with an odds ratio for every level against the reference.
    interactions : tuple of pairs of str
        Characteristics of the model whose associations may depend on each other.
    pooled : tuple of str
        Characteristics whose levels are held together by a common spread (partial pooling).
    """

    characteristics: tuple[str, ...]
    interactions: tuple[Pair, ...] = ()
    pooled: tuple[str, ...] = ()

    def columns(self, levels: Mapping[str, tuple[str, ...]]) -> list[tuple[tuple[str, int], ...]]:
        """Return what each column of the design stands for: pairs of characteristic and code; () for the first."""
        found: list[tuple[tuple[str, int], ...]] = [()]
        for name in self.characteristics:
            found += [((name, code),) for code in range(name not in self.pooled, len(levels[name]))]
        for one, other in self.interactions:
            found += [
                ((one, a), (other, b)) for a in range(1, len(levels[one])) for b in range(1, len(levels[other]))
            ]
        return found


@dataclass(frozen=True, eq=False)
class RiskModel:
    """A fitted model of association between characteristics and an outcome.

    Parameters
    ----------
    cells : RiskCells
        Pupils it was fitted to.
    terms : Terms
        What it holds equal.
    fit : LogitFit
        Coefficients and their covariance, in log odds; where schools have levels of their own, their spread.
    """

    cells: RiskCells
    terms: Terms
    fit: LogitFit

    def design(self, codes: Ints) -> Floats:
        """Return the design matrix of rows of codes, shape (row, p)."""
        at = {name: i for i, name in enumerate(self.cells.characteristics)}
        columns = self.terms.columns(self.cells.levels)
        x = np.ones((len(codes), len(columns)))
        for j, parts in enumerate(columns):
            for name, code in parts:
                x[:, j] *= codes[:, at[name]] == code
        return x

    def risks(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the risk of each row, and its gradient in the coefficients (and the log of schools' spread).

        Where schools have levels of their own, risks are means over schools, as a pupil's are before the school is known.

        Returns
        -------
        risk : array of float, shape (row,)
        gradient : array of float, shape (row, p) or (row, p + 1)
        """
        chance, slope, point, weight = self.by_node(x)
        risk = chance @ weight
        gradient = x * (slope @ weight)[:, None]
        if self.has_schools:
            gradient = np.column_stack([gradient, self.fit.spread * (slope @ (weight * point))])
        return np.asarray(risk, dtype=np.float64), np.asarray(gradient, dtype=np.float64)

    @property
    def has_schools(self) -> bool:
        """Whether schools have levels of their own."""
        return len(self.fit.covariance) > len(self.fit.coefficients)

    def by_node(self, x: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return risks and slopes at each standing a school may have, shape (row, node), nodes and their weights."""
        point, weight = quadrature() if self.has_schools else (np.zeros(1), np.ones(1))
        eta = (x @ self.fit.coefficients)[:, None] + self.fit.spread * point
        chance = 0.5 * (1.0 + np.tanh(eta / 2))
        return chance, chance * (1 - chance), point, weight


def fit_risk(
    cells: RiskCells,
    *,
    adjust: Sequence[str],
    interactions: Sequence[Pair] = (),
    schools: bool = False,
    pool: Sequence[str] = (),
    prior: Prior | None = None,
) -> RiskModel:
    """Fit a model of association.

    Parameters
    ----------
    cells : RiskCells
        Pupils, counted.
    adjust : sequence of str
        Characteristics of the model.
    interactions : sequence of pairs of str
        Characteristics of the model whose associations may depend on each other.
    schools : bool
        Whether each school has a level of its own, normal around the mean in log odds.
    pool : sequence of str
        Characteristics with small groups: their levels are held together by a common spread, estimated with them.
    prior : mapping, optional
        Mean and standard deviation of log odds ratios known beforehand.

    Raises
    ------
    EstimationError
        If a name is not in the cells, schools are asked for and not known, or the likelihood has no maximum.
    """
    terms = Terms(tuple(adjust), tuple(interactions), tuple(name for name in pool if name in adjust))
    refuse(
        EstimationError, "The model of risk cannot be fitted", _faults(cells, terms, schools, pool, prior or {})
    )
    columns = terms.columns(cells.levels)
    mean, precision = _prior_of(columns, cells, prior or {})
    blank = LogitFit(np.zeros(len(columns)), np.zeros((len(columns), len(columns))), 0.0)
    x = RiskModel(cells, terms, blank).design(cells.codes)
    if schools and cells.school is not None:
        fit = fit_school_logit(
            x, cells.events, cells.pupils, cells.school, prior_mean=mean, prior_precision=precision
        )
    else:
        blocks = [
            np.array(
                [j for j, parts in enumerate(columns) if len(parts) == 1 and parts[0][0] == name], dtype=np.int64
            )
            for name in terms.pooled
        ]
        fit = fit_logit(x, cells.events, cells.pupils, prior_mean=mean, prior_precision=precision, pooled=blocks)
    return RiskModel(cells, terms, fit)


def _faults(cells: RiskCells, terms: Terms, schools: bool, pool: Sequence[str], prior: Prior) -> list[Fault]:
    known = cells.characteristics
    pairs = [name for pair in terms.interactions for name in pair]
    faults = [
        Fault(name, "it is no characteristic of these pupils", f"Use: {', '.join(known)}")
        for name in dict.fromkeys([*terms.characteristics, *pairs, *pool])
        if name not in known
    ]
    faults += [
        Fault(name, "it has an interaction and is not adjusted for", "Add it to the full set")
        for name in dict.fromkeys(pairs)
        if name in known and name not in terms.characteristics
    ]
    if schools and cells.school is None:
        faults.append(
            Fault("school", "schools are asked for, and the data name none", "Name the column of the school")
        )
    if schools and pool:
        faults.append(
            Fault("pool", "pooled levels and schools' levels are not fitted together", "Choose one of them")
        )
    faults += [
        Fault(f"prior of {name} {level}", "there is no such level beside the reference", "Correct it")
        for name, level in prior
        if name not in known or level not in cells.levels[name][1:]
    ]
    return faults


def _prior_of(columns: list[tuple[tuple[str, int], ...]], cells: RiskCells, prior: Prior) -> tuple[Floats, Floats]:
    mean, precision = np.zeros(len(columns)), np.zeros(len(columns))
    for j, parts in enumerate(columns):
        if len(parts) == 1 and (given := prior.get((parts[0][0], cells.levels[parts[0][0]][parts[0][1]]))):
            mean[j], precision[j] = given[0], given[1] ** -2
    return mean, precision
