"""Quotation marks in CSV files: those that do not pair are refused, all others read as every reader reads them."""

from __future__ import annotations

import csv

import pytest

from averting.data.files import read_columns
from averting.errors import DataError

HEAD = "urn,name,events\n"


def _read(folder, text, *, mark=b""):
    path = folder / "schools.csv"
    path.write_bytes(mark + text.encode())
    return read_columns(path, set)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('1,"Ellesmere "Port" Academy",12\n2,Other,3\n', "line 2"),
        ('1,Other,3\n2,"A" B,12\n', "line 3"),
        ('1,"Port,12\n2,Other,3\n3,"Third",4\n', "lines 2 to 4"),  # three rows would be one
        ('1,"Two\nlines",12\n2,"Port"s,3\n', "line 4"),
        ('1,Other,3\n2,"never closed,12\n', "lines 3 to 3|line 3"),
    ],
)
def test_marks_that_do_not_pair_are_refused_by_line(tmp_path, text, where):
    with pytest.raises(DataError, match=where) as refused:
        _read(tmp_path, HEAD + text)
    assert "Port" not in str(refused.value).replace('"The ""Port"" School"', "")  # nothing of what is in the file


@pytest.mark.parametrize(
    "text",
    [
        '1,"The ""Port"" School",12\n2,"",3\n',
        '1,"""Port""",12\n2,"a, b",3\n',
        '1,"Two\nlines",12\n2,Other,3\n',
        '1,St "Mary\'s,12\n2,6" pipe,3\n',
        '1,a "b" c,12\n2,"d",3\n',
        '"1","x","12"\r\n"2","y","3"',
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_other_marks_are_read_as_the_standard_library_reads_them(tmp_path, text, mark):
    read = _read(tmp_path, HEAD + text, mark=mark)
    wanted = list(csv.reader((HEAD + text).splitlines(keepends=True)))[1:]
    assert read.astype(str).to_numpy().tolist() == wanted


def test_a_quoted_header_after_a_byte_order_mark_is_no_stray_mark(tmp_path):
    assert list(_read(tmp_path, '"urn","name"\n1,x\n', mark=b"\xef\xbb\xbf")) == ["urn", "name"]
