"""The forms of the import wizard about what is not in a sheet, and that of the comparison of lists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..consent.models import LawfulBasis
from ..consultations.bringing import of_form
from ..participants.models import Interest, Participant
from . import comparing
from .fields import DayInput, SheetsField
from .mapping import Field, Mapping
from .models import ImportBatch


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


class FormOriginForm(OriginForm):
    """What is declared about a form of the site: about its answers, and about its people."""

    title = forms.CharField(
        label=gettext_lazy("Title among the responses"),
        max_length=255,
        help_text=gettext_lazy("The answers are listed, read and exported under it."),
        error_messages={"required": gettext_lazy("Enter a title for the answers.")},
    )
    is_sensitive = forms.BooleanField(
        label=gettext_lazy("These answers are sensitive"),
        required=False,
        help_text=gettext_lazy(
            "Then only those who may see who took part in sensitive consultations can read them,"
            " and nobody is given an interest for having answered."
        ),
    )
    field_order = ("title", "is_sensitive", "source", "collected_from", "collected_to", "everyone")

    def __init__(self, *args: Any, batch: ImportBatch, **kwargs: Any) -> None:
        super().__init__(*args, batch=batch, **kwargs)
        self.fields["source"].label = _("Where does this form come from?")
        self.fields["collected_from"].label = _("Open from")
        self.fields["collected_from"].help_text = _(
            "The day of the first submission, unless you know better."
        )
        self.fields["collected_to"].label = _("Open until")
        self.fields["everyone"].label = _("What it was about; everyone here is interested in")
        mapping = Mapping.from_json(batch.mapping)
        if not mapping.columns(Field.EMAIL):
            for name in ("basis", "words", "kind"):
                del self.fields[name]
        elif asks := [batch.headers[index] for index in mapping.columns(Field.PERMISSION)]:
            told = _("Today the form asks: %(words)s") % {
                "words": ", ".join(f"“{a}”" for a in asks)
            }
            self.fields["words"].help_text = f"{self.fields['words'].help_text} {told}"
        for name in ("title", "is_sensitive"):
            self.initial[name] = getattr(batch, name)
            if not mapping.answers:
                del self.fields[name]
        known = of_form(batch.form_page)
        if known and known.is_sensitive and mapping.answers:
            self.initial["is_sensitive"] = self.fields["is_sensitive"].disabled = True


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
        help_text=gettext_lazy(
            "Two to twenty, each sheet of a workbook counted. They are read once and not kept."
        ),
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
