"""The child process of the spreadsheet reader: one request in, JSON lines out, then gone.

Knows no Django and no tables, so that it starts quickly and holds no secrets. A file that
makes it eat memory or time takes only this process along.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from wagtail_engagement.imports import guarding, headerrow
from wagtail_engagement.imports.delimited import Text, facts
from wagtail_engagement.imports.guarding import Refused

Row = tuple[int, list[str]]
NOTHING = guarding.Unseen([], [])
_SAMPLES = 5
_DAY = re.compile(r"\s*(\d{1,2})[-/. ](\d{1,2})[-/. ]\d{2,4}(?!\d)")
_CHUNK_ROWS = 500
_CHUNK_CHARACTERS = 2**19


def main() -> None:
    """Answer the request on standard input. Every way to fail ends in a "refused" line."""
    request = json.load(sys.stdin)
    _bound(request["limits"])
    try:
        for message in _answer(request):
            _say(*message)
        _say("done")
    except Refused as refused:
        _say("refused", refused.why, refused.facts)
    except (MemoryError, RecursionError):
        _say("refused", "too_much", {})
    except PasswordError:
        _say("refused", "password", {})
    except BaseException as error:  # noqa: BLE001  a panic in calamine is no Exception
        _say("refused", _why(error), {})


def _why(error: BaseException) -> str:
    if isinstance(error, CalamineError):
        return "too_much" if "limit exceeded" in str(error) else "damaged"
    return "unreadable"


def _bound(limits: Mapping[str, Any]) -> None:
    """Let this process have so much memory and time and no more, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        seconds = int(limits["seconds"]) + 1
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))


