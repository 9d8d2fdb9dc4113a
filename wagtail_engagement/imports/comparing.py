"""How several sheets overlap with each other and with the register, before anything is stored.

Addresses are counted by hashes that end with the comparison; only counts come out of it.
"""

from __future__ import annotations

import datetime
import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice

from django.utils.translation import gettext as _

from .. import addresses
from ..consent.models import Suppression
from ..participants.models import Participant
from .columns import Row, read_row
from .mapping import Field, Mapping
from .scanning import Preview, Reading, preview, sheets_with_addresses
from .spreadsheet import SheetRefused

FEWEST, MOST = 2, 20  # sheets at once
STALE_AFTER = datetime.timedelta(days=730)
ASKED_AT_ONCE = 500  # addresses that are looked up in the register in one statement


@dataclass(frozen=True)
class ListCount:
    """What one sheet holds: counts of addresses.

    `rows`, `no_address`, `refused` (text that is no address) and `undated` (no readable day) are
    counts of rows.
    """

    name: str
    column: str
    rows: int
    addresses: int
    repeated: int  # rows that name an address of this sheet once more
    no_address: int
    refused: int
    here_only: int
    registered: int
    opted_out: int
    stale: int
    undated: int


@dataclass(frozen=True)
class Comparison:
    """Counts of addresses over all sheets; `on_lists` says how many are on 1, 2, 3 … of them.

    Nobody can tell how old the `undated` ones are: no sheet has a readable day beside them.
    """

    lists: list[ListCount]
    overlaps: list[list[int]]
    on_lists: dict[int, int]
    addresses: int
    registered: int
    opted_out: int
    stale: int
    undated: int
    left_out: dict[str, str]  # why a sheet of a workbook is not compared, by its name

    @property
    def on_several(self) -> int:
        return self.addresses - self.on_lists.get(1, 0)


@dataclass
class _Known:
    """What is known of the addresses, by their hashes: on which sheets, and what is said there."""

    salt: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    sheets: dict[bytes, int] = field(default_factory=dict)  # bit i: on sheet i
    newest: dict[bytes, datetime.date] = field(default_factory=dict)
    out: set[bytes] = field(default_factory=set)
    registered: set[bytes] = field(default_factory=set)

    def mark(self, address_key: str) -> bytes:
        return hashlib.blake2b(address_key.encode(), digest_size=10, salt=self.salt).digest()


@dataclass(frozen=True)
class Sheet:
    """One uploaded sheet; `column` names the heading above its addresses where a guess errs."""

    reading: Reading
    column: str = ""


def compare(sheets: Sequence[Sheet], *, at: datetime.datetime) -> Comparison:
    """Count how the sheets overlap, each of a workbook by itself.

    Stores nothing. Raises SheetRefused, naming the file.
    """
    known = _Known()
    found, left_out = _one_by_one(sheets)
    read = [_read(sheet, index, known) for index, sheet in enumerate(found)]
    stale_before = (at - STALE_AFTER).date()
    stale = {mark for mark, day in known.newest.items() if day < stale_before}
    combinations = Counter(known.sheets.values())
    return Comparison(
        lists=[_counted(each, index, known, stale) for index, each in enumerate(read)],
        overlaps=[
            [_on_all(combinations, 1 << one | 1 << other) for other in range(len(read))]
            for one in range(len(read))
        ],
        on_lists=dict(sorted(_by_number(combinations).items())),
        addresses=len(known.sheets),
        registered=len(known.registered),
        opted_out=len(known.out),
        stale=len(stale),
        undated=len(known.sheets) - len(known.newest),
        left_out=left_out,
    )


def _one_by_one(sheets: Sequence[Sheet]) -> tuple[list[Sheet], dict[str, str]]:
    found: list[Sheet] = []
    left_out: dict[str, str] = {}
    for sheet in sheets:
        with _naming(sheet):
            parts, others = sheets_with_addresses(sheet.reading)
        found += [replace(sheet, reading=part) for part in parts]
        left_out |= {f"{sheet.reading.filename}: {name}": why for name, why in others.items()}
    if len(found) > MOST:
        text = _("These files hold %(number)s sheets. Compare at most %(most)s at once.")
        raise SheetRefused(text % {"number": len(found), "most": MOST})
    return found, left_out


@contextmanager
def _naming(sheet: Sheet) -> Iterator[None]:
    """Let a refusal say of which file it speaks."""
    try:
        yield
    except SheetRefused as refused:
        told = {"file": sheet.reading.filename, "why": refused}
        raise SheetRefused(_("%(file)s: %(why)s") % told) from refused


@dataclass
class _Read:
    name: str
    column: str
    rows: int = 0
    repeated: int = 0
    no_address: int = 0
    refused: int = 0
    undated: int = 0


def _read(sheet: Sheet, index: int, known: _Known) -> _Read:
    with _naming(sheet):
        return _read_rows(sheet, index, known)


