"""Form fields with GOV.UK wording, and what every typed text goes through."""

from __future__ import annotations

import datetime
import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .. import addresses

SHORT_TEXT = 500
LONG_TEXT = 20_000
# Control characters but tab and line feed, and marks that turn the reading direction: they hide
# text from a reader and break spreadsheets, and nobody types them.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def tidy(text: str) -> str:
    """Return a text without characters that nobody types, with plain line ends."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


class TextField(forms.CharField):
    """A text of one line or many. Its limit is said in words, and nothing typed is cut."""

    def __init__(self, *, label: str, limit: int, **kwargs: Any) -> None:
        self.limit = limit
        missing = _("Enter an answer to “%(question)s”") % {"question": label}
        kwargs.setdefault("error_messages", {"required": missing})
        super().__init__(label=label, **kwargs)

    def to_python(self, value: Any) -> str:
        text = tidy(str(value or ""))
        if len(text) > self.limit:
            raise ValidationError(
                _("Your answer must be %(limit)s characters or fewer. It has %(length)s")
                % {"limit": f"{self.limit:,}", "length": f"{len(text):,}"}
            )
        return text


class NumberField(forms.DecimalField):
    """A number as people write it: 1,200 and 1 200 are the same."""

    widget = forms.TextInput

    def __init__(self, *, label: str, **kwargs: Any) -> None:
        wrong = _("The answer to “%(question)s” must be a number, like 12 or 3.5") % {
            "question": label
        }
        messages = {
            "required": _("Enter a number for “%(question)s”") % {"question": label},
            **dict.fromkeys(
                ("invalid", "max_digits", "max_decimal_places", "max_whole_digits"), wrong
            ),
        }
        super().__init__(
            label=label, max_digits=18, decimal_places=4, error_messages=messages, **kwargs
        )
        for validator in self.validators:
            if hasattr(validator, "messages"):
                validator.messages = dict.fromkeys(validator.messages, wrong)
        self.widget.attrs.update({"inputmode": "decimal", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:
        return super().to_python(re.sub(r"[\s,]", "", tidy(str(value or ""))))


class DatePartsWidget(forms.MultiWidget):
    """Day, month and year as three small boxes, which work with any keyboard and reader."""

    parts = ("day", "month", "year")

    def __init__(self) -> None:
        attrs = {"inputmode": "numeric", "autocomplete": "off"}
        super().__init__(widgets={part: forms.TextInput(attrs) for part in self.parts})

    def decompress(self, value: datetime.date | None) -> list[Any]:
        return [value.day, value.month, value.year] if value else [None, None, None]

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_0" if id_ else id_


class DatePartsField(forms.MultiValueField):
    """A date in three parts; a wrong one is refused with what is missing."""

    widget = DatePartsWidget

    def __init__(self, *, label: str, **kwargs: Any) -> None:
        messages = {"required": _("Enter a date for “%(question)s”") % {"question": label}}
        fields = [forms.CharField(required=False) for _part in range(3)]
        super().__init__(
            fields,
            label=label,
            require_all_fields=False,
            error_messages=messages,
            **kwargs,
        )

    def compress(self, parts: list[str]) -> datetime.date | None:
        typed = [tidy(part or "") for part in parts or ["", "", ""]]
        if not any(typed):
            return None
        missing = [
            name
            for name, part in zip((_("a day"), _("a month"), _("a year")), typed, strict=True)
            if not part
        ]
        if missing:
            raise ValidationError(
                _("The date must include %(missing)s") % {"missing": _(" and ").join(missing)}
            )
        try:
            day, month, year = (int(part) for part in typed if part.isascii() and part.isdigit())
            return datetime.date(year, month, day)
        except (ValueError, OverflowError) as error:
            raise ValidationError(_("Enter a real date, like 27 3 2026")) from error


class AddressField(forms.CharField):
    """An email address that mail can be sent to (trust: one person, one address)."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("error_messages", {"required": _("Enter your email address")})
        super().__init__(
            widget=forms.EmailInput(
                attrs={"autocomplete": "email", "spellcheck": "false", "size": 36}
            ),
            **kwargs,
        )

    def to_python(self, value: Any) -> str:
        typed = str(value or "").strip()
        if not typed.strip(addresses.OBSCURE):
            return ""
        try:
            return addresses.clean(typed)
        except addresses.AddressRefused as refused:
            raise ValidationError(str(refused)) from refused
