"""Areas and postcodes from the council's own file, and the area of a postcode. Nothing is asked
of any other computer.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from django.db import transaction
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from .models import Participant
from .places import Area, Postcode

AT_ONCE = 2_000
MOST_SHOWN = 100
LONGEST_NAME = 120
_POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9O])([A-Z]{2})")
# What headings of a column may be, of which the first that a file has is taken. The last forms
# are those of the Office for National Statistics, with a year in them.
_HEADINGS = {
    "postcode": ["postcode", "postcodes", "pcds", "pcd", "pcd2", r"pcd\d?"],
    "area": ["area", "areaname", "ward", "wardname", r"wd\d\dnm", "parish", "parishname"]
    + ["division", "neighbourhood", "locality", r"par\d\dnm", "name"],
    "code": ["areacode", "wardcode", r"wd\d\dcd", "parishcode", r"par\d\dcd", "gsscode", "code"],
}


class FileRefused(ValueError):
    """The file cannot be used; the message says what to do."""


@dataclass(frozen=True)
class BadRow:
    """A row that was left out. `number` counts from 1, with the headings."""

    number: int
    value: str
    reason: str


@dataclass
class Loaded:
    """What a file brought. Of the rows that were left out, the first 100 are told one by one."""

    areas: int = 0
    postcodes: int = 0
    left_out: int = 0
    shown: list[BadRow] = field(default_factory=list)

    def leave_out(self, number: int, value: str, reason: str) -> None:
        self.left_out += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(BadRow(number, value[:60], reason))


@dataclass(frozen=True)
class _Row:
    number: int
    postcode: str
    area: str
    code: str


def plain(postcode: str) -> str:
    """Return a UK postcode in capitals without spaces, whatever its spelling; "" if it is none."""
    text = "".join(sign for sign in postcode.upper() if sign.isalnum())
    found = _POSTCODE.fullmatch(text)
    return f"{found[1]}{found[2].replace('O', '0')}{found[3]}" if found else ""


def area_of(postcode: str) -> str:
    """Return the name of the area that a postcode lies in, "" if we do not know it."""
    rows = Postcode.objects.filter(code=plain(postcode)).values_list("area__name", flat=True)
    return rows.first() or ""


def names() -> list[str]:
    """The areas of the council, by name; none where no file was loaded."""
    return list(Area.objects.order_by("name").values_list("name", flat=True))


def move_in(*, participant_id: int, area: str) -> None:
    """Note the area that a person says they live in; "" changes nothing."""
    if area:
        Participant.objects.filter(pk=participant_id).update(area=area)


@transaction.atomic
def load(file: BinaryIO) -> Loaded:
    """Take areas and postcodes from a CSV file; all of it, or on an error nothing.

    A postcode that is there already gets the area of the file; what the file does not name stays.
    Raises FileRefused. 100,000 postcodes take about two seconds, in constant memory.
    """
    found = Loaded()
    rows = _read(file, found)
    known = {name.casefold(): pk for name, pk in Area.objects.values_list("name", "pk")}
    while chunk := list(islice(rows, AT_ONCE)):
        _keep_areas(chunk, known, found)
        places = {row.postcode: known[row.area.casefold()] for row in chunk if row.postcode}
        Postcode.objects.bulk_create(
            [Postcode(code=code, area_id=area_id) for code, area_id in places.items()],
            update_conflicts=True,
            unique_fields=["code"],
            update_fields=["area"],
        )
        found.postcodes += len(places)
    return found


def _keep_areas(rows: list[_Row], known: dict[str, int], found: Loaded) -> None:
    """Add the areas of some rows that are new, and note their codes."""
    fresh = {row.area.casefold(): row for row in rows if row.area.casefold() not in known}
    for key, row in fresh.items():
        known[key] = Area.objects.create(name=row.area, code=row.code).pk
        found.areas += 1
    codes = {known[row.area.casefold()]: row.code for row in rows if row.code}
    for area in Area.objects.filter(pk__in=codes):
        if area.code != codes[area.pk]:
            area.code = codes[area.pk]
            area.save(update_fields=["code", "loaded_at"])


# Reading


def _read(file: BinaryIO, found: Loaded) -> Iterator[_Row]:
    text = io.TextIOWrapper(file, encoding=_encoding(file), newline="")
    try:
        lines = csv.reader(text, dialect=_dialect(text))
        columns = _columns(next(lines, []))
        for number, cells in enumerate(lines, start=2):
            row = _row(number, cells, columns, found)
            if row:
                yield row
    except (csv.Error, UnicodeDecodeError) as error:
        raise FileRefused(_("This file is not a table. Save the sheet as CSV.")) from error
    finally:
        text.detach()


def _row(number: int, cells: list[str], columns: dict[str, int], found: Loaded) -> _Row | None:
    def cell(name: str) -> str:
        at = columns.get(name, len(cells))
        return " ".join(cells[at].split()) if at < len(cells) else ""

    typed, area, code = cell("postcode"), cell("area"), cell("code")
    if not typed and not area:
        return None
    if not area:
        found.leave_out(number, typed, _("It names no area."))
    elif len(area) > LONGEST_NAME or len(code) > 20:
        found.leave_out(number, area, _("The name or the code of the area is too long."))
    elif "postcode" in columns and typed and not plain(typed):
        found.leave_out(number, typed, _("This is not a UK postcode."))
    else:
        return _Row(number, plain(typed), area, code)
    return None


def _columns(headings: list[str]) -> dict[str, int]:
    """Guess which column is which. Raises FileRefused."""
    bare = [re.sub(r"[^a-z0-9]", "", heading.lower()) for heading in headings]
    found = {}
    for name, forms in _HEADINGS.items():
        matches = (at for form in forms for at, text in enumerate(bare) if re.fullmatch(form, text))
        at = next(matches, None)
        if at is not None:
            found[name] = at
    if "area" not in found:
        listed = get_text_list([heading[:30] for heading in headings[:10]], _("and"))
        told = _(
            "No column is known to hold areas. Name it “Ward” or “Area”. Columns found: %(list)s"
        )
        raise FileRefused(told % {"list": listed or _("none")})
    return found


def _encoding(file: BinaryIO) -> str:
    """UTF-8 where the whole file is that, else what Excel writes in Britain."""
    reader = io.TextIOWrapper(file, encoding="utf-8-sig")
    try:
        start = reader.read(4096)
        if "\0" in start:
            raise FileRefused(_("This file is not a table. Save the sheet as CSV."))
        while reader.read(2**16):
            pass
        return "utf-8-sig"
    except UnicodeDecodeError:
        return "cp1252"
    finally:
        reader.detach()
        file.seek(0)


def _dialect(text: io.TextIOWrapper) -> type[csv.Dialect]:
    head = text.readline(10_000)
    text.seek(0)
    mark = max(",;\t|", key=head.count)

    class Found(csv.excel):
        delimiter = mark

    return Found
