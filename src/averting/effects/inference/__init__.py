"""How chance is judged: which inference fits a design, and the kinds that several estimators share."""
