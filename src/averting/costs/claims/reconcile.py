"""What would have to be true for a claim to hold, what it leaves open, and which published counts fit."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from averting.costs.claims.claim import NEEDED, Claim, Product, Saving
from averting.costs.claims.counts import KnownCount, known_counts
from averting.costs.claims.feasible import Provision, by_count, by_lifetime, cells, provision
from averting.costs.claims.figures import Figure

Verdict = Literal["holds", "does not hold", "refused"]


@dataclass(frozen=True)
class Reconciliation:
    """What is to be said of a claim.

    Parameters
    ----------
    claim : Claim
        As published.
    verdict : {"holds", "does not hold", "refused"}
        Whether its arithmetic holds as printed; ``refused`` where a saving does not state what it rests on.
    statements : tuple of str
        Sentences, in order: what the arithmetic gives, and which relations follow whatever is not known.
    missing : tuple of str
        What the saving would have to state and does not: keys of ``NEEDED``.
    fits : DataFrame
        Published counts that a product may have meant: ``place``, ``year``, ``phase``, ``count``, ``product``.
    alternatives : DataFrame
        One row for each lifetime cost that the claim may have used: how many it would say are averted and were
        excluded before, what each saves a year, and how many years of provision that is.
    by_count : DataFrame
        One row for each published count that may be the baseline, and what it would say of one averted exclusion.
    not_identified : tuple of str
        What the printed figures do not settle.
    """

    claim: Claim
    verdict: Verdict
    statements: tuple[str, ...]
    missing: tuple[str, ...] = ()
    fits: pd.DataFrame = field(default_factory=pd.DataFrame)
    alternatives: pd.DataFrame = field(default_factory=pd.DataFrame)
    by_count: pd.DataFrame = field(default_factory=pd.DataFrame)
    not_identified: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return what is to be said, one sentence or row a line."""
        said = [f"{self.verdict}: {self.claim.text} ({self.claim.source})", *self.statements]
        if self.missing:
            said.append("Refused as a figure to use, because it does not state:")
            said += [f"  {name}: {NEEDED[name]}" for name in self.missing]
        if not self.alternatives.empty:
            whole = self.claim.saving is not None and self.claim.saving.causal_share is None
            said.append(
                f"It would be true, for example, if{' exclusion caused the whole cost, and' if whole else ''}:"
            )
            said += [f"  {_example(row)}" for row in self.alternatives.to_dict(orient="records")]
        if self.not_identified:
            said += ["Not settled by what is printed:", *(f"  {what}" for what in self.not_identified)]
        return said

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain values, for JSON."""
        return {
            "claim": self.claim.text,
            "source": self.claim.source,
            "verdict": self.verdict,
            "statements": list(self.statements),
            "missing": {name: NEEDED[name] for name in self.missing},
            "not_identified": list(self.not_identified),
            "fits": self.fits.to_dict(orient="records"),
            "alternatives": _records(self.alternatives),
            "by_count": _records(self.by_count),
        }


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return rows with None where nothing is known, because JSON has no other word for it."""
    rows = table.to_dict(orient="records")
    return [{str(key): None if value != value else value for key, value in row.items()} for row in rows]


def _example(row: dict[Hashable, Any]) -> str:
    said = f"{row['lifetime_cost']}, £{row['unit']:,.0f}: {row['averted_low']:.1f} to {row['averted_high']:.1f} averted"
    if "baseline_low" in row:
        said += f" of {row['baseline_low']:.1f} to {row['baseline_high']:.1f}"
        said += f" ({row['counts_that_fit'] or 'no published count fits'})"
    if "years_low" in row:
        said += f", each £{row['yearly_each_low']:,.0f} to £{row['yearly_each_high']:,.0f} a year"
        said += f", or {row['years_low']:.1f} to {row['years_high']:.1f} years of provision"
    return said


def reconcile(claim: Claim) -> Reconciliation:
    """Work out what a published claim would need to be true.

    Parameters
    ----------
    claim : Claim
        From :func:`read_claim`, or made in Python.

    Returns
    -------
    Reconciliation
        A product is multiplied out, and solved for the count that its total implies; published counts in that range
        are listed, the latest first. A saving is solved for what it leaves open, one lifetime cost and one count at a
        time. A saving that does not state what it rests on has the verdict ``refused``: the set of assumptions that
        would make it true is given all the same, so that its author can be asked.
    """
    counts = tuple(one for one in (*claim.counts, *known_counts()) if _in_time(one, claim.published))
    product = _product(claim.product, counts) if claim.product else None
    saving = _saving(claim.saving, counts) if claim.saving else None
    parts = [part for part in (product, saving) if part is not None]
    verdicts = [part.verdict for part in parts]
    verdict: Verdict = next((one for one in ("refused", "does not hold") if one in verdicts), "holds")
    return Reconciliation(
        claim,
        verdict,
        tuple(sentence for part in parts for sentence in part.statements),
        saving.missing if saving else (),
        product.fits if product else pd.DataFrame(),
        saving.alternatives if saving else pd.DataFrame(),
        saving.by_count if saving else pd.DataFrame(),
        saving.not_identified if saving else (),
    )


@dataclass(frozen=True)
class _Part:
    verdict: Verdict
    statements: list[str]
    missing: tuple[str, ...] = ()
    fits: pd.DataFrame = field(default_factory=pd.DataFrame)
    alternatives: pd.DataFrame = field(default_factory=pd.DataFrame)
    by_count: pd.DataFrame = field(default_factory=pd.DataFrame)
    not_identified: tuple[str, ...] = ()


def _in_time(count: KnownCount, published: int | None) -> bool:
    return published is None or count.year.start < published


