"""Guess what each column of a sheet is, and turn the cells of a row into values.

Columns that match nothing are not stored. A guess is shown to a person, who corrects it; so it
may miss a column, but never takes a telephone or a birthday for something else.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from django.utils import timezone
from django.utils.translation import gettext as _

from . import cells as cell
from . import headings
from .cells import Vocabulary, pieces
from .mapping import LABELS, Field, Mapping, MappingRefused

__all__ = [
    "LABELS",
    "Field",
    "Mapping",
    "MappingRefused",
    "Row",
    "guess",
    "pieces",
    "read_row",
    "who_says_no",
]

NAME_LENGTH = 200
AREA_LENGTH = 120
_FOOTER = re.compile(
    r"(grand |sub)?-?\s*totals?\b|end of|count\s*[:=]|page \d+|\d+ (rows|records|contacts|people)\b|"
    r"printed\b|exported\b|generated\b|summe\b|totalt\b|cyfanswm\b|\*{3}|-{3}|={3}",
    re.IGNORECASE,
)


Cells = list[tuple[int, str]]
Values = dict[str, Cells]


def guess(
    headers: Sequence[str],
    samples: Sequence[Sequence[str]],
    hidden_columns: Collection[int] = (),
    *,
    sheet: str = "",
) -> Mapping:
    """Return the likely meaning of each column, from its heading and the first rows below.

    Hidden columns are never matched, but for one that says who opted out. `sheet` is the name of
    the sheet or file: people on one called "Unsubscribed" or "Do not contact" are out.
    """
    shown = {i: text for i, text in enumerate(headers) if _counts(i, text, hidden_columns)}
    below = {
        i: [row[i].strip() for row in samples if i < len(row) and row[i].strip()] for i in shown
    }
    fields: dict[int, str] = {}
    email = _email_column(shown, below)
    if email is not None:
        fields[email] = str(Field.EMAIL)
    # Of two columns that say the same, the one with more below it: forms add empty ones.
    for index in sorted(shown, key=lambda index: -len(below[index])):
        value = _field(shown[index], below[index])
        repeats = value in (Field.PERMISSION, Field.INTERESTS)
        if value and index != email and (repeats or value not in fields.values()):
            fields[index] = str(value)
    day = _date_column({i: shown[i] for i in shown if i not in fields and _may_be_days(below[i])})
    if day is not None:
        fields[day] = str(Field.DATE)
    _settle_names(fields, shown)
    meant = {
        i: headings.polarity(shown[i]) or "in" for i in fields if fields[i] == Field.PERMISSION
    }
    polarity = meant[min(meant)] if meant else ""
    leavers = any(headings.is_leavers_time(text) for text in headers)
    return Mapping(
        fields=dict(sorted(fields.items())),
        polarity=polarity,
        date_order=cell.order_of(below[day]) if day is not None else "dmy",
        opposite=tuple(sorted(i for i in meant if meant[i] != polarity)),
        everyone_out=leavers or headings.are_leavers(sheet),
    )


def _counts(index: int, heading: str, hidden_columns: Collection[int]) -> bool:
    return index not in hidden_columns or headings.polarity(heading) == "out"


def _field(heading: str, below: Collection[str]) -> str:
    """Return the field that a heading names, addresses and dates apart, or ""."""
    if headings.is_interests(heading):
        return Field.INTERESTS
    if headings.polarity(heading):
        return Field.PERMISSION
    if headings.is_private(heading):
        return ""
    if headings.plain(heading).endswith("status") and cell.are_states(below):
        return Field.PERMISSION
    if headings.is_kind(heading):
        return Field.KIND
    found = headings.exact(heading)
    return "" if found == Field.EMAIL else found


def _email_column(shown: dict[int, str], below: dict[int, list[str]]) -> int | None:
    """Return the column of addresses: by its heading, and by what stands below it."""
    found = []
    for index, text in shown.items():
        filled = below[index]
        holds = bool(filled) and sum("@" in each for each in filled) * 2 >= len(filled)
        named = 2 * (headings.exact(text) == Field.EMAIL) or 1 * headings.mentions_email(text)
        if headings.polarity(text) and not holds:
            named = 0
        if holds or named == 2 or (named and not filled):
            if not headings.is_private(text):
                found.append((holds and named > 0, named, holds, -index))
    return -max(found)[3] if found else None


def _date_column(shown: dict[int, str]) -> int | None:
    """Return the column with the day that says most about permission."""
    ranks = {
        index: rank
        for index, text in shown.items()
        if not headings.is_private(text) and (rank := headings.date_rank(text)) is not None
    }
    return min(ranks, key=lambda index: (ranks[index], index)) if ranks else None


def _may_be_days(below: Collection[str]) -> bool:
    """Return whether the cells can be dates: one has figures, or nothing is known of them."""
    return not below or any(re.search(r"\d\D*\d", text) for text in below)


def _settle_names(fields: dict[int, str], shown: dict[int, str]) -> None:
    """Keep a name in parts or whole, not both; beside a surname, "Name" is the given name."""
    where = {value: index for index, value in fields.items()}
    whole, given, family = (
        where.get(part) for part in (Field.NAME, Field.GIVEN_NAME, Field.FAMILY_NAME)
    )
    if whole is None or (given is None and family is None):
        return
    if given is not None and family is not None:
        del fields[whole]
    elif re.search("full|complet|vollst|llawn", headings.plain(shown[whole])):
        del fields[next(part for part in (given, family) if part is not None)]
    else:
        fields[whole] = str(Field.FAMILY_NAME if family is None else Field.GIVEN_NAME)


@dataclass(frozen=True)
class Row:
    """What one row of a sheet says.

    `error` is the sentence that refuses the row, "" for a row without an address; `warnings` are
    sentences about cells that were left out. `permission` is "in", "out", "unknown" (nothing
    said, or doubt) or "unclear" (a person has to read it).
    """

    email: str
    email_raw: str
    error: str = ""
    error_column: int | None = None
    name: str = ""
    postcode: str = ""
    area: str = ""
    interests: list[str] = field(default_factory=list)
    permission: str = "unknown"
    date: datetime.date | None = None
    kind: str = "person"
    organisation: str = ""
    notes: str = ""
    warnings: list[str] = field(default_factory=list)
    is_header: bool = False
    is_footer: bool = False


def read_row(
    cells: Sequence[str],
    mapping: Mapping,
    headers: Sequence[str],
    *,
    vocabulary: Vocabulary | None = None,
    today: datetime.date | None = None,
) -> Row:
    """Return what a row says; columns that are not mapped are not looked at.

    `vocabulary` keeps known interests whole (see `cells.pieces`); days after `today` (default:
    the day in the site's time zone) are left out with a warning.
    """
    values: Values = {}
    for index in sorted(mapping.fields):
        if index < len(cells) and cells[index].strip():
            values.setdefault(mapping.fields[index], []).append((index, cells[index]))
    column, raw = next(iter(values.get(Field.EMAIL, [])), (None, ""))
    is_header = _is_header(cells, headers, column)
    is_footer = _is_footer(cells)
    email, error = ("", "") if is_header or is_footer else cell.address(raw)
    warnings: list[str] = []
    kind, name, organisation = _who(values, warnings)
    return Row(
        email=email,
        email_raw=cell.storable(raw),
        error=error,
        error_column=column if error else None,
        name=name,
        postcode=_postcode(values.get(Field.POSTCODE, []), warnings),
        area=_cut(_joined(values, Field.AREA), AREA_LENGTH, warnings),
        interests=_interests(values.get(Field.INTERESTS, []), vocabulary),
        permission=_permission(values.get(Field.PERMISSION, []), mapping, headers),
        date=_date(
            values.get(Field.DATE, []), mapping.date_order, today or timezone.localdate(), warnings
        ),
        kind=kind,
        organisation=organisation,
        notes="\n".join(cell.storable(text) for _i, text in values.get(Field.NOTES, [])),
        warnings=warnings,
        is_header=is_header,
        is_footer=is_footer,
    )


def who_says_no(
    rows: Iterable[tuple[int, Sequence[str]]], mapping: Mapping, headers: Sequence[str]
) -> set[str]:
    """Return the addresses of whom rows say no; much quicker than to read the rows."""
    asked = mapping.columns(Field.PERMISSION)
    told = replace(mapping, fields={i: mapping.fields[i] for i in mapping.columns(Field.EMAIL)})
    is_no: dict[tuple[str, ...], bool] = {}
    found = set()
    for _number, cells in rows:
        words = tuple(cells[i].strip() if i < len(cells) else "" for i in asked)
        if words not in is_no:
            filled = [(i, word) for i, word in zip(asked, words, strict=True) if word]
            is_no[words] = _permission(filled, mapping, headers) == "out"
        if is_no[words]:
            found.add(read_row(cells, told, headers).email)
    return found - {""}


def _is_header(cells: Sequence[str], headers: Sequence[str], email: int | None) -> bool:
    if email is not None and "@" in cells[email]:
        return False
    filled = [i for i, text in enumerate(cells) if text.strip()]
    same = [i for i in filled if i < len(headers) and _folded(cells[i]) == _folded(headers[i])]
    return email in same or (len(same) >= 2 and len(same) * 2 >= len(filled))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _is_footer(cells: Sequence[str]) -> bool:
    filled = [text.strip() for text in cells if text.strip()]
    if not 0 < len(filled) <= 2 or any("@" in text for text in filled):
        return False
    return bool(_FOOTER.match(filled[0]))


def _who(values: Values, warnings: list[str]) -> tuple[str, str, str]:
    """Return the kind, the name to keep and the name of the organisation."""
    organisation = _joined(values, Field.ORGANISATION)
    said = " ".join(text for _i, text in values.get(Field.KIND, []))
    parts = values.get(Field.NAME, []) or values.get(Field.GIVEN_NAME, []) + values.get(
        Field.FAMILY_NAME, []
    )
    written = " ".join(text for _i, text in parts)
    is_organisation = cell.is_organisation(said) if said else bool(organisation and not written)
    if is_organisation:
        name = organisation or cell.tidy(written)
    else:
        name = cell.person_name(written)
    name = _cut(name, NAME_LENGTH, warnings)
    return ("organisation" if is_organisation else "person"), name, organisation


def _joined(values: Values, wanted: Field) -> str:
    return cell.tidy(" ".join(text for _i, text in values.get(wanted, [])))


def _cut(text: str, length: int, warnings: list[str]) -> str:
    if len(text) > length:
        warnings.append(
            _("The name or area is longer than %(length)s characters. Its end was left out")
            % {"length": length}
        )
    return text[:length]


def _postcode(found: Cells, warnings: list[str]) -> str:
    for _index, text in found:
        if cell.is_blank(text):
            continue
        if code := cell.postcode(text):
            return code
        warnings.append(_("The postcode is not a UK postcode like BN1 1AA. It was left out"))
        break
    return ""


def _interests(found: Cells, vocabulary: Vocabulary | None) -> list[str]:
    every = (piece for _index, text in found for piece in pieces(text, vocabulary))
    return list({piece.casefold(): piece for piece in every}.values())


def _permission(found: Cells, mapping: Mapping, headers: Sequence[str]) -> str:
    """Return the strictest thing that the permission columns say."""
    if mapping.everyone_out:
        return "out"
    turned = {"in": "out", "out": "in"}
    said = {
        cell.permission(
            text,
            polarity=turned[mapping.polarity] if i in mapping.opposite else mapping.polarity,
            yes=mapping.yes,
            left_a_list=i < len(headers) and headings.left_a_list(headers[i]),
        )
        for i, text in found
    }
    return next((word for word in ("out", "unclear", "unknown", "in") if word in said), "unknown")


def _date(
    found: Cells, order: str, today: datetime.date, warnings: list[str]
) -> datetime.date | None:
    """Return the earliest day given: the clock of old sheets runs from the day of collection."""
    days = []
    for _index, text in found:
        if cell.is_blank(text):
            continue
        day = cell.date(text, order=order)
        if day is None:
            warnings.append(_("The date cannot be read or does not exist. It was left out"))
        elif day > today:
            warnings.append(_("The date is in the future. It was left out"))
        else:
            days.append(day)
    return min(days, default=None)
