"""Small forms of the pages behind links: a pause, a name, a new address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import addresses
from . import renewing
from .models import Participant

LONGEST_NAME = 200


class PauseForm(forms.Form):
    """For how many months to send no invitations."""

    use_required_attribute = False

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="id-pause-%s", label_suffix="")
        choose = _("Choose for how long to pause")
        self.fields["months"] = forms.TypedChoiceField(
            label=_("Pause invitations for"),
            coerce=int,
            choices=[(number, _months(number)) for number in renewing.MONTHS],
            widget=forms.RadioSelect,
            error_messages={"required": choose, "invalid_choice": choose},
        )


def _months(number: int) -> str:
    return ngettext("%(number)s month", "%(number)s months", number) % {"number": number}


class NameField(forms.CharField):
    """A name without characters that nobody sees."""

    def to_python(self, value: Any) -> str:
        return "".join(char for char in str(value or "") if char.isprintable()).strip()


class NameForm(forms.Form):
    """A person's name as it should be."""

    use_required_attribute = False

    def __init__(self, data: Any = None, *, person: Participant) -> None:
        super().__init__(data, auto_id="id-%s", label_suffix="")
        self.fields["name"] = NameField(
            label=_("Your name"),
            help_text=_("Leave it empty if you want us to keep none."),
            required=False,
            initial=person.name,
            widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
        )
        self.fields["name"].engagement_kind = "name"

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if len(name) > LONGEST_NAME:
            told = _("Your name must be %(limit)s characters or fewer")
            raise forms.ValidationError(told % {"limit": LONGEST_NAME})
        return name


class NewAddressForm(forms.Form):
    """The address that we should write to."""

    use_required_attribute = False

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="id-%s", label_suffix="")
        self.fields["email"] = forms.CharField(
            label=_("New email address"),
            help_text=_("We send an email there, with a button to press."),
            widget=forms.EmailInput(
                attrs={"autocomplete": "email", "spellcheck": "false", "size": 36}
            ),
            error_messages={
                "required": _("Enter your new email address"),
                "null_characters_not_allowed": _(
                    "Enter an email address without hidden characters"
                ),
            },
        )
        self.fields["email"].engagement_kind = "email"

    def clean_email(self) -> str:
        try:
            return addresses.clean(self.cleaned_data["email"])
        except addresses.AddressRefused as refused:
            raise forms.ValidationError(str(refused)) from refused
