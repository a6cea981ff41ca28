"""What a command beside the evaluation found: words and tables, shown as text, JSON, a draft page, or a public release."""

from averting.reporting.findings.files import (
    DRAWING,
    earlier_counts,
    may_leave,
    open_findings,
    publish_findings,
    write_findings,
)
from averting.reporting.findings.findings import Findings, Forest
from averting.reporting.findings.page import forest_of, heading, legend, page_table

__all__ = [
    "DRAWING",
    "Findings",
    "Forest",
    "earlier_counts",
    "forest_of",
    "heading",
    "legend",
    "may_leave",
    "open_findings",
    "page_table",
    "publish_findings",
    "write_findings",
]