def _say(*message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _answer(request: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    path, limits = request["path"], request["limits"]
    kind = guarding.kind_of(path, request["filename"], limits)
    wanted = request["rows"]
    if kind == "csv":
        text = Text(path, request["encoding"], request["delimiter"], limits["max_cell"])
        if wanted:
            yield from _chunks(text, wanted, limits, set())
        else:
            yield "workbook", {"kind": kind, **facts(text), "sheets": [_text_sheet(request, text)]}
        return
    with CalamineWorkbook.from_path(path) as workbook:
        if wanted:
            table = Table(workbook, wanted["sheet"])
            hidden = guarding.hidden(path, kind, limits) if wanted["skip_hidden_rows"] else None
            skip = set((hidden or {}).get(wanted["sheet"], NOTHING).rows)
            yield from _chunks(table, wanted, limits, skip)
        else:
            sheets = _sheets(workbook, guarding.hidden(path, kind, limits), limits)
            yield "workbook", {"kind": kind, "sheets": sheets}


class Table:
    """One sheet of a workbook as rows, counted from its first row; may be walked again."""

    def __init__(self, workbook: CalamineWorkbook, name: str) -> None:
        if name not in workbook.sheet_names:
            raise Refused("no_sheet", sheet=name)
        self.sheet = workbook.get_sheet_by_name(name)

    def __iter__(self) -> Iterator[Row]:
        if self.sheet.start is None:
            return
        before = [""] * self.sheet.start[1]
        # calamine gives the empty rows above the first one, but not the columns before it.
        for number, cells in enumerate(self.sheet.iter_rows(), start=1):
            yield number, before + [_text(cell) for cell in cells]


def _text(value: object) -> str:
    """A cell as the words that stand for it."""
    if isinstance(value, str):
        return value.replace("\0", "") if "\0" in value else value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return (value.date() if midnight else value).isoformat(*([] if midnight else [" "]))
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return "" if value is None else str(value)


class Measured:
    """How far a table reaches, its first rows, and whether it keeps to the limits."""

    def __init__(self, table: Iterable[Row], limits: Mapping[str, Any], name: str) -> None:
        self.last = self.width = filled = 0
        self.top: list[list[str]] = []
        for number, cells in table:
            if len(self.top) < headerrow.LOOK_AT * 2 and number == len(self.top) + 1:
                self.top.append(cells[: limits["max_columns"]])
            width = _width(cells)
            if not width:
                continue
            filled += 1
            self.last, self.width = number, max(self.width, width)
            if width > limits["max_columns"]:
                raise Refused("columns", row=number, limit=limits["max_columns"], sheet=name)
            if limits["max_rows"] is not None and filled > limits["max_rows"] + headerrow.LOOK_AT:
                raise Refused("rows", limit=limits["max_rows"], sheet=name)
            if max(map(len, cells)) > limits["max_cell"]:
                raise Refused("long_cell", row=number)


def _width(cells: list[str]) -> int:
    """How many cells there are up to the last that holds something."""
    for index in range(len(cells), 0, -1):
        if cells[index - 1].strip():
            return index
    return 0


def _sheet(name: str, table: Iterable[Row], limits: Mapping[str, Any]) -> dict[str, Any]:
    size = Measured(table, limits, name)
    top = [(cells + [""] * size.width)[: size.width] for cells in size.top]
    place = headerrow.find(top)
    header = None if place is None else place + 1
    below = (cells for number, cells in table if number > (header or 0) and _width(cells))
    samples = [(cells + [""] * size.width)[: size.width] for cells in _telling(below)]
    if limits["max_rows"] is not None and size.last - (header or 0) > limits["max_rows"]:
        filled = sum(1 for number, cells in table if number > (header or 0) and _width(cells))
        if filled > limits["max_rows"]:
            raise Refused("rows", limit=limits["max_rows"], sheet=name)
    return {
        "name": name,
        "rows": size.last,
        "columns": size.width,
        "header_row": header,
        "headers": [] if place is None else [cell.strip() for cell in top[place]],
        "samples": samples,
        "hidden_rows": [],
        "hidden_columns": [],
        "is_hidden": False,
        "notes": [["only_headings", {}]] if header and not samples else [],
    }


def _telling(below: Iterator[list[str]]) -> Iterator[list[str]]:
    """The first rows, and of each column of days one that proves whether the month comes first."""
    top = list(islice(below, _SAMPLES))
    yield from top
    days = {
        index: [found for cells in top if (found := _DAY.match("".join(cells[index : index + 1])))]
        for index in range(max(map(len, top), default=0))
    }
    open_ones = {i for i, found in days.items() if found and not any(map(_is_proof, found))}
    for cells in below if open_ones else ():
        proved = {i for i in open_ones if i < len(cells) and _is_proof(_DAY.match(cells[i]))}
        if proved:
            yield cells
            open_ones -= proved
        if not open_ones:
            return


def _is_proof(day: re.Match[str] | None) -> bool:
    return day is not None and max(int(day[1]), int(day[2])) > 12


def _text_sheet(request: Mapping[str, Any], text: Text) -> dict[str, Any]:
    name = os.path.splitext(os.path.basename(request["filename"]))[0]
    sheet = _sheet(name, text, request["limits"])
    if not sheet["rows"]:
        raise Refused("empty")
    if text.nulls:
        sheet["notes"].append(["nulls", {"count": text.nulls}])
    return sheet


def _sheets(
    workbook: CalamineWorkbook, hidden: guarding.Hidden | None, limits: Mapping[str, Any]
) -> list[dict[str, Any]]:
    found = []
    for about in workbook.sheets_metadata:
        try:
            sheet = _sheet(about.name, Table(workbook, about.name), limits)
        except CalamineError:
            if about.name in (hidden or {}):
                raise
            continue  # a sheet that is a drawing or a macro, not a table
        unseen = (hidden or {}).get(about.name, NOTHING)
        sheet["hidden_rows"] = [row for row in unseen.rows if row <= sheet["rows"]]
        sheet["hidden_columns"] = [each for each in unseen.columns if each < sheet["columns"]]
        if unseen.formulas:
            sheet["notes"].append(["formulas", {"count": unseen.formulas}])
        sheet["is_hidden"] = about.visible != SheetVisibleEnum.Visible
        if hidden is None:
            sheet["notes"].append(["hidden_unknown", {}])
        found.append(sheet)
    if not any(sheet["rows"] for sheet in found):
        raise Refused("empty")
    return found


def _chunks(
    table: Iterable[Row], wanted: Mapping[str, Any], limits: Mapping[str, Any], skip: set[int]
) -> Iterator[tuple[str, list[Row]]]:
    """The wanted rows, a few at a time, once all of them have been held against the limits."""
    width = Measured(table, limits, wanted["sheet"]).width
    first = max(wanted["start"], (wanted["header_row"] or 0) + 1)
    chunk: list[Row] = []
    size = 0
    for number, cells in table:
        if number < first or number in skip or not _width(cells):
            continue
        chunk.append((number, (cells + [""] * (width - len(cells)))[:width]))
        size += sum(map(len, cells))
        if len(chunk) >= _CHUNK_ROWS or size > _CHUNK_CHARACTERS:
            yield "rows", chunk
            chunk, size = [], 0
    if chunk:
        yield "rows", chunk


if __name__ == "__main__":
    main()
