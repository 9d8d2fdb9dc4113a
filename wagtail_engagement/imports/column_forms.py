"""The forms about what stands in a sheet: which sheets, how they are read, columns and words."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..participants.models import Interest
from .mapping import LABELS, Field, Mapping
from .scanning import MOST_WORDS, Preview, Words, has_addresses, names_of
from .spreadsheet import Sheet

REPEATABLE = (Field.INTERESTS, Field.PERMISSION, Field.NOTES, Field.IGNORE)
ANSWER = "answer"  # of a field of a form, beside what a column can be
NOT_STORED = gettext_lazy("Not stored")
DATE_ORDERS = [
    ("dmy", gettext_lazy("day first: 01/02/2016 is 1 February")),
    ("mdy", gettext_lazy("month first: 01/02/2016 is 2 January")),
    ("ymd", gettext_lazy("year first: 16/02/01 is 1 February")),
]
DELIMITERS = [
    (",", gettext_lazy("comma ,")),
    (";", gettext_lazy("semicolon ;")),
    ("\t", gettext_lazy("tab")),
    ("|", gettext_lazy("bar |")),
    ("^", gettext_lazy("caret ^")),
]
ENCODINGS = ["utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "utf-16", "mac_roman", "cp850"]


class SheetsForm(forms.Form):
    """Which sheets of a workbook to bring in. Hidden ones, and those without addresses, wait."""

    sheets = forms.MultipleChoiceField(
        label=gettext_lazy("Sheets to bring in"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Tick at least one sheet.")},
    )

    def __init__(self, *args: Any, sheets: list[Sheet], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = sheets
        self.fields["sheets"].choices = [(sheet.name, sheet.name) for sheet in sheets]
        self.initial["sheets"] = [
            sheet.name for sheet in sheets if not sheet.is_hidden and has_addresses(sheet)
        ]

    def rows(self) -> list[tuple[Any, Sheet, bool]]:
        """Each box with its sheet, and whether that seems to hold addresses."""
        boxes = zip(self["sheets"], self.offered, strict=True)
        return [(box, sheet, has_addresses(sheet)) for box, sheet in boxes]


class ReadingForm(forms.Form):
    """How the file is read: where the headings are, and its letters."""

    header_row = forms.TypedChoiceField(
        label=gettext_lazy("Row with the headings"), coerce=int, empty_value=None, required=False
    )
    encoding = forms.ChoiceField(label=gettext_lazy("Letters (encoding)"), required=False)
    delimiter = forms.ChoiceField(
        label=gettext_lazy("Sign between columns"), choices=DELIMITERS, required=False
    )

    def __init__(self, *args: Any, preview: Preview, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reading, book = preview.reading, preview.workbook
        self.initial = {name: getattr(reading, name) for name in self.fields}
        rows = [number for number, _cells in preview.top]
        self.fields["header_row"].choices = [(row, str(row)) for row in rows]
        if book.encoding:
            known = list(dict.fromkeys([book.encoding, *ENCODINGS]))
            self.fields["encoding"].choices = [(name, name) for name in known]
        else:
            del self.fields["encoding"], self.fields["delimiter"]


class ColumnsForm(forms.Form):
    """What each column is, one choice a column."""

    date_order = forms.ChoiceField(label=gettext_lazy("How dates are written"), choices=DATE_ORDERS)
    everyone_out = forms.BooleanField(
        label=gettext_lazy("Everybody on this sheet has left: write to none of them"),
        required=False,
    )

    def __init__(
        self, *args: Any, preview: Preview, guess: Mapping, is_saved: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.preview, self.guess = preview, guess
        self.initial = {"date_order": guess.date_order, "everyone_out": guess.everyone_out}
        names = names_of(preview.headers)
        for index in self.asked():
            self.fields[f"column_{index}"] = forms.ChoiceField(
                label=names[index],
                choices=self.choices(),
                initial=self.proposed(index, is_saved=is_saved),
            )
        if preview.sheet.hidden_rows:
            self.fields["hidden_rows"] = forms.ChoiceField(
                label=hidden_rows_label(preview.sheet.hidden_rows),
                choices=[
                    ("", _("Choose…")),
                    ("skip", _("leave them out")),
                    ("take", _("bring them in too")),
                ],
                error_messages={"required": _("Say what becomes of the hidden rows.")},
            )

    def asked(self) -> range:
        """The columns of which somebody has to say what they are."""
        return range(len(self.preview.headers))

    def choices(self) -> list[tuple[str, Any]]:
        named = [(value.value, LABELS[value]) for value in Field if value != Field.IGNORE]
        return [(Field.IGNORE.value, NOT_STORED), *named]

    def proposed(self, index: int, *, is_saved: bool) -> str:
        """What a column is proposed as: as it was saved, else as it is guessed."""
        found = self.guess.fields.get(index, Field.IGNORE.value)
        # Notes may say more about people than the council may know, so somebody has to choose.
        return found if is_saved or found != Field.NOTES else Field.IGNORE.value

    def columns(self) -> list[tuple[Any, list[str], bool]]:
        """Each column's field, its samples, and whether it is hidden in the sheet."""
        return [
            (
                self[f"column_{index}"],
                [row[index] for row in self.preview.samples[:3] if index < len(row) and row[index]],
                index in self.preview.sheet.hidden_columns,
            )
            for index in self.asked()
        ]

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        used = Counter(value for name, value in told.items() if name.startswith("column_"))
        if not used[Field.EMAIL]:
            self.refuse_nobody(used)
        twice = [value for value in Field if used[value] > 1 and value not in REPEATABLE]
        if twice:
            names = ", ".join(f"“{LABELS[value]}”" for value in twice)
            raise forms.ValidationError(
                _("%(names)s stands for two columns. Choose one of them.") % {"names": names}
            )
        return told

    def refuse_nobody(self, used: Counter[str]) -> None:
        raise forms.ValidationError(_("Say which column holds the email addresses."))

    def mapping(self) -> Mapping:
        """The mapping that was chosen; what yes means is asked next and starts from the guess."""
        told = self.cleaned_data
        chosen = {index: told[f"column_{index}"] for index in self.asked()}
        fields = {i: value for i, value in chosen.items() if value not in (Field.IGNORE, ANSWER)}
        permissions = [i for i, value in fields.items() if value == Field.PERMISSION]
        return Mapping(
            fields=fields,
            polarity=(self.guess.polarity or "in") if permissions else "",
            yes=self.guess.yes,
            date_order=told.get("date_order") or self.guess.date_order,
            opposite=tuple(i for i in self.guess.opposite if i in permissions),
            everyone_out=told["everyone_out"],
        )