def _read_rows(sheet: Sheet, index: int, known: _Known) -> _Read:
    seen = preview(sheet.reading)
    mapping = _mapping(sheet, seen)
    column = seen.headers[mapping.columns(Field.EMAIL)[0]]
    read = _Read(name=_name(seen), column=column)
    rows = (read_row(cells, mapping, seen.headers) for _number, cells in seen.reading.rows())
    data = (row for row in rows if not (row.is_header or row.is_footer))
    while batch := list(islice(data, ASKED_AT_ONCE)):
        read.rows += len(batch)
        read.refused += sum(bool(row.error) for row in batch)
        read.undated += sum(not row.date for row in batch)
        read.no_address += sum(not row.error and not row.email for row in batch)
        read.repeated += _note([row for row in batch if row.email], index, known)
    return read


def _name(seen: Preview) -> str:
    if len(seen.workbook.sheets) == 1:
        return seen.reading.filename
    return f"{seen.reading.filename}: {seen.sheet.name}"


def _mapping(sheet: Sheet, seen: Preview) -> Mapping:
    """The guess, with the column of addresses that was named."""
    guess = seen.guess
    wanted = sheet.column.strip().casefold()
    named = [i for i, text in enumerate(seen.headers) if text.strip().casefold() == wanted]
    if not wanted or not named:
        if guess.columns(Field.EMAIL):
            return guess
        raise SheetRefused(
            _("No column of email addresses was found. Write the heading above them: %(headings)s")
            % {"headings": ", ".join(filter(None, seen.headers))}
        )
    others = {i: value for i, value in guess.fields.items() if value != Field.EMAIL}
    data = {**guess.to_json(), "fields": {**others, named[0]: Field.EMAIL.value}}
    return Mapping.from_json(data)


def _note(rows: Iterable[Row], index: int, known: _Known) -> int:
    """Note the addresses of some rows; return how many of them were on this sheet before."""
    bit, repeated = 1 << index, 0
    fresh: dict[bytes, str] = {}
    for row in rows:
        key = addresses.key(row.email)
        mark = known.mark(key)
        before = known.sheets.get(mark, 0)
        repeated += bool(before & bit)
        if not before:
            fresh[mark] = key
        known.sheets[mark] = before | bit
        if row.permission == "out":
            known.out.add(mark)
        if row.date:
            known.newest[mark] = max(row.date, known.newest.get(mark, row.date))
    _look_up(fresh, known)
    return repeated


def _look_up(fresh: dict[bytes, str], known: _Known) -> None:
    """Note which addresses are in the register, and which have said no to us."""
    there = set(
        Participant.objects.filter(address_key__in=fresh.values()).values_list(
            "address_key", flat=True
        )
    )
    stopped = _stopped(fresh.values())
    for mark, key in fresh.items():
        if key in there:
            known.registered.add(mark)
        if key in stopped:
            known.out.add(mark)


def _stopped(keys: Iterable[str]) -> set[str]:
    """The addresses on the do-not-contact list, under whichever key they were hashed."""
    marks = {mark: key for key in keys for mark in addresses.fingerprints(key)}
    rows = Suppression.objects.filter(fingerprint__in=list(marks))
    return {marks[mark] for mark in rows.values_list("fingerprint", flat=True)}


def _counted(read: _Read, index: int, known: _Known, stale: set[bytes]) -> ListCount:
    bit = 1 << index
    here = {mark for mark, sheets in known.sheets.items() if sheets & bit}
    return ListCount(
        name=read.name,
        column=read.column,
        rows=read.rows,
        addresses=len(here),
        repeated=read.repeated,
        no_address=read.no_address,
        refused=read.refused,
        here_only=sum(known.sheets[mark] == bit for mark in here),
        registered=len(here & known.registered),
        opted_out=len(here & known.out),
        stale=len(here & stale),
        undated=read.undated,
    )


def _on_all(combinations: Counter[int], bits: int) -> int:
    return sum(number for sheets, number in combinations.items() if sheets & bits == bits)


def _by_number(combinations: Counter[int]) -> Counter[int]:
    found: Counter[int] = Counter()
    for sheets, number in combinations.items():
        found[sheets.bit_count()] += number
    return found


def measures(found: Comparison) -> dict[str, list[int]]:
    """Return each count with its name, for one sheet after the other."""
    lists = found.lists
    return {
        _("Rows"): [each.rows for each in lists],
        _("Rows without a readable day"): [each.undated for each in lists],
        _("Rows without an address"): [each.no_address for each in lists],
        _("Rows whose address cannot be read"): [each.refused for each in lists],
        _("Rows that repeat an address of the sheet"): [each.repeated for each in lists],
        _("Different addresses"): [each.addresses for each in lists],
        _("On no other sheet"): [each.here_only for each in lists],
        _("In the register"): [each.registered for each in lists],
        _("Said no somewhere"): [each.opted_out for each in lists],
        _("Last seen over 24 months ago"): [each.stale for each in lists],
    }


def table(found: Comparison) -> Iterator[list[object]]:
    """Yield the counts as rows of a file, the first of which is the heading. No addresses."""
    names = [each.name for each in found.lists]
    counts = measures(found)
    yield [_("Sheet"), *counts, *(_("Also on %(sheet)s") % {"sheet": name} for name in names)]
    for name, numbers, shared in zip(
        names, zip(*counts.values(), strict=True), found.overlaps, strict=True
    ):
        yield [name, *numbers, *shared]
