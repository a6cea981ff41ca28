"""Layouts of what averting reads have numbers; a record of an earlier one is brought up to date, in memory, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from averting.errors import AvertingError

Step = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes a record in one layout and returns it in the next; the number is not its concern."""


def brought_up(
    record: Mapping[str, Any],
    *,
    to: int,
    steps: Mapping[int, Step],
    what: str,
    again: str,
    error: type[AvertingError],
) -> dict[str, Any]:
    """Return a record in today's layout; the file it was read from stays as it is.

    Parameters
    ----------
    record : mapping
        With its layout's number under ``schema``.
    to : int
        Number of today's layout.
    steps : mapping of int to callable
        What leads from each earlier layout to the next.
    what : str
        The record's file, for messages.
    again : str
        How to make a record that is too old again.
    error : type of AvertingError
        What to raise.

    Raises
    ------
    AvertingError
        Of the type given, for a number that is none, of a later averting, or from which no step leads on.
    """
    schema = record.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool):
        raise error(f"{what} has schema = {schema!r}, which is no whole number. {again}")
    if schema > to:
        raise error(
            f"{what} has schema = {schema}, which a later averting wrote; this one reads schema = {to}. "
            "Install the later one: pip install --upgrade averting"
        )
    current = dict(record)
    for number in range(schema, to):
        if number not in steps:
            raise error(f"{what} has schema = {schema}, a layout that this averting no longer reads. {again}")
        current = steps[number](current)
    return current | {"schema": to}
