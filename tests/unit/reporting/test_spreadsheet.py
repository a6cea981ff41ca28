"""Exports: what is written can be read back, says where it is from and cannot run."""

from __future__ import annotations

import pandas as pd
import pytest
from openpyxl import load_workbook

from averting.data.written import harmless
from averting.errors import EvaluationError
from averting.reporting.spreadsheet import SourcedTable, write_csv, write_excel

FRAME = pd.DataFrame({"payer": ["school", "=cmd()"], "amount": [-1.5, 2.25], "note": ["+44", "plain"]})
TABLES = {
    "payers": SourcedTable(FRAME, "Present value by payer, £", "averting"),
    "empty": SourcedTable(FRAME[:0], "None", "averting"),
}


def test_spreadsheet_is_accessible_and_comes_back(tmp_path):
    write_excel(TABLES, tmp_path / "out.xlsx")
    book = load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["notes", "payers", "empty"]
    for sheet in book:
        assert not sheet.merged_cells.ranges
        assert sheet.freeze_panes == "A2"
        assert all(isinstance(cell.value, str) for cell in sheet[1])
    rows = list(book["payers"].values)
    assert rows == [("payer", "amount", "note"), ("school", -1.5, "'+44"), ("'=cmd()", 2.25, "plain")]
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    assert list(book["notes"].values)[1] == ("payers", "Present value by payer, £", "averting")


def test_csv_comes_back(tmp_path):
    write_csv(TABLES, tmp_path / "tables")
    assert pd.read_csv(tmp_path / "tables" / "payers.csv")["amount"].tolist() == [-1.5, 2.25]
    assert pd.read_csv(tmp_path / "tables" / "notes.csv")["source"].tolist() == ["averting"] * 2


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "  =1"])
def test_formulas_are_text(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("cell", [-1.0, 3, None, "a = b", "−£3"])
def test_everything_else_stays(cell):
    assert harmless(cell) == cell


@pytest.mark.parametrize(
    "tables", [{}, {"notes": TABLES["payers"]}, {"A b": TABLES["payers"]}, {"x": SourcedTable(FRAME, "t", " ")}]
)
def test_what_cannot_be_a_sheet_is_refused(tables, tmp_path):
    with pytest.raises(EvaluationError, match="cannot be exported"):
        write_csv(tables, tmp_path)
