"""The form in which staff type what somebody wrote or said."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from .entering import Origin
from .fields import DatePartsField, TextField
from .forms import ConsultationForm
from .models import ConsultationResponse

NOTE = 200


class EntryForm(ConsultationForm):
    """The questions and the words of the public form, and how the answer came.

    `language` is that of its words, `opened_on` the first day of the consultation; `asks_why`
    after it has closed.
    """

    def __init__(
        self,
        *args: Any,
        language: str,
        opened_on: datetime.date,
        asks_why: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.language = language
        self.opened_on = opened_on
        for about_machines in ("homepage", "started", "answering"):
            del self.fields[about_machines]
        choose = _("Choose how the answer reached you")
        self.fields["channel"] = forms.ChoiceField(
            label=_("How did it reach you?"),
            choices=ConsultationResponse.Channel.choices,
            widget=forms.RadioSelect,
            error_messages={"required": choose, "invalid_choice": choose},
        )
        self.fields["received_on"] = DatePartsField(label=_("When did it reach you?"))
        missing = _("Enter the day on which the answer reached you")
        self.fields["received_on"].error_messages["required"] = missing
        if asks_why:
            self.fields["note"] = TextField(
                label=_("Why does it count after closing?"),
                limit=NOTE,
                help_text=_("For the audit log, which keeps no names. Name nobody here."),
                error_messages={"required": _("Enter why the answer counts after closing")},
            )
        self.order_fields(["channel", "received_on", "note"])

    def address_is_kept(self) -> str:
        return _("If they gave one. We write to it only after they confirm it by an email of ours.")

    def clean_received_on(self) -> datetime.date:
        day: datetime.date = self.cleaned_data["received_on"]
        if day > timezone.localdate():
            raise forms.ValidationError(_("The day must be today or in the past"))
        if day < self.opened_on:
            raise forms.ValidationError(
                _("The day must be %(day)s or later, for nobody was asked before")
                % {"day": date_format(self.opened_on, "j F Y")}
            )
        return day

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        note = data.get("note", "").casefold()
        name = data.get("name", "").casefold()
        if note and ("@" in note or (name and name in note)):
            self.add_error("note", _("Say why without a name or an address"))
        return data

    @property
    def origin(self) -> Origin:
        """Where the answer comes from, of a valid form."""
        data = self.cleaned_data
        return Origin(data["channel"], data["received_on"], data.get("note", ""))

    def origin_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("channel", "received_on", "note") if name in self.fields]
