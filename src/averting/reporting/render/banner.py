"""A few words that stand on a page wherever it is read, on screen and on every sheet of paper."""

from __future__ import annotations

import re
from html import escape

_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_HEAD_END = re.compile(r"</head\s*>", re.IGNORECASE)

# A fixed element is repeated on every printed page; it lies over the text, pale, so that none is hidden. Its words are
# the style's: who cannot see it has the banner's.
_STYLE = """<style>
.averting-banner {{ position: sticky; top: 0; z-index: 1000; padding: 0.3rem 1rem; text-align: center;
  font: bold 1rem/1.4 sans-serif; color: #fff; background: #942514; }}
.averting-banner-print {{ display: none; }}
@media print {{
  .averting-banner {{ position: static; }}
  .averting-banner-print {{ display: block; position: fixed; top: 45%; left: 0; right: 0; z-index: 1000;
    text-align: center; font: bold 3rem/1.2 sans-serif; color: rgba(148, 37, 20, 0.16); transform: rotate(-30deg); }}
  .averting-banner-print::before {{ content: {quoted}; }}
}}
@page {{ @top-center {{ content: {quoted}; font: bold 10pt sans-serif; color: #942514; }} }}
</style>
"""


def with_banner(html: str, words: str) -> str:
    """Return a page with words at its top, and across and above every page when it is printed.

    Parameters
    ----------
    html : str
        A whole page.
    words : str
        Plain text; empty for none.
    """
    if not words:
        return html
    text = escape(words)
    quoted = '"' + words.replace("\\", "").replace('"', "'").replace("<", "").replace("\n", " ") + '"'
    marks = (
        f'\n<aside class="averting-banner" aria-label="Status of this page">{text}</aside>'
        '\n<div class="averting-banner-print" aria-hidden="true"></div>'
    )
    html = _BODY.sub(lambda found: found[0] + marks, html, count=1)
    return _HEAD_END.sub(lambda found: _STYLE.format(quoted=quoted) + found[0], html, count=1)
