"""Read an uploaded spreadsheet without trusting it: all work is done by a child process.

`inspect` tells what a file holds; `rows` gives its rows. Both raise SheetRefused, whose message
is one sentence for the person who uploaded the file.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext, gettext_noop


class SheetRefused(ValueError):
    """The file cannot be used as it is; the message says why, and what to do."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one file. Sizes in bytes, `seconds` of waiting; `max_rows` None: no bound."""

    max_bytes: int = 5 * 2**20
    max_unpacked: int = 50 * 2**20
    max_members: int = 10_000
    max_rows: int | None = 100_000
    max_columns: int = 200
    max_cell: int = 32_767
    seconds: int = 20
    memory: int = 500 * 2**20


WEB = Limits()
COMMAND = Limits(max_bytes=2**31, max_unpacked=2**31, max_rows=None, seconds=3600, memory=4 * 2**30)


@dataclass(frozen=True)
class Sheet:
    """One sheet: `rows` is the number of its last row that holds anything, `columns` its width.

    `header_row` counts from 1, blank rows too, and is None where no headings were found;
    `headers` are then empty, else as many as columns, "" for a blank one. `samples` are up to
    five rows below, and rows further down that prove how days are written. `hidden_rows` count from 1, `hidden_columns` from 0. `notes` are sentences.
    """

    name: str
    rows: int
    columns: int
    header_row: int | None
    headers: list[str]
    samples: list[list[str]]
    hidden_rows: list[int]
    hidden_columns: list[int]
    is_hidden: bool
    notes: list[str]

    @property
    def data_rows(self) -> int:
        """How many rows there are below the headings, blank ones among them."""
        return max(0, self.rows - (self.header_row or self.rows))


@dataclass(frozen=True)
class Workbook:
    """A file: `kind` is csv, xlsx, xls or ods; `encoding` and `delimiter` are "" but for csv.

    `encoding_is_certain` is False where the encoding was guessed from the letters.
    """

    kind: str
    encoding: str
    delimiter: str
    sheets: list[Sheet]
    encoding_is_certain: bool


_REFUSALS = {
    "empty": gettext_noop("The file is empty. Choose a file that has rows in it."),
    "large": gettext_noop(
        "The file is larger than %(megabytes)s MB. Split it into smaller files, "
        "or import it from the command line."
    ),
    "unpacked": gettext_noop(
        "The file holds more than can be read here once it is unpacked. "
        "Copy the rows you need into a new workbook, or save them as CSV."
    ),
    "too_much": gettext_noop(
        "Reading the file needs more memory than is allowed. "
        "Copy the rows you need into a new workbook, or save them as CSV."
    ),
    "slow": gettext_noop(
        "Reading the file took too long, so it was stopped. "
        "Copy the rows you need into a new workbook, or save them as CSV."
    ),
    "ending": gettext_noop(
        "The name of the file must end in .csv, .tsv, .txt, .xlsx, .xls or .ods."
    ),
    "mismatch": gettext_noop(
        "The name of the file ends in %(ending)s, but what is in it is of the kind %(kind)s. "
        "Open it in a spreadsheet program and save it again as .xlsx or .csv."
    ),
    "not_a_sheet": gettext_noop(
        "This is not a spreadsheet. Save the list as .xlsx, .xls, .ods or .csv and choose that file."
    ),
    "web_page": gettext_noop(
        "This is a web page or XML, not a spreadsheet. "
        "Open it in a spreadsheet program and save it as .xlsx or .csv."
    ),
    "password": gettext_noop(
        "The file is protected by a password. Save a copy without the password and choose that."
    ),
    "damaged": gettext_noop(
        "The file is damaged. Open it in a spreadsheet program, save it again and choose the new file."
    ),
    "unreadable": gettext_noop(
        "The file could not be read. Open it in a spreadsheet program and save it as .csv."
    ),
    "entities": gettext_noop(
        "The file defines XML entities, which no spreadsheet program writes. "
        "Open it in a spreadsheet program and save it again."
    ),
    "encoding": gettext_noop(
        "The file cannot be read with the encoding %(encoding)s. Choose another encoding."
    ),
    "delimiter": gettext_noop("Choose a delimiter of one character."),
    "open_quote": gettext_noop(
        "A quotation mark that opens in row %(row)s is never closed. Close it and save the file again."
    ),
    "long_cell": gettext_noop(
        "A cell in row %(row)s is longer than a cell may be. Shorten it, or close the quotation "
        "mark that was left open there."
    ),
    "columns": gettext_noop(
        "Row %(row)s has more than %(limit)s columns. Remove the columns you do not need."
    ),
    "rows": gettext_noop(
        "The sheet has more than %(limit)s rows. Split it, or import it from the command line."
    ),
    "no_sheet": gettext_noop("The file has no sheet named “%(sheet)s”."),
}
_NOTES = {
    "hidden_unknown": gettext_noop(
        "This file does not tell which rows and columns are hidden. "
        "Look for hidden ones in a spreadsheet program first."
    ),
    "only_headings": gettext_noop("There are no rows below the headings."),
    "formulas": gettext_noop(
        "Formulas without a result, whose cells are read as empty: %(count)s. Open the file in a "
        "spreadsheet program, save it there and choose the new file."
    ),
    "nulls": gettext_noop("Characters that no text can hold were left out: %(count)s."),
}


