"""The page and the spreadsheet of an outcomes board: they read its tables and compute nothing."""

from averting.reporting.board.files import BoardFiles, draw_board, open_board, write_board
from averting.reporting.board.pictures import over_time, standings
from averting.reporting.board.words import summary_table

__all__ = ["BoardFiles", "draw_board", "open_board", "over_time", "standings", "summary_table", "write_board"]
