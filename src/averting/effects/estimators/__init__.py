"""One estimator per file, each declaring ``ESTIMATOR``."""
