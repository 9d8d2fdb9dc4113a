"""A file of answers stays text when a spreadsheet program opens it (S09)."""

import csv
import io
import json
import tempfile
from decimal import Decimal

import openpyxl
import pytest

from wagtail_engagement import exports

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def read_back(rows):
    text = b"".join(exports.csv_lines(rows)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.outside
def test_known_formulas_stay_text_and_whole(outside_data):
    payloads = json.loads((outside_data / "hostile" / "csv_injection.json").read_text())
    cells = [row[0] for row in read_back([text] for text in payloads)]
    assert not [cell for cell in cells if cell.startswith(DANGEROUS)]
    assert [cell.removeprefix("'") for cell in cells] == payloads


@pytest.mark.parametrize("sign", DANGEROUS)
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(sign):
    assert read_back([[f"{sign}1+1"]]) == [[f"'{sign}1+1"]]


@pytest.mark.parametrize("text", ["'=1", "  =1", "'tis fine", "Fine, “thanks”; really", "a\nb"])
def test_one_apostrophe_less_is_what_was_sent(text):
    cell = read_back([[text]])[0][0]
    assert text in (cell, cell.removeprefix("'"))
    assert not cell.lstrip().startswith("=")


def test_numbers_stay_numbers_below_zero_too():
    assert read_back([[-5, Decimal("-1.50"), 0]]) == [["-5", "-1.50", "0"]]


def test_characters_that_break_a_spreadsheet_are_left_out():
    assert read_back([["a\x0bb\x1bc\u202ed\ud800"]]) == [["abcd\N{REPLACEMENT CHARACTER}"]]


def test_a_file_is_written_while_its_rows_are_read():
    rows = iter([["first"], ["second"]])
    lines = exports.csv_lines(rows)
    assert [next(lines), next(lines)] == [b"\xef\xbb\xbf", b'"first"\r\n']
    assert next(rows) == ["second"]


def in_workbook(rows):
    """The cells of the workbook that the rows become."""
    download = exports.xlsx_download(rows, filename="file")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(download.streaming_content)))
    return [list(row) for row in book.active.iter_rows()]


@pytest.mark.outside
def test_known_formulas_are_text_in_a_workbook(outside_data):
    payloads = json.loads((outside_data / "hostile" / "csv_injection.json").read_text())
    cells = [row[0] for row in in_workbook([text] for text in payloads)]
    assert {cell.data_type for cell in cells} == {"s"}
    kept = [text.replace("\r\n", "\n").replace("\r", "\n") for text in payloads]
    assert [cell.value.removeprefix("'") for cell in cells] == kept


@pytest.mark.parametrize("text", ["=1+1", "#N/A", "007", "1e5", "2026-11-23", "TRUE"])
def test_a_text_stays_text_in_a_workbook(text):
    cell = in_workbook([[text]])[0][0]
    assert cell.data_type == "s"
    assert cell.value.removeprefix("'") == text


def test_numbers_are_numbers_in_a_workbook_while_they_are_exact():
    row = in_workbook([[-5, Decimal("1.50"), 10**20, float("nan")]])[0]
    assert [cell.value for cell in row] == [-5, 1.5, str(10**20), "nan"]


def test_what_breaks_a_workbook_is_left_out_and_what_is_too_long_is_marked():
    row = in_workbook([["a\x0bb\x00c\ud800\uffff", "x" * 40_000]])[0]
    assert row[0].value == "abc\N{REPLACEMENT CHARACTER}"
    assert row[1].value == "x" * 32_766 + "…"


def test_a_workbook_leaves_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    in_workbook([["ann@example.com"]])
    assert list(tmp_path.iterdir()) == []
