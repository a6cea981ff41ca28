"""What the commands on delivery, moves, areas and cohorts print, and the draft page that they write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from averting.commands.options import print_answer

if TYPE_CHECKING:
    from averting.evaluation.risk import RiskFindings
    from averting.reporting.findings import Findings


def show(findings: Findings | RiskFindings, *, json: bool, page: Path | None) -> None:
    """Print findings as words or JSON; write tables and a draft page to a folder where one is named."""
    print_answer(findings, json)
    if page is not None:
        from averting.reporting.findings import Findings, write_findings

        shown = findings if isinstance(findings, Findings) else findings.page()
        print(f"draft: {write_findings(shown, page)}", file=sys.stderr)