def inspect(
    path: str | os.PathLike[str],
    *,
    filename: str,
    limits: Limits = WEB,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Workbook:
    """What a file holds, without keeping any of it. Raises SheetRefused."""
    request = {"filename": filename, "encoding": encoding, "delimiter": delimiter, "rows": None}
    [(_, found)] = _ask(path, request, limits)
    for sheet in found["sheets"]:
        sheet["notes"] = [gettext(_NOTES[word]) % facts for word, facts in sheet["notes"]]
    return Workbook(
        kind=found["kind"],
        encoding=found.get("encoding", ""),
        delimiter=found.get("delimiter", ""),
        sheets=[Sheet(**sheet) for sheet in found["sheets"]],
        encoding_is_certain=found.get("encoding_is_certain", True),
    )


def rows(  # noqa: PLR0913  what was chosen about one file, all by name
    path: str | os.PathLike[str],
    *,
    filename: str,
    sheet: str,
    header_row: int | None,
    limits: Limits = WEB,
    encoding: str | None = None,
    delimiter: str | None = None,
    skip_hidden_rows: bool = False,
    start: int = 1,
) -> Iterator[tuple[int, list[str]]]:
    """The rows below the headings that hold anything, with their numbers from 1.

    Each is as long as the sheet is wide. `start` leaves out rows above that number. A text
    file has one sheet, whatever its name. Memory stays flat for text files. Raises
    SheetRefused, before the first row unless the file breaks half-way.
    """
    wanted = {
        "sheet": sheet,
        "header_row": header_row,
        "skip_hidden_rows": skip_hidden_rows,
        "start": start,
    }
    request = {"filename": filename, "encoding": encoding, "delimiter": delimiter, "rows": wanted}
    for _, chunk in _ask(path, request, limits):
        yield from ((number, cells) for number, cells in chunk)


def _ask(
    path: str | os.PathLike[str], request: Mapping[str, Any], limits: Limits
) -> Iterator[tuple[str, Any]]:
    """Put a request to a child process and give its answers, until it is done."""
    request = {**request, "path": os.path.abspath(path), "limits": asdict(limits)}
    with _Child(limits.seconds) as child:
        child.tell(json.dumps(request))
        while (message := child.hear())[0] != "done":
            if message[0] == "refused":
                raise SheetRefused(_sentence(message[1], message[2]))
            yield message[0], message[1]


def _sentence(why: str, facts: dict[str, Any]) -> str:
    if why == "large":
        facts = {"megabytes": facts["limit"] // 2**20}
    return gettext(_REFUSALS[why]) % facts


class _Child:
    """A process that reads one file. Waiting for it is bounded; work on its answers is not."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def __enter__(self) -> _Child:
        self.process = subprocess.Popen(  # noqa: S603  our own module, no word of the file
            [_python(), "-m", "wagtail_engagement.imports.reading"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            text=True,
            encoding="utf-8",
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe and not pipe.closed:
                pipe.close()
        self.process.wait()

    def tell(self, line: str) -> None:
        assert self.process.stdin  # noqa: S101  opened above
        try:
            self.process.stdin.write(line)
            self.process.stdin.close()
        except BrokenPipeError:
            raise SheetRefused(_sentence("unreadable", {})) from None

    def hear(self) -> list[Any]:
        """The next answer. Raises SheetRefused when the process is late, or died."""
        assert self.process.stdout  # noqa: S101  opened above
        began = time.monotonic()
        timer = threading.Timer(max(self.left, 0), self.process.kill)
        timer.start()
        try:
            line = self.process.stdout.readline()
        finally:
            timer.cancel()
            self.left -= time.monotonic() - began
        if line.endswith("\n"):
            answer: list[Any] = json.loads(line)
            return answer
        raise SheetRefused(_sentence(self._why_it_died(), {}))

    def _why_it_died(self) -> str:
        code = self.process.wait()
        if self.left <= 0 or code == -signal.SIGXCPU:
            return "slow"
        # A reader that is refused memory aborts; the system kills what takes too much of it.
        return "too_much" if code in (-signal.SIGABRT, -signal.SIGKILL) else "unreadable"


def _python() -> str:
    """The interpreter; under some web servers sys.executable is the server."""
    if Path(sys.executable).name.startswith("python"):
        return sys.executable
    return str(Path(sys.prefix) / "bin" / "python3")


def _environment() -> dict[str, str]:
    """What the child needs to start, and none of the site's secrets."""
    kept = {
        name: os.environ[name] for name in ("LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ
    }
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return {**kept, "PYTHONPATH": path, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
