"""What a report needs: results to read, words chosen from numbers, tables and figures. Nothing here computes."""

from averting.reporting.results import Results, open_results

__all__ = ["Results", "open_results"]
