"""The funder's explorer: a part of the report in which a reader sets assumptions and sees what follows, without a server."""

from averting.reporting.explorer.panel import Panel, panel, what_if_panel

__all__ = ["Panel", "panel", "what_if_panel"]
