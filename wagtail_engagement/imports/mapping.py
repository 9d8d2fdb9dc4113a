"""Which column of a sheet is which, and what its yes means: made by a guess, corrected by a person.

Kept as JSON with a batch, and read from the file that `engagement_import --mapping` names.
"""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import headings

POLARITIES = ("", "in", "out")
DATE_ORDERS = ("dmy", "mdy", "ymd")


class Field(StrEnum):
    """What a column can be stored as."""

    EMAIL = "email"
    NAME = "name"
    GIVEN_NAME = "given_name"
    FAMILY_NAME = "family_name"
    POSTCODE = "postcode"
    AREA = "area"
    INTERESTS = "interests"
    PERMISSION = "permission"
    DATE = "date"
    KIND = "kind"
    ORGANISATION = "organisation"
    NOTES = "notes"
    IGNORE = "ignore"


LABELS = {
    Field.EMAIL: gettext_lazy("Email address"),
    Field.NAME: gettext_lazy("Name"),
    Field.GIVEN_NAME: gettext_lazy("First name"),
    Field.FAMILY_NAME: gettext_lazy("Last name"),
    Field.POSTCODE: gettext_lazy("Postcode"),
    Field.AREA: gettext_lazy("Area or ward"),
    Field.INTERESTS: gettext_lazy("Interests"),
    Field.PERMISSION: gettext_lazy("Permission to write"),
    Field.DATE: gettext_lazy("Date of collection"),
    Field.KIND: gettext_lazy("Person or organisation"),
    Field.ORGANISATION: gettext_lazy("Name of organisation"),
    Field.NOTES: gettext_lazy("Note about the person"),
    Field.IGNORE: gettext_lazy("Do not store"),
}


class MappingRefused(ValueError):
    """The matching of columns cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Mapping:
    """Which column is which: `fields` by index, counted from 0; others are not stored.

    `polarity` is what yes means in the permission columns: "in", may be written to; "out", opted
    out; "" where there are none. It is the other way round in the columns named in `opposite`.
    `everyone_out` marks a file that holds none but people who left, whatever its cells say.
    `answers` are the columns of a form of the site that are kept as answers; they can be fields too.
    """

    fields: dict[int, str]
    polarity: str = ""
    yes: tuple[str, ...] = ()
    date_order: str = "dmy"
    opposite: tuple[int, ...] = ()
    everyone_out: bool = False
    answers: tuple[int, ...] = ()

    def columns(self, *wanted: str) -> list[int]:
        """Return the indices of the columns that are one of these fields, from left to right."""
        return sorted(index for index, value in self.fields.items() if value in wanted)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads, with columns by index."""
        return {
            "fields": {str(index): str(value) for index, value in sorted(self.fields.items())},
            "polarity": self.polarity,
            "yes": list(self.yes),
            "date_order": self.date_order,
            "opposite": list(self.opposite),
            "everyone_out": self.everyone_out,
            "answers": list(self.answers),
        }

    @classmethod
    def from_json(cls, data: Any, headers: Sequence[str] = ()) -> Mapping:
        """Return the mapping that a file or form describes, by headings or by indices.

        A heading that stands above several columns means all of them. Raises MappingRefused.
        """
        if not isinstance(data, Dictionary) or not isinstance(data.get("fields"), Dictionary):
            raise MappingRefused(
                _(
                    'Name the columns like this: {"fields": {"E-mail": "email", "Surname": "family_name"}}'
                )
            )
        fields: dict[int, str] = {}
        for key, value in data["fields"].items():
            if value not in list(Field):
                raise MappingRefused(
                    _("“%(value)s” is not something a column can be. Choose one of: %(choices)s")
                    % {"value": value, "choices": ", ".join(Field)}
                )
            if value != Field.IGNORE:
                fields.update(dict.fromkeys(_indices(key, headers), str(value)))
        return cls(
            fields=fields,
            polarity=_polarity(data, fields, headers),
            yes=tuple(str(word) for word in _listed(data, "yes")),
            date_order=_one_of(data.get("date_order") or "dmy", DATE_ORDERS, "date_order"),
            opposite=tuple(i for key in _listed(data, "opposite") for i in _indices(key, headers)),
            everyone_out=data.get("everyone_out") is True,
            answers=tuple(i for key in _listed(data, "answers") for i in _indices(key, headers)),
        )


def _listed(data: Dictionary[str, Any], key: str) -> list[Any]:
    value = data.get(key) or []
    if not isinstance(value, (list, tuple)):
        raise MappingRefused(_("Give “%(key)s” as a list") % {"key": key})
    return list(value)


def _one_of(value: Any, choices: Sequence[str], key: str) -> str:
    if value not in choices:
        shown = ", ".join(choice for choice in choices if choice)
        raise MappingRefused(
            _("Choose “%(key)s” from: %(choices)s") % {"key": key, "choices": shown}
        )
    return str(value)


def _indices(key: Any, headers: Sequence[str]) -> list[int]:
    named = [index for index, header in enumerate(headers) if _same(header, str(key))]
    if named:
        return named
    text = str(key)
    if not (text.isascii() and text.isdigit()) or (headers and int(text) >= len(headers)):
        raise MappingRefused(
            _("There is no column “%(column)s” in this sheet. Its columns are: %(columns)s")
            % {"column": text, "columns": ", ".join(filter(None, headers))}
        )
    return [int(text)]


def _same(one: str, other: str) -> bool:
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())


def _polarity(data: Dictionary[str, Any], fields: dict[int, str], headers: Sequence[str]) -> str:
    """Return what yes means: as it is said, else as the headings say it; never by default."""
    said = _one_of(data.get("polarity") or "", POLARITIES, "polarity")
    columns = [index for index, value in fields.items() if value == Field.PERMISSION]
    if said or not columns:
        return said if columns else ""
    told = {headings.polarity(headers[index]) if headers else "" for index in columns}
    if len(told) != 1 or told == {""}:
        raise MappingRefused(
            _(
                "Say what yes means in the permission column: "
                "“polarity” is “in” (may be written to) or “out” (opted out)"
            )
        )
    return told.pop()
