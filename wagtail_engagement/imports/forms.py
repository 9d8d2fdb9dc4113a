"""The forms of the import wizard and of the comparison of lists."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..consent.models import LawfulBasis
from ..participants.models import Interest, Participant
from . import comparing
from .fields import DayInput, SheetsField
from .mapping import LABELS, Field, Mapping
from .models import ImportBatch
from .scanning import MOST_WORDS, Preview, Words, has_addresses, names_of
from .spreadsheet import Sheet

REPEATABLE = (Field.INTERESTS, Field.PERMISSION, Field.NOTES, Field.IGNORE)
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


class UploadForm(forms.Form):
    sheets = SheetsField(
        label=gettext_lazy("Sheets"),
        help_text=gettext_lazy(
            "CSV, Excel (XLSX or XLS) or ODS. Nothing is stored in the register yet."
        ),
        error_messages={
            "required": gettext_lazy("Choose at least one file."),
            "empty": gettext_lazy("This file is empty. Choose another one."),
        },
    )


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
        # Notes may say more about people than the council may know, so somebody has to choose.
        chosen = {i: value for i, value in guess.fields.items() if is_saved or value != Field.NOTES}
        self.initial = {"date_order": guess.date_order, "everyone_out": guess.everyone_out}
        choices = [(value.value, LABELS[value]) for value in Field if value != Field.IGNORE]
        for index, heading in enumerate(names_of(preview.headers)):
            self.fields[f"column_{index}"] = forms.ChoiceField(
                label=heading,
                choices=[(Field.IGNORE.value, NOT_STORED), *choices],
                initial=chosen.get(index, Field.IGNORE.value),
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

    def columns(self) -> list[tuple[Any, list[str], bool]]:
        """Each column's field, its samples, and whether it is hidden in the sheet."""
        return [
            (
                self[f"column_{index}"],
                [row[index] for row in self.preview.samples[:3] if index < len(row) and row[index]],
                index in self.preview.sheet.hidden_columns,
            )
            for index in range(len(self.preview.headers))
        ]

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        used = Counter(value for name, value in told.items() if name.startswith("column_"))
        if not used[Field.EMAIL]:
            raise forms.ValidationError(_("Say which column holds the email addresses."))
        twice = [value for value in Field if used[value] > 1 and value not in REPEATABLE]
        if twice:
            names = ", ".join(f"“{LABELS[value]}”" for value in twice)
            raise forms.ValidationError(
                _("%(names)s stands for two columns. Choose one of them.") % {"names": names}
            )
        return told

    def mapping(self) -> Mapping:
        """The mapping that was chosen; what yes means is asked next and starts from the guess."""
        told = self.cleaned_data
        fields = {
            index: told[f"column_{index}"]
            for index in range(len(self.preview.headers))
            if told[f"column_{index}"] != Field.IGNORE
        }
        permissions = [i for i, value in fields.items() if value == Field.PERMISSION]
        return Mapping(
            fields=fields,
            polarity=(self.guess.polarity or "in") if permissions else "",
            yes=self.guess.yes,
            date_order=told["date_order"],
            opposite=tuple(i for i in self.guess.opposite if i in permissions),
            everyone_out=told["everyone_out"],
        )


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


class OriginForm(forms.Form):
    """What is declared about the whole sheet."""

    source = forms.CharField(
        label=gettext_lazy("Where does this sheet come from?"),
        max_length=200,
        help_text=gettext_lazy("For example: Residents panel, Parks team. People may ask us this."),
        error_messages={"required": gettext_lazy("Say where the sheet comes from.")},
    )
    collected_from = forms.DateField(
        label=gettext_lazy("Collected from"),
        required=False,
        widget=DayInput,
        help_text=gettext_lazy("The earliest day, if you know it."),
        error_messages={"invalid": gettext_lazy("Write the day like 2025-06-14.")},
    )
    collected_to = forms.DateField(
        label=gettext_lazy("Collected until"),
        required=False,
        widget=DayInput,
        error_messages={"invalid": gettext_lazy("Write the day like 2025-06-14.")},
    )
    basis = forms.ChoiceField(
        label=gettext_lazy("Why may the council keep these addresses (lawful basis)?"),
        choices=LawfulBasis.choices,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a lawful basis.")},
    )
    words = forms.CharField(
        label=gettext_lazy("The words that people were shown"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "Word for word, from the form or the sign-up sheet. Leave it empty if nobody knows: "
            "then nobody is written to on the strength of this sheet."
        ),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Who is on it?"),
        choices=Participant.Kind.choices,
        widget=forms.RadioSelect,
    )
    everyone = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Everyone here is interested in"),
        queryset=Interest.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(
        self, *args: Any, batch: ImportBatch, before: ImportBatch | None = None, **kwargs: Any
    ) -> None:
        """`before` is the sheet whose words are proposed; its days are its own."""
        super().__init__(*args, **kwargs)
        self.fields["everyone"].queryset = Interest.objects.in_use()
        told = before or batch
        self.initial = {name: getattr(told, name) for name in ("source", "basis", "words", "kind")}
        self.initial["everyone"] = [topic.pk for topic in told.everyone.all()]
        for name in ("collected_from", "collected_to"):
            self.initial[name] = getattr(batch, name)

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        first, last = told.get("collected_from"), told.get("collected_to")
        if first and last and first > last:
            self.add_error("collected_to", _("Choose a day on or after the first day."))
        return told

    def declared(self) -> dict[str, Any]:
        told = self.cleaned_data
        return {**told, "everyone": [topic.pk for topic in told["everyone"]]}


class ParkForm(forms.Form):
    waits_for = forms.CharField(
        label=gettext_lazy("What is it waiting for?"),
        max_length=200,
        help_text=gettext_lazy("For example: evidence from Parks of what people were told."),
        error_messages={"required": gettext_lazy("Say what the sheet is waiting for.")},
    )


class StartForm(forms.Form):
    attested = forms.BooleanField(
        error_messages={"required": gettext_lazy("Tick the box if what is said above is true.")}
    )


class DecideForm(forms.Form):
    """In, out, or left out, for one row that nobody but a person can read."""

    decision = forms.ChoiceField(choices=[("in", "in"), ("out", "out"), ("leave", "leave")])


class CompareForm(forms.Form):
    sheets = SheetsField(
        label=gettext_lazy("Sheets"),
        fewest=comparing.FEWEST,
        help_text=gettext_lazy("Two to twenty. They are read once and not kept."),
        error_messages={
            "required": gettext_lazy("Choose at least two files."),
            "empty": gettext_lazy("One of these files is empty. Choose the others only."),
        },
    )
    column = forms.CharField(
        label=gettext_lazy("Heading of the column with addresses"),
        required=False,
        max_length=200,
        help_text=gettext_lazy(
            "Leave it empty at first. If another column was read than you meant, write its heading here."
        ),
    )


class BringForm(forms.Form):
    page: Any = forms.ModelChoiceField(
        label=gettext_lazy("Form"),
        queryset=None,
        error_messages={"required": gettext_lazy("Choose a form.")},
    )

    def __init__(self, *args: Any, pages: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["page"].queryset = pages
