"""What the fields of a form page ask, as questions; and what was filled in, as the text of a cell.

A field can have changed while a form was in use: its type, its choices, its label, or it is gone.
So a question is of the kind of its field only where everything that was filled in fits that kind.
"""

from __future__ import annotations

import datetime
import decimal
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from ..consultations.fields import tidy
from ..consultations.questions import CHOICE_KINDS

# More different answers than this are no options.
MOST_OPTIONS = 200
LABEL_LENGTH = 500
YES, NO = "yes", "no"

_TICK = "checkbox"
_MANY = ("checkboxes", "multiselect")
_ONE = ("dropdown", "radio")
_MOMENT = "datetime"
_WHOLE, _PLACES = decimal.Decimal(10) ** 14, 4


class FormChanged(ValueError):
    """What was filled in does not fit the questions any more."""


def text(value: Any, field_type: str = "") -> str:
    """Return what was filled in as a cell shows it; several answers have a line each."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, (list, tuple)):
        return "\n".join(filter(None, (" ".join(text(each).split()) for each in value)))
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {text(each)}" for key, each in value.items())
    if field_type == _MOMENT and (moment := parse_datetime(str(value))):
        return when(moment)[:16]
    return tidy(str(value))


def when(moment: datetime.datetime) -> str:
    """Return a moment in the site's own time, whoever looks: its day is the day that people saw."""
    if timezone.is_aware(moment):
        moment = timezone.localtime(moment, timezone.get_default_timezone())
    return moment.isoformat(sep=" ")


class Seen:
    """What stands in one field of all submissions of a form."""

    def __init__(self, field_type: str) -> None:
        self.field_type = field_type
        self.are_ticks = self.are_numbers = self.are_days = True
        self.has_lists = self.has_lines = False
        self.filled = 0
        self.texts: dict[str, None] = {}

    def add(self, value: Any) -> None:
        said = text(value, self.field_type)
        if not said:
            return
        self.filled += 1
        self.are_ticks = self.are_ticks and isinstance(value, bool)
        self.has_lists = self.has_lists or isinstance(value, (list, tuple))
        self.has_lines = self.has_lines or "\n" in said
        if self.field_type == "number":
            self.are_numbers = self.are_numbers and _number(said) is not None
        elif self.field_type == "date":
            self.are_days = self.are_days and _day(said) is not None
        if len(self.texts) <= MOST_OPTIONS:
            self.texts[said] = None

    @property
    def kind(self) -> str:
        """Return which kind of question everything that was filled in fits."""
        is_choice = self.field_type in (*_MANY, *_ONE, _TICK) or (self.filled and self.are_ticks)
        if is_choice and len(self.texts) <= MOST_OPTIONS:
            return "multiple" if self.has_lists or self.field_type in _MANY else "single"
        if self.field_type == "number" and self.are_numbers:
            return "number"
        if self.field_type == "date" and self.are_days:
            return "date"
        return "long_text" if self.field_type == "multiline" or self.has_lines else "text"


def field(
    name: str, label: str, *, form: str, seen: Seen, choices: Sequence[str] = ()
) -> dict[str, Any]:
    """Return a field as it is kept: its name and label, the question, and the key of each option.

    `form` names the form, so that the question has the same key whenever that is brought in.
    """
    asked = " ".join(tidy(label).split())[:LABEL_LENGTH] or name
    question: dict[str, Any] = {
        "key": str(uuid.uuid5(uuid.NAMESPACE_OID, f"form page {form}: {name}")),
        "kind": seen.kind,
        "label": asked,
        "hint": "",
        "required": False,
    }
    keys: dict[str, str] = {}
    if question["kind"] in CHOICE_KINDS:
        for said in _options(seen, choices):
            keys[said] = hashlib.sha256(said.encode()).hexdigest()[:10]
        labels = {YES: _("Yes"), NO: _("No")} if seen.are_ticks else {}
        question["options"] = [
            {"key": key, "label": labels.get(said, said)} for said, key in keys.items()
        ]
    return {"name": name, "type": seen.field_type, "question": question, "keys": keys}


def _options(seen: Seen, choices: Sequence[str]) -> list[str]:
    """What can be chosen today, then what else was chosen; each once."""
    ticks = [YES, NO] if seen.field_type == _TICK or (seen.filled and seen.are_ticks) else []
    said = list(seen.texts)
    if seen.kind == "multiple":
        said = [line for each in said for line in each.split("\n")]
    offered = [text([choice]) if seen.kind == "multiple" else text(choice) for choice in choices]
    return list(dict.fromkeys(filter(None, [*ticks, *offered, *said])))


def answer(kept: Mapping[str, Any], cell: str) -> Any:
    """Return what a cell answers to a kept field, None for nothing. Raises FormChanged."""
    kind, keys = kept["question"]["kind"], kept["keys"]
    if not cell:
        return None
    try:
        if kind == "multiple":
            return [keys[line] for line in dict.fromkeys(cell.split("\n"))]
        if kind == "single":
            return keys[cell]
    except KeyError as unknown:
        raise FormChanged from unknown
    found: Any = {"number": _number, "date": _day}.get(kind, str)(cell)
    if found is None:
        raise FormChanged
    return found


def _number(said: str) -> decimal.Decimal | None:
    """Return the number that a text is, if an answer can hold it as it is."""
    try:
        found = decimal.Decimal(said)
    except decimal.InvalidOperation:
        return None
    if not found.is_finite() or abs(found) >= _WHOLE:
        return None
    return found + 0 if found == round(found, _PLACES) else None


def _day(said: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(said)
    except ValueError:
        return None
