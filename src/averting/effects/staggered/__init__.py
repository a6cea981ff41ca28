"""What estimators for staggered starts share: arrays from a design, inference, checks and tables.

An estimator gives effects by cohort (the schools that start together) and period, each school's influence on them,
and the weight of every outcome in any combination of them. All else follows here.
"""

from averting.effects.staggered.fit import Fitted, Method, all_treated, fit_rates
from averting.effects.staggered.sample import Sample, refuse_gaps, sample_of

__all__ = ["Fitted", "Method", "Sample", "all_treated", "fit_rates", "refuse_gaps", "sample_of"]
