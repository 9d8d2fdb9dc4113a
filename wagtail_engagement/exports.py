"""Cells of a spreadsheet that stay text when they are opened: the one way data leaves as a file.

Answers come from anybody, and spreadsheet programs run what begins like a formula (S09). Such a
text gets an apostrophe in front, as people do by hand; nothing is deleted, so that the evidence
stays: drop one leading apostrophe and the text is as it was sent.
"""

from __future__ import annotations

import csv
import datetime
import decimal
import math
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

Rows = Iterable[Iterable[object]]

# A workbook is written before its first byte leaves, and web servers wait for about 30 seconds.
XLSX_ROWS = 50_000
_LONGEST_CELL = 32_767  # characters that the format allows
_EXACT_DIGITS = 15  # more are rounded by spreadsheet programs

# Full-width signs too, which some programs treat as their narrow twins.
_FORMULA = re.compile(r"\s*'*[=+\-@＝＋－＠]|[\t\r\n]")
# What XML and so most spreadsheet formats cannot carry; and signs that reverse what is read.
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class _Echo:
    """A file that hands each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def cell(value: object) -> str:
    """Return a value as text for one cell. Numbers stay numbers, also below zero."""
    if value is None:
        return ""
    if isinstance(value, (int, float, decimal.Decimal)):
        return str(value)
    if isinstance(value, datetime.datetime):
        moment = timezone.localtime(value) if timezone.is_aware(value) else value
        return moment.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    text = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _UNPRINTABLE.sub("", str(value)))
    return f"'{text}" if _FORMULA.match(text) else text


def csv_lines(rows: Rows) -> Iterator[bytes]:
    """Yield a CSV file line by line, however long: UTF-8 with its mark, every field quoted."""
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    yield b"\xef\xbb\xbf"
    for row in rows:
        yield writer.writerow([cell(value) for value in row]).encode()


def csv_download(rows: Rows, *, filename: str) -> StreamingHttpResponse:
    """Return a download of rows, the first of which is the heading."""
    response = StreamingHttpResponse(csv_lines(rows), content_type="text/csv; charset=utf-8")
    return _guarded(response, f"{filename}.csv")


def xlsx_download(rows: Rows, *, filename: str) -> FileResponse:
    """Return a workbook of rows, the first of which is the heading, in constant memory.

    The caller refuses more than XLSX_ROWS.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append([_native(sheet, value) for value in row])
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it, and so deletes it
    book.save(file)
    file.seek(0)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _guarded(FileResponse(file, content_type=kind), f"{filename}.xlsx")


DOWNLOADS: dict[str, Callable[..., HttpResponseBase]] = {
    "csv": csv_download,
    "xlsx": xlsx_download,
}


def _native(sheet: Any, value: object) -> object:
    """A number for a number that spreadsheets keep exactly; marked as text whatever else it is."""
    text = cell(value)
    if isinstance(value, (int, float, decimal.Decimal)) and math.isfinite(value):
        if len(text) <= _EXACT_DIGITS:
            return value
    if not text:
        return None
    if len(text) > _LONGEST_CELL:
        text = f"{text[: _LONGEST_CELL - 1]}…"
    written = WriteOnlyCell(sheet, text)
    written.data_type = "s"  # else a text such as #N/A is an error value
    return written


def _guarded(response: Any, filename: str) -> Any:
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response