class FormColumnsForm(ColumnsForm):
    """What each field of a form of the site is. Its first column is the day, which is known."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["date_order"]

    def asked(self) -> range:
        return range(1, len(self.preview.headers))

    def choices(self) -> list[tuple[str, Any]]:
        named = [choice for choice in super().choices() if choice[0] != Field.DATE]
        return [named[0], (ANSWER, gettext_lazy("An answer")), *named[1:]]

    def proposed(self, index: int, *, is_saved: bool) -> str:
        found = self.guess.fields.get(index, "")
        if is_saved:
            return found or (ANSWER if index in self.guess.answers else Field.IGNORE.value)
        return found if found not in ("", Field.NOTES, Field.DATE) else ANSWER

    def refuse_nobody(self, used: Counter[str]) -> None:
        if not used[ANSWER]:
            told = _("Say which fields are answers, or which holds the email addresses.")
            raise forms.ValidationError(told)

    def mapping(self) -> Mapping:
        """What is chosen; whatever does not say who somebody is stays with the answers too."""
        told = self.cleaned_data
        kept = tuple(i for i in self.asked() if told[f"column_{i}"] != Field.IGNORE)
        found = super().mapping()
        return replace(found, fields={0: str(Field.DATE), **found.fields}, answers=kept)


def hidden_rows_label(rows: list[int]) -> str:
    shown = ", ".join(str(number) for number in rows[:10]) + ("…" if len(rows) > 10 else "")
    text = ngettext(
        "Row %(rows)s is hidden in this sheet", "Rows %(rows)s are hidden in this sheet", len(rows)
    )
    return text % {"rows": shown}


class WordsForm(forms.Form):
    """What yes means in each permission column, and which interest each word is."""

    def __init__(
        self,
        *args: Any,
        words: Words,
        mapping: Mapping,
        headers: list[str],
        known: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.words, self.mapping = words, mapping
        turned, names = {"in": "out", "out": "in"}, names_of(headers)
        for index in words.permissions:
            opposite = index in mapping.opposite
            self.fields[f"polarity_{index}"] = forms.ChoiceField(
                label=_("In “%(column)s”, “yes” means") % {"column": names[index]},
                choices=[("in", _("we may write to them")), ("out", _("do not contact"))],
                initial=turned[mapping.polarity] if opposite else mapping.polarity,
                widget=forms.RadioSelect,
            )
        topics = list(Interest.objects.in_use().values_list("pk", "name"))
        for number, (text, _rows) in enumerate(words.interests[:MOST_WORDS]):
            self.fields[f"word_{number}"] = forms.TypedChoiceField(
                label=text,
                choices=[("", NOT_STORED), *topics],
                initial=known(text) or "",
                coerce=int,
                empty_value=None,
                required=False,
            )

    def permissions(self) -> list[tuple[Any, list[Any]]]:
        return [(self[f"polarity_{i}"], said) for i, said in self.words.permissions.items()]

    def interests(self) -> list[tuple[Any, int]]:
        shown = self.words.interests[:MOST_WORDS]
        return [(self[f"word_{n}"], rows) for n, (_text, rows) in enumerate(shown)]

    @property
    def left_over(self) -> int:
        return max(0, len(self.words.interests) - MOST_WORDS)

    def declared(self) -> dict[str, Any]:
        """The mapping and the meaning of words, as the rule takes them."""
        told = self.cleaned_data
        meant = {i: told[f"polarity_{i}"] for i in self.words.permissions}
        first = meant[min(meant)] if meant else self.mapping.polarity
        opposite = [i for i, polarity in meant.items() if polarity != first]
        mapping = {**self.mapping.to_json(), "polarity": first, "opposite": opposite}
        texts = [text for text, _rows in self.words.interests[:MOST_WORDS]]
        words = {text.casefold(): told[f"word_{n}"] for n, text in enumerate(texts)}
        return {"mapping": mapping, "interest_words": words}
