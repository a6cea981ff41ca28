"""The last look at a page before it is written: it may load nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from averting.errors import Fault

_LOADING = ("src", "srcset", "poster", "data", "background", "xlink:href")
_LINKS = ("a", "area")
_OUTSIDE = re.compile(r"^\s*(?:[a-z][a-z+.-]*:)?//", re.IGNORECASE)
_IN_CSS = re.compile(r"url\(\s*['\"]?\s*((?:[a-z]+:)?//[^)'\"]*)|@import\s+['\"]?([^;'\"]+)", re.IGNORECASE)


class _Scanner(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        for key, value in attrs:
            loads = key in _LOADING or (key == "href" and tag not in _LINKS)
            if loads and _OUTSIDE.match(value or ""):
                self.found.append(f'<{tag} {key}="{value}">')
            if key == "style":
                self._css(value or "")

    def handle_data(self, data: str) -> None:
        if self._style:
            self._css(data)

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def _css(self, text: str) -> None:
        self.found += [(match[1] or match[2]).strip() for match in _IN_CSS.finditer(text)]


def outside_loads(html: str) -> tuple[str, ...]:
    """Return everything a page would load from another address; links to follow are not among them."""
    scanner = _Scanner()
    scanner.feed(html)
    scanner.close()
    return tuple(scanner.found)


def faults(html: str, name: str) -> list[Fault]:
    """Return a fault for everything a page would load from another address."""
    fix = "Save it beside the report and use a relative path."
    return [Fault(name, f"the page would load {what[:120]}", fix) for what in outside_loads(html)]
