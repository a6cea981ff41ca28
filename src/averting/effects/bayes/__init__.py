"""What Bayesian estimators share: cells, priors, likelihoods, sampling, and whether to believe a fit."""
