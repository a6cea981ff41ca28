"""``inference="auto"``: which kind of inference an estimator should use for a design, and why."""

from __future__ import annotations

from averting.design import Design

FEW_PILOTS = 10
"""Up to here, standard errors that lean on many treated schools reject true nulls far too often."""


def choose_inference(offered: tuple[str, ...], design: Design) -> tuple[str, str]:
    """Return the kind of inference to use, and the reason in words for the report.

    Parameters
    ----------
    offered : tuple of str
        What the estimator offers, the one for many pilots first.
    design : Design
        Tells how many pilots there are.
    """
    pilots, units = len(design.pilots), design.panel.units
    if pilots <= FEW_PILOTS and "permutation" in offered and offered[0] != "permutation":
        return "permutation", (
            f"with {pilots} pilot{'s' if pilots > 1 else ''} a standard error would rest on too few {units}, so which "
            f"{units} are pilots is permuted"
        )
    if len(offered) == 1:
        return offered[0], "the only one this method has"
    return offered[0], f"with {pilots} pilots"
