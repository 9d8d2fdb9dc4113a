"""Look into a sheet before it is imported: its first rows, and what its words would mean."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from .. import conf
from ..participants.models import Interest
from . import cells, columns, headings, spreadsheet, submissions
from .mapping import Field, Mapping
from .models import ImportBatch

SAMPLES = 3
TOP_ROWS = 12  # in which somebody looks for the headings
MOST_WORDS = 100  # that somebody goes through one by one


def limits() -> spreadsheet.Limits:
    """Return the bounds of a sheet that was uploaded."""
    return replace(spreadsheet.WEB, max_bytes=conf.import_bytes(), max_rows=conf.import_rows())


@dataclass(frozen=True)
class Reading:
    """How a file is read: what somebody chose, or what was found."""

    path: Path
    filename: str
    sheet: str = ""
    header_row: int | None = None
    encoding: str = ""
    delimiter: str = ""
    skip_hidden_rows: bool = False
    form: ImportBatch | None = None  # of a form of the site, which has no file

    def rows(self, *, from_the_top: bool = False) -> Iterator[tuple[int, list[str]]]:
        """Yield row numbers and cells below the headings. Raises SheetRefused."""
        if self.form is not None:
            return submissions.rows(self.form)
        return spreadsheet.rows(
            self.path,
            filename=self.filename,
            sheet=self.sheet,
            header_row=None if from_the_top else self.header_row,
            limits=limits(),
            encoding=self.encoding or None,
            delimiter=self.delimiter or None,
            skip_hidden_rows=self.skip_hidden_rows and not from_the_top,
        )


@contextmanager
def for_a_moment(files: Iterable[Any]) -> Iterator[list[Reading]]:
    """Hand out uploaded files as they lie in a folder that goes with the block."""
    with tempfile.TemporaryDirectory(prefix="sheets-") as folder:
        readings = []
        for number, file in enumerate(files):
            path = Path(folder) / str(number)
            with path.open("wb") as copy:
                for chunk in file.chunks():
                    copy.write(chunk)
            readings.append(Reading(path=path, filename=file.name))
        yield readings


def look(reading: Reading) -> spreadsheet.Workbook:
    """Return what a file holds. Raises SheetRefused with a sentence."""
    if reading.form is not None:
        return submissions.workbook(reading.form)
    return spreadsheet.inspect(
        reading.path,
        filename=reading.filename,
        limits=limits(),
        encoding=reading.encoding or None,
        delimiter=reading.delimiter or None,
    )


def why_left_out(sheet: spreadsheet.Sheet) -> str:
    """Say why a sheet cannot be brought in, "" of one that can."""
    if not sheet.rows:
        return _("empty")
    if not sheet.headers:
        return _("no row of headings was found")
    return "" if sheet.data_rows else _("no rows below the headings")


def usable(workbook: spreadsheet.Workbook) -> list[spreadsheet.Sheet]:
    """Return the sheets that hold rows below headings, hidden ones too."""
    return [sheet for sheet in workbook.sheets if not why_left_out(sheet)]


def has_addresses(sheet: spreadsheet.Sheet) -> bool:
    """Whether a column of a sheet seems to hold email addresses."""
    guessed = columns.guess(sheet.headers, sheet.samples, sheet.hidden_columns)
    return bool(guessed.columns(Field.EMAIL))


def sheets_with_addresses(reading: Reading) -> tuple[list[Reading], dict[str, str]]:
    """Return one reading for each visible sheet of a file that has addresses, else the file's own.

    Beside them, why each other sheet is left out. Raises SheetRefused with a sentence.
    """
    book = look(reading)
    found = [sheet for sheet in usable(book) if not sheet.is_hidden]
    named = [replace(reading, sheet=sheet.name) for sheet in found if has_addresses(sheet)]
    if not named:
        return [reading], {}
    taken = {each.sheet for each in named}
    others = [sheet for sheet in book.sheets if sheet.name not in taken]
    return named, {sheet.name: why_not_compared(sheet) for sheet in others}


def why_not_compared(sheet: spreadsheet.Sheet) -> str:
    """Say why a sheet beside others is not looked at."""
    if sheet.is_hidden:
        return _("hidden")
    return why_left_out(sheet) or _("no column of email addresses was found")


@dataclass(frozen=True)
class Preview:
    """What is shown of a file before anything is stored."""

    reading: Reading
    workbook: spreadsheet.Workbook
    sheet: spreadsheet.Sheet
    headers: list[str]
    samples: list[list[str]]
    top: list[tuple[int, list[str]]]

    @property
    def lines(self) -> list[tuple[int, str]]:
        """The first rows as they are shown to find the headings."""
        return [(number, " | ".join(filter(None, cells))) for number, cells in self.top]

    @property
    def guess(self) -> Mapping:
        name = f"{self.sheet.name} {self.reading.filename}"
        return columns.guess(self.headers, self.samples, self.sheet.hidden_columns, sheet=name)


def preview(reading: Reading) -> Preview:
    """Return the first rows of a sheet: the one that was chosen, else the likeliest.

    Raises SheetRefused with a sentence.
    """
    workbook = look(reading)
    sheet = _chosen(workbook.sheets, reading.sheet)
    found = replace(
        reading,
        sheet=sheet.name,
        header_row=reading.header_row or sheet.header_row,
        encoding=workbook.encoding,
        delimiter=workbook.delimiter,
    )
    headers, samples = sheet.headers, sheet.samples
    top = list(islice(found.rows(from_the_top=True), TOP_ROWS))
    if found.header_row != sheet.header_row:
        headers = next((row for number, row in top if number == found.header_row), [])
        samples = list(islice((row for _number, row in found.rows()), SAMPLES))
    if not headers:
        raise spreadsheet.SheetRefused(
            _("No row of headings was found. Put names above the columns, and upload it again.")
        )
    return Preview(found, workbook, sheet, headers, samples, top)


def _chosen(sheets: list[spreadsheet.Sheet], name: str) -> spreadsheet.Sheet:
    """Return the sheet of that name, else the first with addresses, else the first."""
    for sheet in sheets:
        if sheet.name == name:
            return sheet
    filled = [sheet for sheet in sheets if not sheet.is_hidden and sheet.headers]
    named = (sheet for sheet in filled if has_addresses(sheet))
    return next(named, (filled or sheets)[0])


def names_of(headers: list[str]) -> list[str]:
    """Return the headings so that each can be told from the others, also where two are alike."""
    counts = Counter(headers)
    return [
        heading
        if heading and counts[heading] == 1
        else _("%(heading)s (column %(number)s)") % {"heading": heading, "number": number}
        for number, heading in enumerate(headers, start=1)
    ]


@dataclass(frozen=True)
class Said:
    """A text that stands in some cells of a column of permissions, and how it is read."""

    text: str
    rows: int
    means: str  # "in", "out", "unknown" or "unclear"


@dataclass(frozen=True)
class Words:
    """All that the columns of permissions and interests say, most frequent first."""

    permissions: dict[int, list[Said]]
    interests: list[tuple[str, int]]

    @property
    def are_any(self) -> bool:
        return bool(self.permissions or self.interests)


def words(reading: Reading, mapping: Mapping, headers: list[str]) -> Words:
    """Return what the cells of permission and interest columns say, from the whole sheet.

    Columns of permissions that are empty throughout are left out.
    """
    permissions: dict[int, Counter[str]] = {i: Counter() for i in mapping.columns(Field.PERMISSION)}
    topics = mapping.columns(Field.INTERESTS)
    if not permissions and not topics:
        return Words({}, [])
    known = vocabulary()
    interests: Counter[str] = Counter()
    spelt: dict[str, str] = {}
    for _number, row in reading.rows():
        for index, said in permissions.items():
            said[row[index].strip() if index < len(row) else ""] += 1
        found = [piece for i in topics if i < len(row) for piece in cells.pieces(row[i], known)]
        for piece in found:
            interests[spelt.setdefault(piece.casefold(), piece)] += 1
    return Words(
        {
            i: _read(said, i, mapping, headers)
            for i, said in permissions.items()
            if set(said) - {""}
        },
        interests.most_common(),
    )


def _read(said: Counter[str], index: int, mapping: Mapping, headers: list[str]) -> list[Said]:
    turned = {"in": "out", "out": "in"}
    polarity = turned.get(mapping.polarity, "") if index in mapping.opposite else mapping.polarity
    left_a_list = index < len(headers) and headings.left_a_list(headers[index])
    return [
        Said(
            text,
            rows,
            cells.permission(text, polarity=polarity, yes=mapping.yes, left_a_list=left_a_list)
            or "unknown",
        )
        for text, rows in said.most_common(MOST_WORDS)
    ]


def vocabulary() -> Callable[[str], int | None]:
    """Return what finds an interest of this site by its name, whatever the case and the spaces."""
    rows = Interest.objects.in_use().values_list("name", "pk")
    known = {_folded(name): pk for name, pk in rows}
    return lambda text: known.get(_folded(text))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


_SMALL = frozenset("and the for und och".split())


def suggestions(chosen: dict[str, int | None]) -> Callable[[str], int | None]:
    """Return what proposes an interest for a word: as it was chosen before, else by its name.

    A name that shares a word is proposed only where there is no other ("Parks" for "Parks and
    green spaces"). A person looks at each proposal.
    """
    known = vocabulary()
    names = dict(Interest.objects.in_use().values_list("pk", "name"))
    stems = {pk: _stems(name) for pk, name in names.items()}

    def propose(text: str) -> int | None:
        if text.casefold() in chosen:
            return chosen[text.casefold()]
        near = [pk for pk, words in stems.items() if words & _stems(text)]
        return known(text) or (near[0] if len(near) == 1 else None)

    return propose


def _stems(text: str) -> frozenset[str]:
    words = re.findall(r"\w{3,}", text.casefold())
    return frozenset(re.sub("(ies|y|s)$", "", word) for word in words) - _SMALL
