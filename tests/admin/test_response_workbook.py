"""The workbook of answers says what the CSV file says."""

import csv
import io

import openpyxl
import pytest

from tests.site import key_of
from wagtail_engagement.consultations import admin

from .conftest import answer

pytestmark = pytest.mark.django_db


def download(client, page, **query):
    return client.get(f"/admin/engagement/responses/{page.consultation.pk}/export/", query)


def content(got):
    return b"".join(got.streaming_content)


def test_a_workbook_holds_the_answers_of_the_csv_file(login, council):
    answer(council.own, **{f"q-{key_of('Which park?')}": "=cmd|' /C calc'!A0"})
    client = login("lead")
    text = content(download(client, council.own)).decode("utf-8-sig")
    heading, *rows = csv.reader(io.StringIO(text, newline=""))
    book = openpyxl.load_workbook(io.BytesIO(content(download(client, council.own, kind="xlsx"))))
    cells = [[cell.value for cell in row] for row in book.active.iter_rows()]
    assert cells[0] == heading
    assert [[str(value or "") for value in row] for row in cells[1:]] == rows
    assert 1200 in cells[1]


def test_a_workbook_never_holds_a_formula(login, council):
    answer(council.own, **{f"q-{key_of('Which park?')}": "=cmd|' /C calc'!A0"})
    got = content(download(login("lead"), council.own, kind="xlsx"))
    book = openpyxl.load_workbook(io.BytesIO(got))
    kinds = {cell.data_type for row in book.active.iter_rows() for cell in row}
    assert kinds == {"s", "n"}


def test_more_answers_than_a_workbook_takes_are_offered_as_csv(login, council, monkeypatch):
    monkeypatch.setattr(admin, "XLSX_ROWS", 0)
    client = login("lead")
    got = download(client, council.own, kind="xlsx")
    assert "Download the CSV file." in client.get(got.url).text
