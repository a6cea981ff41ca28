"""Valid declarations, and ways in which somebody's own go wrong: as values, and as text."""

from __future__ import annotations

import json
import tomllib
from copy import deepcopy
from random import Random
from typing import Any

VALUES: tuple[Any, ...] = (
    *("", " ", "x", "0", "-1", "1e999", "2021/22", "2021-22", "1999/00", "2031/32", "nan", "None", "\0", "\u202e", "é" * 400),
    *("../x", "/etc/passwd", "=1+1", "{indicator}", "{0}", "%s", "[a-", "a" * 70_000, "school", "all", "permanent_exclusions"),
    *(0, 1, -1, 2, 7, 2021, 10**6, 10**18, 10**400, -(10**18), 0.0, -0.0, 0.5, 1.5, -0.5, 1e-300, 1e300),
    *(float("inf"), float("-inf"), float("nan"), True, False),
    *([], [""], [1], [0.5, 0.5], [[]], [{}], ["a", "a"], [True], ["2021/22"], [1, 2, 3], [None]),
    *({}, {"a": 1}, {"": {}}, {"value": 1, "reason": "r"}, {"family": "normal", "mean": 1, "sd": -1}),
)  # fmt: skip
NAMES = (
    "",
    "a",
    "schema",
    "path",
    "key",
    "id",
    "value",
    "reason",
    "source",
    "Ω",
    "line",
    "sum",
    "import",
    "local",
    "x" * 300,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where every value lies, tables and lists too."""
    found = [at] if at else []
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found += places(value[key], (*at, key))
    return found


def changed(values: dict[str, Any], random: Random, times: int) -> dict[str, Any]:
    """Return a copy in which some values are lost, replaced, doubled, moved or new."""
    values = deepcopy(values)
    for _ in range(times):
        known = places(values)
        if not known:
            break
        *way, last = random.choice(known)
        parent: Any = values
        for key in way:
            parent = parent[key]
        kind = random.choice(("lose", "replace", "replace", "replace", "new", "double", "move", "near"))
        if kind == "lose":
            del parent[last]
        elif kind == "double" and isinstance(parent, list):
            parent.append(deepcopy(parent[last]))
        elif kind == "near" and isinstance(parent[last], int | float) and not isinstance(parent[last], bool):
            parent[last] = parent[last] * random.choice((-1, 0, 0.999, 1.001, 2, 1000))
        elif kind == "new" and isinstance(parent, dict):
            parent[random.choice(NAMES)] = deepcopy(random.choice(VALUES))
        elif kind == "move":
            other = random.choice(known)
            moved: Any = values
            for key in other:
                moved = moved[key]
            parent[last] = deepcopy(moved)
        else:
            parent[last] = deepcopy(random.choice(VALUES))
    return values


def inline(value: Any) -> str:
    """Write a value as TOML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    if value is None:
        return '"None"'
    if isinstance(value, float) and value != value:
        return "nan"
    if isinstance(value, str | bool):
        return json.dumps(value)
    return str(value)


def written(values: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(str(key))} = {inline(value)}\n" for key, value in values.items())


def garbled(text: str, random: Random, times: int) -> bytes:
    """Return text as bytes of which some are lost, doubled, replaced or cut off."""
    content = bytearray(text.encode())
    for _ in range(times):
        if not content:
            break
        at = random.randrange(len(content))
        kind = random.choice(("flip", "flip", "cut", "lose", "double", "insert"))
        if kind == "flip":
            content[at] = random.randrange(256)
        elif kind == "cut":
            del content[at:]
        elif kind == "lose":
            del content[at : at + random.randrange(1, 40)]
        elif kind == "double":
            content[at:at] = content[at : at + random.randrange(1, 200)]
        else:
            content[at:at] = random.choice((b"[", b"]]", b'"""', b"=", b"\n", b"\0", b"{", b"\xff", b"#", b"1e9"))
    return bytes(content)


def read(text: str) -> dict[str, Any]:
    return tomllib.loads(text)
