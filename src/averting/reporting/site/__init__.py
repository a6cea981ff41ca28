"""Build a site of documentation from Markdown pages: one folder that can be opened or served as it is.

``python -m averting.reporting.site _site`` in a checkout; ``quarto render --profile docs`` does the same with Quarto.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote

from averting.effects.estimator import Progress, silent
from averting.errors import Fault, RenderError, refuse

from .sidebar import Entry, Sidebar, read_sidebar

__all__ = ["build"]

_STYLE = Path(__file__).with_name("site.css")
_HEADING = re.compile(r"^# +(.+?)\s*#*$")
_LINK = re.compile(r'<a href="([^"]*)"([^>]*)>(.*?)</a>', re.S)
_EMPTY_HEADER = re.compile(r'<th scope="col"[^>]*></th>')
"""The corner of a table whose first column names its rows heads nothing."""
_FORMULA = re.compile(r'(<math display="block".*?</math>)', re.S)
_ELSEWHERE = re.compile(r"^(?:[a-zA-Z][a-zA-Z+.-]*:|//)")
_FIRST_HEADINGS = 3
"""A page with fewer headings needs no table of contents."""


@dataclass(frozen=True)
class _Page:
    """A page to be: where it comes from, its title and lines, and, once rendered, its HTML."""

    source: str
    title: str
    lines: tuple[str, ...]
    html: str = ""

    @property
    def target(self) -> str:
        return f"{self.source.removesuffix('.md')}.html"

    def fault(self, link: str, found: str, fix: str) -> Fault:
        number = next((n for n, line in enumerate(self.lines, 1) if f"]({link}" in line), None)
        return Fault(f"{self.source}:{number}" if number else self.source, found, fix)


def build(
    project: str | Path,
    site: str | Path,
    *,
    generated: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> Path:
    """Write the pages that a project's sidebar names as HTML, with the sidebar on each and links between them.

    Each page is one file that loads nothing from elsewhere. Files that pages link to and that are no pages are copied
    beside them; links to folders become plain words. The folder takes its place at the end: a build that fails leaves
    the previous one as it was.

    Parameters
    ----------
    project : str or Path
        Folder with ``_quarto.yml``, which declares ``website: sidebar:``.
    site : str or Path
        Folder to make; it may hold an earlier site, and nothing else.
    generated : mapping of str to str, optional
        Markdown of pages that are no files, by the path the sidebar gives.
    progress : callable
        Is told, in words, what is being done.

    Returns
    -------
    Path
        The page to begin with.

    Raises
    ------
    RenderError
        With file and line: a page that is missing or has no title, a link that leads nowhere, or what pandoc refuses.
    """
    project, site = Path(project).resolve(), Path(site).resolve()
    if site.exists() and not (site / "index.html").is_file() and (not site.is_dir() or any(site.iterdir())):
        raise RenderError(f"{site} is there and is no site. Give a folder that averting may replace.")
    sidebar = read_sidebar(project)
    pages = _read(project, sidebar, generated or {})

    def rendered(page: _Page) -> _Page:
        progress(f"{page.source}: setting the page")
        return replace(page, html=_rendered(page, project, _navigation(page, sidebar, pages)))

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # of pandocs, each a process of its own
        pages = dict(zip(pages, pool.map(rendered, list(pages.values())), strict=True))
    files, faults = _link(project, pages)
    refuse(RenderError, f"{project / '_quarto.yml'} cannot be made into a site", faults)
    site.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".averting-site-", dir=site.parent) as temporary:
        made = Path(temporary) / "site"
        _write(made, project, sidebar, pages, files)
        if site.exists():
            shutil.rmtree(site)
        made.replace(site)
    return site / pages[sidebar.entries[0].source].target


def _read(project: Path, sidebar: Sidebar, generated: Mapping[str, str]) -> dict[str, _Page]:
    pages: dict[str, _Page] = {}
    faults: list[Fault] = []
    for entry in sidebar.entries:
        path = project / entry.source
        if entry.source not in generated and not (path.suffix == ".md" and path.is_file()):
            faults.append(Fault(f"_quarto.yml: {entry.source}", "is no page", "Give the path of a .md file."))
            continue
        text = generated.get(entry.source) or path.read_text(encoding="utf-8")
        lines = text.splitlines()
        heading = _HEADING.match(lines[0]) if lines else None
        if heading is None:
            faults.append(Fault(f"{entry.source}:1", "the page has no title", "Begin it with '# ' and a title."))
            continue
        pages[entry.source] = _Page(entry.source, heading[1], tuple(lines))
    refuse(RenderError, "The site cannot be made", faults)
    return pages


def _rendered(page: _Page, project: Path, navigation: str) -> str:
    from averting.reporting.render import pandoc
    from averting.reporting.render.settings import Settings
    from averting.reporting.render.text import Line

    headings = sum(line.startswith("## ") for line in page.lines)
    settings = Settings(title=page.title, toc=headings >= _FIRST_HEADINGS, toc_depth=2)
    # the title stands apart; its line stays, empty, so that messages name the right one
    lines = [Line("" if n == 1 else text, page.source, n) for n, text in enumerate(page.lines, 1)]
    extra = ("--from=gfm", f"--variable=site:{navigation}", f"--variable=site-style:{_STYLE.read_text('utf-8')}")
    folder = (project / page.source).parent
    with tempfile.TemporaryDirectory(prefix="averting-figures-") as figures:
        # a generated page has no folder of its own
        where = folder if folder.is_dir() else project
        made = pandoc.convert(lines, settings, folder=where, figures=Path(figures), name=page.source, extra=extra)
    made = _FORMULA.sub(r'<span class="equation-body">\1</span>', made)  # scrolls, and by keyboard too
    return _EMPTY_HEADER.sub("<td></td>", made)


def _navigation(here: _Page, sidebar: Sidebar, pages: Mapping[str, _Page]) -> str:
    """Return the site's name and the sidebar as seen from a page."""
    home = _from(here.target, pages[sidebar.entries[0].source].target)
    out = [
        f'<a class="site-home" href="{escape(home)}">{escape(sidebar.title)}</a>',
        '<details class="site-pages"><summary>All pages</summary>',
    ]
    for section in sidebar.sections:
        out += [f"<p>{escape(section.title)}</p>"] if section.title else []
        out += ["<ul>", *(_item(entry, here, pages) for entry in section.entries), "</ul>"]
    return "\n".join([*out, "</details>"])


