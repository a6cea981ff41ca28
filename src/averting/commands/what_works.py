"""``averting what-works``."""

from __future__ import annotations

from pathlib import Path

from averting.commands.options import Json, print_json


def what_works(
    *words: str,
    need: str | None = None,
    phase: str | None = None,
    outcome: str | None = None,
    own: Path | None = None,
    json: Json = False,
) -> None:
    """Search the Directory of What Works: interventions, what is known of them, and from where.

    Example: averting what-works mentoring --phase secondary

    Parameters
    ----------
    words
        Words that must all stand in an entry; an entry's key shows that entry. All entries by default.
    need
        Keep entries for this need, such as transition.
    phase
        Keep entries for primary or secondary.
    outcome
        Keep entries for this indicator, such as suspensions.
    own
        TOML file of your own entries, in the layout of models/what_works.
    """
    from averting.appraisal.what_works import what_works as search

    found = search(*words, need=need, phase=phase, outcome=outcome, own=own)
    if json:
        print_json([one.to_dict() for one in found])
        return
    for one in found:
        print("\n".join(one.lines()))
    print(f"{len(found)} {'entry' if len(found) == 1 else 'entries'}")