def _product(product: Product, counts: tuple[KnownCount, ...]) -> _Part:
    unit, count, total = product.unit_cost, product.count, product.total
    if total is None and unit and count:
        return _Part("holds", [f"{unit.text} x {count.text} = {_money(unit.value * count.value)}."])
    if unit is None and total and count:
        return _Part("holds", [f"{total.text} / {count.text} = £{total.value / count.value:,.0f} for one pupil."])
    assert unit is not None
    assert total is not None
    low, high = total.low / unit.high, total.high / unit.low
    said = [f"{total.text} / {unit.text} is {low:,.0f} to {high:,.0f} pupils, as the total is rounded."]
    fits = _fits([one for one in counts if one.within(low, high)], unit)
    if fits.empty:
        said.append("No published count lies there.")
    else:
        each = zip(fits["place"] + " " + fits["year"], fits["count"], fits["product"], strict=True)
        said += [f"{of} fits: {unit.text} x {n:,.0f} = {_money(float(pounds))}." for of, n, pounds in each]
    if count is None:
        return _Part("holds" if len(fits) else "does not hold", said, fits=fits)
    made = unit.value * count.value
    holds = unit.low * count.low <= total.high and unit.high * count.high >= total.low
    apart = f"{abs(total.value / made - 1):.0%} {_less(total.value < made)} than that"
    gap = "" if holds else f", not {total.text}: {apart}"
    said.insert(0, f"{unit.text} x {count.text} = {_money(made)}{gap}.")
    if not holds:
        said.insert(1, f"{total.text} / {count.text} = £{total.value / count.value:,.0f} for one pupil.")
    return _Part("holds" if holds else "does not hold", said, fits=fits)


def _less(smaller: bool) -> str:
    return "less" if smaller else "more"


def _money(amount: float) -> str:
    return (
        f"£{amount / 1e9:,.2f}bn"
        if amount >= 1e9
        else f"£{amount / 1e6:,.2f}m"
        if amount >= 1e6
        else f"£{amount:,.0f}"
    )


def _fits(counts: list[KnownCount], unit: Figure) -> pd.DataFrame:
    """Return counts with what the unit cost makes of them, the latest first."""
    rows = [
        {"place": one.place, "year": one.year.label, "phase": one.phase, "count": one.value,
         "product": unit.value * one.value, "source": one.source}
        for one in sorted(counts, key=lambda one: (-one.year.start, one.phase != "all", one.place))
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["place", "year", "phase", "count", "product", "source"])


def _saving(saving: Saving, counts: tuple[KnownCount, ...]) -> _Part:
    known = provision()
    said = [*_relations(saving), *_check(saving)]
    if saving.annual is not None and saving.reduction is not None:
        said += _range_of_baselines(saving, known)
    verdict: Verdict = "refused" if saving.missing else "holds" if not _off(saving) else "does not hold"
    open_ = [NEEDED[name] for name in saving.missing]
    open_ += ["how many are averted"] if saving.baseline is None or saving.reduction is None else []
    if saving.lifetime is not None and saving.lifetime_unit_cost is None:
        open_.append("which lifetime cost of one pupil was used")
    open_.append("whether the programme's cost, the funding that stays with the pupil and discounting are in it")
    return _Part(
        verdict,
        said,
        saving.missing,
        alternatives=by_lifetime(saving, counts, known),
        by_count=by_count(saving, counts, known),
        not_identified=tuple(open_),
    )


def _relations(saving: Saving) -> list[str]:
    """Return what follows from the printed figures whatever is not printed."""
    said = []
    if saving.annual is not None and saving.lifetime is not None:
        ratio = saving.annual.value / saving.lifetime.value
        said.append(
            f"Whatever the number averted, what each saves a year is {ratio:.4f} of what each saves in a lifetime."
        )
    if saving.annual is not None and saving.reduction is not None:
        whole = saving.annual.value / saving.reduction.value
        said.append(
            f"At a reduction of {saving.reduction.text}, {saving.annual.text} supposes that all exclusions together "
            f"cost £{whole:,.0f} a year."
        )
    return said


def _range_of_baselines(saving: Saving, known: Provision) -> list[str]:
    assert saving.annual is not None
    assert saving.reduction is not None
    whole = saving.annual.value / saving.reduction.value
    said = [
        f"With {years:.2f} years of provision each at £{known.low:,.0f} to £{known.high:,.0f} a year, there were "
        f"{-(-whole // (years * known.high)):,.0f} to {whole // (years * known.low):,.0f} exclusions before."
        for years in (1.0, known.years)
    ]
    possible, looked = cells(whole, known)
    return [
        *said,
        f"Of {looked:,} pairs of a baseline and a duration, {possible:,} fit: the figures do not settle them.",
    ]


def _off(saving: Saving) -> list[tuple[Figure, float]]:
    """Return printed pounds that the stated parts do not make, with what they make."""
    if saving.baseline is None or saving.reduction is None:
        return []
    averted = saving.baseline.value * saving.reduction.value
    share = saving.causal_share.value if saving.causal_share else 1.0
    made = []
    if saving.annual and saving.duration and saving.unit_cost:
        made.append((saving.annual, averted * saving.duration.value * saving.unit_cost.value))
    if saving.lifetime and saving.lifetime_unit_cost:
        made.append((saving.lifetime, averted * saving.lifetime_unit_cost.value * share))
    return [(printed, amount) for printed, amount in made if abs(amount / printed.value - 1) > _CLOSE]


# Parts of a sum are printed rounded, so a total within a hundredth of what they make is taken to be theirs.
_CLOSE = 0.01


def _check(saving: Saving) -> list[str]:
    return [
        f"The stated parts make {_money(made)}, {abs(made / printed.value - 1):.0%} "
        f"{_less(made < printed.value)} than the {printed.text} claimed."
        for printed, made in _off(saving)
    ]
