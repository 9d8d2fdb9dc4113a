"""A file of answers stays text when a spreadsheet program opens it (S09)."""

import csv
import io
import json
from decimal import Decimal

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
