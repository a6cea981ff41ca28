"""A reference of public names as Markdown, from their docstrings (numpydoc) and signatures."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from itertools import groupby
from types import ModuleType
from typing import Any

_TITLE = re.compile(r"(?m)^([A-Z][A-Za-z ]+)\n-{3,}\n")
_FIELDS = ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns")
_ROLE = re.compile(r":\w+:`~?([^`]+)`")
_WIDE = 76


def reference(package: ModuleType) -> str:
    """Return one page on every name of a package's ``__all__``, by the part of the package that defines it.

    Parameters
    ----------
    package : module
        Its docstring opens the page.
    """
    things = {name: getattr(package, name) for name in package.__all__}
    parts = sorted(things, key=lambda name: (_part(things[name]), name.lower()))
    out = [
        f"# {package.__name__} from Python",
        f"What `import {package.__name__} as av` offers, from the docstrings; `help(av.run)` shows the same.",
    ]
    for part, names in groupby(parts, key=lambda name: _part(things[name])):
        out.append(f"## {part}")
        for name in names:
            out += _thing(name, things[name])
    return "\n\n".join(out) + "\n"


def _part(thing: Any) -> str:
    """Return the part of the package a thing comes from, as a heading."""
    home = thing.__name__ if inspect.ismodule(thing) else thing.__module__
    return str(home.split(".")[1]).capitalize()


def _thing(name: str, thing: Any) -> Iterator[str]:
    yield f"### {name}"
    if inspect.ismodule(thing):
        yield markdown(inspect.getdoc(thing) or "")
        for inner in thing.__all__:
            yield from _member(inner, f"{name}.{inner}", getattr(thing, inner))
        return
    if not inspect.isclass(thing) or thing.__doc__:
        yield _signature(name, thing)
    yield markdown(inspect.getdoc(thing) or "")
    if inspect.isclass(thing):
        for inner, member in vars(thing).items():
            if not inner.startswith("_"):
                yield from _member(inner, f"{name}.{inner}", member)


def _member(short: str, name: str, member: Any) -> Iterator[str]:
    """Describe a method or property that says something of itself."""
    plain = member.__func__ if isinstance(member, classmethod | staticmethod) else member
    is_property = isinstance(plain, property) or type(plain).__name__ == "cached_property"
    described = is_property or inspect.isroutine(plain) or inspect.isclass(plain)
    words = inspect.getdoc(plain) if described else None
    if not words:
        return
    yield f"#### {name}"
    if not is_property:
        yield _signature(short, plain)
    yield markdown(words)


def _signature(name: str, thing: Any) -> str:
    try:
        given = inspect.signature(thing)
    except (TypeError, ValueError):
        return f"```python\n{name}\n```"
    shown, star = [], False
    for one in given.parameters.values():
        if one.name in ("self", "cls"):
            continue
        if one.kind is one.KEYWORD_ONLY and not star:
            shown.append("*")
        star = star or one.kind in (one.KEYWORD_ONLY, one.VAR_POSITIONAL)
        shown.append(_parameter(one))
    silent = inspect.isclass(thing) or given.return_annotation is given.empty
    end = "" if silent else f" -> {_annotation(given.return_annotation)}"
    line = f"{name}({', '.join(shown)}){end}"
    if len(line) > _WIDE:
        line = f"{name}(\n" + "".join(f"    {one},\n" for one in shown) + f"){end}"
    return f"```python\n{line}\n```"


def _parameter(one: inspect.Parameter) -> str:
    mark = "*" * (one.kind is one.VAR_POSITIONAL) + "**" * (one.kind is one.VAR_KEYWORD)
    kind = "" if one.annotation is one.empty else f": {_annotation(one.annotation)}"
    if one.default is one.empty:
        return f"{mark}{one.name}{kind}"
    # the address of a function is another one in every run
    default = one.default.__name__ if inspect.isroutine(one.default) else repr(one.default)
    return f"{one.name}{kind} = {re.sub(r' at 0x[0-9a-f]+', '', default)}"


def _annotation(given: Any) -> str:
    text = given if isinstance(given, str) else inspect.formatannotation(given)
    return text.replace("'", "") if "Literal" not in text else text


def markdown(doc: str) -> str:
    """Return a numpydoc docstring as Markdown for code hosts.

    Parameters
    ----------
    doc : str
        Without common indent.
    """
    pieces = _TITLE.split(doc)
    out = [_prose(pieces[0].strip())]
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        text = body.strip("\n")
        if title == "Examples":
            out += ["**Examples**", _examples(text)]
        elif title in _FIELDS:
            out += [f"**{title}**", _fields(text)]
        else:
            out += [f"**{title}**", _prose(textwrap.dedent(text))]
    return "\n\n".join(out)


def _prose(text: str) -> str:
    return _ROLE.sub(r"`\1`", text).replace("``", "`")


def _fields(text: str) -> str:
    """Return names with their types and what is said of them as a list."""
    rows: list[str] = []
    for block in re.split(r"\n(?=\S)", text):
        head, _, body = block.partition("\n")
        name, colon, kind = (part.strip() for part in head.partition(" : "))
        says = _prose(" ".join(textwrap.dedent(body).split("\n"))).strip()
        named = f"`{name}`" + (f" ({_prose(kind)})" if colon else "")
        rows.append(f"- {named}" + (f": {says}" if says else ""))
    return "\n".join(rows)


def _examples(text: str) -> str:
    """Return examples as blocks of code, and the words between them as words."""
    out = []
    for block in re.split(r"\n\s*\n", textwrap.dedent(text)):
        out.append(f"```pycon\n{block}\n```" if block.startswith(">>>") else _prose(block))
    return "\n\n".join(out)