def _item(entry: Entry, here: _Page, pages: Mapping[str, _Page]) -> str:
    page = pages[entry.source]
    current = ' aria-current="page"' if page is here or page.source == here.source else ""
    text = entry.text or page.title.replace("`", "")
    return f'<li><a href="{escape(_from(here.target, page.target))}"{current}>{escape(text)}</a></li>'


def _from(here: str, there: str) -> str:
    return posixpath.relpath(there, posixpath.dirname(here) or ".")


def _link(project: Path, pages: dict[str, _Page]) -> tuple[set[str], list[Fault]]:
    """Lead every link between pages to its page; return the other files that are linked, and links that lead nowhere."""
    files: set[str] = set()
    faults: list[Fault] = []
    anchors = {source: set(re.findall(r'\sid="([^"]+)"', page.html)) for source, page in pages.items()}
    targets = {page.target: source for source, page in pages.items()}

    def led(page: _Page, found: re.Match[str]) -> str:
        href = unescape(found[1])
        path, _, anchor = href.partition("#")
        if _ELSEWHERE.match(href):
            return found[0]
        to = (
            posixpath.normpath(posixpath.join(posixpath.dirname(page.source), unquote(path)))
            if path
            else page.source
        )
        to = targets.get(to, to)  # the sidebar's lead to pages already
        if to in pages:
            if anchor and anchor not in anchors[to]:
                faults.append(page.fault(href, f"there is no heading #{anchor} in {to}", "Correct the link."))
            there = _from(page.target, pages[to].target) if path else ""
            return f'<a href="{escape(there + (f"#{anchor}" if anchor else ""))}"{found[2]}>{found[3]}</a>'
        if (project / to).is_dir():
            return found[3]
        if to.startswith("..") or not (project / to).is_file():
            faults.append(page.fault(href, f"there is no {to}", "Correct the link."))
        files.add(to)
        return found[0]

    for source, page in pages.items():
        pages[source] = replace(page, html=_LINK.sub(partial(led, page), page.html))
    return files, faults


def _write(made: Path, project: Path, sidebar: Sidebar, pages: Mapping[str, _Page], files: set[str]) -> None:
    for page in pages.values():
        target = made / page.target
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page.html, encoding="utf-8", newline="\n")
    for name in sorted(files):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project / name, made / name)
    first = escape(pages[sidebar.entries[0].source].target)
    if not os.path.lexists(made / "index.html"):
        (made / "index.html").write_text(
            f'<!DOCTYPE html>\n<html lang="en-GB">\n<head><meta charset="utf-8">'
            f'<meta http-equiv="refresh" content="0; url={first}"><title>{escape(sidebar.title)}</title></head>\n'
            f'<body><main><h1>{escape(sidebar.title)}</h1><p><a href="{first}">Go to the first page</a></p></main>'
            "</body>\n</html>\n",
            encoding="utf-8",
        )
